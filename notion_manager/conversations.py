"""Where conversations can go on: the account and the thread that hold what was said so far.

A place is taken by one request and by no other, and is gone from the disk before anything is sent:
what two requests would both go on with, or what was going on when the process was killed, is sent
anew in full.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from io import StringIO
from typing import NamedTuple

from msgspec.structs import replace

from .notes import Change, Notes
from .story import Story
from .turn import Done, Event, Text, ToolCall, Turn
from .wire import dumps

PERIOD = 60.0  # seconds between two times that the oldest are forgotten
MOST = 5000  # places that are kept, of those that were put last
LONGEST = 24 * 3600.0  # seconds
_TAKE = (
    "DELETE FROM places WHERE rowid = (SELECT rowid FROM places"
    " WHERE key = ? AND used_at > ? ORDER BY used_at DESC LIMIT 1) RETURNING *"
)
_KEEP = "INSERT INTO places VALUES (?, ?, ?, ?, ?, ?)"
_PRUNE = "DELETE FROM places WHERE rowid <= (SELECT max(rowid) FROM places) - ?"


class Binding(NamedTuple):
    """`bookmark` is the upstream's own; it goes on there on the same `terms` only.

    `identity` is that of the account, which another of the same alias does not have. It is
    `doubted` once a question was sent there and no answer began: it may have been heard.
    """

    bookmark: str
    key: str
    identity: str
    terms: str
    used_at: float
    doubted: bool = False


def without(identity: str) -> Change:
    """What forgets all places of one account."""
    return "DELETE FROM places WHERE identity = ?", [(identity,)]


def terms_of(turn: Turn) -> str:
    """What must be the same for a settled turn to go on in a thread."""
    search = turn.search.web, turn.search.workspace
    return dumps([turn.model, turn.effort, *search, turn.read_only, turn.verbatim]).decode()


class Conversations:
    """Places by the key of what was said there. `longest` is how many seconds one is kept."""

    def __init__(
        self, notes: Notes, longest: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._notes = notes
        self._longest = longest
        self._clock = clock

    def put(self, key: str, bookmark: str, *, identity: str, terms: str) -> None:
        """From now on the conversation of that key can go on there, whatever ends the process."""
        self.put_back(Binding(bookmark, key, identity, terms, self._clock()))

    def put_back(self, binding: Binding) -> None:
        """It was taken, and nothing was answered there, as far as is known."""
        self._notes.write((_KEEP, [binding]))

    def take(self, key: str) -> Binding | None:
        """A place where that can go on, if there is one; nobody else gets it."""
        rows = self._notes.rows(_TAKE, key, self._clock() - self._longest)
        return Binding(*rows[0]) if rows else None

    async def keep_house(self) -> None:
        """For as long as the process runs."""
        while True:
            self.prune()
            await asyncio.sleep(PERIOD)

    def prune(self) -> None:
        """Forget the oldest of too many."""
        self._notes.write((_PRUNE, [(MOST,)]))


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
