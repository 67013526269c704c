"""Where a Turn becomes Events: pick an account, open it, fail over, hand it back."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from types import TracebackType

import tenacity
from msgspec import Struct
from msgspec.structs import replace

from .admission import Admission, Place, Seat
from .allowance import Allowance
from .answers import Answer, Reply, begun, no_more
from .budget import Budget
from .catalogues import Catalogues
from .conversations import Conversations, terms_of
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
    StorageBroken,
    TemporarilyUnavailable,
    UpstreamBroken,
    UpstreamRejected,
    WorkspaceRefused,
)
from .habits import Habits, settle
from .homes import Home, Homes
from .models import AUTO, RESEARCH, Choice, Chooser, Model, wanted_of
from .places import Binding
from .reports import Reports, is_past
from .seating import Wish
from .standing import Standing
from .story import Story
from .tokens import of_turn, size
from .tries import Tries
from .turn import Done, Search, Stop, Text, Turn
from .upstreams import Upstream, found

logger = logging.getLogger(__name__)
SMALL = 20_000  # characters of a question that does not wait behind large ones
LOOK = 5.0  # seconds that a refused request waits for a look at what is left
OUTAGES = (RateLimited, TemporarilyUnavailable, UpstreamBroken)
"""What may befall every account at once: there are only so many second tries after it."""

LOST = (UpstreamRejected, WorkspaceRefused, EmptyAnswer)
"""What may be said of a thread alone: it is gone, no more for us, or held by another turn."""


class Effects(Struct, frozen=True):
    """What the gateway does to the world. Tests bring their own time.

    `keep` is told of the standings that a report changed, before the client hears of the problem.
    `look` finds out what is left of an account, or raises Problem. `conversations` says where one
    can go on; None where none does.
    """

    keep: Callable[[Sequence[Standing]], Awaitable[None]]
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
        self._reports = Reports(self.pool, effects.keep)
        self._look = effects.look
        self._clock = effects.clock
        self._budget = Budget()
        self.retrying = tenacity.AsyncRetrying(
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
            nothing = Answer([Done(Stop.END)], no_more(), "", Choice(None, "auto"))
            return nullcontext(nothing)
        return _Opening(self, turn, asker, story if self.conversations else None)

    async def seat(self, turn: Turn, asker: str, tries: Tries, home: str = "") -> Seat:
        """Raises Busy, NoAccount; and Spent where there were enough second tries lately.

        An account that is out of use by what it said is no outage, and fails but once; nor is a
        failure of the file storage one of accounts.
        """
        now, said = self._clock(), tries.said
        if said is None:
            self._budget.earn(now)
        elif _is_outage(said) and not self._budget.spend(now):
            raise Spent
        model = wanted_of(turn.model, self.habits.naming)
        wish = Wish(model, home, tries.names, tries.barred)
        return await self.admission.take(lambda: _place(turn, asker), wish)

    async def ask(
        self, name: str, turn: Turn, binding: Binding | None = None
    ) -> tuple[Reply, Answer]:
        """One account's reply, still open, and the answer it began; by that `binding` if it may."""
        upstream = found(self._upstreams, name)  # it may leave while its models are read
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
            first, rest = await begun(reply)
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

        A look that costs nothing tells which; without one it is the allowance that is used up. One
        that takes too long goes on, and ends the rest if it finds room. The allowance for research
        is one of its own. Where the service was to choose (None), it is its own choice that is
        refused.
        """
        if model is not None and model.codename in RESEARCH:
            return ResearchExhausted(f"the allowance for research is used up ({said})")
        try:
            async with asyncio.timeout(LOOK):
                allowance = await self._look(name)
        except (Problem, TimeoutError):
            return said
        if not allowance.eligible:
            return said
        lacking = "the model" if model else "the model that Notion chose"
        return ModelUnavailable(f"the plan of this account does not cover {lacking} ({said})")

    def holder(self, seat: Seat) -> Upstream | None:
        """Who has it now; another one once the account was renewed."""
        return self._upstreams.get(seat.name)

    async def end(
        self, seat: Seat, holder: Upstream | None, raised: BaseException | None, turn: Turn
    ) -> None:
        """Tell the pool how a turn went.

        A client that leaves is neither good nor bad: its seat is only released.
        """
        name = seat.name
        try:
            if isinstance(raised, Problem):
                raised.account = name
                if isinstance(raised, ModelUnavailable):
                    self.catalogues.renew(name)
            past = is_past(raised, holder, self.holder(seat))
            if not past and (raised is None or isinstance(raised, Problem)):
                now, model = self._clock(), wanted_of(turn.model, self.habits.naming)
                await self._reports.note(name, raised, now, model)
                if isinstance(raised, RateLimited) and raised.retry_after is None:
                    self._time(raised, name, now)
        finally:
            self.admission.leave(seat)

    def _time(self, limit: RateLimited, name: str, now: float) -> None:
        """A limit without a time: its client is told how long the account rests."""
        standing = self.pool.standings.get(name)
        if standing is not None:
            limit.retry_after = max(standing.ready_at - now, 1.0)

    def tell_soonest(self, problem: Problem) -> None:
        """Who asks again is answered by the account that is due first, whichever failed last."""
        now = self._clock()
        soonest, own = self.pool.rest(now), problem.retry_after
        if problem.elsewhere and soonest and (own is not None or not self.pool.ready(now)):
            problem.retry_after = max(min(soonest, own or soonest), 1.0)


class Spent(Exception):
    """An outage is not to be made worse by trying again and again."""


class _Opening(AbstractAsyncContextManager[Answer]):
    """One turn on its way. Entered, it holds an account that answers; left, the account is free."""

    def __init__(self, gateway: Gateway, turn: Turn, asker: str, story: Story | None) -> None:
        self._gateway = gateway
        self._turn = turn
        self._asker = asker
        self._story = story
        self._tries = Tries()
        self._waited = 0.0

    async def __aenter__(self) -> Answer:
        """The retry loop's bookkeeping costs as much as all the rest of the way to the upstream.

        So it is entered only once something failed, and told of that as its first attempt.
        """
        self._home = Home(self._gateway.homes, self._gateway.conversations, self._story)
        try:
            return await self._begin()
        except Problem as problem:
            return await self._begin_again(problem)
        finally:
            self._home.give_back()

    async def _begin_again(self, problem: Problem) -> Answer:
        failed = [problem]

        async def attempt() -> Answer:
            if failed:
                raise failed.pop()
            return await self._begin()

        goes_on = tenacity.retry_if_exception(self._tries.go_on)
        try:
            return await self._gateway.retrying.copy(retry=goes_on)(attempt)
        except Problem as last:
            if len(self._tries.names) > 1:
                self._gateway.tell_soonest(last)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._reply.__aexit__(kind, raised, traceback)
        finally:
            await self._gateway.end(self._seat, self._holder, raised, self._turn)

    async def _begin(self) -> Answer:
        if await self._home.make_sure():
            self._tries.spare(self._home.name)
        seat = await self._seated()
        self._tries.ask(seat.name)
        self._holder = self._gateway.holder(seat)
        try:
            self._reply, answer = await self._asked(seat.name)
        except BaseException as exc:
            if isinstance(exc, Problem):
                self._tries.fail(seat.name, exc)
            await self._gateway.end(seat, self._holder, exc, self._turn)
            raise
        self._seat = seat
        return self._told(answer)

    def _told(self, answer: Answer) -> Answer:
        """With what is known of the way here, and of the way on."""
        if self._tries.failures or self._waited:
            answer = replace(answer, failures=self._tries.failures, waited=self._waited)
        if self._home.was_known and answer.thread == "new":
            answer = replace(answer, thread="moved")
        heed = self._home.listener(answer.identity, answer.terms)
        return answer if heed is None else replace(answer, heed=heed)

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
                if isinstance(lost, EmptyAnswer):
                    self._tries.tell_anew()
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
        """Prefer telling what an account said over telling that there is no other now.

        But one that lacks the model speaks for itself alone.
        """
        said = self._tries.said
        try:
            home = self._home.name
            seat = await self._gateway.seat(self._turn, self._asker, self._tries, home)
        except (Busy, NoAccount, Spent) as refusal:
            self._tries.give_up("retry_budget" if isinstance(refusal, Spent) else "")
            if said is None:
                raise
            if isinstance(said, ModelUnavailable) and isinstance(refusal, Busy):
                refusal.failures = said.failures
                raise
            raise said from refusal
        self._waited += seat.waited
        return seat


_PLACES = ((), ("workspace",), ("web",), ("web", "workspace"))


def _searched(search: Search) -> tuple[str, ...]:
    return _PLACES[2 * bool(search.web) + bool(search.workspace)]


def _is_outage(said: Problem) -> bool:
    return isinstance(said, OUTAGES) and not isinstance(said, StorageBroken)


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
