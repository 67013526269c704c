"""What is measured in one process, without a network, and a table of that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

REPEATS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of the repeats, the worst, and what is wanted; empty where nothing is."""

    label: str
    middle: float
    worst: float
    goal: str


def times(work: Callable[[], float]) -> tuple[float, float]:
    """The median of what it gives, and the most."""
    found = [work() for _ in range(REPEATS)]
    return median(found), max(found)


def table(title: str, found: Sequence[Figure]) -> str:
    lines = [f"| {title} | median | worst | wanted |", "|---|---|---|---|"]
    lines += [f"| {f.label} | {f.middle:.3g} | {f.worst:.3g} | {f.goal} |" for f in found]
    return "\n".join(lines)
