"""The file of what may be forgotten: nothing fails for it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from notion_manager.notes import FILE, Notes

KEEP = "INSERT INTO places VALUES (?, 'k', 'one', 't', 0, 0)"
COUNT = "SELECT count(*) FROM places"


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
    assert kept(notes) in (0, 1)  # what broke its rules may be forgotten, never half kept
    notes.close()


def test_what_is_damaged_or_of_another_version_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"nonsense" * 1000)
    notes = Notes(tmp_path / FILE)
    assert kept(notes) is None
    assert kept(notes) == 0
    notes.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        db.execute("DROP TABLE places")
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
