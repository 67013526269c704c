"""What became of requests and accounts, for a person who asks why; and what was used, day by day.

It has names, times and figures, and no word of what was said.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from .logs import RequestRecord
from .notes import Notes
from .standing import Standing

PERIOD = 5.0  # seconds between two times that what was noted is put in order
MOST = 10_000  # requests, and changes of standings, that are kept
DAY = 86400  # seconds
DAYS = 400  # that what was used is kept
_REQUEST = "INSERT INTO requests VALUES (?, ?, ?, ?, ?)"
_CHANGE = "INSERT INTO standings VALUES (?, ?, ?)"
_USED = (
    "INSERT INTO used VALUES (?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT DO UPDATE SET"
    " requests = requests + 1, failed = failed + excluded.failed,"
    " input = input + excluded.input, output = output + excluded.output"
)
_PRUNE_REQUESTS = "DELETE FROM requests WHERE rowid <= (SELECT max(rowid) FROM requests) - ?"
_PRUNE_CHANGES = "DELETE FROM standings WHERE rowid <= (SELECT max(rowid) FROM standings) - ?"
_PRUNE_USED = "DELETE FROM used WHERE day < ?"


class Request(NamedTuple):
    """One that is over. Times are Unix seconds."""

    record: RequestRecord
    began: float
    ended: float


class Used(NamedTuple):
    """What one account gave for one key with one model on one day, as 2026-11-26 in UTC."""

    day: str
    key: str
    account: str
    model: str
    requests: int
    failed: int
    input: int
    output: int


class Journal:
    """Kept with the other notes, at once: whatever ends the process costs nothing of it."""

    def __init__(self, notes: Notes, clock: Callable[[], float] = time.time) -> None:
        self._notes = notes
        self._clock = clock
        self._last: dict[str, Standing] = {}

    def note(self, record: RequestRecord) -> None:
        """A request that was let in, and concerned accounts."""
        if record.key and (record.account or record.problem):
            ended = self._clock()
            request = Request(record, ended - record.duration, ended)
            self._notes.write((_REQUEST, [_row(request)]), (_USED, [_use(request)]))

    def changed(self, standings: Iterable[Standing]) -> None:
        """How these accounts are doing now."""
        bare = (replace(standing, busy=0, last_used=0.0) for standing in standings)
        new = {s.name: s for s in bare if self._last.get(s.name, Standing(s.name)) != s}
        if new:
            self._last |= new
            now = self._clock()
            self._notes.write((_CHANGE, [(s.name, now, _encoded(s)) for s in new.values()]))

    async def keep_house(self) -> None:
        """For as long as the process runs."""
        while True:
            await asyncio.sleep(PERIOD)
            await self.tidy()

    async def tidy(self) -> None:
        """Bring what was noted into the database, beside all else."""
        if self._notes.waiting:
            self.prune()
            await self._notes.gather()

    def prune(self) -> None:
        """Forget the oldest of too many."""
        oldest = _day(self._clock() - DAYS * DAY)
        self._notes.write(
            (_PRUNE_REQUESTS, [(MOST,)]),
            (_PRUNE_CHANGES, [(MOST,)]),
            (_PRUNE_USED, [(oldest,)]),
        )

    def request(self, id: str) -> Request | None:
        query = "SELECT record, began, ended FROM requests WHERE id = ?"
        for record, began, ended in self._notes.rows(query, id):
            return Request(msgspec.json.decode(record, type=RequestRecord), began, ended)
        return None

    def standings(self, at: float) -> dict[str, Standing]:
        """How accounts were doing then, and how many answers each gave that are over by now."""
        busy = Counter(
            account
            for (account,) in self._notes.rows(
                "SELECT account FROM requests WHERE began < ? AND ended > ?", at, at
            )
        )
        query = "SELECT account, standing, max(at) FROM standings WHERE at <= ? GROUP BY account"
        found = {
            account: msgspec.json.decode(standing, type=Standing)
            for account, standing, _ in self._notes.rows(query, at)
        }
        names = {*found, *busy}
        return {n: replace(found.get(n, Standing(n)), busy=busy[n]) for n in names}

    def used(self, days: int) -> Sequence[Used]:
        """In the last so many days, today included; the newest first."""
        since = _day(self._clock() - (days - 1) * DAY)
        query = "SELECT * FROM used WHERE day >= ? ORDER BY day DESC, key, account, model"
        return [Used(*row) for row in self._notes.rows(query, since)]


def _row(request: Request) -> tuple[str, str, float, float, str]:
    record = request.record
    return record.id, record.account, request.began, request.ended, _encoded(record)


def _use(request: Request) -> tuple[str, str, str, str, int, int, int]:
    record = request.record
    who = _day(request.ended), record.key, record.account, record.served
    return *who, int(bool(record.problem)), record.input_tokens or 0, record.output_tokens or 0


def _encoded(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()


def _day(at: float) -> str:
    return _date(int(at // DAY))


@lru_cache(1)
def _date(days: int) -> str:
    """Requests of one day follow each other."""
    return datetime.fromtimestamp(days * DAY, UTC).date().isoformat()
