"""`runInferenceTranscript`: from a checked call to the turn that answers it."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from .accounts import SimAccount
from .answers import Seen
from .asks import Ask
from .catalogue import AUTO, BY_NAME, SimModel
from .chunking import CHUNKS, chunk
from .encodings import Encoder, Item
from .failures import chosen
from .perform import SAVED, Performance, Stage
from .plan import plan
from .research import research
from .scenarios import ERRORS, Scenario
from .script import Beat, Cut, Ending, Pause
from .shapes import Json
from .speech import CUTS
from .world import World

RARELY = 0.2


@dataclass(slots=True)
class Turn:
    """A turn in progress: it goes on to its end whether or not anybody listens."""

    world: World
    account: SimAccount
    ask: Ask
    items: Sequence[Item]
    saved: Sequence[Json]
    title: str
    status: str
    charged: bool
    linger: bool
    partial: Sequence[Json] = ()
    rest: float | None = 0.0
    """Seconds that a turn goes on behind a stream that was cut; None where it dies with it."""
    ending: Ending = Ending.CLOSE
    finished: bool = False
    chunks: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue[bytes | None])

    async def run(self) -> None:
        """Bring it about. All is saved before the last bytes leave, as readers may act on them.

        But for a stream that is cut: then the turn goes on, and what was said is saved in part.
        """
        cut = bool(self.items) and isinstance(self.items[-1], Cut)
        last = max((n for n, item in enumerate(self.items) if isinstance(item, bytes)), default=-1)
        try:
            for number, item in enumerate(self.items):
                if number == last and not cut:
                    self.finish()
                await self._emit(item)
            if cut:
                await self._go_on()
        finally:
            self.finish()
            self.chunks.put_nowait(None)

    async def _go_on(self) -> None:
        thread = self.ask.thread
        thread.add(self.partial)
        self.chunks.put_nowait(None)
        if self.rest is None:
            self.finished = True
            thread.release(self.ask.trace_id)
        else:
            await asyncio.sleep(self.rest)

    async def _emit(self, item: Item) -> None:
        match item:
            case bytes():
                self.chunks.put_nowait(item)
                await asyncio.sleep(self.world.options.pace)
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Cut(ending):
                self.ending = ending

    def finish(self) -> None:
        """Save, charge, give back the lease: once."""
        if self.finished:
            return
        self.finished = True
        thread, now_ms = self.ask.thread, self.world.now_ms
        thread.finish(self.saved, outcome(self.ask, self.status, now_ms), self.title)
        thread.unread = True
        if self.charged:
            tally = self.world.ledger.tally(self.account, self.ask.space)
            tally.charge(now_ms, research=self.ask.research)


def outcome(ask: Ask, status: str, now_ms: int) -> Json:
    return {"inference_id": ask.trace_id, "status": status, "completed_time": now_ms}


def natural(world: World, account: SimAccount, ask: Ask, overlapping: bool) -> Scenario:  # noqa: FBT001
    """What goes wrong by itself: AI is off, credits are spent, the model is not to be had."""
    model = BY_NAME.get(ask.model)
    if ask.space.ai is False:
        return Scenario({"ai-not-enabled": ""})
    if overlapping and world.options.deny_overlap:
        return Scenario({"trust-rule-denied": ""})
    if _spent(world, account, ask):
        return Scenario({"exhausted": ""})
    if ask.model and (
        model is None or ask.space.models == "restricted" or model.shelf == "disabled"
    ):
        return Scenario({"model-unavailable": ""})
    return Scenario({"exhausted": ""} if model and model.shelf == "restricted" else {})


def _spent(world: World, account: SimAccount, ask: Ask) -> bool:
    """Research has its own allowance in free workspaces: three runs."""
    runs = world.ledger.tally(account, ask.space).research
    spent = ask.space.free and runs >= 3  # noqa: PLR2004
    return spent if ask.research else world.ledger.exhausted(account, ask.space)


def compose(world: World, account: SimAccount, ask: Ask, scenario: Scenario, rng: Random) -> Turn:
    """Write the turn and take the thread's lease. The steps of the call are saved at once."""
    thread, now_ms = ask.thread, world.now_ms
    overlapping = world.running.get(account.user_id, 0) > 0
    if not scenario.first(ERRORS):
        scenario = natural(world, account, ask, overlapping).over(scenario)
    thread.add(ask.steps)
    thread.model = ask.model or thread.model or AUTO
    thread.lease(ask.trace_id, now_ms)
    stage = _stage(world, account, ask, scenario, rng)
    beats, performance = _beats(stage)
    failure = stage.failure
    encoder = _encoder(ask, scenario, rng)
    items = list(_items(world, encoder, scenario, beats, rng))
    return Turn(
        world=world,
        account=account,
        ask=ask,
        items=items,
        saved=[*performance.saved, *_unseen(failure.step if failure else None, performance.saved)],
        title=performance.title,
        status="failed" if failure else "completed",
        charged=failure is None or failure.late,
        linger="linger" in scenario,
        partial=[step for step in encoder.state.steps if step["type"] in SAVED],
        rest=_rest(scenario),
    )


def _rest(scenario: Scenario) -> float | None:
    ending = scenario.first(CUTS)
    lost = ending is not None and scenario.get(ending) == "lost"
    return None if lost else scenario.number(ending or "", 0.1)


def _unseen(step: Json | None, saved: Sequence[Json]) -> Iterator[Json]:
    """The step of a failure that no stream carried."""
    if step and step not in saved:
        yield step


def _stage(world: World, account: SimAccount, ask: Ask, scenario: Scenario, rng: Random) -> Stage:
    model = BY_NAME.get(ask.thread.model, SimModel(ask.thread.model, ask.thread.model))
    used = world.ledger.tally(account, ask.space).turns
    limit = {"type": "cumulative", "total": ask.space.user_limit or 75, "current": max(used, 78)}
    failure = chosen(scenario, rng, model=model.name, trace_id=ask.trace_id, used=limit)

    def closing(steps: Sequence[Json], title: str) -> Json:
        thread = ask.thread
        after = replace(
            thread,
            messages=list(thread.messages),
            steps=dict(thread.steps),
            message_data=dict(thread.message_data),
        )
        status = "failed" if failure else "completed"
        after.finish(steps, outcome(ask, status, world.now_ms), title)
        return after.records([step["id"] for step in steps], world.options.wrapping)

    return Stage(
        seen=Seen(ask, model),
        scenario=scenario,
        rng=rng,
        now_ms=world.now_ms,
        era=world.options.era,
        failure=failure,
        closing=closing,
    )


def _beats(stage: Stage) -> tuple[Sequence[Beat], Performance]:
    performance = Performance(stage)
    if stage.seen.ask.research and (stage.failure is None or stage.failure.late):
        return research(stage, performance.out, performance.interrupt), performance
    return performance.play(plan(stage.seen, stage.scenario, stage.rng)), performance


def _encoder(ask: Ask, scenario: Scenario, rng: Random) -> Encoder:
    return Encoder(
        patch=ask.patch,
        escaped=rng.random() < RARELY,
        framed=scenario.get("noise") == "sse",
        thread_id=ask.thread.id if rng.random() < RARELY else "",
    )


def _items(
    world: World, encoder: Encoder, scenario: Scenario, beats: Sequence[Beat], rng: Random
) -> Iterator[Item]:
    items = list(encoder.encode(beats))
    if items and isinstance(items[-1], bytes) and (rng.random() < RARELY or "bare-end" in scenario):
        items[-1] = items[-1].rstrip(b"\n")
    chunks = scenario.get("chunks")
    how = CHUNKS.get(chunks, world.options.chunks)
    return chunk(items, rng, how)
