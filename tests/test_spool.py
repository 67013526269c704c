"""Lines that outlive their process, in files that tell whether it lives."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from notion_manager.spool import Left, Spool
from tests.scarce import full_disk, no_descriptors


@pytest.fixture(name="stem")
def _stem(tmp_path: Path) -> Path:
    return tmp_path / "lines-"


@pytest.fixture(name="spool")
def _spool(stem: Path) -> Iterator[Spool]:
    with closing(Spool.begun(stem)) as spool:
        yield spool


def test_lines_are_appended_all_or_none(spool: Spool) -> None:
    spool.append(b"one")
    with full_disk(8), pytest.raises(OSError, match="No space"):
        spool.append(b"two", b"three")
    assert spool.lines() == [b"one"]
    spool.append(b"four", b"five")
    assert spool.lines() == [b"one", b"four", b"five"]


def test_what_cannot_be_begun_leaves_nothing_behind(
    stem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with no_descriptors(), pytest.raises(OSError, match="Too many"):
        Spool.begun(stem)

    def unsupported(_file: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", unsupported)
    with pytest.raises(OSError, match="lock"):
        Spool.begun(stem)
    assert list(stem.parent.iterdir()) == []


@pytest.mark.parametrize("scarce", [no_descriptors, full_disk])
def test_it_is_written_anew_or_stays_as_it_was(
    spool: Spool, stem: Path, scarce: Callable[[], AbstractContextManager[None]]
) -> None:
    spool.append(b"one", b"two")
    with scarce(), pytest.raises(OSError, match=r"No space|Too many|too large"):
        spool.rewrite(b"three")
    assert spool.lines() == [b"one", b"two"]
    spool.rewrite(b"two")
    spool.append(b"three")
    assert spool.lines() == [b"two", b"three"]
    (path,) = stem.parent.iterdir()
    assert path.read_bytes() == b"\ntwo\nthree"
    assert path.stat().st_mode & 0o077 == 0


def test_what_a_kill_left_half_written_is_no_spool(spool: Spool, stem: Path) -> None:
    half = stem.with_name(f"new-{spool.name}")
    half.write_bytes(b"\none\ntw")
    assert list(Left.found(stem, spool.name)) == []
    spool.rewrite(b"three")
    assert spool.lines() == [b"three"]
    half.write_bytes(b"\none\ntw")
    spool.discard()
    assert list(stem.parent.iterdir()) == []


@pytest.mark.parametrize("end", [Spool.discard, Spool.rewrite])
def test_what_was_found_before_it_was_done_with_is_nobodys(
    stem: Path, end: Callable[[Spool], None]
) -> None:
    with closing(Spool.begun(stem)) as spool:
        spool.append(b"one")
        (found,) = Left.found(stem)
        assert not found.adopt()
        end(spool)
    with closing(found):
        assert not found.adopt()


def test_what_cannot_be_opened_is_passed_over(stem: Path, spool: Spool) -> None:
    stem.with_name("lines-").mkdir()
    stem.with_name("lines-~").mkdir()
    spool.append(b"one")
    (found,) = Left.found(stem)
    with closing(found):
        assert (found.name, found.adopt(), found.lines()) == (spool.name, False, [b"one"])
