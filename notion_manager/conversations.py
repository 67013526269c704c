"""Where conversations can go on: the account and the thread that hold what was said so far.

A place is taken by one request and by no other, and is gone from the disk before anything is sent:
what two requests would both go on with, or what was going on when the process was killed, is sent
anew in full.

A process has the places of its own answers, and of processes that are gone, in memory, and in a
spool what was put there and what was taken. Nothing fails for the disk: of what cannot be kept, the
conversation is told anew.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from io import StringIO
from pathlib import Path

import msgspec
from msgspec.structs import replace

from .places import Binding, Places
from .spool import DAMAGED, Left, Spool
from .story import Story
from .turn import Done, Event, Text, ToolCall, Turn
from .wire import dumps

FILE = "places-1-"  # what the names of spools begin with; of another version they are left alone
PERIOD = 60.0  # seconds between two looks at how long the spool has become
LONGEST = 24 * 3600.0  # seconds that a place is kept at most
WORN = 1000  # lines that say nothing any more, before a spool is written anew
logger = logging.getLogger(__name__)
_Line = Binding | str
"""A place that was put, or the key of one that was taken."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


def terms_of(turn: Turn) -> str:
    """What must be the same for a settled turn to go on in a thread."""
    search = turn.search.web, turn.search.workspace
    return dumps([turn.model, turn.effort, *search, turn.read_only, turn.verbatim]).decode()


class Conversations:
    """Places by the key of what was said there, in the files whose names begin with `stem`.

    `longest` is how many seconds one is kept.
    """

    def __init__(self, stem: Path, longest: float, clock: Callable[[], float] = time.time) -> None:
        self._stem = stem
        self._longest = longest
        self._clock = clock
        self._places = Places()
        self._spool: Spool | None = None
        self._written = 0  # lines of the spool

    def put(self, key: str, bookmark: str, *, identity: str, terms: str) -> None:
        """From now on the conversation of that key can go on there, whatever ends the process."""
        self.put_back(Binding(bookmark, key, identity, terms, self._clock()))

    def put_back(self, binding: Binding) -> None:
        """It was taken, and nothing was answered there, as far as is known."""
        if self._note(binding):
            self._places.put(binding)

    def take(self, key: str) -> Binding | None:
        """A place where that can go on, if there is one; nobody else gets it."""
        self._open()
        binding = self._places.take(key)
        if binding is None:
            return None
        if not self._note(key):  # a kill would bring it back
            self._places.put(binding)
            return None
        return binding if binding.used_at > self._since else self.take(key)

    def forget(self, identity: str) -> None:
        """All places of one account."""
        self._open()
        others = [each for each in self._places if each.identity != identity]
        if len(others) < len(self._places):
            self._keep(others)

    def close(self) -> None:
        """The next process takes over."""
        if self._spool is not None:
            with closing(self._spool), suppress(OSError):
                if not self._places:
                    self._spool.discard()
            self._spool, self._written = None, 0
            self._places = Places()

    async def keep_house(self) -> None:
        """For as long as the process runs."""
        while True:
            await asyncio.sleep(PERIOD)
            self.tidy()

    def tidy(self) -> None:
        """Write the spool anew where most of it is history."""
        if self._written > 2 * len(self._places) + WORN:
            self._keep([each for each in self._places if each.used_at > self._since])

    @property
    def _since(self) -> float:
        return self._clock() - self._longest

    def _note(self, line: _Line) -> bool:
        """Whether it is on the disk."""
        try:
            self._open()
            if self._spool is None:
                return False
            self._spool.append(_encode(line))
        except OSError as exc:
            self._complain(exc)
            return False
        self._written += 1
        return True

    def _open(self) -> None:
        """With the places of processes that are gone, in the spool that one of them left."""
        if self._spool is None:
            try:
                for left in Left.found(self._stem):
                    if left.adopt():
                        self._inherit(left)
                    else:
                        left.close()
                self._spool = self._spool or Spool.begun(self._stem)
                self.tidy()
            except OSError as exc:
                self._complain(exc)

    def _inherit(self, left: Spool) -> None:
        lines = left.lines()
        bindings = list(_replayed(lines))
        if self._spool is None:
            self._spool, self._written = left, len(lines)
        else:
            with closing(left):
                left.discard()  # first: what a kill leaves in two spools could be had twice
                self._spool.append(*map(_encode, bindings))
                self._written += len(bindings)
        for each in bindings:
            self._places.put(each)

    def _keep(self, bindings: Sequence[Binding]) -> None:
        """These and no others. If that cannot be, all stay."""
        if self._spool is None:
            return
        try:
            self._spool.rewrite(*map(_encode, bindings))
        except OSError as exc:
            self._complain(exc)
            return
        self._places, self._written = Places(), len(bindings)
        for each in bindings:
            self._places.put(each)

    def _complain(self, exc: OSError) -> None:
        logger.warning("where conversations go on cannot be kept: %s (%s)", exc, self._stem)


def _replayed(lines: Iterable[bytes]) -> Places:
    """What the lines of a spool come to."""
    places = Places()
    for line in lines:
        with suppress(*DAMAGED):
            said = _decode(line)
            if isinstance(said, str):
                places.take(said)
            else:
                places.put(said)
    return places


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
