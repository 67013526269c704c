"""The parts put together: what happens when the state cannot be written."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.asking import CHAT
from tests.rig import rigged


async def test_an_answer_does_not_fail_because_its_account_cannot_be_noted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with rigged(tmp_path) as rig:
        async with await rig.post(CHAT.path, CHAT.ask("[[sim:echo=ok]]")) as r:
            assert r.status == 200
        with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as db, db:
            db.execute("DROP TABLE standings")
        with caplog.at_level(logging.WARNING):
            async with await rig.post(CHAT.path, CHAT.ask("[[sim:429=1]] hi")) as r:
                assert r.status == 429
        assert "cannot be used" in caplog.text
