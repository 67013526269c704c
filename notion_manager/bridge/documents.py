"""The JSON value that was asked for, found in what the model wrote."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from ..turn import JsonOutput
from . import jsontext
from .coercion import coerced
from .jsontext import Balance, NotJson
from .shapes import Shape
from .validation import Validator

SMALL = 6000  # characters of a schema that is given in full
QUOTE = 300  # characters of an error
NONE = "value: there is no JSON in the answer"
SEVERAL = "value: there are several that it could be"
CANDIDATES = 16  # values that are looked at
NEAR = 100  # characters before a value, in which its fence opens
_ANY: dict[str, Any] = {"type": "object"}
_OPENS = re.compile(r"[{\[]")
_SPACE = r"(?:\s|//[^\n]{0,300}+\n|#[^\n]{0,300}+\n|/\*[^*]{0,300}+\*/)*+"
_BEGUN = re.compile(
    rf"""\{{{_SPACE}(?:["'}}]|\Z|[\w$]++\s*+:)"""
    rf"""|\[{_SPACE}(?:["'{{\[\]\d-]|(?:null|true|false|None|True|False)\b)"""
)
_TRIFLE = re.compile(r"\[\s*\d{0,4}\s*\]|\{\s*\}")  # a note's number, or a form of code
_FENCE_BEFORE = re.compile(r"(?:\A|\n)[ \t]*(?:`{3,}|~{3,})[^\n`]*\n\s*\Z")
_FENCE_AFTER = re.compile(r"\s{0,100}+(?:```|~~~)")
_OBJECT = re.compile(r"\{(?=\s{0,300}+[\"}])")
_PERHAPS = re.compile(r"[{\[]\s{0,300}+\Z")


class Found(Struct, frozen=True):
    """`text` is the document as the client gets it, `errors` (`path: message`) what is wrong."""

    text: str
    errors: tuple[str, ...] = ()


def find(output: JsonOutput, text: str, *, by_itself: bool = True) -> Found:
    """The document in an answer, which may not have ended `by_itself`. Raises BadSchema.

    It is all of the text, or what a fence holds, or the one value among prose that is as it should
    be; of several it cannot be said which is meant. A text that is right is given as it was
    written.
    """
    schema = _ANY if output.schema is None else output.schema
    validator, shape = Validator(schema), Shape(schema, schema)
    if not by_itself and text.rstrip()[-1:].isdecimal():
        return Found("", ("value: it broke off in a number",))
    whole = jsontext.unfenced(text)
    if not whole:
        return Found("", (NONE,))
    all_of_it = _read(whole, validator, shape)
    if not all_of_it.errors:
        return all_of_it
    told = [(value, _read(value, validator, shape)) for value in _meant(text)]
    return _only(told) if told else all_of_it


def _only(told: Sequence[tuple[str, Found]]) -> Found:
    """The one that is right. One that is wrong and longer may be what was meant."""
    right = [found for _, found in told if not found.errors]
    wrong = [each for each in told if each[1].errors]
    longest = max(wrong, key=lambda each: len(each[0]), default=("", Found("")))
    if not right:
        return longest[1]
    if len({jsontext.dumps(jsontext.loads(found.text)) for found in right}) > 1:
        return Found("", (SEVERAL,))
    is_longer = len(longest[0]) > len(right[0].text) and _is_json(longest[0])
    return longest[1] if is_longer else right[0]


def _is_json(text: str) -> bool:
    try:
        jsontext.loads(text)
    except NotJson:
        return False
    return True


def _read(text: str, validator: Validator, shape: Shape) -> Found:
    """As it is, if it will do; else mended."""
    return Found(text) if _fits(text, validator) else _mended(text, validator, shape)


def _fits(text: str, validator: Validator) -> bool:
    try:
        return not validator.errors(jsontext.loads(text))
    except NotJson:
        return False


def _mended(text: str, validator: Validator, shape: Shape) -> Found:
    errors: tuple[str, ...] = ("value: it is no valid JSON",)
    for reading in jsontext.readings(text, free_text=shape.free_text):
        value = coerced(reading, shape)
        errors = validator.errors(value)
        if not errors:
            return Found(jsontext.dumps(value))
    return Found(text, errors)


def _meant(text: str) -> Sequence[str]:
    """Values that may be the document: those that a fence holds alone; else what is no trifle."""
    values = _values(text)
    fenced = [value for value, start in values.items() if _is_fenced(text, start, len(value))]
    meant = fenced or list(values)
    return [value for value in meant if not _TRIFLE.fullmatch(value)] or meant


def _is_fenced(text: str, start: int, size: int) -> bool:
    before = text[max(0, start - NEAR) : start]
    return bool(_FENCE_BEFORE.search(before) and _FENCE_AFTER.match(text, start + size))


def _values(text: str) -> Mapping[str, int]:
    """Those that stand in it, and where; none where one broke off: that was what was meant."""
    found: dict[str, int] = {}
    at = open_ended = 0
    while (opens := _OPENS.search(text, at)) and max(len(found), open_ended) < CANDIDATES:
        end = Balance().feed(text, opens.start())
        if end is None and _BEGUN.match(text, opens.start()):
            return {}
        if end is None:
            open_ended += 1
            at = opens.end()
        else:
            found.setdefault(text[opens.start() : end], opens.start())
            at = end
    return found


class Opening:
    """An object let through as it is written, without the prose and the fences around it.

    What begins before it and goes on may be what was asked for: then nothing is let through, and it
    is `hidden`, to be found when all is there.
    """

    def __init__(self) -> None:
        self.closed = False
        self.hidden = False
        self._before: list[str] = []  # up to where the object may begin
        self._tail = ""  # from there on
        self._given: list[str] = []
        self._balance: Balance | None = None

    def feed(self, text: str) -> str:
        if self.closed or self.hidden:
            return ""
        if self._balance is None:
            text = self._begun(self._tail + text)
            if not text:
                return ""
            self._balance = Balance()
        end = self._balance.feed(text)
        self.closed = end is not None
        self._given.append(text[:end])
        return text[:end]

    def _begun(self, text: str) -> str:
        """The object as far as it came; empty where it has not begun, or is within another."""
        begun = _OBJECT.search(text)
        if begun is None:
            perhaps = _PERHAPS.search(text)
            end = perhaps.start() if perhaps else len(text)
            self._before.append(text[:end])
            self._tail = text[end:]
            return ""
        before = "".join(self._before)
        self.hidden = _is_within(before + text, len(before) + begun.start())
        return "" if self.hidden else text[begun.start() :]

    def errors(self) -> tuple[str, ...]:
        """What is wrong with what was let through, now that nothing follows."""
        if self._balance is None:
            return (NONE,)
        if not self.closed:
            return ("value: it is not complete",)
        try:
            jsontext.loads("".join(self._given))
        except NotJson as exc:
            return (f"value: {exc}",)
        return ()


def _is_within(text: str, place: int) -> bool:
    """Whether a value that began before goes on there."""
    at, before = 0, text[:place]
    while (opens := _BEGUN.search(text, at)) is not None and opens.start() < place:
        end = Balance().feed(before, opens.start())
        if end is None:
            return True
        at = end
    return False


def instructions(output: JsonOutput, type_text: str) -> str:
    """What the prompt says of the document. `type_text` is its type in short."""
    said = [f"Answer with one JSON value of this type:\n\n{type_text}"]
    if output.schema is not None:
        schema = json.dumps(output.schema, ensure_ascii=False, separators=(",", ":"))
        if len(schema) < SMALL:
            said.append(f"Its JSON schema is:\n\n{schema}")
    said.append("Write the JSON alone: no prose before or after it, and no code fence.")
    return "\n\n".join(said)


def correction(errors: Sequence[str]) -> str:
    """What the model is told where its answer will not do."""
    listed = "\n".join(f"- {error[:QUOTE]}" for error in errors)
    return (
        f"Your last message is not the JSON that was asked for:\n{listed}\n"
        "Answer with the corrected JSON value alone."
    )
