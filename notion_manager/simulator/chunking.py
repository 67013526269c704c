"""Where a body is cut into the pieces that travel: anywhere, from a seed."""

from collections.abc import Iterable, Iterator
from random import Random
from typing import Literal

from .encodings import Item
from .script import Cut, Pause

Chunks = Literal["random", "line", "byte", "whole"]
CHUNKS: dict[str, Chunks] = {
    "random": "random",
    "line": "line",
    "byte": "byte",
    "whole": "whole",
}

LONG = 64 * 1024


def chunk(items: Iterable[Item], rng: Random, how: Chunks) -> Iterator[Item]:
    """Join the bytes between silences and cut them again. Nothing stays behind before a silence."""
    waiting = bytearray()
    for item in items:
        if isinstance(item, Pause | Cut):
            yield from _slices(waiting, rng, how)
            waiting.clear()
            yield item
        elif how == "line":
            yield item
        else:
            waiting += item
    yield from _slices(waiting, rng, how)


def _slices(data: bytearray, rng: Random, how: Chunks) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = _size(len(data) - at, rng, how)
        yield bytes(data[at : at + size])
        at += size


def _size(left: int, rng: Random, how: Chunks) -> int:
    """One byte, a part of a line, a few lines, or many; large pieces of what is very large."""
    if how != "random":
        return 1 if how == "byte" else left
    if left > LONG:
        return rng.randint(LONG // 4, LONG)
    draw = rng.random()
    top = 1 if draw < 0.05 else 40 if draw < 0.3 else 400 if draw < 0.9 else 4000  # noqa: PLR2004
    return rng.randint(1, top)
