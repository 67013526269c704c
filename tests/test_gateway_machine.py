"""Whatever clients, accounts and time do: pool, queue, gateway and conversations keep together.

Every account says its own name, so that an answer shows who gave it; and holds what it was told, so
that a conversation shows whether it goes on where it is.
"""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from notion_manager.admission import Admission, Rules
from notion_manager.allowance import Allowance
from notion_manager.catalogues import Catalogues
from notion_manager.conversations import FILE, Conversations
from notion_manager.errors import (
    AccountRefused,
    Denied,
    EdgeChallenged,
    EmptyAnswer,
    ModelUnavailable,
    Problem,
    QuotaExhausted,
    RateLimited,
    UpstreamBroken,
    UpstreamRejected,
)
from notion_manager.gateway import Effects, Gateway
from notion_manager.habits import Habits
from notion_manager.models import Model
from notion_manager.pool import Pool
from notion_manager.seating import ANY, Wish
from notion_manager.standing import Standing, Terms
from notion_manager.story import Story
from notion_manager.turn import Done, Event, Message, Part, Stop, Text, Turn, Usage
from notion_manager.upstreams import Since
from tests.scripted import MODELS, keep_nothing

NAMES = ("ada", "bob", "cyd")
CLIENTS = 5
names = st.sampled_from(NAMES)
MODEL_NAMES = st.sampled_from([model.id for model in MODELS])
PROBLEMS = (
    RateLimited,
    UpstreamBroken,
    AccountRefused,
    EmptyAnswer,
    UpstreamRejected,
    QuotaExhausted,
    Denied,
    EdgeChallenged,
    ModelUnavailable,
)

Plan = type[Problem] | tuple[type[Problem], Since] | str
HANGS = ("hang", "hang", "hang", "hang and break", "hang and break")
PLANS: Sequence[Plan] = (
    *PROBLEMS,
    *((problem, heard) for problem in PROBLEMS for heard in ("failed", "more")),
    *("break", *HANGS, "well", "well", "well", "well") * 2,
)
"""A problem comes before the question is heard, or it is heard and may be answered all the same."""


class Held:
    """A thread: what was told there, and what question came since."""

    def __init__(self, told: tuple[str, ...]) -> None:
        self.told = told
        self.since: Since = "nothing"
        self.failed = ""

    def hear(self, asked: tuple[str, ...]) -> None:
        assert asked[:-1] == self.told
        assert self.since != "more"
        assert self.failed in ("", asked[-1])


class Time:
    """Passes when it is told to, and then whoever slept so long wakes. A clock of it may be `off`."""

    def __init__(self) -> None:
        self.now = 10_000.0
        self.off = 0.0
        self._due: list[tuple[float, asyncio.Future[None]]] = []

    def clock(self) -> float:
        return self.now + self.off

    def timer(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            until = asyncio.get_running_loop().create_future()
            self._due.append((self.now + seconds, until))
            await until

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        for due, until in self._due:
            if due <= self.now and not until.done():
                until.set_result(None)


class Watched(Pool):
    """Gives no seat that is not to be had, prefers a conversation's own, and shortens no rest."""

    def pick(self, now: float, wish: Wish = ANY) -> str:
        self.rest(now)  # it sees that the clock was put back, if it was
        before = dict(self.standings)
        name = super().pick(now, wish)
        assert name not in wish.barred
        was = before[name]
        assert not was.retired
        assert was.ready_at <= now
        assert self.terms_of(was).enabled
        assert was.busy < self.limit(was)
        if not _has(was, wish.model, now):
            usable = [s for s in before.values() if self.is_usable(s.name)]
            assert not any(_has(s, wish.model, now) for s in usable)
        own = before.get(wish.home)
        if own is not None and wish.home not in wish.tried and self._may_have(own, now, wish.model):
            assert name == wish.home
        return name

    def _may_have(self, own: Standing, now: float, model: str) -> bool:
        well = own.ready_at <= now and self.is_usable(own.name)
        return well and _has(own, model, now) and own.busy < self.limit(own)

    def report(
        self, name: str, problem: Problem | None, now: float, model: str = ""
    ) -> list[Standing]:
        before = dict(self.standings)
        changed = super().report(name, problem, now, model)
        for each, was in before.items():
            if was.ready_at > now and problem is not None:
                assert self.standings[each].ready_at >= was.ready_at
                assert self.standings[each].strikes == was.strikes
        return changed


def _has(standing: Standing, model: str, now: float) -> bool:
    return standing.models.get(model, 0.0) <= now


class Tagged:
    """An account: it says its name, and holds threads."""

    def __init__(self, name: str, plans: list[Plan]) -> None:
        self.name = self.identity = name
        self.plans = plans  # of the next questions, whoever is asked them
        self.told_to_go_on = False
        self.held: dict[str, Held] = {}
        self.under_way = 0
        self._said = 0

    async def models(self) -> Sequence[Model]:
        return MODELS

    async def allowance(self) -> Allowance:
        raise UpstreamBroken("no figures")

    async def since(self, bookmark: str) -> Since:
        await asyncio.sleep(0)
        return self.held[bookmark].since if bookmark in self.held else "more"

    async def forget(self, threads: Sequence[str]) -> None:
        """Threads are not deleted here."""

    @asynccontextmanager
    async def open(self, turn: Turn) -> AsyncGenerator[AsyncIterator[Sequence[Event]], None]:
        self.under_way += 1
        try:
            yield self._answer(turn)
        finally:
            self.under_way -= 1

    async def _answer(self, turn: Turn) -> AsyncGenerator[Sequence[Event], None]:
        asked = tuple(_text(message) for message in turn.messages)
        thread = self.held[turn.bookmark] if turn.bookmark else Held(asked[:-1])  # it is here
        thread.hear(asked)
        await asyncio.sleep(0)
        plan = self.plans.pop(0) if self.plans else ""
        if isinstance(plan, tuple):
            problem, thread.since = plan
            thread.failed = asked[-1]
            raise problem("as planned")
        if not isinstance(plan, str):
            raise plan("as planned")
        self.held.pop(turn.bookmark, None)  # and only once
        self._said += 1
        said = f"{self.name} {self._said}"
        yield [Text(said)]
        await asyncio.sleep(0)
        if plan == "break":
            raise UpstreamBroken("in the middle")
        while plan in HANGS and not self.told_to_go_on:  # noqa: ASYNC110 - the machine says when
            await asyncio.sleep(0)
        if plan == "hang and break":  # perhaps the account rests by now
            raise UpstreamBroken("in the middle")
        bookmark = f"the thread of {said}"
        self.held[bookmark] = Held((*asked, said))
        yield [Done(Stop.END, Usage(1, 1), bookmark=bookmark)]


def _text(message: Message) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, Text))


class Client:
    """One conversation, as an agent has it: all of it goes with every question."""

    def __init__(self, number: int) -> None:
        self.key = f"key{number % 2}"
        self.history: list[Message] = []
        self.task: asyncio.Task[None] | None = None
        self.last = ""  # the account that answered last

    async def ask(self, gate: Gateway, text: str, model: str) -> None:
        asked = [*self.history, _message("user", text)]
        turn = Turn(model, tuple(asked), conversation=self.key)
        said = ""
        with suppress(Problem):
            async with gate.open(turn, self.key, Story(turn, self.key)) as answer:
                async for batch in answer.batches():
                    answer.heed(batch)
                    said += "".join(piece.text for piece in batch if isinstance(piece, Text))
                    assert said.startswith(f"{answer.account} ")
            if answer.thread == "continued":
                assert answer.account == self.last
            self.history = [*asked, _message("assistant", said)]
            self.last = answer.account


def _message(role: str, text: str) -> Message:
    parts: tuple[Part, ...] = (Text(text),)
    return Message("assistant" if role == "assistant" else "user", parts)


class Together(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.time = Time()
        self.plans: list[Plan] = []
        self.accounts = {name: Tagged(name, self.plans) for name in NAMES}
        self.clients = [Client(number) for number in range(CLIENTS)]
        self.asked = 0
        self.gate = self._opened()

    def _opened(self) -> Gateway:
        pool = Watched(map(Standing, NAMES))
        admission = Admission(
            pool,
            Rules(most=2, patience=60),
            clock=self.time.clock,
            timer=self.time.timer,
            sleep=self.time.sleep,
        )
        catalogues = Catalogues(self.accounts, {}, keep=keep_nothing, clock=self.time.clock)
        self.conversations = Conversations(Path(self.folder.name) / FILE, 1e9, self.time.clock)
        effects = Effects(
            keep_nothing,
            lambda name: self.accounts[name].allowance(),
            self.time.clock,
            self.time.sleep,
            self.conversations,
        )
        return Gateway(self.accounts, admission, catalogues, Habits(), effects)

    def _settle(self, act: Callable[[], object] = lambda: None) -> None:
        """Do it, and let everybody do all that can be done without more time."""

        async def settled() -> None:
            act()
            for _ in range(60):
                await asyncio.sleep(0)

        self.runner.run(settled())
        for client in self.clients:
            if client.task is not None and client.task.done():
                task, client.task = client.task, None
                if not task.cancelled():
                    task.result()

    @rule(
        number=st.integers(0, CLIENTS - 1),
        text=st.sampled_from(["hi", "more"]),
        model=MODEL_NAMES,
        plans=st.just([]) | st.lists(st.sampled_from(PLANS), min_size=1, max_size=3),
    )
    def ask(self, number: int, text: str, model: str, plans: list[Plan]) -> None:
        client = self.clients[number]
        if client.task is None:

            def begin() -> None:
                self.plans[:] = plans
                client.task = asyncio.ensure_future(client.ask(self.gate, text, model))

            self._settle(begin)

    @rule(name=names)
    def go_on(self, name: str) -> None:
        """Those that hang say the rest."""
        account = self.accounts[name]
        account.told_to_go_on = True
        self._settle()
        account.told_to_go_on = False

    @precondition(lambda self: any(client.task for client in self.clients))
    @rule(number=st.integers(0, CLIENTS - 1))
    def hang_up(self, number: int) -> None:
        task = self.clients[number].task
        if task is not None:
            self._settle(task.cancel)

    @rule(seconds=st.sampled_from([1.0, 50.0, 4000.0]))
    def wait(self, seconds: float) -> None:
        self._settle(lambda: self.time.pass_by(seconds))

    @rule(seconds=st.sampled_from([-5000.0, -1.0, 0.0, 5000.0]))
    def set_the_clock(self, seconds: float) -> None:
        self.time.off = seconds

    @rule(name=names, enabled=st.booleans(), seats=st.integers(0, 2))
    def agree(self, name: str, seats: int, *, enabled: bool) -> None:
        terms = Terms(enabled=enabled, seats=seats)
        self._settle(lambda: self.gate.pool.agree({**self.gate.pool.terms, name: terms}))

    @rule(name=names, problem=st.sampled_from(PROBLEMS), model=MODEL_NAMES)
    def find_out(self, name: str, problem: type[Problem], model: str) -> None:
        """What is seen of an account while it answers, as by a look at what is left of it."""
        self._settle(
            lambda: self.gate.pool.report(name, problem("as seen"), self.time.clock(), model)
        )

    @rule()
    def renew(self) -> None:
        """All accounts are well again."""

        def join() -> None:
            for name in NAMES:
                self.gate.pool.join(Standing(name))

        self._settle(join)

    @rule(name=names)
    def leave_and_come_back(self, name: str) -> None:
        """What it is answering goes on meanwhile."""
        self._settle(lambda: self.gate.pool.leave(name))
        self._settle(lambda: self.gate.pool.join(Standing(name)))

    @rule(first=st.integers(0, CLIENTS - 1), second=st.integers(0, CLIENTS - 1))
    def branch(self, first: int, second: int) -> None:
        """Two clients of a key that say the same so far, or one that edits what was said."""
        one, other = self.clients[first], self.clients[second]
        if one.task is None and one is not other:
            one.history, one.key, one.last = list(other.history), other.key, other.last
        elif one.task is None:
            one.history = one.history[:-2]

    @rule()
    def restart(self) -> None:
        """All who ask are gone."""
        for client in self.clients:
            if client.task is not None:
                self._settle(client.task.cancel)
        self.conversations.close()
        self.gate = self._opened()

    @invariant()
    def seats_are_those_of_answers_under_way(self) -> None:
        for name, account in self.accounts.items():
            assert self.gate.pool.standings[name].busy == account.under_way
        asking = sum(client.task is not None for client in self.clients)
        under_way = sum(account.under_way for account in self.accounts.values())
        assert under_way + self.gate.admission.waiting <= asking

    def teardown(self) -> None:
        for client in self.clients:
            if client.task is not None:
                self._settle(client.task.cancel)
        assert self.gate.admission.waiting == 0
        assert all(standing.busy == 0 for standing in self.gate.pool.standings.values())
        self.conversations.close()
        self.runner.close()
        self.folder.cleanup()


Together.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestTogether = Together.TestCase
