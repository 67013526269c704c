"""The SQLite file of what outlives the process: made safe, opened, brought up to date."""

import os
import sqlite3
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

MOMENT = 0.01  # seconds between two tries
PATIENCE = 10.0  # seconds to wait for another process that writes
IMPATIENCE = 0.05  # seconds, once it was waited for in vain
LONG_AGO = 60.0  # seconds, after which that may be forgotten
MIGRATIONS = (
    """
    CREATE TABLE accounts (
        alias TEXT PRIMARY KEY,
        user_id TEXT NOT NULL,
        space_id TEXT NOT NULL,
        token TEXT NOT NULL,
        rest TEXT NOT NULL, -- the other fields, as JSON
        UNIQUE (user_id, space_id)
    ) STRICT;
    CREATE TABLE keys (
        name TEXT PRIMARY KEY,
        hash TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE standings (
        alias TEXT PRIMARY KEY REFERENCES accounts ON UPDATE CASCADE ON DELETE CASCADE,
        standing TEXT NOT NULL
    ) STRICT;
    CREATE TABLE catalogues (
        alias TEXT PRIMARY KEY REFERENCES accounts ON UPDATE CASCADE ON DELETE CASCADE,
        models TEXT NOT NULL,
        fetched_at REAL NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE secrets (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE threads (
        id TEXT PRIMARY KEY,
        alias TEXT NOT NULL REFERENCES accounts ON UPDATE CASCADE ON DELETE CASCADE,
        used_at REAL NOT NULL
    ) STRICT;
    CREATE INDEX threads_by_use ON threads (used_at);
    """,
    """
    CREATE TABLE terms (
        alias TEXT PRIMARY KEY REFERENCES accounts ON UPDATE CASCADE ON DELETE CASCADE,
        terms TEXT NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE allowances (
        alias TEXT PRIMARY KEY REFERENCES accounts ON UPDATE CASCADE ON DELETE CASCADE,
        allowance TEXT NOT NULL
    ) STRICT;
    """,
    "ALTER TABLE keys ADD COLUMN admin INTEGER NOT NULL DEFAULT 0;",
)
"""Entry N takes a file from version N to N + 1. Only ever add to the end."""


class StoreProblem(Exception):
    """The state cannot be used as asked. `remedy` says what to do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@contextmanager
def blamed(path: Path) -> Generator[None]:
    """SQLite's errors, in our words. Raises StoreProblem."""
    try:
        yield
    except sqlite3.OperationalError as exc:
        raise StoreProblem(
            f"{path} cannot be used: {exc}",
            "check that the disk has room, the file is yours and no other program is using it",
        ) from exc
    except sqlite3.DatabaseError as exc:
        raise StoreProblem(
            f"{path} is damaged: {exc}",
            "move it away and add your accounts and keys again, or restore a copy",
        ) from exc


def secure(path: Path) -> None:
    """Make file and directory, for this user alone; tighten what is looser.

    The file is never opened here: closing it would drop SQLite's locks of this whole process.
    """
    directory = path.parent
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if directory.stat().st_mode & stat.S_ISVTX:
            raise StoreProblem(
                f"{directory} is shared with everybody", "name a directory of its own"
            )
        if stat.S_IMODE(directory.stat().st_mode) & 0o077:
            directory.chmod(0o700)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    except OSError as exc:
        raise StoreProblem(
            f"{path} cannot be made safe: {exc.strerror}",
            "check that its directory is yours, or set NOTION_MANAGER_STATE_DIR",
        ) from exc


def connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)


def opened(path: Path) -> sqlite3.Connection:
    db = connected(path)
    try:
        _use_wal(db)
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        _migrate(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _use_wal(db: sqlite3.Connection) -> None:
    """Switching is the one thing that SQLite refuses at once while another process does it too."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(MOMENT)
        else:
            return


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    with transaction(db):
        ((version,),) = db.execute("PRAGMA user_version").fetchall()
        if version > len(MIGRATIONS):
            raise StoreProblem(
                f"{path} was written by a newer notion-manager",
                "update notion-manager, or name another NOTION_MANAGER_STATE_DIR",
            )
        for script in MIGRATIONS[version:]:
            for statement in filter(str.strip, script.split(";")):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


@contextmanager
def transaction(db: sqlite3.Connection) -> Generator[None]:
    """The write lock is taken at once, so that waiting for it cannot fail half-way."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
