"""Nanoseconds a chunk in one process, without a network: the decoder, and each translator.

Run it by itself after a change to a hot path; `run.py` shows it too.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import floor
from answers import delta, head
from load import APIS

from notion_manager.translators import TRANSLATORS
from notion_manager.translators.exchange import Exchange
from notion_manager.turn import Piece, Text, Usage
from notion_manager.upstreams.notion_web.stream import Decoder

CHUNKS = 6400
TOGETHER = 64  # chunks in one read of a burst
REPEATS = 7
SIZE = 40  # characters of a chunk
TEXT = "the quick brown fox jumps over lazy dogs"[:SIZE]


@dataclass(frozen=True, slots=True)
class Pace:
    """Nanoseconds a chunk: the median of the repeats, the least and the most."""

    label: str
    middle: float
    least: float
    most: float


def _estimate(pieces: Sequence[Piece]) -> Usage:
    return Usage(estimated=True)


def _floor() -> None:
    line = delta(TEXT)
    for _ in range(CHUNKS):
        b"".join([floor.MESSAGES.frame(text) for text in floor.texts(line)])


def _decode(together: int) -> None:
    decoder = Decoder(_estimate)
    decoder.feed(head())
    read = delta(TEXT) * together
    for _ in range(CHUNKS // together):
        decoder.feed(read)


def _translate(number: int, together: int) -> None:
    body = APIS[number].request(stream=True).partition(b"\r\n\r\n")[2]
    exchange = TRANSLATORS[number](body, Exchange(id="0" * 32, now=0))
    exchange.start()
    batch = [Text(TEXT)] * together
    for _ in range(CHUNKS // together):
        exchange.feed(batch)


def ways() -> dict[str, Callable[[], None]]:
    """Each works through CHUNKS chunks."""
    works = {"decoder": _decode}
    works |= {f"{t.name} frames": partial(_translate, i) for i, t in enumerate(TRANSLATORS)}
    paced = {"one by one": 1, f"{TOGETHER} together": TOGETHER}
    ours = {
        f"{name}, {how}": partial(work, together)
        for name, work in works.items()
        for how, together in paced.items()
    }
    return {"floor: line to frame": _floor, **ours}


def paces(repeats: int = REPEATS) -> list[Pace]:
    """Interleaved, so that no way has the quiet moments to itself."""
    timed: dict[str, list[float]] = {label: [] for label in ways()}
    for _ in range(repeats):
        for label, work in random.sample(list(ways().items()), len(timed)):
            began = time.process_time_ns()
            work()
            timed[label].append((time.process_time_ns() - began) / CHUNKS)
    return [Pace(label, median(each), min(each), max(each)) for label, each in timed.items()]


def table(found: Sequence[Pace]) -> str:
    lines = [f"| {SIZE} characters per chunk | ns | range |", "|---|---|---|"]
    lines += [f"| {p.label} | {p.middle:.0f} | {p.least:.0f} to {p.most:.0f} |" for p in found]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(paces()))
