"""Where a reply ends that the upstream would go on with: at a stop sequence, or at a limit."""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from unicodedata import category

from msgspec.structs import replace

from ..turn import Limits, Piece, Stop, Text, Thinking, ToolCall, continues

LONGEST_WORD = 64  # characters
_WORD = re.compile(rf"\s*+\S{{1,{LONGEST_WORD}}}+|\s++")
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
        self._word: Piece | None = None  # near the limit the last word waits for its end

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
        self._end_word(shown)
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
        if self._budget is None:
            shown.append(piece)
            return
        if self._word is not None and not continues(self._word, piece):
            self._end_word(shown)
        if self.stop is Stop.LENGTH:
            return
        text = _text(piece)
        if self._word is not None:
            piece = _with(piece, _text(self._word) + text)
        if self._budget.covers(text):
            self._word = None
            shown.append(piece)
        else:
            self._show(piece, self._budget.grant(text), shown)

    def _end_word(self, shown: list[Piece]) -> None:
        """It is as long as it will be."""
        word, self._word = self._word, None
        if word is not None and self._budget is not None:
            self._show(word, self._budget.grant("", last=True), shown)

    def _show(self, piece: Piece, granted: int, shown: list[Piece]) -> None:
        """So much of it; the rest waits, unless the budget is spent."""
        text = _text(piece)
        if granted or not text:
            shown.append(_with(piece, text[:granted]))
        if self._budget is not None and self._budget.spent:
            self.stop, self.sequence, self._word = Stop.LENGTH, "", None
        elif granted < len(text):
            self._word = _with(piece, text[granted:])
        else:
            self._word = None


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

    Then words are granted, each when it is whole: half a word may be more tokens than all of it.
    And what is counted is counted in slices of the whole reply. So it matters not how the reply
    came in pieces. `spent` once a word is more than is left.
    """

    def __init__(self, tokens: int, count: Callable[[str], int]) -> None:
        self.spent = False
        self._left = tokens
        self._count = count
        self._recent: list[str] = []  # of the slice that is not full yet
        self._most = 0  # tokens that they can be, at most
        self._size = 0  # characters of them
        self._told = 0  # of which so many were granted

    def covers(self, text: str) -> bool:
        """Whether it is within the budget without a count. If so, it is granted with all before."""
        most = self._most + (len(text) if text.isascii() else len(text.encode(errors="replace")))
        if most > self._left:
            return False
        self._recent.append(text)
        self._most = most
        self._size += len(text)
        self._told = self._size
        return True

    def grant(self, text: str, *, last: bool = False) -> int:
        """How many characters may be shown now, of it and of what waits from before."""
        recent = "".join([*self._recent, text])
        begun = self._told
        while len(recent) >= SLICE and self._tokens(recent[:SLICE]) <= self._left:
            self._left -= self._tokens(recent[:SLICE])
            recent, begun = recent[SLICE:], begun - SLICE
        found = list(_WORD.finditer(recent[:SLICE]))
        if found and not (last or len(recent) >= SLICE or _is_full(found[-1])):
            found.pop()
        words = [word.end() for word in found]
        end = words[-1] if words else 0
        if not self._fits(recent[:end]):
            self.spent = True
            end = self._last(recent, words, max(0, begun))
        self._recent, self._size, self._told = [recent], len(recent), max(end, begun, 0)
        self._most = self._tokens(recent)
        return self._told - begun

    def _last(self, text: str, words: Sequence[int], told: int) -> int:
        """The end of what is within the budget, in the first word that is not."""
        first = bisect_left(words, x=True, key=lambda end: not self._fits(text[:end]))
        least = max(told, words[first - 1] if first else 0)
        fitting = [end for end in range(words[first], least, -1) if self._fits(text[:end])]
        whole = (end for end in fitting if not _splits(text, end))
        return next(whole, fitting[0] if fitting and not least else least)

    def _fits(self, text: str) -> bool:
        return self._tokens(text) <= self._left

    def _tokens(self, text: str) -> int:
        return self._count(text.encode(errors="replace").decode())  # half a surrogate pair is "?"


def _is_full(word: re.Match[str]) -> bool:
    """Whether it is as long as words get."""
    return len(word[0].lstrip()) == LONGEST_WORD


def _splits(text: str, at: int) -> bool:
    """Whether what reads as one character would be cut in two, somewhere within the text."""
    after = text[at]
    return (
        category(after) in {"Mn", "Mc", "Me"}
        or JOINER in text[at - 1 : at + 1]
        or "\udc00" <= after <= "\udfff"
    )


def _text(piece: Piece) -> str:
    return piece.arguments if isinstance(piece, ToolCall) else piece.text


def _with(piece: Piece, text: str) -> Piece:
    """The same with another text."""
    match piece:
        case Text():
            return Text(text)
        case Thinking():
            return Thinking(text)
        case ToolCall():
            return replace(piece, arguments=text)
