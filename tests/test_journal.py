"""What is remembered of requests and accounts, and what was used."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from notion_manager.journal import DAYS, MOST, Journal, Used
from notion_manager.logs import RequestRecord
from notion_manager.notes import FILE, Notes
from notion_manager.standing import Standing
from tests.scripted import Clock

DONE = RequestRecord(
    id="r1", key="laptop", api="chat", asked="opus", served="opus-4.6", account="one", status=200,
    first_content=0.5, duration=2.0, input_tokens=10, output_tokens=3,
)  # fmt: skip
NOON = 1_795_000_000.0  # 2026-11-18 in UTC


def noon() -> Clock:
    clock = Clock()
    clock.now = NOON
    return clock


At = Callable[[Clock], Journal]


@pytest.fixture(name="journal")
def _journal(tmp_path: Path) -> Iterator[At]:
    """Opens it as another process would: none is closed before the end."""
    with ExitStack() as opened:
        yield lambda clock: Journal(opened.enter_context(closing(Notes(tmp_path / FILE))), clock)


def test_a_request_is_known_at_once_and_after_a_kill(journal: At) -> None:
    clock = noon()
    killed = journal(clock)
    killed.note(DONE)
    assert killed.request("r1") == (DONE, NOON - 2, NOON)
    fresh = journal(clock)
    assert fresh.request("r1") == (DONE, NOON - 2, NOON)
    assert fresh.request("r2") is None


def test_what_was_not_let_in_or_concerned_no_account_is_not_noted(journal: At) -> None:
    ours = journal(noon())
    ours.note(replace(DONE, key=""))
    ours.note(replace(DONE, account=""))
    assert ours.request("r1") is None
    ours.note(replace(DONE, account="", problem="all_resting"))
    assert ours.request("r1") is not None


def test_standings_are_known_as_of_any_time(journal: At) -> None:
    clock = noon()
    ours = journal(clock)
    well, resting = Standing("one", busy=1), Standing("one", ready_at=NOON + 60, reason="busy")
    ours.changed([well, Standing("two")])  # as they always were: nothing to note
    clock.now += 10
    ours.changed([resting])
    ours.changed([replace(resting, busy=2, last_used=NOON)])  # no other standing
    clock.now += 10
    ours.changed([well])
    for at, then in ((5, []), (10, [resting]), (19, [resting]), (20, [Standing("one")])):
        assert list(ours.standings(NOON + at).values()) == then
    assert list(journal(clock).standings(NOON + 15).values()) == [resting]


def test_answers_that_others_got_meanwhile_take_seats(journal: At) -> None:
    clock = noon()
    ours = journal(clock)
    for number, ended in enumerate((1.0, 2.0, 9.0)):
        clock.now = NOON + ended
        ours.note(replace(DONE, id=f"r{number}", duration=ended))
    assert {n: s.busy for n, s in ours.standings(NOON + 1.5).items()} == {"one": 2}


def test_what_was_used_adds_up_by_day_and_whose_it_was(journal: At) -> None:
    clock = noon()
    ours = journal(clock)
    for number in range(3):
        ours.note(replace(DONE, id=f"r{number}"))
    ours.note(replace(DONE, id="bad", problem="upstream_error", output_tokens=None))
    clock.now += 86400
    ours.note(replace(DONE, id="late", key="ci"))
    assert ours.used(7) == [
        Used("2026-11-19", "ci", "one", "opus-4.6", 1, 0, 10, 3),
        Used("2026-11-18", "laptop", "one", "opus-4.6", 4, 1, 40, 9),
    ]
    assert [used.key for used in ours.used(1)] == ["ci"]
    clock.now += DAYS * 86400
    ours.note(DONE)
    ours.prune()
    assert [used.day for used in ours.used(2 * DAYS)] == ["2027-12-24", "2026-11-19"]


async def test_so_many_are_remembered_and_no_more(journal: At, tmp_path: Path) -> None:
    clock = noon()
    ours = journal(clock)
    for number in range(MOST + 5):
        clock.now += 1
        ours.note(replace(DONE, id=f"r{number}"))
        ours.changed([Standing("one", strikes=number + 1, reason="busy")])
    await ours.tidy()
    await ours.tidy()  # nothing is left to do
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        for table in ("requests", "standings"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (MOST,)  # noqa: S608
    assert (ours.request("r4"), ours.request("r5") is None) == (None, False)
