"""Chats are deleted by whoever made them, when they are due and it can be asked for."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from notion_manager import threads
from notion_manager.database import connected
from notion_manager.errors import EdgeChallenged, Problem, UpstreamBroken
from notion_manager.pool import Pool
from notion_manager.reports import Reports
from notion_manager.standing import Standing, Terms
from notion_manager.store import Store, Thread
from notion_manager.threads import LONGEST_PAUSE, MOST, PAUSE
from tests.rig import account_of, someone
from tests.scripted import Scripted, keep_nothing

ONE, TWO = (account_of(someone(number), "").identity for number in (1, 2))


class Forgetful(Scripted):
    """Forgets what it is told to, unless something is `wrong`."""

    def __init__(self, identity: str) -> None:
        super().__init__()
        self.identity = identity
        self.wrong: Problem | None = None
        self.told: list[Sequence[str]] = []

    async def forget(self, threads: Sequence[str]) -> None:
        self.told.append(threads)
        if self.wrong is not None:
            raise self.wrong


class House:
    """Two accounts, `one` and `two`, whose chats are kept for ten seconds."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.one, self.two = Forgetful(ONE), Forgetful(TWO)
        self.ill = set[str]()
        self.upstreams = upstreams = {"one": self.one, "two": self.two}
        self.pool = Pool(map(Standing, upstreams))
        self.threads = threads.Threads(
            store,
            upstreams,
            10.0,
            lambda name: name not in self.ill,
            Reports(self.pool, keep_nothing),
        )


@pytest.fixture(name="house")
async def _house(tmp_path: Path) -> AsyncGenerator[House]:
    with Store(tmp_path / "state.sqlite3") as store:
        for number, alias in enumerate(("one", "two"), 1):
            store.put_account(account_of(someone(number), alias))
        yield House(store)


async def test_a_chat_is_not_deleted_while_its_turn_goes_on(house: House) -> None:
    await house.threads.begin(ONE, "t", 100.0)
    await house.threads.sweep(1000.0)
    assert house.one.told == []
    house.threads.end(ONE, "t", 1000.0)
    await house.threads.sweep(1009.0)
    assert house.one.told == []
    await house.threads.sweep(1010.0)
    assert (house.one.told, house.store.threads()) == ([["t"]], [])


async def test_a_chat_is_deleted_by_the_account_that_made_it_whatever_that_is_called_by_then(
    house: House,
) -> None:
    """Its name may be another's, in the store sooner than here."""
    house.store.save_threads([Thread("t", ONE, 1.0)])
    await house.threads.begin(ONE, "u", 2.0)
    first, second = (account_of(someone(number), "") for number in (1, 2))
    for account, alias in ((first, "uno"), (second, "one")):
        house.store.put_account(replace(account, alias=alias))
    house.threads.end(ONE, "u", 2.0)
    await house.threads.begin(ONE, "v", 3.0)
    house.threads.end(ONE, "v", 3.0)
    await house.threads.sweep(100.0)
    assert (house.one.told, house.two.told) == ([["t", "u", "v"]], [])
    house.store.save_threads([Thread("w", ONE, 1.0)])
    house.upstreams["uno"], house.upstreams["one"] = house.one, house.upstreams.pop("two")
    await house.threads.sweep(100.0)
    assert (house.one.told[1:], house.two.told) == ([["w"]], [])
    assert house.store.threads() == []


async def test_nothing_is_asked_of_an_account_that_is_not_well(house: House) -> None:
    house.store.save_threads(Thread(f"t{n}", ONE, n) for n in range(MOST))
    house.store.save_threads([Thread("u", TWO, 1000.0)])
    house.ill = {"one"}
    await house.threads.sweep(2000.0)
    assert (house.one.told, house.two.told) == ([], [["u"]])
    house.ill = set()
    await house.threads.sweep(2000.0)
    assert house.store.threads() == []


async def test_the_chats_of_a_disabled_account_are_deleted_all_the_same(house: House) -> None:
    """That somebody wanted, and nothing else is sent for it."""
    house.store.save_threads([Thread("t", ONE, 1.0), Thread("u", TWO, 1.0)])
    house.pool.join(Standing("two", retired=True))
    house.pool.agree({"one": Terms(enabled=False)})
    well = partial(house.pool.is_well, now=2000.0)
    await threads.Threads(house.store, house.upstreams, 10.0, well).sweep(2000.0)
    assert (house.one.told, house.two.told) == ([["t"]], [])


async def test_chats_of_accounts_that_are_not_well_are_passed_by_however_many_others_there_are(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    def watched(path: Path) -> sqlite3.Connection:
        db = connected(path)
        db.set_progress_handler(count, 10)
        return db

    house.store.save_threads(Thread(f"t{n}", ONE, n) for n in range(MOST))
    monkeypatch.setattr("notion_manager.store.connected", watched)
    with Store(house.store.path) as opened:
        assert opened.threads(2000.0, MOST, [TWO]) == []
        few, steps = steps, 0
        assert opened.threads(2000.0, MOST, [f"account {n}" for n in range(100)]) == []
    assert steps < 2 * few


async def test_an_edge_challenge_ends_all_deletions_and_is_reported(house: House) -> None:
    house.store.save_threads([Thread("t", ONE, 1.0), Thread("u", TWO, 2.0)])
    house.one.wrong = house.two.wrong = EdgeChallenged("a browser, please")
    await house.threads.sweep(2000.0)
    assert (house.one.told, house.two.told) == ([["t"]], [])
    assert house.pool.is_paused(2299.0)
    house.one.wrong = house.two.wrong = None
    await house.threads.sweep(2301.0)
    assert house.store.threads() == []


async def test_what_failed_is_tried_again_later_each_time(house: House) -> None:
    house.store.save_threads(Thread(f"t{n}", ONE, n) for n in range(MOST))
    house.store.save_threads([Thread("u", TWO, 1000.0)])
    house.one.wrong = UpstreamBroken("no")
    tries: list[int] = []
    for now in range(2000, 11_000, 5):
        await house.threads.sweep(float(now))
        if house.one.told:
            tries.append(now)
            house.one.told.clear()
        assert house.two.told == [["u"]] or now == 2000
    gaps = [later - sooner for sooner, later in pairwise(tries)]
    assert gaps[:4] == [PAUSE, 2 * PAUSE, 4 * PAUSE, 8 * PAUSE]
    assert max(gaps) == LONGEST_PAUSE
    house.one.wrong = None
    await house.threads.sweep(50_000.0)
    assert house.store.threads() == []
    house.store.save_threads([Thread("v", ONE, 0.0)])
    await house.threads.sweep(50_001.0)
    assert house.store.threads() == []


async def test_a_chat_from_the_future_counts_as_used_now(house: House) -> None:
    """The clock was put back, before the start or since; but a turn may go on for a while."""
    house.store.save_threads([Thread("t", ONE, 90_000.0), Thread("u", ONE, 2300.0)])
    await house.threads.sweep(2000.0)
    await house.threads.sweep(2009.0)
    assert house.one.told == []
    await house.threads.sweep(2010.0)
    assert house.one.told == [["t"]]
    house.threads.end(ONE, "v", 2100.0)
    await house.threads.sweep(2100.0)
    await house.threads.sweep(1000.0)
    await house.threads.sweep(1010.0)
    assert house.store.threads() == []


async def test_what_is_noted_at_the_same_time_shares_a_write(house: House) -> None:
    names = [f"t{number}" for number in range(50)]
    await asyncio.gather(*(house.threads.begin(ONE, name, 1.0) for name in names))
    assert {thread.id for thread in house.store.threads()} == set(names)
    for name in names[1:]:
        house.threads.drop(name)
    await house.threads.save()
    assert [thread.id for thread in house.store.threads()] == names[:1]


async def test_what_could_not_be_kept_is_kept_later(house: House, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as db, db:
        db.execute("ALTER TABLE threads RENAME TO away")
    await house.threads.begin(ONE, "t", 1.0)
    with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as db, db:
        db.execute("ALTER TABLE away RENAME TO threads")
    await house.threads.save()
    assert [thread.id for thread in house.store.threads()] == ["t"]


async def test_a_turn_whose_client_leaves_before_it_is_sent_is_not_under_way(
    house: House, tmp_path: Path
) -> None:
    """Nor is its chat forgotten, if that could not be kept."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as db:
        db.execute("ALTER TABLE threads RENAME TO away")
        beginning = asyncio.ensure_future(house.threads.begin(ONE, "t", 100.0))
        await asyncio.sleep(0)
        beginning.cancel()
        await asyncio.gather(beginning, return_exceptions=True)
        await asyncio.to_thread(str)  # what was being written failed by now
        db.execute("ALTER TABLE away RENAME TO threads")
    await house.threads.sweep(1000.0)
    assert house.one.told == [["t"]]
