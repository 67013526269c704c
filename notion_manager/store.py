"""What outlives the process: accounts, keys, standings, catalogues and threads, in SQLite.

The daemon and the command line may use it at the same time, and a thread may use it as well as any
other. What a verb has returned from is on disk, whatever kills the process next.
"""

import secrets
import sqlite3
import threading
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from shlex import quote
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import msgspec
import orjson
from msgspec.structs import replace

from .allowance import Allowance
from .catalogues import Shelved
from .conversations import FILE as PLACES
from .conversations import LONGEST, Conversations
from .database import (
    IMPATIENCE,
    LONG_AGO,
    PATIENCE,
    StoreProblem,
    blamed,
    connected,
    opened,
    secure,
    transaction,
)
from .keys import Key, digest
from .models import Model
from .notes import FILE, Notes
from .secret import Secret
from .standing import Standing, Terms
from .upstreams.notion_web.account import Account, identity_of

T = TypeVar("T")

SALT = 16  # bytes
_COLUMNS = ("alias", "user_id", "space_id", "token_v2")


class Thread(NamedTuple):
    """A conversation in Notion that was made here; `account` is the identity of its account."""

    id: str
    account: str
    used_at: float


class Taken(StoreProblem):
    """The name belongs to something else already."""


class Store:
    """A context manager; every method may raise StoreProblem. Times are Unix seconds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._version = 0
        self._failed_at = float("-inf")  # the last write; by a timer
        self.notes = Notes(path.with_name(FILE))
        secure(path)
        with blamed(self.path):
            self._db = opened(path)
            self._reader = connected(path)  # readers need not wait for whoever writes
            for db in (self._db, self._reader):
                db.create_function("identity", 2, identity_of, deterministic=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        with self._lock, self._reading:
            self._reader.close()
            self._db.close()
        self.notes.close()

    def conversations(self, longest: float) -> Conversations:
        """Where they go on: what processes that are gone have left. To be closed."""
        return Conversations(self.path.with_name(PLACES), longest)

    # Accounts

    def accounts(self) -> tuple[Account, ...]:
        """By alias."""
        rows = self._rows("SELECT alias, user_id, space_id, token, rest FROM accounts ORDER BY 1")
        return tuple(_account(*row) for row in rows)

    def put_account(self, account: Account) -> None:
        """Add it, or renew the same user's account of the same workspace.

        A renewed one has a clean standing: it was just checked. Raises Taken if another account
        has the alias.
        """
        values = (account.alias, account.user_id, account.space_id, account.token_v2.reveal())
        with self._write() as db:
            _refuse_taken_alias(db, account)
            db.execute(
                "INSERT INTO accounts VALUES (?, ?, ?, ?, ?) ON CONFLICT (user_id, space_id)"
                " DO UPDATE SET alias = excluded.alias, token = excluded.token,"
                " rest = excluded.rest",
                (*values, _rest(account)),
            )
            db.execute("DELETE FROM standings WHERE alias = ?", (account.alias,))

    def remove_account(self, alias: str) -> bool:
        """With all that is known of it, where conversations go on too. False if there was none."""
        for account in self.accounts():
            if account.alias == alias:
                with closing(self.conversations(LONGEST)) as left:
                    left.forget(account.identity)
        return self._change("DELETE FROM accounts WHERE alias = ?", alias)

    def terms(self) -> dict[str, Terms]:
        """Of the accounts that have any of their own."""
        rows = self._rows("SELECT alias, terms FROM terms")
        found = ((alias, _decoded(text, Terms)) for alias, text in rows)
        return {alias: terms for alias, terms in found if terms is not None}

    def save_terms(self, alias: str, terms: Terms) -> bool:
        """False if there is no such account."""
        return self._change(
            "INSERT OR REPLACE INTO terms (terms, alias)"
            " SELECT ?, alias FROM accounts WHERE alias = ?",
            msgspec.json.encode(terms).decode(),
            alias,
        )

    # Keys

    def keys(self) -> tuple[Key, ...]:
        """Oldest first."""
        rows = self._rows("SELECT name, hash, created_at, admin FROM keys ORDER BY 3, 1")
        return tuple(Key(name, hash, at, bool(admin)) for name, hash, at, admin in rows)

    def add_key(self, name: str, now: int, *, admin: bool = False) -> Secret:
        """Make one. Only its digest is kept: this is the last time it can be seen.

        Raises Taken if there is one of that name.
        """
        made = Secret(f"nm-{secrets.token_urlsafe(32)}")
        row = "INSERT OR IGNORE INTO keys VALUES (?, ?, ?, ?)"
        if not self._change(row, name, digest(made.reveal()), now, admin):
            raise Taken(
                f"there is a key named {name}",
                f"choose another name, or run `notion-manager keys remove {quote(name)}` first",
            )
        return made

    def remove_key(self, name: str) -> bool:
        """False if there was none."""
        return self._change("DELETE FROM keys WHERE name = ?", name)

    # A secret of this installation's own

    def salt(self) -> bytes:
        """Made once, and the same from then on."""
        query = "SELECT value FROM secrets WHERE name = 'salt'"
        if not (found := self._rows(query)):
            row = "INSERT OR IGNORE INTO secrets VALUES ('salt', ?)"
            self._change(row, secrets.token_bytes(SALT))
            found = self._rows(query)
        return found[0][0]

    # What accounts were last seen to be like. What concerns none of ours any more is dropped, and
    # what an older version wrote in another shape is forgotten.

    def standings(self) -> tuple[Standing, ...]:
        """None for an account of which there is nothing to say."""
        found = (
            (alias, _decoded(text, Standing))
            for alias, text in self._rows("SELECT alias, standing FROM standings ORDER BY 1")
        )
        return tuple(replace(standing, name=alias) for alias, standing in found if standing)

    def save_standings(self, *standings: Standing) -> None:
        """All of them or none."""
        with self._write() as db:
            db.executemany(
                "INSERT OR REPLACE INTO standings SELECT alias, ? FROM accounts WHERE alias = ?",
                [(msgspec.json.encode(replace(s, busy=0)).decode(), s.name) for s in standings],
            )

    def allowances(self) -> dict[str, Allowance]:
        """What was left of each account when it was last looked at."""
        rows = self._rows("SELECT alias, allowance FROM allowances")
        found = ((alias, _decoded(text, Allowance)) for alias, text in rows)
        return {alias: allowance for alias, allowance in found if allowance is not None}

    def save_allowance(self, alias: str, allowance: Allowance) -> None:
        self._change(
            "INSERT OR REPLACE INTO allowances (allowance, alias)"
            " SELECT ?, alias FROM accounts WHERE alias = ?",
            msgspec.json.encode(allowance).decode(),
            alias,
        )

    def catalogues(self) -> dict[str, Shelved]:
        """The last list of models fetched, for each alias that has one."""
        rows = self._rows("SELECT alias, models, fetched_at FROM catalogues")
        found = ((alias, _decoded(text, tuple[Model, ...]), at) for alias, text, at in rows)
        return {alias: Shelved(models, at) for alias, models, at in found if models is not None}

    def save_catalogue(self, alias: str, models: Sequence[Model], now: float) -> None:
        self._change(
            "INSERT OR REPLACE INTO catalogues SELECT alias, ?, ? FROM accounts WHERE alias = ?",
            msgspec.json.encode(models).decode(),
            now,
            alias,
        )

    # Conversations that accounts have made

    def threads(
        self, before: float = float("inf"), most: int = -1, accounts: Sequence[str] | None = None
    ) -> list[Thread]:
        """Those not used since then, the oldest first; all of them, or so many at most.

        They are those of all `accounts`, or of the ones with these identities.
        """
        query = (
            "SELECT id, identity(user_id, space_id), used_at"
            " FROM threads CROSS JOIN accounts USING (alias) WHERE used_at <= ?"
            " AND (? IS NULL OR alias IN (SELECT alias FROM accounts"
            " WHERE identity(user_id, space_id) IN (SELECT value FROM json_each(?))))"
            " ORDER BY used_at LIMIT ?"
        )
        wanted = None if accounts is None else orjson.dumps(accounts).decode()
        return [Thread(*row) for row in self._rows(query, before, wanted, wanted, most)]

    def save_threads(self, threads: Iterable[Thread]) -> None:
        """Answers wait for this: a power cut may lose it, as nothing else."""
        with self._write(synchronous="NORMAL") as db:
            db.executemany(
                "INSERT OR REPLACE INTO threads SELECT ?, alias, ? FROM accounts"
                " WHERE identity(user_id, space_id) = ?",
                [(thread.id, thread.used_at, thread.account) for thread in threads],
            )

    def bound_threads(self, latest: float, now: float) -> None:
        """What was used later than it can have been counts as used now."""
        self._change("UPDATE threads SET used_at = ? WHERE used_at > ?", now, latest)

    def drop_threads(self, ids: Iterable[str]) -> None:
        with self._write() as db:
            db.executemany("DELETE FROM threads WHERE id = ?", [(id,) for id in ids])

    def version(self) -> int:
        """Another number once anybody has changed anything through another Store.

        Whoever writes through this one is not waited for: the number is then the last one seen.
        """
        if self._lock.acquire(blocking=False):
            try:
                with blamed(self.path):
                    ((self._version,),) = self._db.execute("PRAGMA data_version").fetchall()
            finally:
                self._lock.release()
        return self._version

    # How all of them touch the file

    def _rows(self, query: str, *values: object) -> list[Any]:
        with self._reading, blamed(self.path):
            return self._reader.execute(query, values).fetchall()

    def _change(self, statement: str, *values: object) -> bool:
        """Whether any row changed."""
        with self._write() as db:
            return db.execute(statement, values).rowcount > 0

    @contextmanager
    def _write(self, synchronous: str = "FULL") -> Generator[sqlite3.Connection]:
        """Another process that holds the file is waited for once, and not by everyone in turn."""
        with self._lock, blamed(self.path):
            now = time.monotonic()
            patience = PATIENCE if now - self._failed_at >= LONG_AGO else IMPATIENCE
            self._failed_at = now
            self._db.execute(f"PRAGMA busy_timeout = {patience * 1000:.0f}")
            self._db.execute(f"PRAGMA synchronous = {synchronous}")
            with transaction(self._db):
                self._failed_at = float("-inf")
                yield self._db


def _refuse_taken_alias(db: sqlite3.Connection, account: Account) -> None:
    query = "SELECT 1 FROM accounts WHERE alias = ? AND (user_id, space_id) <> (?, ?)"
    values = (account.alias, account.user_id, account.space_id)
    if db.execute(query, values).fetchone():
        raise Taken(
            f"another account is named {account.alias}",
            "choose another name with --alias, or remove that account first",
        )


def _rest(account: Account) -> str:
    """The fields without a column of their own."""
    values = {f.name: getattr(account, f.name) for f in fields(Account) if f.name not in _COLUMNS}
    return orjson.dumps(values).decode()


def _account(alias: str, user_id: str, space_id: str, token: str, rest: str) -> Account:
    known = {f.name for f in fields(Account)}
    values = {k: v for k, v in orjson.loads(rest).items() if k in known}
    return Account(
        alias=alias, token_v2=Secret(token), user_id=user_id, space_id=space_id, **values
    )


def _decoded(text: str, type_: type[T]) -> T | None:
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(text, type=type_)
    return None
