"""The file of what may be forgotten: nothing fails for it."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from notion_manager.notes import FILE, VERSION, Notes
from tests.scarce import full_disk

KEEP = "INSERT INTO standings VALUES (?, 0, '')"
COUNT = "SELECT count(*) FROM standings"


def spools(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith("notes-")]


def kill(notes: Notes) -> None:
    """As far as files tell."""
    notes._leave()


def kept(notes: Notes) -> object:
    rows = notes.rows(COUNT)
    return rows[0][0] if rows else None


def test_what_was_written_is_there_for_the_next_process(tmp_path: Path) -> None:
    killed = Notes(tmp_path / FILE)
    killed.write((KEEP, [("a",), ("b",)]))
    fresh = Notes(tmp_path / FILE)  # the other one was never closed
    assert kept(fresh) == 2
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    fresh.close()
    killed.close()


def test_all_of_a_change_is_kept_or_none(tmp_path: Path) -> None:
    notes = Notes(tmp_path / FILE)
    notes.write((KEEP, [("a",)]))
    notes.write((KEEP, [("b",)]), (KEEP, [(None,)]))
    assert kept(notes) == 1
    notes.close()


def stored(folder: Path) -> object:
    """What the database has by itself."""
    with closing(sqlite3.connect(folder / FILE)) as db:
        return db.execute(COUNT).fetchone()[0]


async def test_it_comes_into_the_database_by_and_by(tmp_path: Path) -> None:
    notes = Notes(tmp_path / FILE)
    for number in range(3):
        notes.write((KEEP, [(f"{number}",)]))
        await notes.gather()
        assert (stored(tmp_path), notes.waiting) == (number + 1, 0)
    notes.close()
    assert spools(tmp_path) == []


async def test_what_is_written_while_it_comes_there_is_not_lost(tmp_path: Path) -> None:
    notes = Notes(tmp_path / FILE)
    notes.write((KEEP, [("a",)]))
    gathering = asyncio.create_task(notes.gather())
    await asyncio.sleep(0)
    notes.write((KEEP, [("b",)]))
    await gathering
    notes.write((KEEP, [("c",)]))
    assert notes.waiting in (1, 2)
    await notes.gather()
    assert stored(tmp_path) == 3
    notes.close()


def test_what_a_killed_process_noted_is_taken_in_once(tmp_path: Path) -> None:
    killed = Notes(tmp_path / FILE)
    killed.write((KEEP, [("a",)]))
    kill(killed)
    (spool,) = spools(tmp_path)
    line = spool.read_bytes()
    spool.write_bytes(line + line[:9])  # the kill tore the next
    for _ in range(2):
        fresh = Notes(tmp_path / FILE)
        assert (kept(fresh), spools(tmp_path)) == (1, [])
        fresh.close()


def test_what_is_in_the_database_already_is_not_taken_in_again(tmp_path: Path) -> None:
    """A kill may come between the transaction and the end of the spool."""
    killed = Notes(tmp_path / FILE)
    killed.write((KEEP, [("a",)]))
    (spool,) = spools(tmp_path)
    line = spool.read_bytes()
    assert kept(killed) == 1
    kill(killed)
    spool.write_bytes(line)
    fresh = Notes(tmp_path / FILE)
    assert kept(fresh) == 1
    fresh.close()


@pytest.mark.parametrize(
    "changes",
    [
        [["nonsense", [[]]]],
        [[KEEP, [[]]]],
        [[KEEP, [[["a"]]]]],
        [[KEEP, [[10**30]]]],
        [["INSERT INTO nowhere VALUES (?)", [["a"]]]],
        [["a\udcff", []]],
    ],
)
def test_a_line_that_is_damaged_costs_no_more_than_itself(
    tmp_path: Path, changes: list[object]
) -> None:
    killed = Notes(tmp_path / FILE)
    killed.write((KEEP, [("a",)]))
    kill(killed)
    (spool,) = spools(tmp_path)
    line = json.dumps([2, [[KEEP, [["b"]]], *changes]], ensure_ascii=False)
    more = json.dumps([3, [[KEEP, [["c"]]]]])
    with spool.open("ab") as file:
        file.write(f"\n{line}\n{more}".encode(errors="surrogateescape"))
    fresh = Notes(tmp_path / FILE)
    assert kept(fresh) == 2
    fresh.close()


def test_who_opened_a_spool_before_it_was_taken_in_finds_nothing(tmp_path: Path) -> None:
    """By the time that it is read, it may be known no more that it was taken in."""
    killed = Notes(tmp_path / FILE)
    killed.write((KEEP, [("a",)]))
    kill(killed)
    (spool,) = spools(tmp_path)
    with spool.open("rb") as opened:
        fresh = Notes(tmp_path / FILE)
        assert kept(fresh) == 1
        assert opened.read() == b""
    fresh.close()


async def test_what_stands_in_the_way_of_a_spool_costs_nothing(tmp_path: Path) -> None:
    notes = Notes(tmp_path / FILE)
    (tmp_path / f"{FILE[:5]}-{VERSION}-~").mkdir()  # or somebody else's
    notes.write((KEEP, [("a",)]))
    before = descriptors()
    await notes.gather()
    assert stored(tmp_path) == 1
    assert descriptors() < before
    notes.close()


def descriptors() -> int:
    """Those of this process that are open."""
    return len(list(Path("/dev/fd").iterdir()))


async def test_while_somebody_holds_the_database_it_waits_in_the_spool(tmp_path: Path) -> None:
    notes = Notes(tmp_path / FILE)
    assert kept(notes) == 0
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        notes.write((KEEP, [("a",)]))
        await notes.gather()
        assert notes.waiting == 1
        assert kept(notes) is None
        other.execute("ROLLBACK")
    assert kept(notes) == 1
    notes.close()


def test_on_a_full_disk_it_waits_in_the_spool_and_is_taken_in_once(tmp_path: Path) -> None:
    notes = Notes(tmp_path / FILE)
    assert kept(notes) == 0
    many = [("a" * 100,) for _ in range(1000)]
    notes.write((KEEP, many))
    with full_disk(20_000):
        assert kept(notes) is None
        assert kept(notes) is None
    assert [kept(notes), kept(notes)] == [1000, 1000]
    notes.close()
    assert spools(tmp_path) == []


async def test_what_the_database_never_takes_does_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notion_manager.notes.TOO_MANY", 2)
    (tmp_path / FILE).mkdir()
    notes = Notes(tmp_path / FILE)
    for size in (True, False):
        notes.write((KEEP, [("a",)]))
        await notes.gather()
        (spool,) = spools(tmp_path)
        assert bool(spool.stat().st_size) == size
    notes.write((KEEP, [("a",)]))
    notes.close()
    assert spools(tmp_path) == [spool]  # for whoever can use it


def test_what_is_damaged_or_of_another_version_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"nonsense" * 1000)
    notes = Notes(tmp_path / FILE)
    assert kept(notes) is None
    assert kept(notes) == 0
    notes.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        db.execute("DROP TABLE standings")
        db.execute("PRAGMA user_version = 99")
    later = Notes(tmp_path / FILE)
    assert kept(later) == 0
    later.close()


@pytest.mark.parametrize("is_directory", [True, False])
def test_a_file_that_cannot_be_had_is_told_once_and_costs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, is_directory: bool
) -> None:
    path = tmp_path / FILE if is_directory else tmp_path / "none" / FILE
    if is_directory:
        path.mkdir()
    notes = Notes(path)
    notes.write((KEEP, [("a",)]))
    assert kept(notes) is None
    notes.close()
    assert "cannot be kept" in caplog.text
