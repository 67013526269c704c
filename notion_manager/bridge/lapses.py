"""Calls in the forms that models learned elsewhere, or with the marker forgotten.

They are taken only whole, of tools that are offered, with arguments that fit, and where nothing of
the request begins like them: anything else that looks like one is text.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from .call import Call
from .marks import ATTRIBUTE, LONGEST_TAG, Marks, hope
from .offer import INPUT, Entry, Offer
from .values import laid_out

LONGEST_HEAD = 1000  # characters in which a block says which tool it calls
LONGEST_END = 64  # characters of a closing tag
LONGEST_BLANK = 400  # characters behind a block, after which nothing of it is awaited
LONGEST = 64 << 10  # characters of a block that may be one
_CLAUDE = ("", "antml:")  # prefixes of its tags
_GAP = r"(?:\s|%20|\+|&nbsp;|&#(?:32|x20|160|xa0);|\\u00[2a]0)"
_IS = r"(?:\\?=|%3d|&(?:#61|#x3d|equals);|\\u003d)"
_LOW = r"(?:\\?_|%5f|&(?:#95|#x5f|lowbar);|\\u005f)"
_NAMED_SO = rf"{_GAP}++[\w-]{{1,32}}+{_GAP}*+{_IS}"
_COPIES = {
    "<call ": ("call", re.compile(rf"call{_NAMED_SO}")),
    "<call_": ("call", re.compile(rf"call{_LOW}\w{{0,32}}+{_NAMED_SO}")),
    "<tool_call>": ("tool", re.compile(rf"tool{_LOW}call")),
    **{
        f"<{prefix}function_calls>": ("function", re.compile(rf"function{_LOW}calls"))
        for prefix in _CLAUDE
    },
    **{f"<{prefix}invoke ": ("invoke", re.compile(rf"invoke{_GAP}++name")) for prefix in _CLAUDE},
    "<function=": ("function", re.compile(rf"function{_GAP}{{0,9}}{_IS}")),
}
"""What a text has that shows such a block, however its brackets are escaped; and what to look for
first, since that is quick."""

OPENINGS = tuple(_COPIES)
_BARE = re.compile(rf"""<call((?:_\w{{0,32}})?){ATTRIBUTE}(/?)>""")
_BARE_BEGUN = hope(r"call(?:_\w{0,32})?")
_FUNCTION = re.compile(r"<function=([^<>\n]+)>")
_EQUALS = re.compile(r"<parameter=([^<>\n]+)>")
_NAMED = re.compile(
    r"""<(?:(?:antml:)?invoke|call\w{0,32})\s{1,9}name\s{0,9}=\s{0,9}["']?([^"'<>\r\n]{1,128})"""
    r"""|<function=([^<>\n]{1,128})>|"name"\s{0,9}:\s{0,9}"([^"\n]{1,128})\""""
    r"""|<tool_call>\s{0,9}([\w.:/-]{1,128})"""
)
_FIRST = re.compile(
    r"""<(?:(?:antml:)?invoke|call\w{0,32})\s{1,9}name\s{0,9}=\s{0,9}["']?([^"'<>\r\n]{1,128})["'>]"""
    r"""|(?:<tool_call>\s{0,9})?<function=([^<>\n]{1,128})>"""
    r"""|<tool_call>\s{0,9}\{\s{0,9}"name"\s{0,9}:\s{0,9}"([^"\n]{1,128})\""""
    r"""|<tool_call>\s{0,9}([\w.:/-]{1,128})\s{0,9}<"""
)
_VISIBLE = re.compile(r"\S")
_INNER_END = re.compile(r"</(?:antml:)?(?:parameter|invoke|function|arg|arg_value|call\w*)\s*>")
_GLM_NAME = re.compile(r"\s*([\w.:/-]+)\s*(?=<arg_key>|\Z)")
_GLM_KEY = re.compile(r"<arg_key>([^<>\n]*)</arg_key>\s*<arg_value>")

Found = Sequence[tuple[Entry, str]]
Written = tuple[str, Mapping[str, str] | str]
"""A tool's name, and its arguments: texts by key, or all of them as JSON."""


class _Broken(ValueError):
    """A block with something in it that has no end, or no place."""


class Form(Struct, frozen=True):
    """How a block ends, and how it is read."""

    closing: re.Pattern[str]
    written: Callable[[str], Iterable[Written]] | None = None
    beginning: re.Pattern[str] | None = None

    def may_begin(self, beginning: str) -> bool:
        """Whether it may be one, as far as it is there."""
        start = beginning[:LONGEST_TAG]
        return self.beginning is None or self.beginning.match(start) is not None

    def end(self, text: str, at: int) -> int | None:
        found = self.closing.search(text, at)
        return found.end() if found else None

    def meant(self, block: str, offer: Offer) -> Sequence[Entry]:
        """The tool that a block which cannot be read was to call, if one is named."""
        found = _NAMED.search(block, 0, LONGEST_HEAD)
        entry = offer.find(next(filter(None, found.groups()), "")) if found else None
        return (entry,) if entry else ()

    def calls_nobody(self, beginning: str, offer: Offer) -> bool:
        """Whether it is clear from its beginning that it calls no tool that is offered."""
        found = _FIRST.match(beginning)
        return found is not None and offer.find(next(filter(None, found.groups()))) is None

    def read(self, block: str, offer: Offer) -> Found | None:
        """The calls of a whole block; None where it is text after all."""
        block = block.rstrip()
        if self.written is None:
            return _read_bare(block, offer)
        try:
            calls = [_fitting(offer, name, given) for name, given in self.written(block)]
        except _Broken:
            return None
        return [call for call in calls if call] if calls and all(calls) else None


class End(Struct, frozen=True):
    """Where a block ends. What does not stand `alone` may be a value with such an end in it."""

    at: int
    alone: bool


class Lapse:
    """A block in another form, as it grows. `hopeless` once no such block can be meant."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.hopeless = False
        self._searched = 0  # characters of it in which there is no end

    def end(self, text: str, at: int, offer: Offer) -> End | bool:
        """The end of what begins at `at`; False where it is text, True where it may yet end."""
        beginning = text[at : at + LONGEST_HEAD]
        if not self.form.may_begin(beginning):
            return False
        if self.form.calls_nobody(beginning, offer):  # nor does what stands in it
            self.hopeless = True
            return False
        end = self.form.end(text, at + max(0, self._searched - LONGEST_END))
        if end is not None and end - at <= LONGEST:
            alone = _stands_alone(text, end)
            return alone is None or End(end, alone)
        self._searched = len(text) - at
        self.hopeless = self._searched > LONGEST
        return not self.hopeless


def uncopied(seen: str) -> tuple[str, ...]:
    """The openings of which nothing that was `seen`, in lower case, is a block.

    The model copied none of these.
    """
    shown = {word: word in seen for word, _ in _COPIES.values()}
    return tuple(
        opening
        for opening, (word, copy) in _COPIES.items()
        if not (shown[word] and copy.search(seen))
    )


def begun(text: str, at: int) -> Form | None:
    """The form of the block that begins at `at`; None where none does, or not yet for sure."""
    for opening, form in _FORMS.items():
        if text.startswith(opening, at):
            return form
    bare = _BARE.match(text, at, at + LONGEST_TAG)
    if bare is None:
        return None
    return Form(re.compile(r"/>" if bare[3] else rf"</call{re.escape(bare[1])}\s{{0,8}}>"))


def _stands_alone(text: str, end: int) -> bool | None:
    """Whether a block is over where it ends; None where that is not known yet.

    What goes on behind its end on the same line, or with an end of an inner part, may be a value
    that has such ends in it.
    """
    found = _VISIBLE.search(text, end, end + LONGEST_BLANK)
    if found is None:
        blank = text[end : end + LONGEST_BLANK]
        return "\n" in blank if len(blank) == LONGEST_BLANK else None
    rest = text[found.start() : found.start() + LONGEST_END]
    if rest[0] != "<":
        return "\n" in text[end : found.start()]
    if len(rest) < LONGEST_END and ">" not in rest and "</".startswith(rest[:2]):
        return None
    return _INNER_END.match(rest) is None


def may_begin(rest: str) -> bool:
    """Whether what begins like `rest`, with more to come, may be a block without its word."""
    return len(rest) < LONGEST_TAG and _BARE_BEGUN.match(rest) is not None


def _read_bare(block: str, offer: Offer) -> Found | None:
    head = _BARE.match(block, 0, LONGEST_TAG)
    entry = offer.find(head[2]) if head else None
    if head is None or entry is None:
        return None
    call = Call(Marks(head[1].removeprefix("_")), entry, offer)
    if head[3]:
        call.close()
    else:
        call.read(block, head.end())
    arguments = call.take()
    whole = call.over and not call.notes
    return [(entry, arguments)] if whole and _fits(entry, arguments) else None


def _fitting(offer: Offer, name: str, given: Mapping[str, str] | str) -> tuple[Entry, str] | None:
    entry = offer.find(name)
    if entry is None:
        return None
    arguments = _arguments(entry, given)
    return (entry, arguments) if arguments is not None and _fits(entry, arguments) else None


def _arguments(entry: Entry, given: Mapping[str, str] | str) -> str | None:
    if isinstance(given, str):
        return _of_json(entry, given)
    if entry.freeform:
        return given.get(INPUT)
    read: dict[str, str] = {}
    for written, value in given.items():
        key = entry.parameters.key(written)
        if key is None or key in read:
            return None
        read[key] = entry.parameters.read(key, value)
    return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{v}" for k, v in read.items()) + "}"


def _of_json(entry: Entry, given: str) -> str | None:
    """None where anything of it would be lost."""
    whole = entry.parameters.whole(given)
    members = json.loads(whole)
    if entry.freeform:
        text = members.get(INPUT)
        return text if isinstance(text, str) else None
    try:
        named = json.loads(given, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    return whole if len(members) == len(named) else None


def _fits(entry: Entry, arguments: str) -> bool:
    return entry.freeform or not entry.parameters.errors(arguments)


def _hermes(block: str) -> Iterable[Written]:
    """`<tool_call>` round JSON, round a function's tags, or round keys and values."""
    inner = block.removeprefix("<tool_call>").removesuffix("</tool_call>").strip()
    if inner.startswith("<function="):
        yield from _functions(inner)
    elif inner.startswith("{"):
        yield from _objects(inner)
    elif (named := _GLM_NAME.match(inner)) and block.endswith("</tool_call>"):
        yield named[1], _by_key(_GLM_KEY, "</arg_value>", inner[named.end() :])


def _objects(text: str) -> Iterable[Written]:
    """Arguments under a name that nobody knows are not left out: then there is no call."""
    try:
        value: Any = json.loads(text, strict=False)
        none: dict[str, Any] | None = {} if len(value) == 1 else None
        given: Any = value.get("arguments", value.get("parameters", none))
        plain = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    except (ValueError, RecursionError):
        return
    name = value.get("name")
    if isinstance(name, str) and given is not None:
        yield name, plain


def _functions(block: str) -> Iterable[Written]:
    for name, body in _elements(_FUNCTION, "</function>", block, alone=True):
        given = _by_key(_EQUALS, "</parameter>", body)
        yield name, {key: laid_out(value) for key, value in given.items()}


def _invokes(block: str, *, prefix: str = "") -> Iterable[Written]:
    opening = re.compile(rf"""<{prefix}invoke\s+name\s*=\s*"([^"<>\n]+)"\s*>""")
    parameter = re.compile(rf"""<{prefix}parameter\s+name\s*=\s*"([^"<>\n]+)"[^<>\n]*>""")
    inner = block.removeprefix(f"<{prefix}function_calls>")
    inner = inner.removesuffix(f"</{prefix}function_calls>")
    for name, body in _elements(opening, f"</{prefix}invoke>", inner, alone=True):
        yield name, _by_key(parameter, f"</{prefix}parameter>", body)


def _by_key(opening: re.Pattern[str], closing: str, body: str) -> dict[str, str]:
    """Values by key. One that is given twice may be one value with its own end in it."""
    given: dict[str, str] = {}
    for key, value in _elements(opening, closing, body, alone=True):
        if key.strip() in given:
            raise _Broken
        given[key.strip()] = value
    return given


def _elements(
    opening: re.Pattern[str], closing: str, text: str, *, alone: bool = False
) -> Iterator[tuple[str, str]]:
    """What each opening captures, and what it holds. One search an element, so time is linear.

    Where they should stand `alone`, anything else is what a value with its own end in it left over.
    """
    at = 0
    while found := opening.search(text, at):
        end = text.find(closing, found.end())
        if end < 0 or (alone and text[at : found.start()].strip()):
            raise _Broken
        yield found[1], text[found.end() : end]
        at = end + len(closing)
    if alone and text[at:].strip():
        raise _Broken


def _begun(word: str) -> str:
    """A pattern of the word, or of its beginning at the end of a text."""
    part = "".join(rf"(?:\Z|{re.escape(letter)}" for letter in word)
    return part + ")" * len(word)


def _of_claude(prefix: str) -> Iterator[tuple[str, Form]]:
    """Its own form, under a prefix or without: one call, or several within one block."""
    read = partial(_invokes, prefix=prefix)
    several = re.compile(rf"<{prefix}function_calls>\s*+{_begun(f'<{prefix}invoke')}")
    one = re.compile(rf"<{prefix}invoke\s++{_begun('name')}\s*+(?:\Z|=)")
    yield (
        f"<{prefix}function_calls>",
        Form(re.compile(f"</{prefix}function_calls>"), read, several),
    )
    yield f"<{prefix}invoke ", Form(re.compile(f"</{prefix}invoke>"), read, one)


_HERMES = rf"<tool_call>\s*+(?:\Z|\{{|{_begun('<function=')}|[\w.:/-]{{1,128}}+\s*+(?:\Z|<))"
_FORMS: Mapping[str, Form] = {
    "<tool_call>": Form(re.compile("</tool_call>"), _hermes, re.compile(_HERMES)),
    **{opening: form for prefix in _CLAUDE for opening, form in _of_claude(prefix)},
    "<function=": Form(
        re.compile("</function>"), _functions, re.compile(r"<function=[^<>\n]{0,128}+(?:\Z|>)")
    ),
}
