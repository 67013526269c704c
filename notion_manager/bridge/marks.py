"""The markers of calls and results: tag names that end in a word found nowhere in the request."""

import hmac
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import count

# Short and plain: each is two tokens for most models, and the number behind it one more.
WORDS = (
    "amber", "river", "stone", "ocean", "opal", "panda", "sage", "umber", "delta", "pepper",
    "cedar", "maple", "coral", "ivory", "linen", "raven", "violet", "willow", "ember", "dune",
    "clover", "acorn", "agate", "alder", "alpine", "arbor", "aspen", "aster", "badger", "barley",
    "beach", "beaver", "berry", "bison", "bluff", "boulder", "breeze", "buffalo", "cactus",
    "canary", "carob", "cherry", "chili", "chive", "cider", "cinder", "cliff", "cocoa", "coconut",
    "cove", "crater", "creek", "cypress", "daisy", "denim", "dove", "dusk", "eagle", "falcon",
    "fawn", "fern", "finch", "flax", "flint", "frost", "geode", "glacier", "glade", "gorge",
    "grape", "grove", "hazel", "heather", "holly", "honey", "iris", "jasmine", "jasper", "kale",
    "kelp", "larch", "lark", "lava", "lemon", "lichen", "lily", "linden", "lotus", "magma",
    "mango", "mantis", "marsh", "mesa", "mist", "moss", "nectar", "newt", "oasis", "otter",
    "oyster", "palm", "panther", "peach", "peacock", "peanut", "peony", "petal", "pine", "plum",
    "poppy", "quail", "quartz", "quince", "rabbit", "radish", "salmon", "sandal", "sienna",
    "snow", "spinach", "stork", "tern", "thistle", "thyme", "topaz", "trout", "turnip", "turtle",
    "valley", "vine", "wheat", "wolf", "wren", "yarrow",
)  # fmt: skip
NUMBERS = range(100, 1000)
"""One follows the word: who writes a page for models to read cannot list every combination."""
LONGEST_TAG = 300  # characters
_OTHER = r"""[\w-]{1,32}+\s*+=\s*+(?:"[^"<>\r\n]*+"|'[^'<>\r\n]*+')"""
ATTRIBUTE = (
    rf"""(?:\s++(?!name\b){_OTHER}){{0,4}}+\s++name\s*+=\s*+"""
    r"""["']?+([^"'<>\r\n]{1,128}+)["']?+"""
    rf"""(?:\s++{_OTHER}){{0,4}}+\s*+"""
)
"""The name in a tag, among others; each piece is taken but once, so no text makes it take long."""

_ATTRIBUTES = re.compile(r"""\s([\w-]{1,32})\s*+=\s*+(?:"[^"]*+"|'[^']*+')""")
_GIVEN = r"""(?:"[^"<>\r\n]*+"|'[^'<>\r\n]*+'|[^\s"'<>=]{1,128}+)"""
_BEGUN = r"""(?:"[^"<>\r\n]*+|'[^'<>\r\n]*+|[^"'<>\r\n]*+)"""


def attributes(tag: str) -> Collection[str]:
    """What a tag has beside a name."""
    return {name.lower() for name in _ATTRIBUTES.findall(tag)} - {"name"}


def hope(tag: str) -> re.Pattern[str]:
    """Matches all of what may still become such a tag with attributes. `tag` is a pattern."""
    whole, part = rf"\s++[\w-]{{1,32}}+\s*+=\s*+{_GIVEN}", r"\s++[\w-]{0,32}+"
    return re.compile(rf"<{tag}(?:{whole})*+(?:{part}(?:\s*+=\s*+{_BEGUN}|\s*+))?\s*+/?\Z")


SLACK = 8  # blanks before the end of a closing tag
SLIPS = ("</arg>", "</argument>", "</parameter>", "</antml:parameter>")
"""Ends that models write for an argument's own. They are such only where another tag follows that
cannot stand in an argument: else they are content."""
_SLIP = rf"<(?ai:{'|'.join(slip[1:] for slip in SLIPS)})\s{{0,{SLACK}}}+"
_SLIPPED = re.compile(_SLIP)

_WORDLESS = r"</(?:antml:)?(?:call|invoke|function|tool)\w*+\s*+>"
WORDLESS_ENDS = re.compile(rf"\A(?:\s*+{_WORDLESS})++", re.IGNORECASE)
MEANT_AS_END = re.compile(
    rf"(?:\s*+(?:{_WORDLESS}|`{{3,}}+|~{{3,}}+))++"
    r"[ \t\r]*+(?:\n|\Z)",
    re.IGNORECASE,
)
"""Ends as others have them, with nothing else on the line of the last."""


class Marks:
    """The tags of one conversation. What `word` ends, no text of the request contains.

    So with a word they count in whatever case; without one they may be anybody's.
    """

    def __init__(self, word: str) -> None:
        self.word = word
        self.suffix = f"_{word}" if word else ""
        self.call = f"call{self.suffix}"
        self.arg = f"arg{self.suffix}"
        self.result = f"result{self.suffix}"
        call, arg = _spelled(self.call, word), _spelled(self.arg, word)
        self._head = re.compile(rf"<{call}(?i:{ATTRIBUTE})(/?)>")
        self._key = re.compile(rf"<{arg}(?i:{ATTRIBUTE})(/?)>")
        self._hope = hope(call)
        self._stray = re.compile(rf"<{call}(?=[\s/>=])([^<>\r\n]*+)>")
        self._stray_begun = re.compile(rf"<{call}(?:[ \t/=][^<>\r\n]*+)?\Z")
        self.closing = re.compile(rf"</{call}[ \t]{{0,{SLACK}}}>")
        end, begun = rf"</(?:{arg}|{call})[ \t]{{0,{SLACK}}}>", rf"<(?:{arg}|{call})\s"
        slip = rf"|{_SLIP}(?=</{call}[ \t]{{0,{SLACK}}}>|{begun})" if word else ""
        self.end = re.compile(f"{end}|{begun}{slip}")
        self._ends = re.compile(end)
        self._suffix = re.compile(f"_{_spelled(word, word)}" if word else "")
        self._slips = SLIPS if word else ()
        self._tags = (f"</{self.arg}", f"</{self.call}", f"<{self.arg}", f"<{self.call}")
        self._closing = re.compile(rf"</(?:{arg}|{call})[ \t]{{0,{SLACK}}}")
        self._longest = max(map(len, (*self._tags, *SLIPS))) + 2 * SLACK + len(self._tags[1])

    def head(self, text: str, at: int) -> re.Match[str] | None:
        """A call's tag, with the tool's name and the slash of one that ends itself."""
        return self._head.match(text, at, at + LONGEST_TAG)

    def may_be_head(self, text: str, at: int) -> bool:
        """Whether it depends on what follows."""
        left = len(text) - at < LONGEST_TAG
        return left and self._hope.match(text, at) is not None

    def calls(self, text: str, at: int, head: re.Match[str] | None) -> bool | None:
        """Whether a tag at `at`, in the midst of a line, is a call's; None where not known yet.

        It is where what a call has follows its `head`: an argument, an end, or the line's end.
        """
        if head is None:
            return None if self.may_be_head(text, at) else False
        window = text[head.end() : head.end() + LONGEST_TAG]
        rest = window.lstrip(" \t\r" if head[2] else None).lower()
        follows = ("\n",) if head[2] else (f"<{self.arg}", f"</{self.call}")
        if rest.startswith(follows):
            return True
        is_open = len(window) < LONGEST_TAG and any(tag.startswith(rest) for tag in follows)
        return None if is_open else False

    def stray(self, text: str, at: int) -> re.Match[str] | None:
        """A call's tag of another form, with what stands in it: none but the model has the word."""
        return self._stray.match(text, at, at + LONGEST_TAG)

    def may_be_stray(self, text: str, at: int) -> bool:
        """Whether it depends on what follows."""
        left = len(text) - at < LONGEST_TAG
        return left and self._stray_begun.match(text, at) is not None

    def closed(self, text: str, at: int) -> int | None:
        """Where an end that is there ends: of a call, or of an argument."""
        found = self._ends.match(text, at)
        return found.end() if found else None

    def may_close(self, tail: str) -> bool:
        """Whether what begins like `tail` may become such an end."""
        return self._may_end(tail.lower())

    def key(self, text: str, at: int) -> re.Match[str] | None:
        """An argument's tag, with its name and its slash."""
        return self._key.match(text, at, at + LONGEST_TAG)

    def next_end(self, text: str, at: int) -> re.Match[str] | None:
        """What ends a value, wherever it comes. A plain search first: values are long."""
        begun = text.find("<", at) >= 0 and self._suffix.search(text, at)
        return self.end.search(text, at) if begun else None

    def is_content(self, text: str) -> bool:
        """Whether a value goes on behind all of it: no end is there, and none begins."""
        return self._suffix.search(text) is None and self.held(text, 0) == len(text)

    def held(self, text: str, at: int) -> int:
        """Where, from `at` on, a tail begins that may still become an end; else where text ends."""
        start = text.find("<", max(at, len(text) - self._longest))
        while start >= 0:
            tail = text[start:].lower()
            if self._may_end(tail) or self._may_slip(tail):
                return start
            start = text.find("<", start + 1)
        return len(text)

    def _may_end(self, tail: str) -> bool:
        is_closing = self._closing.fullmatch(tail) is not None
        return is_closing or any(tag.startswith(tail) for tag in self._tags)

    def _may_slip(self, tail: str) -> bool:
        slip = _SLIPPED.match(tail) if self._slips else None
        if slip is None:
            return any(end.startswith(tail) for end in self._slips)
        rest = tail[slip.end() :]  # its own end may not follow: then the other one is content
        return any(tag.startswith(rest) for tag in self._tags[1:]) or (
            rest.startswith(self._tags[1]) and self._closing.fullmatch(rest) is not None
        )

    def left(self, rest: str) -> str | None:
        """What follows a call of which `rest` stands behind its arguments, without its own end.

        None where that is more than a part of it, or an end of another form: nothing is content
        there, so what reads like an end was meant as one.
        """
        rest = rest.strip()
        end = MEANT_AS_END.match(rest)
        if end is not None:
            return rest[end.end() :]
        part = rest.startswith("</") and f"</{self.call}".startswith(rest.lower())
        return "" if part or not rest else None

    def ends_argument(self, end: str) -> bool:
        """Whether what `end` found is an argument's own end, or was meant to be."""
        return end.lower().startswith((f"</{self.arg}", *self._slips))

    def begins_argument(self, end: str) -> bool:
        """Whether what `end` found is the tag of another argument."""
        return end.lower().startswith(f"<{self.arg}")

    def begins_call(self, end: str) -> bool:
        """Whether what `end` found is the tag of another call."""
        return end.lower().startswith(f"<{self.call}")


def _spelled(tag: str, word: str) -> str:
    """The pattern of a tag with this word. Letters of other alphabets are no case of ours."""
    return f"(?ai:{re.escape(tag)})" if word else re.escape(tag)


def begins(text: str, at: int, tag: str) -> bool:
    """Whether a tag is there, in whatever case."""
    return text[at : at + len(tag)].lower() == tag


def goes_on(text: str, end: int) -> bool:
    """Whether the word of a tag does not end there, and so is another."""
    after = text[end : end + 1]
    return after.isalnum() or after == "_"


def choose(head: str, texts: Sequence[str], salt: bytes = b"") -> Marks:
    """The first free word for a conversation that begins with `head`.

    A model can only copy what it has seen, and in none of `texts` it has seen these tags: so no
    quoted file, tool result or earlier answer can become a call. They are in lower case, since a
    tag counts in any. What nobody here has seen, a web
    page or a picture, cannot know which word it would have to hold: that depends on `salt`, which
    is secret. The same head and growing texts give the same word, until a text has it.
    """
    start = int.from_bytes(hmac.digest(salt, head.encode(errors="replace"), "sha256")[:4])
    words = _candidates(start)
    first = next(words)
    if not any(first in text for text in texts):  # nearly always, so the shortest way
        return Marks(first)
    taken = {word for text in texts for found in _TAKEN.finditer(text) for word in _within(found)}
    return Marks(next(word for word in words if word not in taken))


_TAKEN = re.compile(rf"_({'|'.join(sorted(WORDS, key=len, reverse=True))})(\d{{0,9}})")


def _within(found: re.Match[str]) -> Iterable[str]:
    """All words that stand there: `_amber1234` has `amber123` and `amber1234` in it."""
    return (found[1] + found[2][:end] for end in range(3, len(found[2]) + 1))


def _candidates(start: int) -> Iterator[str]:
    """All the words from a place on, with one number; then with the next, and so on."""
    turns, place = divmod(start, len(WORDS))
    turned = WORDS[place:] + WORDS[:place]
    first = NUMBERS[turns % len(NUMBERS)]
    return (f"{word}{number}" for number in count(first) for word in turned)


def unfinished(text: str, at: int, marker: str) -> int:
    """Where, from `at` on, a tail begins that may still become the marker; else where text ends."""
    start = text.find("<", max(at, len(text) - len(marker) + 1))
    while start >= 0:
        if marker.startswith(text[start:]):
            return start
        start = text.find("<", start + 1)
    return len(text)
