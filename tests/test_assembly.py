"""The parts put together: what happens when the state cannot be written."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import notion_manager.database
import notion_manager.store
from notion_manager.config import Config, Threads
from tests.asking import CHAT
from tests.rig import Rig, rigged, until


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process is about to write all the time."""
    with closing(sqlite3.connect(path / "state.sqlite3", isolation_level=None)) as db:
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
