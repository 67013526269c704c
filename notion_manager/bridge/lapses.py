"""Calls in the forms that models learned elsewhere, or with the marker forgotten.

They are taken only whole, of tools that are offered, with arguments that fit, and where nothing of
the request begins like them: anything else that looks like one is text.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from .call import Call
from .marks import Marks
from .offer import INPUT, Entry, Offer

LONGEST_HEAD = 200
LONGEST = 64 << 10  # characters of a block that may be one
OPENINGS = ("<call ", "<call_", "<tool_call>", "<function_calls>", "<invoke ", "<function=")
_BARE = re.compile(r"""<call((?:_\w{0,32})?)\s+name\s*=\s*["']?([^"'<>\r\n]{1,128})["']?\s*(/?)>""")
_INVOKE = re.compile(r"""<invoke\s+name\s*=\s*"([^"<>\n]+)"\s*>""")
_PARAMETER = re.compile(r"""<parameter\s+name\s*=\s*"([^"<>\n]+)"[^<>\n]*>""")
_FUNCTION = re.compile(r"<function=([^<>\n]+)>")
_EQUALS = re.compile(r"<parameter=([^<>\n]+)>")
_GLM_NAME = re.compile(r"\s*([\w.:/-]+)\s*(?=<arg_key>|\Z)")
_GLM_KEY = re.compile(r"<arg_key>([^<>\n]*)</arg_key>\s*<arg_value>")

Found = Sequence[tuple[Entry, str]]
Written = tuple[str, Mapping[str, str] | str]
"""A tool's name, and its arguments: texts by key, or all of them as JSON."""


class Form(Struct, frozen=True):
    """How a block ends, and how it is read."""

    closing: re.Pattern[str]
    written: Callable[[str], Iterable[Written]] | None = None

    def end(self, text: str, at: int) -> int | None:
        found = self.closing.search(text, at)
        return found.end() if found else None

    def read(self, block: str, offer: Offer) -> Found | None:
        """The calls of a whole block; None where it is text after all."""
        if self.written is None:
            return _read_bare(block, offer)
        calls = [_fitting(offer, name, given) for name, given in self.written(block)]
        return [call for call in calls if call] if calls and all(calls) else None


def uncopied(texts: Sequence[str]) -> tuple[str, ...]:
    """The openings that stand in none of the texts: what begins so is the model's own."""
    return tuple(o for o in OPENINGS if not any(o in text for text in texts))


def begun(text: str, at: int) -> Form | None:
    """The form of the block that begins at `at`; None where none does, or not yet for sure."""
    for opening, form in _FORMS.items():
        if text.startswith(opening, at):
            return form
    bare = _BARE.match(text, at)
    if bare is None:
        return None
    return Form(re.compile(r"/>" if bare[3] else rf"</call{re.escape(bare[1])}\s*>"))


def may_begin(rest: str) -> bool:
    """Whether what begins like `rest`, with more to come, may be a block without its word."""
    return rest.startswith(("<call ", "<call_")) and ">" not in rest and len(rest) < LONGEST_HEAD


def _read_bare(block: str, offer: Offer) -> Found | None:
    head = _BARE.match(block)
    entry = offer.find(head[2]) if head else None
    if head is None or entry is None:
        return None
    call = Call(Marks(head[1].removeprefix("_")), entry)
    if head[3]:
        call.close()
    else:
        call.read(block, head.end())
    arguments = call.take()
    return [(entry, arguments)] if call.over and _fits(entry, arguments) else None


def _fitting(offer: Offer, name: str, given: Mapping[str, str] | str) -> tuple[Entry, str] | None:
    entry = offer.find(name)
    if entry is None:
        return None
    arguments = _arguments(entry, given)
    return (entry, arguments) if arguments is not None and _fits(entry, arguments) else None


def _arguments(entry: Entry, given: Mapping[str, str] | str) -> str | None:
    if isinstance(given, str):
        whole = entry.parameters.whole(given)
        return json.loads(whole).get(INPUT) if entry.freeform else whole
    if entry.freeform:
        return given.get(INPUT)
    read: dict[str, str] = {}
    for written, value in given.items():
        key = entry.parameters.key(written)
        if key is None or key in read:
            return None
        read[key] = entry.parameters.read(key, value)
    return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{v}" for k, v in read.items()) + "}"


def _fits(entry: Entry, arguments: str) -> bool:
    return entry.freeform or not entry.parameters.errors(arguments)


def _hermes(block: str) -> Iterable[Written]:
    """`<tool_call>` round JSON, round a function's tags, or round keys and values."""
    inner = block.removeprefix("<tool_call>").removesuffix("</tool_call>").strip()
    if inner.startswith("<function="):
        yield from _functions(inner)
    elif inner.startswith("{"):
        yield from _objects(inner)
    elif named := _GLM_NAME.match(inner):
        yield named[1], _first_ones(_GLM_KEY, "</arg_value>", inner)


def _objects(text: str) -> Iterable[Written]:
    try:
        value: Any = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return
    name, given = value.get("name"), value.get("arguments", value.get("parameters", {}))
    if isinstance(name, str):
        plain = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
        yield name, plain


def _functions(block: str) -> Iterable[Written]:
    for name, body in _elements(_FUNCTION, "</function>", block):
        given = _first_ones(_EQUALS, "</parameter>", body)
        yield name, {key: _laid_out(value) for key, value in given.items()}


def _invokes(block: str) -> Iterable[Written]:
    for name, body in _elements(_INVOKE, "</invoke>", block):
        yield name, _first_ones(_PARAMETER, "</parameter>", body)


def _first_ones(opening: re.Pattern[str], closing: str, body: str) -> dict[str, str]:
    """Values by key; of those given twice the first."""
    given: dict[str, str] = {}
    for key, value in _elements(opening, closing, body):
        given.setdefault(key.strip(), value)
    return given


def _elements(opening: re.Pattern[str], closing: str, text: str) -> Iterator[tuple[str, str]]:
    """What each opening captures, and what it holds. One search an element, so time is linear."""
    at = 0
    while (found := opening.search(text, at)) and (end := text.find(closing, found.end())) >= 0:
        yield found[1], text[found.end() : end]
        at = end + len(closing)


def _laid_out(value: str) -> str:
    return value.removeprefix("\n").removesuffix("\n")


_FORMS: Mapping[str, Form] = {
    "<tool_call>": Form(re.compile("</tool_call>"), _hermes),
    "<function_calls>": Form(re.compile("</function_calls>"), _invokes),
    "<invoke ": Form(re.compile("</invoke>"), _invokes),
    "<function=": Form(re.compile("</function>"), _functions),
}
