"""What the store could not take is owed to it, and kept as it is by then."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from notion_manager.errors import AccountRefused, Denied, RateLimited
from notion_manager.journal import Journal
from notion_manager.keeper import Keeper
from notion_manager.pool import Pool
from notion_manager.reports import Reports
from notion_manager.standing import Standing
from notion_manager.store import Store
from tests.rig import account_of, someone

DENIED, LIMITED = Denied("no"), RateLimited("slowly", retry_after=30.0)


class Office:
    """Two accounts, `one` and `two`, their pool and their keeper."""

    def __init__(self, path: Path, store: Store) -> None:
        self.path = path
        self.store = store
        self.pool = Pool([Standing("one"), Standing("two")])
        self.keeper = Keeper(store, self.pool, Journal(store.notes))

    async def report(self, name: str, problem: Denied | RateLimited) -> None:
        await self.keeper.keep(self.pool.report(name, problem, 1000.0))

    def rename(self, table: str, name: str) -> None:
        with closing(sqlite3.connect(self.path)) as db:
            db.execute(f"ALTER TABLE {table} RENAME TO {name}")

    def kept(self) -> list[tuple[str, str]]:
        return [(standing.name, standing.reason) for standing in self.store.standings()]


@pytest.fixture(name="office")
def _office(tmp_path: Path) -> Iterator[Office]:
    path = tmp_path / "state.sqlite3"
    with Store(path) as store:
        for number, alias in enumerate(("one", "two"), 1):
            store.put_account(account_of(someone(number), alias))
        yield Office(path, store)


async def test_what_is_kept_is_owed_no_more(office: Office) -> None:
    keeping = asyncio.ensure_future(office.report("one", DENIED))
    await asyncio.sleep(0)
    assert office.keeper.owes("one")
    await keeping
    assert not office.keeper.owes("one")
    assert office.kept() == [("one", "upstream_denied")]


async def test_all_that_one_report_changed_is_owed_at_once(office: Office) -> None:
    """A client that leaves meanwhile, and takes its request with it, leaves nothing behind."""
    for name in ("one", "two"):
        office.pool.join(Standing(name), login="theirs")
    reports = Reports(office.pool, office.keeper.keep)
    noting = asyncio.ensure_future(reports.note("one", AccountRefused("dead"), 1000.0))
    await asyncio.sleep(0)
    assert office.keeper.owes("one")
    assert office.keeper.owes("two")
    noting.cancel()
    await asyncio.gather(noting, return_exceptions=True)
    await office.keeper.catch_up()
    assert office.kept() == [("one", "account_unauthorized"), ("two", "account_unauthorized")]


async def test_what_was_owed_is_kept_as_it_is_by_then(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.rename("standings", "away")
    await office.report("one", LIMITED)
    await office.report("two", LIMITED)
    assert caplog.text.count("cannot be used") == 2
    assert office.keeper.owes("one")
    office.rename("away", "standings")
    office.pool.report("one", DENIED, 1001.0)
    office.pool.leave("two")
    await office.keeper.catch_up()
    assert office.kept() == [("one", "upstream_denied")]
    assert not office.keeper.owes("one")
