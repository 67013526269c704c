"""The keys that open the server are those of the store, and reading them holds up nobody."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from notion_manager.keys import ENVIRONMENT, Key
from notion_manager.secret import Secret
from notion_manager.server.keyring import FRESH, Keyring
from notion_manager.store import Store
from tests.scripted import Clock


class Watched(Store):
    """Counts how often its keys are read."""

    reads = 0

    def keys(self) -> Sequence[Key]:
        self.reads += 1
        return super().keys()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Watched]:
    with Watched(tmp_path / "state.db") as opened:
        yield opened


async def names(keyring: Keyring) -> list[str]:
    return [key.name for key in await keyring.current()]


async def test_a_key_that_another_process_makes_or_removes_counts_within_a_second(
    store: Watched, tmp_path: Path
) -> None:
    clock = Clock()
    store.add_key("laptop", 0)
    keyring = Keyring(store, Secret("sixteen-letters-"), clock)
    assert await names(keyring) == ["laptop", ENVIRONMENT]
    with Store(tmp_path / "state.db") as theirs:
        theirs.add_key("ci", 0)
        assert await names(keyring) == ["laptop", ENVIRONMENT]
        clock.now += FRESH + 0.1
        assert await names(keyring) == ["ci", "laptop", ENVIRONMENT]
        theirs.remove_key("laptop")
        clock.now += FRESH + 0.1
        assert await names(keyring) == ["ci", ENVIRONMENT]


async def test_many_at_once_wait_for_one_reading_and_nobody_while_nothing_changes(
    store: Watched,
) -> None:
    clock = Clock()
    store.add_key("laptop", 0)
    keyring = Keyring(store, Secret(""), clock)
    assert await asyncio.gather(*(names(keyring) for _ in range(20))) == [["laptop"]] * 20
    assert store.reads == 1
    clock.now += FRESH + 0.1
    assert await asyncio.gather(*(names(keyring) for _ in range(20))) == [["laptop"]] * 20
    assert store.reads == 1


async def test_keys_that_cannot_be_read_just_now_are_those_known_before(
    store: Watched, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    store.add_key("laptop", 0)
    keyring = Keyring(store, Secret(""), clock)
    assert await names(keyring) == ["laptop"]
    with closing(sqlite3.connect(tmp_path / "state.db")) as db, db:
        db.execute("ALTER TABLE keys RENAME TO lost")
    clock.now += FRESH + 0.1
    assert await names(keyring) == ["laptop"]
    assert "cannot be used" in caplog.text
    with closing(sqlite3.connect(tmp_path / "state.db")) as db, db:
        db.execute("ALTER TABLE lost RENAME TO keys")
    clock.now += FRESH + 0.1
    assert await names(keyring) == ["laptop"]
    assert store.reads == 3
