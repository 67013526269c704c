"""Bare pieces to opened, grown and closed blocks: derived once, for every protocol."""

from collections.abc import Iterator
from dataclasses import dataclass

from .turn import Done, Event, Piece, continues


@dataclass(frozen=True, slots=True)
class Opened:
    index: int
    first: Piece


@dataclass(frozen=True, slots=True)
class Grown:
    index: int
    piece: Piece


@dataclass(frozen=True, slots=True)
class Closed:
    """`last` is the piece that ended the block, not the whole of it."""

    index: int
    last: Piece


Step = Opened | Grown | Closed


class Blocks:
    """Fed pieces in order; yields them bracketed. At most one block is open."""

    def __init__(self) -> None:
        self._index = -1
        self._open: Piece | None = None

    def feed(self, event: Event) -> Iterator[Step]:
        if isinstance(event, Done):
            yield from self.close()
            return
        if self._open is None or not continues(self._open, event):
            yield from self.close()
            self._index += 1
            yield Opened(self._index, event)
        self._open = event
        yield Grown(self._index, event)

    def close(self) -> Iterator[Closed]:
        if self._open is not None:
            last, self._open = self._open, None
            yield Closed(self._index, last)
