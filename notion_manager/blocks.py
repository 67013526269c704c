"""Bare pieces to opened, grown and closed blocks: derived once, for every protocol."""

from collections.abc import Sequence

from msgspec import Struct

from .turn import Done, Event, Piece, Text, continues


class Opened(Struct, frozen=True):
    index: int
    first: Piece


class Grown(Struct, frozen=True):
    index: int
    piece: Piece


class Closed(Struct, frozen=True):
    """`last` is the piece that ended the block, not the whole of it."""

    index: int
    last: Piece


Step = Opened | Grown | Closed


class Blocks:
    """Fed pieces in order; gives them bracketed. At most one block is open."""

    def __init__(self) -> None:
        self._index = -1
        self._open: Piece | None = None

    def grow(self, event: Event) -> int | None:
        """The index of the open block if `event` is text that only continues it; None otherwise.

        For the commonest event there is, which deserves no list of steps.
        """
        if type(event) is Text and type(self._open) is Text:
            self._open = event
            return self._index
        return None

    def feed(self, event: Event) -> Sequence[Step]:
        if isinstance(event, Done):
            return self.close()
        if self._open is not None and continues(self._open, event):
            self._open = event
            return (Grown(self._index, event),)
        closed = self.close()
        self._open = event
        self._index += 1
        return (*closed, Opened(self._index, event), Grown(self._index, event))

    def close(self) -> Sequence[Closed]:
        if self._open is None:
            return ()
        last, self._open = self._open, None
        return (Closed(self._index, last),)
