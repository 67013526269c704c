"""What may be forgotten, in a SQLite file of its own.

That is where conversations go on, what became of requests, and what was used. Nothing waits for
the disk, and nothing fails for it: what cannot be read is not known, and what cannot be written is
not kept. So each verb takes microseconds, and a thread would take longer.
"""

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

FILE = "notes.db"
VERSION = 4  # of the tables; what another version wrote is forgotten
MOMENT = 0.05  # seconds to wait for another process that writes
Change = tuple[str, Iterable[Sequence[Any]]]
"""A statement, and the values of each time that it is to be executed."""

# Each index is one more page to write for an answer: only what a request must find has one.
_TABLES = f"""
CREATE TABLE IF NOT EXISTS places (
    bookmark TEXT NOT NULL, key TEXT NOT NULL, identity TEXT NOT NULL, terms TEXT NOT NULL,
    used_at REAL NOT NULL, doubted INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS places_by_key ON places (key);
CREATE TABLE IF NOT EXISTS requests (
    id TEXT NOT NULL, account TEXT NOT NULL, began REAL NOT NULL, ended REAL NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS standings (
    account TEXT NOT NULL, at REAL NOT NULL, standing TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS standings_by_account ON standings (account, at);
CREATE TABLE IF NOT EXISTS used (
    day TEXT NOT NULL, key TEXT NOT NULL, account TEXT NOT NULL, model TEXT NOT NULL,
    requests INTEGER NOT NULL, failed INTEGER NOT NULL, input INTEGER NOT NULL,
    output INTEGER NOT NULL, PRIMARY KEY (day, key, account, model)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""
logger = logging.getLogger(__name__)


class Notes:
    """Opened when it is first needed, and made anew where it is damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None

    def rows(self, query: str, *values: object) -> list[Any]:
        """None where it cannot be read."""
        try:
            return self._opened().execute(query, values).fetchall()
        except sqlite3.Error as exc:
            self._give_up(exc)
            return []

    def write(self, *changes: Change) -> None:
        """All of them or none."""
        try:
            with (db := self._opened()):
                db.execute("BEGIN")
                for statement, rows in changes:
                    db.executemany(statement, rows)
        except sqlite3.Error as exc:
            self._give_up(exc)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()

    def _opened(self) -> sqlite3.Connection:
        """A kill loses nothing; a power cut may, and then there is nothing to be lost."""
        if self._db is None:
            with ExitStack() as failed:
                db = failed.enter_context(closing(self._connected()))
                ((version,),) = db.execute("PRAGMA user_version").fetchall()
                if version not in (0, VERSION):
                    failed.close()
                    self._forget()
                    db = failed.enter_context(closing(self._connected()))
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = OFF")
                db.execute("PRAGMA cache_size = -64")
                db.executescript(_TABLES)
                failed.pop_all()
            self._db = db
        return self._db

    def _connected(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=MOMENT, isolation_level=None)
        self._path.chmod(0o600)
        return db

    def _give_up(self, exc: sqlite3.Error) -> None:
        logger.warning("what is only noted cannot be kept: %s (%s)", exc, self._path)
        if isinstance(exc, sqlite3.OperationalError):
            return
        if self._db is not None:
            self._db.close()
            self._db = None
        self._forget()

    def _forget(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._path.with_name(self._path.name + suffix).unlink()
