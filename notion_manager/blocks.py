"""Bare pieces to opened, grown and closed blocks: derived once, for every protocol."""

from collections.abc import Sequence

from msgspec import Struct

from .turn import Done, Event, Found, Piece, Text, continues


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
    """Fed pieces in order; gives them bracketed. At most one block is open.

    A search takes so many indexes as `found` says. Citations end a text block, unless they are
    `within` it.
    """

    def __init__(self, *, found: int = 1, within: bool = False) -> None:
        self._found = found
        self._within = within
        self._index = -1
        self._open: Piece | None = None

    def grow(self, event: Event) -> int | None:
        """The index of the open block if `event` is text that only continues it; None otherwise.

        For the commonest event there is, which deserves no list of steps.
        """
        before = self._open
        if type(event) is Text and type(before) is Text and not (event.cites or before.cites):
            self._open = event
            return self._index
        return None

    def feed(self, event: Event) -> Sequence[Step]:
        if isinstance(event, Done):
            return self.close()
        if self._open is not None and self._continues(self._open, event):
            self._open = event
            return (Grown(self._index, event),)
        closed = self.close()
        self._open = event
        first = self._index + 1
        self._index += self._found if isinstance(event, Found) else 1
        return (*closed, Opened(first, event), Grown(self._index, event))

    def _continues(self, before: Piece, event: Piece) -> bool:
        if self._within and isinstance(before, Text):
            return isinstance(event, Text)
        return continues(before, event)

    def close(self) -> Sequence[Closed]:
        if self._open is None:
            return ()
        last, self._open = self._open, None
        return (Closed(self._index, last),)
