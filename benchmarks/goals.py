"""The goals, as rows of a table: a figure of each target in one round, and what it may be.

Ratios are taken inside one round, where both targets saw the same machine; then the median counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from load import APIS

Round = dict[str, float]
"""Figures of one round, as "ours alone.messages p50"."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median ratio to the floor may be this at most."""

    limit: float


@dataclass(frozen=True, slots=True)
class Limit:
    """Our median figure may be this at most, in the row's unit."""

    limit: float


@dataclass(frozen=True, slots=True)
class Always:
    """Our figure may be this at most in every round, in the row's unit."""

    limit: float


@dataclass(frozen=True, slots=True)
class Unit:
    """What figures are divided by, and how many digits then matter."""

    name: str
    size: float = 1.0
    digits: int = 0


MILLISECONDS = Unit("ms", 1e-3, 2)
MICROSECONDS = Unit("µs", 1e-6, 1)
SECONDS = Unit("s", 1.0, 2)
MEGABYTES = Unit("MB", 1 << 20, 1)
KILOBYTES = Unit("KB", 1 << 10, 0)
TIMES = Unit("times", 1.0, 2)
COUNT = Unit("")


@dataclass(frozen=True, slots=True)
class Row:
    """`value` is the figure of a target, by its name, in one round."""

    label: str
    unit: Unit
    value: Callable[[Round, str], float]
    goal: Ratio | Limit | Always


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over all rounds."""

    middle: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row's figures over all rounds, in its unit."""

    row: Row
    floor: Spread
    ours: Spread
    ratio: Spread

    @property
    def holds(self) -> bool:
        match self.row.goal:
            case Ratio(limit):
                return self.ratio.middle <= limit
            case Limit(limit):
                return self.ours.middle <= limit
            case Always(limit):
                return self.ours.most <= limit


def judge(row: Row, rounds: Sequence[Round]) -> Verdict:
    floor, ours = (
        [row.value(each, name) / row.unit.size for each in rounds] for name in ("floor", "ours")
    )
    ratios = [b / a if a else float("inf") for a, b in zip(floor, ours, strict=True)]
    return Verdict(row, _spread(floor), _spread(ours), _spread(ratios))


def _spread(values: Sequence[float]) -> Spread:
    return Spread(median(values), min(values), max(values))


def _figure(name: str) -> Callable[[Round, str], float]:
    return lambda each, target: each[f"{target} {name}"]


def _added(name: str, over: str) -> Callable[[Round, str], float]:
    """Beyond what the upstream itself takes, asked directly."""
    return lambda each, target: each[f"{target} {name}"] - each[f"direct {over}"]


def _grown(name: str, over: str) -> Callable[[Round, str], float]:
    return lambda each, target: each[f"{target} {name}"] / each[f"{target} {over}"]


def _lost(each: Round, target: str) -> float:
    return sum(v for name, v in each.items() if name.split()[::2] == [target, "lost"])


def _of_api(api: str) -> list[Row]:
    """What is measured through each of the three APIs."""
    alone = f"alone.{api}"
    return [
        Row(
            f"{api}: added time to first text, p50",
            MILLISECONDS,
            _added(f"{alone} p50", f"{alone} p50"),
            Ratio(2.0),
        ),
        Row(
            f"{api}: added time to first text, p99",
            MILLISECONDS,
            _added(f"{alone} p99", f"{alone} p50"),
            Ratio(3.0),
        ),
        Row(f"{api}: CPU per paced chunk", MICROSECONDS, _figure(f"paced.{api} cpu"), Ratio(1.3)),
        Row(
            f"{api}: CPU per chunk in a burst",
            MICROSECONDS,
            _figure(f"burst.{api} cpu"),
            Ratio(2.5),
        ),
        Row(
            f"{api}: CPU per chunk, 4000 chunks over 200",
            TIMES,
            _grown(f"long.{api} cpu", f"burst.{api} cpu"),
            Limit(1.1),
        ),
        Row(f"{api}: CPU per whole answer", MICROSECONDS, _figure(f"whole.{api} cpu"), Ratio(2.5)),
    ]


ROWS: tuple[Row, ...] = (
    *(row for api in APIS for row in _of_api(api.name)),
    Row("CPU per paced chunk, 150 streams", MICROSECONDS, _figure("crowd cpu"), Ratio(1.3)),
    Row(
        "delay of a paced chunk, p50", MILLISECONDS, _figure("paced.messages delay.p50"), Ratio(1.5)
    ),
    Row(
        "delay of a paced chunk, p99", MILLISECONDS, _figure("paced.messages delay.p99"), Ratio(2.0)
    ),
    Row(
        "20 clients while the model thinks, added p99",
        MILLISECONDS,
        _added("thinking p99", "thinking p99"),
        Limit(20.0),
    ),
    Row("start to first healthy answer", SECONDS, _figure("fresh start"), Ratio(2.0)),
    Row("memory, idle after the start", MEGABYTES, _figure("fresh begun"), Always(70.0)),
    Row("memory, idle after answers", MEGABYTES, _figure("fresh idle"), Always(70.0)),
    Row("memory of an open stream", KILOBYTES, _figure("fresh stream"), Always(64.0)),
    Row("hang-up in a stream", MILLISECONDS, _figure("hangup.flowing stream"), Always(100.0)),
    Row("the same, not streamed", MILLISECONDS, _figure("hangup.flowing whole"), Always(100.0)),
    Row(
        "hang-up while the model thinks",
        MILLISECONDS,
        _figure("hangup.silent stream"),
        Always(100.0),
    ),
    Row("the same, not streamed", MILLISECONDS, _figure("hangup.silent whole"), Always(100.0)),
    Row("answers lost", COUNT, _lost, Always(0.0)),
)
