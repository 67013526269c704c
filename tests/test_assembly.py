"""The parts put together: what happens when the state cannot be written."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Timer

import pytest

import notion_manager.assembly
import notion_manager.database
import notion_manager.store
from notion_manager.config import Config, Threads
from notion_manager.database import StoreProblem
from notion_manager.store import Store
from tests.asking import CHAT
from tests.rig import Rig, rigged, until


@contextmanager
def held(path: Path) -> Generator[None]:
    """Another process is about to write all the time."""
    there = path / "state.sqlite3"
    db = sqlite3.connect(there, isolation_level=None, check_same_thread=False)
    with closing(db):
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")


async def status(rig: Rig, text: str) -> int:
    async with await rig.post(CHAT.path, CHAT.ask(text)) as r:
        return r.status


async def test_an_answer_does_not_fail_because_its_account_cannot_be_noted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with rigged(tmp_path) as rig:
        assert await status(rig, "[[sim:echo=ok]]") == 200
        with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as db, db:
            db.execute("DROP TABLE standings")
        with caplog.at_level(logging.WARNING):
            assert await status(rig, "[[sim:429=1]] hi") == 429
        assert "cannot be used" in caplog.text


async def test_a_state_that_another_process_holds_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (notion_manager.database, notion_manager.store):
        monkeypatch.setattr(place, "PATIENCE", 1.0)
    async with rigged(tmp_path, config=Config(threads=Threads(retention=24.0))) as rig:
        with held(tmp_path):
            began = time.monotonic()
            asked = [status(rig, f"[[sim:echo=ok]] {number}") for number in range(8)]
            assert set(await asyncio.gather(*asked)) == {200}
            assert await status(rig, "[[sim:trust-rule-denied=start]] hi") == 403
            assert time.monotonic() - began < 4
        await until(lambda: [s.reason for s in rig.store.standings()] == ["upstream_denied"])
        await until(lambda: len(rig.store.threads()) == len(rig.sim.threads))


def test_a_state_that_was_held_long_ago_is_waited_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path / "state.sqlite3") as store:
        monkeypatch.setattr(notion_manager.store, "PATIENCE", 0.01)
        with held(tmp_path), pytest.raises(StoreProblem):
            store.add_key("one", 0)
        monkeypatch.setattr(notion_manager.store, "PATIENCE", 10.0)
        monkeypatch.setattr(notion_manager.store, "LONG_AGO", 0.0)
        holding = ExitStack()
        holding.enter_context(held(tmp_path))
        Timer(0.3, holding.close).start()
        store.add_key("two", 0)
        (key,) = store.keys()
        assert key.name == "two"


async def test_a_chore_that_fails_is_told_and_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Here that of following the accounts, by one that a hand has written."""
    monkeypatch.setattr(notion_manager.assembly, "AGAIN", 0.01)
    async with rigged(tmp_path) as rig:
        with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as db:
            db.execute("INSERT INTO accounts VALUES ('hand', 'u', 's', 't', 'no JSON')")
            db.commit()
            await until(lambda: "failed" in caplog.text)
            db.execute("UPDATE accounts SET rest = (SELECT rest FROM accounts WHERE alias = 'one')")
            db.commit()
        async with asyncio.timeout(5):
            while (await _accounts(rig)) != 2:  # noqa: ASYNC110 - nothing tells but a look
                await asyncio.sleep(0.02)
        assert "JSONDecodeError" in caplog.text


async def _accounts(rig: Rig) -> int:
    async with await rig.get("/health") as r:
        return (await r.json())["pool"]["accounts"]
