"""Cleans a text of Notion's own markup while it streams, holding back as little as can be.

Three things are taken out. Language marks: `<lang primary="en-US"/>`, or opened and closed around
text, with the newline that follows a leading one, and at the start one torn to `primary="en">`.
Citations: `[^https://…]`, `[^{{…}}]`, `[^toolu_…]`, `[^2toolu_…]`, internal addresses such as
`[^view://…]`, and research's `[step-…,artifact,1]`; they become ` [n]` or nothing. Thoughts:
`<thinking>` or `<thought>` at the very start. All else passes untouched, and only what can still
become one of these waits: regexes like `[^a-z]`, footnotes like `[^1]` and tags like `<language>`
do not. The forms are so exact that no exception is made for code: Notion cites there too, and code
that spells one is rarer. The one exception is a block that the prompt asked for by a tag of its
own, which is data and comes through byte for byte.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

URL_LIMIT = 2000  # characters of a cited address
TAG_LIMIT = 64  # characters of a language's name


@dataclass(frozen=True, slots=True)
class _Run:
    """Between `least` and `most` characters of the class `of`."""

    of: str
    least: int
    most: int


_Form = Sequence[str | _Run]

# No body may hold `[` or `<`: so only the last of them can open a mark that is still unfinished.
_URL = _Run(r"[^\s\[\]<>\"`{}]", 1, URL_LIMIT)
_HTTP: _Form = ("http", _Run("s", 0, 1), "://", _URL)
_CALL: _Form = (_Run("[0-9]", 0, 3), "toolu_", _Run("[A-Za-z0-9_-]", 1, 128))
_SCHEMES = ("view", "thread", "page", "block", "space", "database", "webpage")
_INTERNAL: Sequence[_Form] = [(scheme, "://", _URL) for scheme in _SCHEMES]
_TOKEN: _Form = (_Run("[A-Za-z0-9_-]", 2, 128),)
_STEP: _Form = ("step-", _Run("[0-9a-f]", 1, 64), ",artifact,", _Run("[0-9]", 1, 6), "]")
_CITES: Sequence[_Form] = [
    *(("[^", *form, "]") for form in (_HTTP, _CALL, *_INTERNAL)),
    *(("[^{{", *form, "}}]") for form in (_HTTP, _CALL, *_INTERNAL, _TOKEN)),
]
_STEPS: Sequence[_Form] = [("[", *_STEP), ("[^", *_STEP)]
_STRAY: _Form = (
    'primary="',
    _Run(r"[^\"<>\[\]\n]", 0, TAG_LIMIT),
    '"',
    _Run(" ", 0, 1),
    _Run("/", 0, 1),
    ">",
)
_LANG: _Form = ("<lang ", *_STRAY)
_LANG_END: _Form = ("</lang>",)
_THOUGHTS: Sequence[_Form] = [("<thinking>",), ("<thought>",)]
_HEADS: Sequence[_Form] = [
    *_THOUGHTS,
    *((*lang, _Run(r"\n", 0, 1), *thought) for lang in (_LANG, _STRAY) for thought in _THOUGHTS),
]


def _spelt(forms: Sequence[_Form]) -> str:
    """A regex of the whole forms."""
    return "|".join("".join(_atom(a) for a in form) for form in forms)


def _atom(atom: str | _Run) -> str:
    return re.escape(atom) if isinstance(atom, str) else f"{atom.of}{{{atom.least},{atom.most}}}"


def _begun(forms: Sequence[_Form]) -> re.Pattern[str]:
    """Matches whatever can still become one of the forms."""
    return re.compile("|".join(_opening(form) for form in forms))


def _opening(form: _Form) -> str:
    regex = ""
    for atom in reversed(form):
        if isinstance(atom, _Run):
            regex = f"(?:{atom.of}{{{min(atom.least, 1)},{atom.most}}}{regex})?"
        else:
            for letter in reversed(atom):
                regex = f"(?:{re.escape(letter)}{regex})?"
    return regex


_MARK = re.compile(
    f"(?P<cite>{_spelt(_CITES)})|(?P<step>{_spelt(_STEPS)})"
    f"|(?P<lang>{_spelt([_LANG])})|(?P<end>{_spelt([_LANG_END])})"
)
_MARK_BEGUN = _begun([*_CITES, *_STEPS, _LANG, _LANG_END])
_TORN = re.compile(_spelt([_STRAY]))
_HEAD = re.compile(f"(?P<lang>{_spelt([_LANG])}\\n?)?<(?P<tag>thinking|thought)>")
_HEAD_BEGUN = _begun(_HEADS)
_FIRST = re.compile(f"(?P<lang>{_spelt([_LANG])})")
_DOUBTFUL = ("<", "p", "\n")  # what may follow, or open, a head that is not all there


class _Place(Enum):
    START = 1
    THOUGHT = 2
    TEXT = 3
    TAG = 4
    BLOCK = 5


class Cleaner:
    """One text, fed in pieces of any size. `cite` says what takes the place of a citation.

    Blocks of the tag `verbatim` are left alone. A thought that never ends is over where the first
    of them stands in it, on a line of its own: models forget the end of a thought, not their task.
    """

    def __init__(self, cite: Callable[[str], str], verbatim: str = "") -> None:
        self._cite = cite
        self._tag, self._end = (f"<{verbatim}", f"</{verbatim}>") if verbatim else ("", "")
        self._place = _Place.START
        self._plain = False  # in the text, with nothing held and nothing to trim
        self._held = ""
        self._before = ""  # ends with the last character that was let through
        self._trim = 0  # newlines that may still be left out
        self._open = False  # a language mark waits for its `</lang>`
        self._closing = ""  # what ends the thought
        self._thought: list[str] = []  # kept only where a block may stand in it

    @property
    def held(self) -> str:
        """The raw text that waits for more."""
        return self._held

    @property
    def unfinished(self) -> bool:
        """Whether `flush` may have something to tell."""
        return bool(self._held) or bool(self._thought)

    def feed(self, raw: str) -> tuple[str, str]:
        """The thought and, after it, the text that `raw` completes."""
        if self._plain and "[" not in raw and "<" not in raw:
            if raw:
                self._before = raw
            return "", raw
        return self._read(raw, last=False)

    def flush(self) -> tuple[str, str]:
        """What was held, for what it is. More may follow."""
        thought, text = self._read("", last=True) if self._held else ("", "")
        return thought, text + self._blocks() if self._thought else text

    def _blocks(self) -> str:
        """From the first block on, what a thought without end has."""
        thought, self._thought = "".join(self._thought), []
        found = re.search(f"^{re.escape(self._tag)}", thought, re.MULTILINE)
        if found is None:
            return ""
        self._place = _Place.TEXT
        return self._read(thought[found.start() :], last=True)[1]

    def _read(self, raw: str, *, last: bool) -> tuple[str, str]:
        rest = self._held + raw
        self._held = thought = text = ""
        if self._place is _Place.START:
            rest = self._enter(rest, last=last)
        if self._place is _Place.THOUGHT:
            thought, rest = self._think(rest, last=last)
        while rest and self._place in (_Place.TEXT, _Place.TAG, _Place.BLOCK):
            said, rest = self._tell(rest, last=last)
            text += said
        self._plain = self._place is _Place.TEXT and not self._held and not self._trim
        return thought, text

    def _tell(self, text: str, *, last: bool) -> tuple[str, str]:
        """What can be told of it, and what another state goes on with."""
        if self._place is _Place.TAG:
            return self._pass_tag(text)
        if self._place is _Place.BLOCK:
            return self._pass_block(text, last=last)
        block = text.find(self._tag) if self._tag else -1
        if block < 0:
            return self._say(text, last=last), ""
        self._place = _Place.TAG
        return self._say(text[:block], last=True), text[block:]

    def _pass_tag(self, text: str) -> tuple[str, str]:
        """The tag that opens a block, or is all of it."""
        end = text.find(">") + 1
        if not end:
            return self._passed(text), ""
        is_all = (self._before[-1:] + text[:end])[-2] == "/"
        self._place = _Place.TEXT if is_all else _Place.BLOCK
        return self._passed(text[:end]), text[end:]

    def _pass_block(self, text: str, *, last: bool) -> tuple[str, str]:
        end = text.find(self._end)
        if end < 0:
            cut = len(text) - (0 if last else _overlap(text, self._end))
            self._held = text[cut:]
            return self._passed(text[:cut]), ""
        end += len(self._end)
        self._place = _Place.TEXT
        return self._passed(text[:end]), text[end:]

    def _enter(self, text: str, *, last: bool) -> str:
        """Find out what comes first; returns what follows the marks that were."""
        mended = f"<lang {text}" if _TORN.match(text) else text
        lang = _FIRST.match(mended)
        after = mended[lang.end() :] if lang else mended
        if not last and (not after or (lang and after == "\n")):
            self._held = text
            return ""
        if after[:1] in _DOUBTFUL:
            if head := _HEAD.match(mended):
                self._place = _Place.THOUGHT
                self._closing = f"</{head['tag']}>"
                self._open = head["lang"] is not None and not head["lang"].rstrip().endswith("/>")
                self._trim = 1
                return mended[head.end() :]
            if not last and _HEAD_BEGUN.fullmatch(text):
                self._held = text
                return ""
        self._place = _Place.TEXT
        if lang:
            self._marked(lang)
        return after

    def _think(self, text: str, *, last: bool) -> tuple[str, str]:
        """The thought, and what follows its end."""
        end = text.find(self._closing)
        if end < 0:
            cut = len(text) - (0 if last else _overlap(text, self._closing))
            self._held = text[cut:]
            if self._tag and cut:
                self._thought.append(text[:cut])
            return self._trimmed(text[:cut]), ""
        thought = self._trimmed(text[:end])
        self._thought.clear()
        self._place, self._trim = _Place.TEXT, 2
        return thought, text[end + len(self._closing) :]

    def _say(self, text: str, *, last: bool) -> str:
        said: list[str] = []
        at = 0
        if "[^" in text or "lang" in text or "[step-" in text:
            for mark in _MARK.finditer(text):
                said += self._passed(text[at : mark.start()]), self._marked(mark)
                at = mark.end()
        end = len(text)
        if not last:
            end = min(_settled(text, at), end - _overlap(text[at:], self._tag))
        self._held = text[end:]
        return "".join([*said, self._passed(text[at:end])])

    def _marked(self, mark: re.Match[str]) -> str:
        match mark.lastgroup:
            case "cite":
                return self._cited(self._cite(mark[0][2:-1]))
            case "lang":
                self._open = not mark[0].endswith("/>")
                self._trim = 0 if self._before else 1
            case "end":
                if not self._open:
                    return self._passed(mark[0])
                self._open = False
            case _:
                pass
        return ""

    def _cited(self, shown: str) -> str:
        apart = not shown.startswith(("[", "(")) or self._before[-1:].isspace() or not self._before
        return self._passed(shown if apart else f" {shown}")

    def _passed(self, text: str) -> str:
        text = self._trimmed(text)
        if text:
            self._before = text
        return text

    def _trimmed(self, text: str) -> str:
        while self._trim and text:
            if text[0] != "\n":
                self._trim = 0
                break
            text = text[1:]
            self._trim -= 1
        return text


def _overlap(text: str, closing: str) -> int:
    """How many of the last characters of `text` could begin `closing`."""
    most = min(len(text), len(closing) - 1)
    return next((n for n in range(most, 0, -1) if closing.startswith(text[-n:])), 0)


def _settled(text: str, start: int) -> int:
    """Where the part begins that may still become a mark."""
    last = max(text.rfind("[", start), text.rfind("<", start))
    if last < 0 or text.find("]", last) >= 0 or text.find(">", last) >= 0:
        return len(text)  # marks hold these at their very end, and whole ones are gone
    return last if _MARK_BEGUN.fullmatch(text, last) else len(text)
