"""Places where conversations go on: each is found once, whatever becomes of processes and disks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from notion_manager.conversations import FILE, WORN, Conversations
from notion_manager.places import ALIKE, MOST
from tests.placing import At, opening
from tests.scarce import full_disk, no_descriptors
from tests.scripted import Clock


@pytest.fixture(name="at")
def _at(tmp_path: Path) -> Iterator[At]:
    with opening(tmp_path) as at:
        yield at


def kill(them: Conversations) -> None:
    """As far as files tell: the process is gone, and had no time for anything."""
    spool = them._spool
    assert spool is not None
    spool.close()
    them._spool = None


def taken(them: Conversations, key: str) -> str | None:
    binding = them.take(key)
    return binding.bookmark if binding else None


def test_a_place_is_taken_once(at: At) -> None:
    them = at()
    them.put("k", "b1", identity="one", terms="t")
    them.put("k", "b2", identity="two", terms="t")
    found = {taken(them, "k"), taken(them, "k")}
    assert (found, taken(them, "k"), taken(them, "other")) == ({"b1", "b2"}, None, None)


def test_what_was_put_there_outlives_the_process_and_what_was_taken_does_not(
    at: At,
    tmp_path: Path,
) -> None:
    killed = at()
    for number in range(3):
        killed.put(f"k{number}", f"b{number}", identity="one", terms="t")
    assert taken(killed, "k1") == "b1"
    kill(killed)
    fresh = at()
    binding = fresh.take("k2")
    assert binding is not None
    assert (binding.identity, binding.terms) == ("one", "t")
    assert taken(fresh, "k1") is None
    assert [path.stat().st_mode & 0o077 for path in tmp_path.iterdir()] == [0]


def test_a_place_that_nothing_was_sent_to_is_given_back(at: At) -> None:
    them = at()
    them.put("k", "b", identity="one", terms="t")
    binding = them.take("k")
    assert binding is not None
    them.put_back(binding)
    kill(them)
    assert taken(at(), "k") == "b"


def test_old_places_are_forgotten(at: At) -> None:
    clock = Clock()
    them = at(longest=10.0, clock=clock)
    them.put("k", "b", identity="one", terms="t")
    clock.now += 11
    assert taken(them, "k") is None


def test_so_many_are_kept_and_no_more(at: At) -> None:
    them = at(longest=1e9)
    for number in range(MOST + 3):
        them.put(f"k{number}", f"b{number}", identity="one", terms="t")
    assert (taken(them, "k2"), taken(them, "k3")) == (None, "b3")


def test_of_conversations_that_are_alike_the_newest_are_kept(at: At) -> None:
    them = at()
    for number in range(ALIKE + 2):
        them.put("k", f"b{number}", identity="one", terms="t")
    assert [taken(them, "k") for _ in range(ALIKE + 1)] == [
        *(f"b{number}" for number in range(ALIKE + 1, 1, -1)),
        None,
    ]


def test_a_process_that_lives_keeps_its_places(at: At) -> None:
    one, other = at(), at()
    one.put("k", "b", identity="one", terms="t")
    assert taken(other, "k") is None
    assert taken(one, "k") == "b"


def test_what_several_processes_left_is_all_there(at: At, tmp_path: Path) -> None:
    for number in range(3):
        them = at()
        them.put(f"k{number}", f"b{number}", identity="one", terms="t")
        kill(them)
    fresh = at()
    assert [taken(fresh, f"k{number}") for number in range(3)] == ["b0", "b1", "b2"]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_spool_is_written_anew_once_it_is_worn(at: At, tmp_path: Path) -> None:
    them = at()
    them.put("k", "b", identity="one", terms="t")
    for number in range(WORN):
        them.put("worn", str(number), identity="one", terms="t")
        assert taken(them, "worn") == str(number)
    them.tidy()
    (path,) = tmp_path.iterdir()
    assert path.read_bytes().count(b"\n") == 1
    them.tidy()
    assert list(tmp_path.iterdir()) == [path]
    kill(them)
    assert taken(at(), "k") == "b"


def test_what_a_kill_leaves_in_two_files_is_one_place(at: At, tmp_path: Path) -> None:
    them = at()
    them.put("k", "b", identity="one", terms="t")
    kill(them)
    (path,) = tmp_path.iterdir()
    path.with_name(f"{FILE}copied").write_bytes(path.read_bytes())
    fresh = at()
    assert (taken(fresh, "k"), taken(fresh, "k")) == ("b", None)


def test_what_is_torn_or_damaged_costs_no_more_than_itself(at: At, tmp_path: Path) -> None:
    them = at()
    for number in range(3):
        them.put(f"k{number}", f"b{number}", identity="one", terms="t")
    kill(them)
    (path,) = tmp_path.iterdir()
    first, _, third = path.read_bytes().split(b"\n")[1:]
    path.write_bytes(
        b"\n".join([b"nonsense", first, b"\xff[", b'"\xff"', b"[1, 2]", third, third[:20]])
    )
    fresh = at()
    assert [taken(fresh, f"k{number}") for number in range(3)] == ["b0", None, "b2"]


def test_nothing_goes_on_with_an_account_that_left(at: At, tmp_path: Path) -> None:
    them = at()
    for number in range(4):
        them.put(f"k{number}", "b", identity=f"i{number % 2}", terms="t")
    them.forget("i1")
    them.forget("i2")
    assert [taken(them, f"k{number}") for number in range(3)] == ["b", None, "b"]
    them.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_had_costs_no_answer(
    at: At, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.rmdir()
    them = at()
    assert taken(them, "k") is None
    them.put("k", "b", identity="one", terms="t")
    them.forget("one")
    tmp_path.mkdir()
    assert taken(them, "k") is None
    assert "cannot be kept" in caplog.text


def test_what_cannot_be_noted_as_taken_is_not_taken(at: At) -> None:
    """A kill would bring it back, and then it could be taken twice."""
    them = at()
    for bookmark in ("b1", "b2"):
        them.put("k", bookmark, identity="one", terms="t")
    with full_disk():
        assert taken(them, "k") is None
        at().put("k2", "b", identity="one", terms="t")
    assert taken(them, "k") == "b2"
    kill(them)
    fresh = at()
    assert (taken(fresh, "k"), taken(fresh, "k")) == ("b1", None)


def worn(them: Conversations) -> None:
    """With two places, and a spool that would be written anew."""
    for key, identity in (("k", "one"), ("other", "two")):
        them.put(key, "b", identity=identity, terms="t")
    for number in range(WORN + 2):
        them.put(f"{number}", "b", identity="two", terms="t")
        assert taken(them, f"{number}") == "b"


def test_what_is_worn_is_written_anew_by_the_next_process(at: At, tmp_path: Path) -> None:
    them = at()
    worn(them)
    kill(them)
    (spool,) = tmp_path.iterdir()
    assert taken(at(), "k") == "b"
    assert spool.read_bytes().count(b"\n") == 3
    assert list(tmp_path.iterdir()) == [spool]


@pytest.mark.parametrize("scarce", [no_descriptors, full_disk])
def test_where_it_cannot_be_written_anew_the_spool_stays(
    at: At, tmp_path: Path, scarce: Callable[[], AbstractContextManager[None]]
) -> None:
    them = at()
    worn(them)
    with scarce():
        them.tidy()
        them.forget("one")
    (spool,) = tmp_path.iterdir()
    with (tmp_path / "other").open("wb+") as other:  # it may get a number that was closed
        assert taken(at(), "k") is None
        assert taken(them, "k") == "b"
        assert other.read() == b""
    them.put("k", "b2", identity="one", terms="t")
    them.tidy()
    assert spool.read_bytes().count(b"\n") == 2
    kill(them)
    fresh = at()
    assert (taken(fresh, "k"), taken(fresh, "k")) == ("b2", None)


def test_what_there_is_no_room_for_is_left_to_the_next_process(at: At, tmp_path: Path) -> None:
    them = at()
    for number in range(3):
        them.put(f"k{number}", "b", identity="one", terms="t")
    kill(them)
    (path,) = tmp_path.iterdir()
    with full_disk(path.stat().st_size - 1):
        crowded = at()
        assert taken(crowded, "k0") is None
    kill(crowded)
    fresh = at()
    assert [taken(fresh, f"k{number}") for number in (0, 0, 1)] == ["b", None, "b"]
