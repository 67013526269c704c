"""Where a reply ends that the upstream would go on with: at a stop sequence, or at a limit."""

import re
from collections.abc import Callable, Sequence
from itertools import chain
from unicodedata import category

from msgspec.structs import replace

from ..turn import Limits, Piece, Stop, Text, Thinking, ToolCall, continues, said

LONGEST_WORD = 64  # characters that are visible, and as many blanks
_WORD = re.compile(
    rf"\s{{0,{LONGEST_WORD}}}+\S{{1,{LONGEST_WORD}}}+(?:\s{{0,{LONGEST_WORD}}}[\r\n])?"
    rf"|\s{{1,{LONGEST_WORD}}}+"
)
"""Blanks, what is visible, and the ends of its line: tokens seldom go further."""
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
        self._last: Piece | None = None
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

    def say(self, text: str) -> list[Piece]:
        """Words of our own: no sequence is in them, and none goes on behind them."""
        shown: list[Piece] = []
        if self.stop is None:
            for kept in (*self._released(), Text(text)):
                self._pay(kept, shown)
        return shown

    def finish(self) -> list[Piece]:
        """What was held: the reply ended by itself."""
        shown: list[Piece] = []
        for kept in self._released():
            self._pay(kept, shown)
        self._end_word(shown)
        self._last = None
        return shown

    def forget(self) -> None:
        """What was held is not to be shown: whoever said it takes it back."""
        self._released()
        self._word = None
        if self._budget is not None:
            self._budget.part()

    def _sought(self, piece: Piece) -> Sequence[Piece]:
        """A piece without what follows a sequence, and without what may begin one."""
        if self._begins is None:
            return (piece,)
        if not isinstance(piece, Text):
            return (*self._released(), piece)
        if piece.cites:
            said = self._sought(Text(piece.text))
            return said if self.stop else (*said, *self._released(), Text("", piece.cites))
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
        if self._last is not None and not continues(self._last, piece):
            self._end_word(shown)
        self._last = piece
        if self.stop is Stop.LENGTH:
            return
        text = said(piece)
        if self._word is not None:
            piece = _with(piece, said(self._word) + text)
        if self._budget.covers(text):
            self._word = None
            shown.append(piece)
        else:
            self._show(piece, self._budget.grant(text), shown)

    def _end_word(self, shown: list[Piece]) -> None:
        """It is as long as it will be."""
        word, self._word = self._word, None
        if self._budget is not None:
            if word is not None:
                self._show(word, self._budget.grant("", last=True), shown)
            self._budget.part()

    def _show(self, piece: Piece, granted: int, shown: list[Piece]) -> None:
        """So much of it; the rest waits, unless the budget is spent."""
        text = said(piece)
        if granted == len(text):
            shown.append(piece)
        elif granted:
            shown.append(_begun(piece, text[:granted]))
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
    """Tokens that may be spent, counted word by word: so it matters not how a reply is cut.

    `spent` once a word is more than is left.
    """

    def __init__(self, tokens: int, count: Callable[[str], int]) -> None:
        self.spent = False
        self._left = tokens
        self._count = count
        self._earlier: list[str] = []  # texts that were granted and not counted yet
        self._recent: list[str] = []  # of the last text, from the first word that was not counted
        self._size = 0  # characters of that
        self._told = 0  # of which so many were granted
        self._bytes = 0  # of all that was not counted

    def covers(self, text: str) -> bool:
        """Whether it is within the budget without a count. If so, it is granted with all before."""
        size = self._bytes + bytes_of(text)
        if size > free_bytes(self._left):
            return False
        self._recent.append(text)
        self._bytes = size
        self._told = self._size = self._size + len(text)
        return True

    def grant(self, text: str, *, last: bool = False) -> int:
        """How many characters may be shown now, of it and of what waits from before."""
        self._left -= sum(map(self._tokens, chain.from_iterable(map(_WORD.findall, self._earlier))))
        recent = "".join([*self._recent, text])
        end = self._spend(_WORD.findall(recent) if last else _whole_words(recent))
        told = max(end, self._told)  # the more where a word is not whole yet
        granted = told - self._told
        self._keep(recent[end:], told - end)
        return granted

    def part(self) -> None:
        """What follows is another text: no word goes on in it."""
        self._earlier += self._recent and ["".join(self._recent)]
        self._recent, self._size, self._told = [], 0, 0

    def _keep(self, rest: str, told: int) -> None:
        self._earlier.clear()
        self._recent, self._size, self._told = [rest], len(rest), told
        self._bytes = bytes_of(rest)

    def _spend(self, words: Sequence[str]) -> int:
        """The end of what is within the budget."""
        end = 0
        for word in words:
            tokens = self._tokens(word)
            if tokens > self._left:
                self.spent = True
                return end + self._part(word)
            self._left -= tokens
            end += len(word)
        return end

    def _part(self, word: str) -> int:
        """How much fits of the first word that does not: at least what `covers` lets through."""
        free = free_bytes(self._left)
        least = next(end for end in range(len(word), -1, -1) if bytes_of(word[:end]) <= free)
        ends = range(len(word) - 1, least - 1, -1)
        fitting = [end for end in ends if self._tokens(word[:end]) <= self._left]
        return next((end for end in fitting if not _splits(word, end)), fitting[0])

    def _tokens(self, text: str) -> int:
        return self._count(text.encode(errors="replace").decode())  # half a surrogate pair is "?"


def free_bytes(tokens: int) -> int:
    """So many are within the budget without a count: a token is at least a byte.

    But not the last ones, which may be parts of one character.
    """
    return max(tokens // 2, tokens - LONGEST_WORD)


def bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def _whole_words(text: str) -> Sequence[str]:
    """Those that nothing which follows can make longer."""
    words = _WORD.findall(text)
    blank = bool(words) and words.pop().isspace()
    if blank and words and not words[-1].isspace():
        words.pop()
    return words


def _splits(text: str, at: int) -> bool:
    """Whether what reads as one character would be cut in two, somewhere within the text."""
    after = text[at]
    return (
        category(after) in {"Mn", "Mc", "Me"}
        or JOINER in text[at - 1 : at + 1]
        or "\udc00" <= after <= "\udfff"
    )


def _with(piece: Piece, text: str) -> Piece:
    """The same with another text."""
    key = "arguments" if isinstance(piece, ToolCall) else "text"
    return replace(piece, **{key: text})


def _begun(piece: Piece, text: str) -> Piece:
    """So much of it: a signature, and sources, stand at the end of all."""
    match piece:
        case Thinking():
            return Thinking(text)
        case Text():
            return Text(text)
        case _:
            return _with(piece, text)
