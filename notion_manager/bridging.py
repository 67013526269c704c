"""A gateway's answers, lifted: the client gets calls and documents where the model wrote text."""

import logging
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType

from msgspec import Struct
from msgspec.structs import replace

from .answers import Answer, Batch, is_last, no_more
from .bridge import Lift, Lowered, lower
from .bridge.bounds import bytes_of, free_bytes
from .errors import Problem, UpstreamBroken
from .gateway import Gateway, asks_nothing
from .models import research_of
from .research import narrowed
from .story import Story
from .tokens import count
from .turn import Event, Text, Thinking, Turn

logger = logging.getLogger(__name__)
MISLED = "Notion changed its answer after part of it had been passed on"


class Bridge:
    """A gateway to any turn, as `Gateway` is one to plain turns.

    `salt` is a secret of this installation: who writes the pages and files that a model reads
    should not know the words that it calls tools by.
    """

    def __init__(self, gateway: Gateway, salt: bytes = b"") -> None:
        self._gateway = gateway
        self._salt = salt

    def narrowed(self, turn: Turn) -> tuple[Turn, Sequence[str]]:
        """What is to be opened, and what is left out of it: a research takes only a question.

        Raises BadRequest.
        """
        model = research_of(turn.model, self._gateway.habits.naming)
        return narrowed(turn, model) if model else (turn, ())

    def read(self, turn: Turn, asker: str = "") -> "Asked":
        """What `open` needs, which takes long where there is much to read. Raises BadRequest."""
        story = Story(turn, asker)
        story.tell()
        return Asked(turn, asker, lower(turn, self._salt), story)

    def open(self, asked: "Asked", *, live: bool = True) -> AbstractAsyncContextManager[Answer]:
        """An answer, as `Gateway.open` gives one to the asker.

        What is `live` is acted on as it comes: a call that the service takes back in the end is
        then a failure. Else whoever asks waits for the truth.
        """
        turn, asker, lowered, story = asked.turn, asked.asker, asked.lowered, asked.story
        if lowered is None:
            return self._gateway.open(turn, asker, story)
        if lowered.only_limited:
            return _Limited(self._gateway.open(lowered.turn, asker, story), lowered)
        if asks_nothing(turn):
            return self._gateway.open(turn, asker)
        return _Bridged(self._gateway, lowered, asker, story, live=live)


class Asked(Struct, frozen=True):
    """A turn, as its client sent it and as a model is asked it; None where that is the same."""

    turn: Turn
    asker: str
    lowered: Lowered | None
    story: Story


class _Limited(AbstractAsyncContextManager[Answer]):
    """An answer that may only become too long: the commonest, so the shortest way."""

    def __init__(self, opening: AbstractAsyncContextManager[Answer], lowered: Lowered) -> None:
        self._opening = opening
        self._lowered = lowered

    async def __aenter__(self) -> Answer:
        answer = await self._opening.__aenter__()
        meter = _Meter(self._lowered)
        first = meter.passed(answer.first)
        try:
            while not first:  # near the limit a word waits for its end
                first = meter.passed(await anext(answer.rest))
        except BaseException as exc:
            await self._opening.__aexit__(type(exc), exc, exc.__traceback__)
            raise
        rest = no_more() if is_last(first) else answer.rest
        return replace(answer, first=first, rest=rest, cut=meter.passed)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._opening.__aexit__(kind, raised, traceback)


class _Meter:
    """Passes batches on until they may be too many tokens; from there on they are lifted."""

    def __init__(self, lowered: Lowered) -> None:
        self._lowered = lowered
        self._left = free_bytes(lowered.limits.max_tokens or 0)
        self._seen: list[Batch] = []
        self._lift: Lift | None = None

    def passed(self, batch: Batch) -> Batch:
        """What of the next batch is within the limit."""
        for event in batch:
            if isinstance(event, _TOLD):
                self._left -= bytes_of(event.text)
        if self._left >= 0:
            self._seen.append(batch)
            return batch
        return self._cut(batch)

    def _cut(self, batch: Batch) -> Batch:
        if self._lift is None:
            self._lift = Lift(self._lowered, count, str)
            for seen in self._seen:
                self._lift.feed(seen)
        pieces = self._lift.feed(batch)
        over = self._lift.over or is_last(batch)
        return [*pieces, *self._lift.finish(), *self._lift.end()] if over else pieces


_TOLD = (Text, Thinking)


def _tell(lift: Lift) -> None:
    """How models stray from the form is how a prompt that does not work is noticed."""
    if lift.notes:
        strayed = ", ".join(f"{note} x{times}" for note, times in lift.notes.items())
        logger.info("how the model called: %s", strayed)


class _Bridged(AbstractAsyncContextManager[Answer]):
    """One lifted answer. Entered, its first content is in hand; left, its account is free.

    The model may be asked a second time, on whichever account is picked then. If that cannot be,
    the client gets what the first answer came to.
    """

    def __init__(
        self, gateway: Gateway, lowered: Lowered, asker: str, story: Story, *, live: bool
    ) -> None:
        prefix = f"call_{os.urandom(12).hex()}"
        self._gateway = gateway
        self._asker = asker
        self._story = story
        self._turn = lowered.turn
        self._lift = Lift(lowered, count, lambda number: f"{prefix}{number:02d}", live=live)
        self._live = live
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Answer:
        try:
            opening = self._gateway.open(self._turn, self._asker, self._story)
            answer = await self._opened.enter_async_context(opening)
            self._batches = self._lifted(answer)
            first = await anext(self._batches)
        except BaseException as exc:
            await self._opened.__aexit__(type(exc), exc, exc.__traceback__)
            raise
        return replace(answer, first=first, rest=self._batches, reasks=int(self._lift.asked_again))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._batches.aclose()
        finally:
            await self._opened.__aexit__(kind, raised, traceback)

    async def _lifted(self, answer: Answer) -> AsyncGenerator[Sequence[Event]]:
        """Batches that are not empty; the last one ends with the Done.

        What it came to names who gave the answer, and how often he was asked.
        """
        lift, self._account = self._lift, answer.account
        try:
            async for pieces in self._read(answer):
                yield pieces
            if (again := lift.retry()) and (second := await self._ask_again(again)):
                async for pieces in self._read_second(second):
                    yield pieces
            if lift.misled and (self._live or lift.asked_again):
                raise UpstreamBroken(MISLED)
            await self._opened.aclose()  # no account is to blame for what follows
            _tell(lift)
            last = lift.end()
        except Problem as problem:
            problem.account = problem.account or self._account
            problem.reasks = int(lift.asked_again)
            raise
        yield last

    async def _read_second(self, answer: Answer) -> AsyncGenerator[Sequence[Event]]:
        """The second answer. Where it fails before it said anything, the first one stands."""
        said = False
        self._lift.restart()
        try:
            async for pieces in self._read(answer):
                said = said or not all(isinstance(piece, Thinking) for piece in pieces)
                yield pieces
        except Problem:
            if said:
                raise
            self._lift.take_back()

    async def _read(self, answer: Answer) -> AsyncGenerator[Sequence[Event]]:
        """One answer, until it ends or nothing more of it is wanted."""
        lift = self._lift
        if pieces := lift.feed(answer.first):
            yield pieces
        while not lift.over and (batch := await anext(answer.rest, None)) is not None:
            if pieces := lift.feed(batch):
                yield pieces
        if pieces := lift.finish():
            yield pieces

    async def _ask_again(self, turn: Turn) -> Answer | None:
        await self._opened.aclose()
        try:
            answer = await self._opened.enter_async_context(self._gateway.open(turn, self._asker))
        except Problem:
            return None
        self._account = answer.account
        return answer
