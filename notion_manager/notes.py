"""What may be forgotten, in a SQLite file of its own: what became of requests, and what was used.

Nothing waits for the disk, and nothing fails for it: what cannot be read is not known, and what
cannot be written is not kept. So each verb takes microseconds, and a thread would take longer.

What is written is appended to a spool. It comes into the database many lines at a time, in a thread
of its own, or when somebody asks, whoever that is.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from .database import transaction
from .spool import DAMAGED, Left, Spool

FILE = "notes.db"
VERSION = 4  # of the tables; what another version wrote is forgotten
MOMENT = 0.25  # seconds to wait for another process that writes
TOO_MANY = 20_000  # lines that wait for the database, where it takes none
Change = tuple[str, Sequence[Sequence[Any]]]
"""A statement, and the values of each time that it is to be executed."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[int, list[Change]]).decode
"""A line: its number in the spool, counted on whatever was cleared, and what belongs together."""

# Each index is one more page to write for an answer: only what a request must find has one.
_TABLES = f"""
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
CREATE TABLE IF NOT EXISTS spools (
    name TEXT PRIMARY KEY, number INTEGER NOT NULL -- of the last line that is in here
) STRICT, WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""
_PRIMARY = 0xFF  # of a result code, what does not go into details
_OF_THE_LINE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH)
logger = logging.getLogger(__name__)


class Notes:
    """Opened when it is needed, and made anew where it is damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stem = path.with_name(f"{path.stem}-{VERSION}-")  # of the names of spools
        self._own: Spool | None = None
        self._number = 0  # of the last line
        self.waiting = 0
        """Lines that are not in the database yet, as far as is known here."""

    def rows(self, query: str, *values: object) -> list[Any]:
        """None where it cannot be read."""
        return self._asked(query, *values) or []

    def write(self, *changes: Change) -> None:
        """All of them or none."""
        try:
            if self._own is None:
                self._own, self._number = Spool.begun(self._stem), 0
            self._own.append(_encode((self._number + 1, changes)))
        except OSError as exc:
            self._complain(exc)
        else:
            self._number += 1
            self.waiting += 1

    async def gather(self) -> None:
        """Bring what was written into the database, beside all else.

        What is written meanwhile is in the same spool, which is left behind: the next time, only
        those of its lines are taken in that are not known yet.
        """
        known = self.waiting
        if await asyncio.to_thread(_gather, self._path):
            self.waiting = max(0, self.waiting - known)
            self._leave()
        elif self.waiting >= TOO_MANY and self._own is not None:
            self._own.clear()
            self.waiting = 0

    def close(self) -> None:
        """With all that was written in the database, if that can be."""
        self._leave()
        if self._number:
            self.rows("SELECT 1")

    def _leave(self) -> None:
        if self._own is not None:
            self._own.close()
            self._own = None

    def _asked(self, query: str, *values: object) -> list[Any] | None:
        try:
            with closing(self._connected()) as db, self._gathered(db):
                return db.execute(query, values).fetchall()
        except (sqlite3.Error, OSError) as exc:
            self._complain(exc)
            if isinstance(exc, sqlite3.Error) and not isinstance(exc, sqlite3.OperationalError):
                self._forget()
            return None

    @contextmanager
    def _gathered(self, db: sqlite3.Connection) -> Generator[None]:
        """A transaction that has what any process wrote so far."""
        with ExitStack() as opened:
            found = Left.found(self._stem, self._own.name if self._own else "")
            spools = [opened.enter_context(closing(each)) for each in found]
            gone = [each for each in spools if each.adopt()]  # first: it is read to its end
            with transaction(db):
                for each in [*spools, *([self._own] if self._own else [])]:
                    _take_in(db, each)
                yield
            self.waiting = 0
            if self._own is not None:
                self._own.clear()
            for each in gone:  # whoever opened it meanwhile must not find what is counted
                each.discard()

    def _connected(self) -> sqlite3.Connection:
        """A kill loses nothing; a power cut may, and then there is nothing to be lost."""
        with ExitStack() as failed:
            db = failed.enter_context(closing(self._bare()))
            ((version,),) = db.execute("PRAGMA user_version").fetchall()
            if version not in (0, VERSION):
                failed.close()
                self._forget()
                db = failed.enter_context(closing(self._bare()))
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = OFF")
            db.executescript(_TABLES)
            self._forget_spools(db)
            failed.pop_all()
        return db

    def _bare(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=MOMENT, isolation_level=None)
        self._path.chmod(0o600)
        return db

    def _forget_spools(self, db: sqlite3.Connection) -> None:
        """The names of those that are no more: looked for after what has them by now."""
        names = [n for (n,) in db.execute("SELECT name FROM spools").fetchall()]
        gone = [(name,) for name in names if not self._path.with_name(name).exists()]
        db.executemany("DELETE FROM spools WHERE name = ?", gone)

    def _complain(self, exc: Exception) -> None:
        logger.warning("what is only noted cannot be kept: %s (%s)", exc, self._path)

    def _forget(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._path.with_name(self._path.name + suffix).unlink()


def _gather(path: Path) -> bool:
    """Whether the database has now what was written. A connection belongs to one thread."""
    return bool(Notes(path).rows("SELECT 1"))


def _take_in(db: sqlite3.Connection, spool: Spool) -> None:
    """The lines that are not in the database yet."""
    known = db.execute("SELECT number FROM spools WHERE name = ?", (spool.name,)).fetchone()
    last = taken = known[0] if known else 0
    for number, changes in _lines(spool):
        if number > last:
            _apply(db, changes)
            last = number
    if last > taken:
        db.execute("INSERT OR REPLACE INTO spools VALUES (?, ?)", (spool.name, last))


def _lines(spool: Spool) -> Iterator[tuple[int, list[Change]]]:
    for line in spool.lines():
        with suppress(*DAMAGED):
            yield _decode(line)


def _apply(db: sqlite3.Connection, changes: Sequence[Change]) -> None:
    """What is damaged, or breaks the rules of a table, is left out."""
    db.execute("SAVEPOINT line")
    try:
        for statement, rows in changes:
            db.executemany(statement, rows)
    except (sqlite3.Error, OverflowError) as exc:
        code = getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if code & _PRIMARY not in _OF_THE_LINE:
            raise
        db.execute("ROLLBACK TO line")
    db.execute("RELEASE line")
