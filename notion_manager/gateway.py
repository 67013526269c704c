"""Where a Turn becomes Events: pick an account, open it, fail over, hand it back."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from types import TracebackType
from typing import Self

import tenacity
from msgspec import Struct, field

from .catalogues import Catalogues
from .errors import (
    Busy,
    ContextTooLong,
    EmptyAnswer,
    ModelUnavailable,
    NoAccount,
    Problem,
    RateLimited,
    UpstreamBroken,
)
from .habits import Habits, settle
from .models import Choice, Chooser
from .pool import Pool, Standing
from .tokens import of_turn, size
from .turn import Done, Event, Stop, Text, Turn
from .upstreams import Upstream

Batches = AsyncIterator[Sequence[Event]]


class Answer(Struct, frozen=True):
    """An answer under way: its first content is in hand."""

    batches: Batches
    account: str
    choice: Choice
    ignored: tuple[str, ...] = ()
    """What was asked of the model and it does not offer."""

    @property
    def model(self) -> str:
        return self.choice.model.id if self.choice.model else "auto"


PASSING = (RateLimited, UpstreamBroken)
"""What the same account may do better after: everything else it would only say again."""

Began = tuple[AbstractAsyncContextManager[Answer], Answer]


class _Opening(AbstractAsyncContextManager[Answer]):
    """Entered, it begins; left, it leaves the seat in which it began."""

    def __init__(self, begin: Callable[[], Awaitable[Began]]) -> None:
        self._begin = begin

    async def __aenter__(self) -> Answer:
        self._seat, answer = await self._begin()
        return answer

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._seat.__aexit__(kind, raised, traceback)


class _Tried(Struct):
    """One request's history: who was asked, and what the last one said."""

    names: set[str] = field(default_factory=set[str])
    problem: Problem | None = None


class Effects(Struct, frozen=True):
    """What the gateway does to the world. Tests bring their own time.

    `keep` is told of each standing that a report changed, before the client hears of the problem.
    """

    keep: Callable[[Standing], Awaitable[None]]
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Gateway:
    """Opens turns on accounts. Until first content is in hand, every failure is free."""

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        pool: Pool,
        catalogues: Catalogues,
        habits: Habits,
        effects: Effects,
    ) -> None:
        self.pool = pool
        self.catalogues = catalogues
        self.habits = habits
        self._chooser = Chooser(habits.naming)
        self._upstreams = upstreams
        self._keep = effects.keep
        self._clock = effects.clock
        self._retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(self._worth_another),
            wait=tenacity.wait_exception(_pause),
            stop=tenacity.stop_after_attempt(habits.attempts),
            sleep=effects.sleep,
            reraise=True,
        )

    def open(self, turn: Turn) -> AbstractAsyncContextManager[Answer]:
        """Enter with the first content in hand. Raises Problem, also from the answer's batches."""
        if asks_nothing(turn):
            return nullcontext(Answer(_nothing(), "", Choice(None, "auto")))
        return _Opening(partial(self._began, turn, _Tried()))

    async def _began(self, turn: Turn, tried: _Tried) -> Began:
        """The retry loop's bookkeeping costs as much as all the rest of the way to the upstream.

        So it is entered only once something failed, and told of that as its first attempt.
        """
        try:
            return await self._begin(turn, tried)
        except Problem as problem:
            failed = [problem]

        async def attempt() -> Began:
            if failed:
                raise failed.pop()
            return await self._begin(turn, tried)

        return await self._retrying.copy()(attempt)

    def _worth_another(self, exc: BaseException) -> bool:
        if isinstance(exc, Busy):
            return (exc.retry_after or 0.0) <= self.habits.patience
        return isinstance(exc, Problem) and exc.elsewhere

    async def _begin(self, turn: Turn, tried: _Tried) -> Began:
        seat = self._seat(turn, tried)
        return seat, await seat.__aenter__()

    @asynccontextmanager
    async def _seat(self, turn: Turn, tried: _Tried) -> AsyncGenerator[Answer, None]:
        """Hold one account for one reply, its first content in hand; tell the pool how it went."""
        name = self._pick(tried)
        tried.names.add(name)
        try:
            choice = self._chooser.choose(turn.model, await self.catalogues.of(name))
            _refuse_too_long(turn, choice)
            settled = settle(turn, choice, self.habits)
            ignored = ("effort",) if turn.effort and not settled.effort else ()
            async with self._upstreams[name].open(settled) as batches:
                first = await _first(batches)
                yield Answer(_Resumed(first, batches), name, choice, ignored)
        except Problem as problem:
            problem.account = name
            tried.problem = problem
            if isinstance(problem, ModelUnavailable):
                self.catalogues.renew(name)
            await self._report(name, problem)
            raise
        else:
            await self._report(name, None)
        finally:  # a client that leaves is neither: cancellation only releases
            self.pool.release(name)

    def _pick(self, tried: _Tried) -> str:
        """Prefer telling what an account said over telling that all are resting now."""
        try:
            name = self.pool.pick(self._clock(), tried.names)
        except (Busy, NoAccount) as refusal:
            if tried.problem is None or self._worth_waiting(refusal):
                raise
            raise tried.problem from refusal
        said = tried.problem if name in tried.names else None
        if said is not None and not isinstance(said, PASSING):
            self.pool.release(name)
            raise said
        return name

    def _worth_waiting(self, refusal: Problem) -> bool:
        return isinstance(refusal, Busy) and self._worth_another(refusal)

    async def _report(self, name: str, problem: Problem | None) -> None:
        for standing in self.pool.report(name, problem, self._clock()):
            await self._keep(standing)


def asks_nothing(turn: Turn) -> bool:
    """A warm-up: nothing is asked, so no allowance should be spent on it."""
    if turn.system:
        return False
    for message in turn.messages:
        for part in message.parts:
            if not isinstance(part, Text) or part.text:
                return False
    return True


def _refuse_too_long(turn: Turn, choice: Choice) -> None:
    """Raises ContextTooLong where even the plain count of tokens, without a margin, is too high."""
    limit = choice.model.input if choice.model else 0
    if limit and size(turn) > limit and (tokens := of_turn(turn, margin=1.0)) > limit:
        raise ContextTooLong(tokens, limit)


def _pause(exc: BaseException) -> float:
    """Wait only for a seat; another account needs no pause."""
    return exc.retry_after or 0.0 if isinstance(exc, Busy) else 0.0


async def _first(batches: Batches) -> Sequence[Event]:
    async for batch in batches:
        if batch:
            return batch
    raise EmptyAnswer("the upstream said nothing")


class _Resumed:
    """A batch, and those that follow it, which are handed on without a step of our own."""

    def __init__(self, first: Sequence[Event], rest: Batches) -> None:
        self._first: Sequence[Event] | None = first
        self._rest = rest

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[Sequence[Event]]:
        if self._first is None:
            return self._rest.__anext__()
        first, self._first = self._first, None
        return _at_hand(first)


async def _at_hand(batch: Sequence[Event]) -> Sequence[Event]:
    return batch


async def _nothing() -> Batches:
    yield [Done(Stop.END)]
