"""Where conversations can go on: the account and the thread that hold what was said so far.

A place is taken by one request and by no other, and is gone from the disk before anything is sent:
what two requests would both go on with, or what was going on when the process was killed, is sent
anew in full.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from .story import Story
from .turn import Done, Event, Text, ToolCall, Turn
from .wire import dumps

FILE = "conversations.db"
PERIOD = 1.0  # seconds between two times that all is saved
MOST_WAITING = 200  # places that wait to be saved; the oldest of more are forgotten
MOST = 5000  # places that are kept
MOMENT = 0.05  # seconds to wait for another process that writes
LONGEST = 24 * 3600.0  # seconds
_MADE = """
CREATE TABLE IF NOT EXISTS places (
    bookmark TEXT PRIMARY KEY, key TEXT NOT NULL, account TEXT NOT NULL, terms TEXT NOT NULL,
    used_at REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS places_by_key ON places (key);
PRAGMA user_version = 1;
"""
_TAKE = (
    "DELETE FROM places WHERE bookmark = (SELECT bookmark FROM places"
    " WHERE key = ? AND used_at > ? ORDER BY used_at DESC LIMIT 1) RETURNING *"
)
_KEEP = "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?)"
_PRUNE = (
    "DELETE FROM places WHERE used_at <="
    " (SELECT used_at FROM places ORDER BY used_at DESC LIMIT 1 OFFSET ?)"
)
logger = logging.getLogger(__name__)


class Binding(NamedTuple):
    """`bookmark` is the upstream's own; it goes on there on the same `terms` only."""

    bookmark: str
    key: str
    account: str
    terms: str
    used_at: float


def terms_of(turn: Turn) -> str:
    """What must be the same for a settled turn to go on in a thread."""
    search = turn.search.web, turn.search.workspace
    return dumps([turn.model, turn.effort, *search, turn.read_only, turn.verbatim]).decode()


class Conversations:
    """Places by the key of what was said there, in a file of its own.

    It is a memory and no more: what cannot be read or kept is forgotten, and no answer fails for
    it. Nothing waits for the disk, so all of it takes microseconds: a thread would take longer.
    """

    def __init__(self, path: Path, longest: float, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._longest = longest
        self._clock = clock
        self._waiting: dict[str, Binding] = {}  # by bookmark, the oldest first
        self._db: sqlite3.Connection | None = None

    def put(self, key: str, bookmark: str, *, account: str, terms: str) -> None:
        """From now on the conversation of that key can go on there."""
        self.put_back(Binding(bookmark, key, account, terms, self._clock()))

    def put_back(self, binding: Binding) -> None:
        """It was taken, and nothing was sent there."""
        self._waiting[binding.bookmark] = binding
        if len(self._waiting) > MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]

    def take(self, key: str) -> Binding | None:
        """A place where that can go on, if there is one; nobody else gets it."""
        for binding in reversed(self._waiting.values()):
            if binding.key == key:
                return self._waiting.pop(binding.bookmark)
        since = self._clock() - self._longest
        try:
            rows = self._opened().execute(_TAKE, (key, since)).fetchall()
        except sqlite3.Error as exc:
            self._give_up(exc)
            return None
        return Binding(*rows[0]) if rows else None

    async def keep_house(self) -> None:
        """For as long as the process runs."""
        while True:
            await asyncio.sleep(PERIOD)
            self.save()

    def save(self) -> None:
        """Keep what waits to be kept."""
        if not self._waiting:
            return
        bindings, self._waiting = self._waiting, {}
        try:
            with (db := self._opened()):
                db.execute("BEGIN")
                db.executemany(_KEEP, bindings.values())
                db.execute(_PRUNE, (MOST,))
        except sqlite3.Error as exc:
            self._give_up(exc)

    def close(self) -> None:
        self.save()
        if self._db is not None:
            self._db.close()

    def _opened(self) -> sqlite3.Connection:
        """A kill loses nothing; a power cut may, and then there is nothing to be lost."""
        if self._db is None:
            db = sqlite3.connect(self._path, timeout=MOMENT, isolation_level=None)
            self._path.chmod(0o600)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = OFF")
            db.execute("PRAGMA cache_size = -64")
            db.executescript(_MADE)
            self._db = db
        return self._db

    def _give_up(self, exc: sqlite3.Error) -> None:
        """A damaged file is made anew: it has nothing that cannot be found out again."""
        logger.warning("conversations cannot be kept: %s (%s)", exc, self._path)
        if isinstance(exc, sqlite3.OperationalError):
            return
        if self._db is not None:
            self._db.close()
            self._db = None
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._path.with_name(self._path.name + suffix).unlink()


class Listener:
    """Hears what the client gets, to know the conversation by it when it goes on."""

    def __init__(self, story: Story, put: Callable[..., None]) -> None:
        self._story = story
        self._put = put
        self._said = StringIO()
        self._write = self._said.write
        self._calls: list[tuple[ToolCall, StringIO]] = []

    def heed(self, batch: Sequence[Event]) -> None:
        for event in batch:
            if type(event) is Text:
                self._write(event.text)
            elif isinstance(event, ToolCall):
                self._call(event)
            elif isinstance(event, Done) and event.bookmark and event.truth is None:
                self._put(self._story.after(self._said.getvalue(), self._whole()), event.bookmark)

    def _call(self, piece: ToolCall) -> None:
        if not self._calls or self._calls[-1][0].id != piece.id:
            self._calls.append((piece, StringIO()))
        self._calls[-1][1].write(piece.arguments)

    def _whole(self) -> Sequence[ToolCall]:
        return [replace(call, arguments=said.getvalue()) for call, said in self._calls]
