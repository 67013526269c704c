"""Upstreams that play a script: what the gateway and the server are tested with."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from notion_manager.admission import Admission
from notion_manager.allowance import Allowance
from notion_manager.catalogues import Catalogues, Shelved
from notion_manager.errors import Problem, UpstreamBroken
from notion_manager.gateway import Effects, Gateway
from notion_manager.habits import Habits
from notion_manager.models import Model
from notion_manager.pool import Pool
from notion_manager.standing import Standing
from notion_manager.turn import Done, Event, Message, Stop, Text, Turn, Usage, fold
from notion_manager.upstreams import Since

MODELS = (
    Model("opus-4.6", "avocado-froyo-medium", "Opus 4.6", "anthropic", ("low", "high"), "high"),
    Model("gpt-5.4-mini", "oregon-grape-medium", "GPT-5.4 Mini", "openai"),
)

HANG = "hang"
Step = Sequence[Event] | Problem | str
DONE = Done(Stop.END, Usage(input=10, output=2), served="avocado-froyo-medium")


def says(*texts: str) -> list[Step]:
    """An answer, a word a batch."""
    return [*([Text(t)] for t in texts), [DONE]]


class Scripted:
    """Each `open` plays the next script: batches to yield, problems to raise, HANG for ever.

    A problem in place of a script comes in place of an answer.
    """

    def __init__(
        self, *scripts: Sequence[Step] | Problem, models: Sequence[Model] | Problem = MODELS
    ) -> None:
        self.scripts = list(scripts)
        self.identity = f"account {id(self)}"
        self.heard: Since = "nothing"
        self.turns: list[Turn] = []
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        self._models = models
        self.looked: Callable[[], object] = lambda: None
        self.looking: Callable[[], Awaitable[object]] = keep_nothing
        self.left: Allowance | Problem = UpstreamBroken("no figures")

    async def models(self) -> Sequence[Model]:
        if isinstance(self._models, Problem):
            raise self._models
        return self._models

    async def allowance(self) -> Allowance:
        self.looked()
        await self.looking()
        if isinstance(self.left, Problem):
            raise self.left
        return self.left

    async def since(self, bookmark: str) -> Since:
        return self.heard

    async def forget(self, threads: Sequence[str]) -> None:
        """Nothing was made."""

    @asynccontextmanager
    async def open(self, turn: Turn) -> AsyncGenerator[AsyncIterator[Sequence[Event]], None]:
        self.turns.append(turn)
        self.opened.set()
        script = self.scripts.pop(0)
        if isinstance(script, Problem):
            raise script
        playing = _play(script)
        try:
            yield playing
        finally:
            await playing.aclose()
            self.closed.set()


async def _play(script: Sequence[Step]) -> AsyncGenerator[Sequence[Event], None]:
    for step in script:
        if isinstance(step, Problem):
            raise step
        if isinstance(step, str):
            await asyncio.Event().wait()
        else:
            yield step


ASK = Turn("opus-4.6", (Message("user", (Text("hi"),)),))


async def read(gate: Gateway, turn: Turn = ASK) -> tuple[str, str]:
    """Who answered, and what."""
    events: list[Event] = []
    async with gate.open(turn) as answer:
        async for batch in answer.batches():
            events += batch
    return answer.account, "".join(p.text for p in fold(events).parts if isinstance(p, Text))


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def keep_nothing(*args: object) -> None:
    """Nothing outlives a test."""


def gateway(
    upstreams: dict[str, Scripted],
    habits: Habits = Habits(),
    *,
    clock: Clock | None = None,
    shelf: dict[str, Shelved] | None = None,
    keep: Callable[..., object] = keep_nothing,
) -> Gateway:
    clock = clock or Clock()
    pool = Pool(Standing(name) for name in upstreams)
    catalogues = Catalogues(upstreams, shelf or {}, keep=keep_nothing, clock=clock)
    admission = Admission(pool, clock=clock, timer=clock, sleep=clock.sleep)

    async def look(name: str) -> Allowance:
        return await upstreams[name].allowance()

    effects = Effects(keep=keep, look=look, clock=clock, sleep=clock.sleep)
    return Gateway(upstreams, admission, catalogues, habits, effects)
