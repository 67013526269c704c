"""Where a reply ends that the upstream would go on with: at a stop sequence, or at a limit."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from ..turn import Limits, Piece, Stop, Text, Thinking, ToolCall

NEAR = 8  # characters
SETTLED = 4096  # characters that are counted once and for all


class Bounds:
    """A reply cut at the first stop sequence in its visible text, and at so many tokens.

    Of several sequences the one counts that is complete first, and of those the longest: there a
    model would have stopped. `count` tells the tokens of a text, and is dear.
    """

    def __init__(self, limits: Limits, count: Callable[[str], int]) -> None:
        self.stop: Stop | None = None
        self.sequence = ""
        self._sequences = tuple(dict.fromkeys(filter(None, limits.stop)))
        self._longest = max(map(len, self._sequences), default=0)
        self._held = ""
        self._budget = None if limits.max_tokens is None else _Budget(limits.max_tokens, count)

    def feed(self, pieces: Sequence[Piece]) -> list[Piece]:
        """What may be shown now; nothing any more once there is a `stop`."""
        shown: list[Piece] = []
        for piece in pieces:
            if self.stop is not None:
                break
            for kept in self._sought(piece) if self._sequences else (piece,):
                self._pay(kept, shown)
        return shown

    def finish(self) -> list[Piece]:
        """What was held: the reply ended by itself."""
        shown: list[Piece] = []
        if self.stop is None and self._held:
            self._pay(Text(self._held), shown)
        self._held = ""
        return shown

    def _sought(self, piece: Piece) -> Sequence[Piece]:
        """A piece without what follows a sequence, and without what may begin one."""
        if not isinstance(piece, Text):
            held, self._held = self._held, ""
            return (Text(held), piece) if held else (piece,)
        text = self._held + piece.text
        found = [(at + len(s), at, s) for s in self._sequences if (at := text.find(s)) >= 0]
        if found:
            _, end, self.sequence = min(found)
            self.stop = Stop.SEQUENCE
            self._held = ""
        else:
            end = self._unfinished(text)
            self._held = text[end:]
        return (Text(text[:end]),) if end else ()

    def _unfinished(self, text: str) -> int:
        """Where a tail begins that may still become a sequence."""
        first = len(text)
        for sequence in self._sequences:
            at = text.find(sequence[0], max(0, len(text) - len(sequence) + 1))
            while 0 <= at < first:
                if sequence.startswith(text[at:]):
                    first = at
                    break
                at = text.find(sequence[0], at + 1)
        return first

    def _pay(self, piece: Piece, shown: list[Piece]) -> None:
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


class _Budget:
    """Tokens that may be spent. A token is at least a byte: nothing is counted before it must."""

    def __init__(self, tokens: int, count: Callable[[str], int]) -> None:
        self._left = tokens
        self._count = count
        self._recent: list[str] = []  # since what was settled
        self._size = 0  # characters of that
        self._most = 0  # tokens that they can be, at most

    def spend(self, text: str) -> int:
        """How many characters of it are within the budget."""
        self._recent.append(text)
        self._size += len(text)
        self._most += len(text) if text.isascii() else len(text.encode(errors="replace"))
        if self._most <= self._left:
            return len(text)
        recent = "".join(self._recent)
        self._most = self._count(recent)
        if self._most > self._left:
            return self._cut(recent, len(recent) - len(text)) - (len(recent) - len(text))
        self._recent = [recent]
        if self._size > SETTLED:
            self._left -= self._most
            self._recent, self._size, self._most = [], 0, 0
        return len(text)

    def _cut(self, text: str, low: int) -> int:
        """The end of the longest beginning that is within the budget, found by halving."""
        high = len(text)
        while high - low > 1:
            middle = (low + high) // 2
            if self._count(text[:middle]) <= self._left:
                low = middle
            else:
                high = middle
        further = range(low, min(low + NEAR, len(text)) + 1)  # half a word may be more than all
        return max(end for end in further if self._count(text[:end]) <= self._left or end == low)


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
