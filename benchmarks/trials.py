"""What is measured: each trial puts one kind of load on one target, and gives named figures."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import load
import usage
from answers import Plan
from hangup import release
from load import APIS, DIRECT, MESSAGES, Api, Ask, Outcome, Target, percentile
from targets import Lab, Started

SHORT, MIDDLE, LONG = 20, 200, 4000  # chunks of an answer
CLIENTS = {MIDDLE: 8, LONG: 2, SHORT: 16}  # of a closed loop
FEW, SOME, MANY = 20, 150, 200  # streams at once
PAUSE = 0.05  # seconds between paced chunks
THOUGHT = 1.0  # seconds that a model thinks, where that is the point
ABANDONED = 300  # chunks of an answer that nobody waits for

Figures = dict[str, float]
"""Seconds, bytes and counts, by name."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything: loops last `seconds`, paced answers have `paced` chunks.

    `ramp` is a number of pauses that shares no divisor with the number of streams, so that these
    run evenly out of step: in step, a server would wake once for many chunks.
    """

    rounds: int
    requests: int
    seconds: float
    paced: int
    ramp: int


FULL = Size(rounds=5, requests=400, seconds=1.0, paced=50, ramp=11)
QUICK = Size(rounds=1, requests=50, seconds=0.3, paced=15, ramp=7)


@dataclass(frozen=True, slots=True)
class Bench:
    """What trials share: two targets that run all along, and the means to start more of each."""

    lab: Lab
    runner: asyncio.Runner
    size: Size
    floor: Target
    ours: Target

    def run(self, plan: Plan, work: Coroutine[Any, Any, Outcome]) -> tuple[Outcome, Figures]:
        """What came of a load under a plan; lost answers are a figure already."""
        self.lab.upstream.play(plan)
        outcome = self.runner.run(work)
        return outcome, {"lost": outcome.lost.total()}

    def fresh(self, like: Target) -> AbstractContextManager[Started]:
        return self.lab.ours() if like is self.ours else self.lab.floor()


@dataclass(frozen=True, slots=True)
class Trial:
    """`measure` is called for each target in turn; where `direct`, for the upstream itself too."""

    name: str
    measure: Callable[[Bench, Target], Figures]
    direct: bool = False


def alone(api: Api, bench: Bench, target: Target) -> Figures:
    """One client: what the way through adds to the first text."""
    ask = Ask(_as_spoken(api, bench, target), SHORT)
    asked = load.one_by_one(target, ask, bench.size.requests)
    outcome, figures = bench.run(Plan(chunks=SHORT), asked)
    return figures | {"p50": percentile(outcome.first, 0.5), "p99": percentile(outcome.first, 0.99)}


def paced(api: Api, streams: int, bench: Bench, target: Target) -> Figures:
    """Streams at the pace of a model: every line arrives alone."""
    size = bench.size
    plan = Plan(chunks=size.paced, pause=PAUSE, stamped=True)
    opened = load.spread(target, Ask(api, size.paced), streams, size.ramp * PAUSE)
    outcome, figures = bench.run(plan, opened)
    return figures | {
        "cpu": outcome.cpu_per_chunk,
        "delay.p50": percentile(outcome.delays, 0.5),
        "delay.p99": percentile(outcome.delays, 0.99),
    }


def burst(api: Api, chunks: int, bench: Bench, target: Target) -> Figures:
    """Answers without a pause: what a chunk costs when they come many in a read."""
    asked = load.closed(target, Ask(api, chunks), CLIENTS[chunks], bench.size.seconds)
    outcome, figures = bench.run(Plan(chunks=chunks), asked)
    return figures | {"cpu": outcome.cpu_per_chunk}


def whole(api: Api, bench: Bench, target: Target) -> Figures:
    """Answers that are not streamed."""
    ask = Ask(api, SHORT, stream=False)
    asked = load.closed(target, ask, CLIENTS[SHORT], bench.size.seconds)
    outcome, figures = bench.run(Plan(chunks=SHORT), asked)
    return figures | {"cpu": outcome.cpu_per_answer}


def thinking(bench: Bench, target: Target) -> Figures:
    """Clients that wait for a model together: nobody's wait may hold up another."""
    ask = Ask(_as_spoken(MESSAGES, bench, target), SHORT)
    plan = Plan(chunks=SHORT, think=THOUGHT)
    outcome, figures = bench.run(plan, load.spread(target, ask, FEW, 0.0))
    return figures | {"p99": percentile(outcome.first, 0.99)}


def fresh(bench: Bench, like: Target) -> Figures:
    """A new process: how soon it is there, what it holds, and what each open stream adds."""
    size = bench.size
    plan = Plan(chunks=size.paced, pause=PAUSE)
    with bench.fresh(like) as started:
        begun = usage.resident(usage.family(started.target.pid))
        warm = load.one_by_one(started.target, Ask(MESSAGES, SHORT), 3)
        _, lost = bench.run(Plan(chunks=SHORT), warm)
        opened = load.spread(started.target, Ask(MESSAGES, size.paced), MANY, size.ramp * PAUSE)
        outcome, figures = bench.run(plan, opened)
    return {
        "start": started.seconds,
        "begun": begun,
        "idle": outcome.before,
        "stream": (outcome.peak - outcome.before) / MANY,
        "lost": lost["lost"] + figures["lost"],
    }


def hangup(plan: Plan, bench: Bench, target: Target) -> Figures:
    """Clients that leave: how soon the upstream's streams are let go."""
    bench.lab.upstream.play(plan)
    upstream = bench.lab.upstream
    return {
        "stream": release(target, upstream, stream=True),
        "whole": release(target, upstream, stream=False),
    }


def _as_spoken(api: Api, bench: Bench, target: Target) -> Api:
    """The upstream itself speaks only its own."""
    return api if target in (bench.floor, bench.ours) else DIRECT


FLOWING = Plan(chunks=ABANDONED, pause=PAUSE)
SILENT = Plan(chunks=ABANDONED, pause=PAUSE, think=ABANDONED * PAUSE)

TRIALS = (
    *(Trial(f"alone.{api.name}", partial(alone, api), direct=True) for api in APIS),
    *(Trial(f"paced.{api.name}", partial(paced, api, FEW)) for api in APIS),
    Trial("crowd", partial(paced, MESSAGES, SOME)),
    *(Trial(f"burst.{api.name}", partial(burst, api, MIDDLE)) for api in APIS),
    *(Trial(f"long.{api.name}", partial(burst, api, LONG)) for api in APIS),
    *(Trial(f"whole.{api.name}", partial(whole, api)) for api in APIS),
    Trial("thinking", thinking, direct=True),
    Trial("fresh", fresh),
    Trial("hangup.flowing", partial(hangup, FLOWING)),
    Trial("hangup.silent", partial(hangup, SILENT)),
)
