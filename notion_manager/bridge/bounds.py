"""Where a reply ends that the upstream would go on with: at a stop sequence, or at a limit."""

import re
from collections.abc import Callable, Sequence
from unicodedata import category

from msgspec.structs import replace

from ..turn import Limits, Piece, Stop, Text, Thinking, ToolCall

NEAR = 8  # characters
SLICE = 4096  # characters that are counted once and for all
JOINER = "\u200d"  # makes one picture of two


class Bounds:
    """A reply cut at the first stop sequence in its visible text, and at so many tokens.

    Of several sequences the one counts that is complete first, and of those the longest: there a
    model would have stopped. `count` tells the tokens of a text, and is dear.
    """

    def __init__(self, limits: Limits, count: Callable[[str], int]) -> None:
        self.stop: Stop | None = None
        self.sequence = ""
        self._seekers = [_Seeker(each) for each in dict.fromkeys(limits.stop) if each]
        firsts = {re.escape(each.sequence[0]) for each in self._seekers}
        self._begins = re.compile(f"[{''.join(firsts)}]") if firsts else None
        self._held = ("", 0)  # a sequence, and how much of it waits
        self._budget = None if limits.max_tokens is None else _Budget(limits.max_tokens, count)

    def feed(self, pieces: Sequence[Piece]) -> list[Piece]:
        """What may be shown now; nothing any more once there is a `stop`."""
        if self._begins is None and self._budget is None:
            return list(pieces)
        shown: list[Piece] = []
        for piece in pieces:
            if self.stop is not None:
                break
            for kept in self._sought(piece):
                self._pay(kept, shown)
        return shown

    def finish(self) -> list[Piece]:
        """What was held: the reply ended by itself."""
        shown: list[Piece] = []
        for kept in self._released():
            self._pay(kept, shown)
        return shown

    def _sought(self, piece: Piece) -> Sequence[Piece]:
        """A piece without what follows a sequence, and without what may begin one."""
        if self._begins is None:
            return (piece,)
        if not isinstance(piece, Text):
            return (*self._released(), piece)
        if not self._held[1] and not self._begins.search(piece.text):
            return (piece,)
        (sequence, held), end = self._held, self._end(piece.text)
        shown = sequence[: min(held, held + end)] + piece.text[: max(0, end)]
        return (Text(shown),) if shown else ()

    def _end(self, text: str) -> int:
        """Up to where it may be shown; less than zero where some of what was held may not be."""
        ends = [(each.seek(text), each) for each in self._seekers]
        found = [(end, -len(each.sequence), each.sequence) for end, each in ends if end >= 0]
        if found:
            end, size, self.sequence = min(found)
            self.stop, self._held = Stop.SEQUENCE, ("", 0)
            return end + size
        most = max(self._seekers, key=lambda each: each.matched)
        self._held = (most.sequence, most.matched)
        return len(text) - most.matched

    def _released(self) -> Sequence[Piece]:
        """What was held: the text is over, and no sequence came of it."""
        (sequence, held), self._held = self._held, ("", 0)
        if not held:
            return ()
        for each in self._seekers:
            each.matched = 0
        return (Text(sequence[:held]),)

    def _pay(self, piece: Piece, shown: list[Piece]) -> None:
        if self.stop is Stop.LENGTH:
            return
        if self._budget is None:
            shown.append(piece)
            return
        text = _text(piece)
        allowed = self._budget.spend(text)
        if allowed == len(text):
            shown.append(piece)
            return
        self.stop, self.sequence = Stop.LENGTH, ""
        if allowed:
            shown.append(_cut(piece, allowed))


class _Seeker:
    """Finds a sequence in pieces of text: the automaton of Knuth, Morris and Pratt.

    `matched` is how long a beginning of the sequence ends the text so far. Its cost is that of the
    text, however long and repetitive the sequence is.
    """

    def __init__(self, sequence: str) -> None:
        self.sequence = sequence
        self.matched = 0
        self._borders = [0, 0]  # of each beginning: how long a shorter one also ends it

    def seek(self, text: str) -> int:
        """Where in the text, which goes on from the last, the sequence is complete; else -1."""
        at = 0
        while at < len(text):
            if not self.matched:
                at = text.find(self.sequence[0], at)
                if at < 0:
                    return -1
            self._step(text[at])
            at += 1
            if self.matched == len(self.sequence):
                return at
        return -1

    def _step(self, letter: str) -> None:
        matched = self._after(letter, self.matched)
        if matched == len(self._borders):  # further than ever before
            last = self.sequence[matched - 1]
            self._borders.append(self._after(last, self._borders[matched - 1]))
        self.matched = matched

    def _after(self, letter: str, matched: int) -> int:
        sequence = self.sequence
        while matched and sequence[matched] != letter:
            matched = self._borders[matched]
        return matched + 1 if sequence[matched] == letter else 0


class _Budget:
    """Tokens that may be spent. A token is at least a byte: nothing is counted before it must.

    What is counted is counted in slices of the whole reply, so that it matters little how the reply
    came in pieces.
    """

    def __init__(self, tokens: int, count: Callable[[str], int]) -> None:
        self._left = tokens
        self._count = count
        self._recent: list[str] = []  # since the last full slice that was counted
        self._most = 0  # tokens that they can be, at most

    def spend(self, text: str) -> int:
        """How many characters of it are within the budget."""
        self._recent.append(text)
        self._most += len(text) if text.isascii() else len(text.encode(errors="replace"))
        if self._most <= self._left:
            return len(text)
        recent, start = "".join(self._recent), 0
        told = len(recent) - len(text)
        while (tokens := self._tokens(recent[start : start + SLICE])) <= self._left:
            if len(recent) - start < SLICE:
                self._recent, self._most = [recent[start:]], tokens
                return len(text)
            self._left -= tokens
            start += SLICE
        end = self._last(recent[start : start + SLICE], max(0, told - start))
        return max(0, start + end - told)

    def _last(self, text: str, low: int) -> int:
        """The end of the longest beginning that is within the budget, found by halving."""
        least, high = low, len(text)
        while high - low > 1:
            middle = (low + high) // 2
            if self._fits(text[:middle]):
                low = middle
            else:
                high = middle
        near = range(min(low + NEAR, len(text)), max(least, low - NEAR) - 1, -1)
        # half a word may be more tokens than all of it
        fitting = (end for end in near if not _splits(text, end) and self._fits(text[:end]))
        return next(fitting, low)

    def _fits(self, text: str) -> bool:
        return self._tokens(text) <= self._left

    def _tokens(self, text: str) -> int:
        return self._count(text.encode(errors="replace").decode())  # half a surrogate pair is "?"


def _splits(text: str, at: int) -> bool:
    """Whether what reads as one character would be cut in two."""
    if not 0 < at < len(text):
        return False
    after = text[at]
    return (
        category(after) in {"Mn", "Mc", "Me"}
        or JOINER in text[at - 1 : at + 1]
        or "\udc00" <= after <= "\udfff"
    )


def _text(piece: Piece) -> str:
    return piece.arguments if isinstance(piece, ToolCall) else piece.text


def _cut(piece: Piece, end: int) -> Piece:
    match piece:
        case Text(text):
            return Text(text[:end])
        case Thinking(text):
            return Thinking(text[:end])
        case ToolCall(arguments=arguments):
            return replace(piece, arguments=arguments[:end])
