"""Where a Turn becomes Events: pick an account, open it, fail over, hand it back."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from types import TracebackType

import tenacity
from msgspec import Struct
from msgspec.structs import replace

from .admission import Admission, Place, Seat
from .allowance import Allowance
from .budget import Budget
from .catalogues import Catalogues
from .conversations import Binding, Conversations, terms_of
from .errors import (
    Busy,
    ContextTooLong,
    EmptyAnswer,
    FeatureRefused,
    ModelUnavailable,
    NoAccount,
    Problem,
    RateLimited,
    ResearchExhausted,
    TemporarilyUnavailable,
    UpstreamBroken,
    UpstreamRejected,
    WorkspaceRefused,
)
from .habits import Habits, settle
from .homes import Home, Homes
from .models import AUTO, RESEARCH, Choice, Chooser, Model
from .pool import Standing
from .story import Story
from .tokens import of_turn, size
from .turn import Done, Event, Search, Stop, Text, Turn
from .upstreams import Upstream

logger = logging.getLogger(__name__)
Batches = AsyncIterator[Sequence[Event]]
Reply = AbstractAsyncContextManager[Batches]


class Answer(Struct, frozen=True):
    """An answer under way: its first content is in hand, and the rest comes in batches."""

    first: Sequence[Event]
    rest: Batches
    account: str
    choice: Choice
    ignored: tuple[str, ...] = ()
    """What was asked of the model and it does not offer."""
    reasks: int = 0
    """How often the model had to be asked again before its first content."""
    failures: tuple[str, ...] = ()
    """What was tried before: an account and the code of its problem, as `home upstream_error`."""
    waited: float = 0.0
    """Seconds until a seat was free."""
    thread: str = "new"
    """Whether the conversation goes on where it was (`continued`), or was `moved` from there."""
    searched: tuple[str, ...] = ()
    """What the model could search: `web`, `workspace`."""
    terms: str = ""
    """What must be the same for the conversation to go on in its thread."""
    identity: str = ""
    """Whose thread that is, whatever the account is called."""
    heed: Callable[[Sequence[Event]], None] = lambda _: None
    """To be told of each batch just before the client gets it."""

    @property
    def model(self) -> str:
        return self.choice.model.id if self.choice.model else "auto"

    async def batches(self) -> Batches:
        yield self.first
        async for batch in self.rest:
            yield batch


SMALL = 20_000  # characters of a question that does not wait behind large ones
OUTAGES = (RateLimited, TemporarilyUnavailable, UpstreamBroken)
"""What may befall every account at once: there are only so many second tries after it."""

PASSING = (RateLimited, UpstreamBroken)
"""What the same account may do better after: everything else it would only say again."""

LOST = (UpstreamRejected, WorkspaceRefused, EmptyAnswer)
"""What may be said of a thread alone: it is gone, no more for us, or held by another turn."""


class Effects(Struct, frozen=True):
    """What the gateway does to the world. Tests bring their own time.

    `keep` is told of each standing that a report changed, before the client hears of the problem.
    `look` finds out what is left of an account, or raises Problem. `conversations` says where one
    can go on; None where none does.
    """

    keep: Callable[[Standing], Awaitable[None]]
    look: Callable[[str], Awaitable[Allowance]]
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    conversations: Conversations | None = None


class Gateway:
    """Opens turns on accounts. Until first content is in hand, every failure is free."""

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        admission: Admission,
        catalogues: Catalogues,
        habits: Habits,
        effects: Effects,
    ) -> None:
        self.conversations = effects.conversations
        self.admission = admission
        self.pool = admission.pool
        self.catalogues = catalogues
        self.habits = habits
        self._chooser = Chooser(habits.naming)
        self._doubted = False  # the default model
        self._upstreams = upstreams
        self.homes = Homes(upstreams, self.pool, effects.clock)
        self._keep = effects.keep
        self._look = effects.look
        self._clock = effects.clock
        self._budget = Budget()
        self.retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(_is_better_elsewhere),
            stop=tenacity.stop_after_attempt(habits.attempts),
            sleep=effects.sleep,
            reraise=True,
        )

    def open(
        self, turn: Turn, asker: str = "", story: Story | None = None
    ) -> AbstractAsyncContextManager[Answer]:
        """Enter with the first content in hand. Raises Problem, also from the answer's batches.

        `asker` names whose request it is: nobody waits for one who asks a lot. With a `story` the
        conversation goes on where it was, if that can be.
        """
        if asks_nothing(turn):
            nothing = Answer([Done(Stop.END)], _no_more(), "", Choice(None, "auto"))
            return nullcontext(nothing)
        return _Opening(self, turn, asker, story if self.conversations else None)

    async def seat(
        self, turn: Turn, asker: str, tried: Collection[str], said: Problem | None, home: str = ""
    ) -> Seat:
        """Raises Busy, NoAccount; and Spent where there were enough second tries lately.

        An account that is out of use by what it `said` is no outage, and fails but once.
        """
        now = self._clock()
        if said is None:
            self._budget.earn(now)
        elif isinstance(said, OUTAGES) and not self._budget.spend(now):
            raise Spent
        return await self.admission.take(lambda: _place(turn, asker), tried, turn.model, home)

    async def ask(
        self, name: str, turn: Turn, binding: Binding | None = None
    ) -> tuple[Reply, Answer]:
        """One account's reply, still open, and the answer it began; by that `binding` if it may."""
        upstream = self._upstreams[name]  # it may leave while its models are read
        choice = self._chooser.choose(turn.model, await self.catalogues.of(name))
        if choice.model is None and choice.how == "default":
            self._doubt_default()
        _refuse_too_long(turn, choice)
        settled = settle(turn, choice, self.habits)
        terms = terms_of(settled)
        if binding is not None and binding.terms == terms:
            settled = replace(settled, bookmark=binding.bookmark)
        ignored = ("effort",) if turn.effort and not settled.effort else ()
        reply = upstream.open(settled)
        try:
            first, rest = await _begun(reply)
            thread = "continued" if settled.bookmark else "new"
            searched = _searched(settled.search)
            answer = Answer(first, rest, name, choice, ignored, thread=thread, searched=searched)
            return reply, replace(answer, terms=terms, identity=upstream.identity)
        except FeatureRefused as exc:
            raise (await self._reconsidered(name, exc, choice.model)) from exc

    def _doubt_default(self) -> None:
        """What is configured and means nothing is said once: nobody asked for what is served."""
        wanted = self.habits.naming.default
        if not self._doubted and wanted.strip().casefold() != AUTO:
            self._doubted = True
            logger.warning(
                "proxy.default_model is %r, which no account has: Notion chooses instead", wanted
            )

    async def _reconsidered(self, name: str, said: FeatureRefused, model: Model | None) -> Problem:
        """What it is that the service refused: it says the same of a model that the plan lacks.

        A look that costs nothing tells which; without one it is the allowance that is used up. The
        allowance for research is one of its own.
        """
        if model is None:
            return said
        if model.codename in RESEARCH:
            return ResearchExhausted(f"the allowance for research is used up ({said})")
        try:
            allowance = await self._look(name)
        except Problem:
            return said
        if not allowance.eligible:
            return said
        return ModelUnavailable(f"the plan of this account does not cover the model ({said})")

    async def end(self, seat: Seat, raised: BaseException | None, model: str = "") -> None:
        """Tell the pool how it went with a model.

        A client that leaves is neither good nor bad: its seat is only released. A limit without a
        time learns here how long the account rests, which is what the client is told.
        """
        name = seat.name
        try:
            if isinstance(raised, Problem):
                raised.account = name
                if isinstance(raised, ModelUnavailable):
                    self.catalogues.renew(name)
            if raised is None or isinstance(raised, Problem):
                now = self._clock()
                for standing in self.pool.report(name, raised, now, model):
                    if isinstance(raised, RateLimited) and raised.retry_after is None:
                        raised.retry_after = max(standing.ready_at - now, 1.0)
                    await self._keep(standing)
        finally:
            self.admission.leave(seat)


class Spent(Exception):
    """An outage is not to be made worse by trying again and again."""


class _Opening(AbstractAsyncContextManager[Answer]):
    """One turn on its way. Entered, it holds an account that answers; left, the account is free."""

    def __init__(self, gateway: Gateway, turn: Turn, asker: str, story: Story | None) -> None:
        self._gateway = gateway
        self._turn = turn
        self._asker = asker
        self._story = story
        self._tried = set[str]()
        self._was_spared = False  # the account at home was let try again before others
        self._said: Problem | None = None  # by the account that was asked last
        self._failures: list[str] = []
        self._waited = 0.0

    async def __aenter__(self) -> Answer:
        """The retry loop's bookkeeping costs as much as all the rest of the way to the upstream.

        So it is entered only once something failed, and told of that as its first attempt.
        """
        self._home = Home(self._gateway.homes, self._gateway.conversations, self._story)
        try:
            return await self._entered()
        finally:
            self._home.give_back()

    async def _entered(self) -> Answer:
        try:
            return await self._begin()
        except Problem as problem:
            failed = [problem]

        async def attempt() -> Answer:
            if failed:
                raise failed.pop()
            return await self._begin()

        return await self._gateway.retrying.copy()(attempt)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._reply.__aexit__(kind, raised, traceback)
        finally:
            await self._gateway.end(self._seat, raised, self._turn.model)

    async def _begin(self) -> Answer:
        if await self._home.make_sure():
            self._spare()
        seat = await self._seated()
        self._tried.add(seat.name)
        try:
            self._reply, answer = await self._asked(seat.name)
        except BaseException as exc:
            self._said = exc if isinstance(exc, Problem) else None
            await self._gateway.end(seat, exc, self._turn.model)
            if self._said is not None:
                self._failures.append(f"{seat.name} {self._said.code}")
                self._said.failures = tuple(self._failures)
            raise
        self._seat = seat
        return self._told(answer)

    def _told(self, answer: Answer) -> Answer:
        """With what is known of the way here, and of the way on."""
        if self._failures or self._waited:
            answer = replace(answer, failures=tuple(self._failures), waited=self._waited)
        if self._home.was_known and answer.thread == "new":
            answer = replace(answer, thread="moved")
        heed = self._home.listener(answer.identity, answer.terms)
        return answer if heed is None else replace(answer, heed=heed)

    def _spare(self) -> None:
        """After what may pass, the account at home is asked once more before others are."""
        if isinstance(self._said, PASSING) and not self._was_spared:
            self._was_spared = True
            self._tried.discard(self._home.name)

    async def _asked(self, name: str) -> tuple[Reply, Answer]:
        """Where the conversation is, or with all that was said before.

        A thread that is not there any more, is not for us, or says nothing is no fault of the
        account.
        """
        if name == self._home.name:
            binding = self._home.go_on()
            try:
                asked = await self._gateway.ask(name, self._turn, binding)
            except LOST as lost:
                logger.info("a conversation of %s is told anew: %s", name, lost)
            except RateLimited as exc:
                if exc.refused:
                    self._home.trust(binding)
                raise
            else:
                self._home.leave()
                return asked
        asked = await self._gateway.ask(name, self._turn)
        self._home.leave()
        return asked

    async def _seated(self) -> Seat:
        """Prefer telling what an account said over telling that there is no other now."""
        try:
            home = self._home.name
            seat = await self._gateway.seat(self._turn, self._asker, self._tried, self._said, home)
        except (Busy, NoAccount, Spent) as refusal:
            if self._said is None:
                raise
            raise self._said from refusal
        self._waited += seat.waited
        said = self._said if seat.name in self._tried else None
        if said is not None and not isinstance(said, PASSING):
            self._gateway.pool.release(seat.name)  # it was not used
            raise said
        return seat


_PLACES = ((), ("workspace",), ("web",), ("web", "workspace"))


def _searched(search: Search) -> tuple[str, ...]:
    return _PLACES[2 * bool(search.web) + bool(search.workspace)]


def _place(turn: Turn, asker: str) -> Place:
    return Place(asker, turn.conversation, size(turn) < SMALL)


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


def _is_better_elsewhere(exc: BaseException) -> bool:
    return isinstance(exc, Problem) and exc.elsewhere


async def _begun(reply: Reply) -> tuple[Sequence[Event], Batches]:
    """The first content, and what follows. What does not begin is closed."""
    try:
        batches = await reply.__aenter__()
    except Problem as exc:
        exc.refused = True
        raise
    try:
        return await _first(batches), batches
    except BaseException as exc:
        await reply.__aexit__(type(exc), exc, exc.__traceback__)
        raise


async def _first(batches: Batches) -> Sequence[Event]:
    async for batch in batches:
        if batch:
            return batch
    raise EmptyAnswer("the upstream said nothing")


async def _no_more() -> Batches:
    return
    yield
