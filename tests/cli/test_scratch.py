"""What a demo that was killed leaves behind, and what may be taken for it."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from notion_manager.cli.scratch import MARK, PREFIX, scratch
from notion_manager.spool import Spool


@pytest.fixture(name="tmp", autouse=True)
def _tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def killed(path: Path, mode: int = 0o700) -> Path:
    """As a process leaves it that had no time to clear up."""
    path.mkdir(mode)
    path.chmod(mode)
    Spool.begun(path / MARK).close()
    (path / "demo").mkdir()
    (path / "demo" / "state.db").touch()
    return path


def names(tmp: Path) -> set[str]:
    return {path.name for path in tmp.iterdir()}


def test_it_is_there_for_as_long_as_it_is_needed(tmp: Path) -> None:
    with scratch() as made:
        assert made.parent == tmp
        assert made.stat().st_mode & 0o777 == 0o700
        (made / "demo").mkdir()
    assert names(tmp) == set()


def test_what_a_kill_left_is_removed_by_the_next(tmp: Path) -> None:
    killed(tmp / f"{PREFIX}old")
    with scratch() as made:
        assert names(tmp) == {made.name}


def test_what_others_use_or_made_is_left_alone(tmp: Path) -> None:
    elsewhere = killed(tmp / "elsewhere")
    killed(tmp / f"{PREFIX}open-to-others", 0o770)
    (tmp / f"{PREFIX}link").symlink_to(elsewhere)
    (tmp / f"{PREFIX}notes").mkdir(0o700)
    (tmp / f"{PREFIX}notes" / "mine").touch()
    (tmp / f"{PREFIX}file").touch()
    before = names(tmp)
    with ExitStack() as running:
        demos = [running.enter_context(scratch()).name for _ in range(2)]
        assert names(tmp) == before | set(demos)
    assert names(tmp) == before
    assert (elsewhere / "demo" / "state.db").exists()
    assert (tmp / f"{PREFIX}notes" / "mine").exists()
