"""Places where conversations go on: each is found once, by whoever comes with what was said."""

import sqlite3
from pathlib import Path

import pytest

from notion_manager.conversations import FILE, MOST, MOST_WAITING, Conversations
from tests.scripted import Clock


def at(path: Path, *, longest: float = 100.0, clock: Clock | None = None) -> Conversations:
    return Conversations(path / FILE, longest, clock or Clock())


def taken(them: Conversations, key: str) -> str | None:
    binding = them.take(key)
    return binding.bookmark if binding else None


@pytest.mark.parametrize("saved", [False, True])
def test_a_place_is_taken_once(tmp_path: Path, *, saved: bool) -> None:
    them = at(tmp_path)
    them.put("k", "b1", account="one", terms="t")
    them.put("k", "b2", account="two", terms="t")
    if saved:
        them.save()
    found = {taken(them, "k"), taken(them, "k")}
    assert (found, taken(them, "k"), taken(them, "other")) == ({"b1", "b2"}, None, None)
    them.close()


def test_what_was_saved_outlives_the_process_and_what_was_taken_does_not(
    tmp_path: Path,
) -> None:
    killed = at(tmp_path)
    for number in range(3):
        killed.put(f"k{number}", f"b{number}", account="one", terms="t")
    killed.save()
    assert taken(killed, "k1") == "b1"
    fresh = at(tmp_path)  # the other one was never closed
    binding = fresh.take("k2")
    assert binding is not None
    assert (binding.account, binding.terms) == ("one", "t")
    assert taken(fresh, "k1") is None
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    fresh.close()
    killed.close()


def test_a_place_that_nothing_was_sent_to_is_given_back(tmp_path: Path) -> None:
    them = at(tmp_path)
    them.put("k", "b", account="one", terms="t")
    them.save()
    binding = them.take("k")
    assert binding is not None
    them.put_back(binding)
    them.close()
    assert taken(at(tmp_path), "k") == "b"


def test_old_places_are_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    them = at(tmp_path, longest=10.0, clock=clock)
    them.put("k", "b", account="one", terms="t")
    them.save()
    clock.now += 11
    assert taken(them, "k") is None
    them.close()


def test_so_many_are_kept_and_no_more(tmp_path: Path) -> None:
    clock = Clock()
    them = at(tmp_path, longest=1e9, clock=clock)
    for number in range(MOST + MOST_WAITING):
        clock.now += 1
        them.put(f"k{number}", f"b{number}", account="one", terms="t")
        if number % MOST_WAITING == MOST_WAITING - 1:
            them.save()
    kept = sqlite3.connect(tmp_path / FILE).execute("SELECT count(*) FROM places").fetchone()
    assert kept == (MOST,)
    assert taken(them, f"k{MOST_WAITING - 1}") is None
    assert taken(them, f"k{MOST_WAITING}") is not None
    for number in range(MOST_WAITING + 1):
        them.put(f"new{number}", f"n{number}", account="one", terms="t")
    assert taken(them, "new0") is None
    them.close()


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"nonsense" * 1000)
    them = at(tmp_path)
    assert taken(them, "k") is None
    them.put("k", "b", account="one", terms="t")
    them.save()
    assert taken(them, "k") == "b"
    (tmp_path / FILE).write_bytes(b"nonsense" * 1000)
    them.close()


def test_a_file_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    them = at(tmp_path)
    assert taken(them, "k") is None
    them.put("k", "b", account="one", terms="t")
    them.close()
