"""The JSON value that was asked for, found in what the model wrote."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
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
CANDIDATES = 16  # values that are looked at
_ANY: dict[str, Any] = {"type": "object"}
_OPENS = re.compile(r"[{\[]")
_SPACE = r"(?:\s|//[^\n]*+\n|#[^\n]*+\n|/\*[^*]*+\*/)*+"
_BEGUN = re.compile(
    rf"""\{{{_SPACE}(?:["'}}]|\Z|[\w$]++\s*+:)"""
    rf"""|\[{_SPACE}(?:["'{{\[\]\d-]|(?:null|true|false|None|True|False)\b)"""
)
_OBJECT = re.compile(r"\{(?=\s{0,300}+[\"}])")
_PERHAPS = re.compile(r"[{\[]\s{0,300}+\Z")


class Found(Struct, frozen=True):
    """`text` is the document as the client gets it, `errors` (`path: message`) what is wrong."""

    text: str
    errors: tuple[str, ...] = ()


def find(output: JsonOutput, text: str, *, by_itself: bool = True) -> Found:
    """The document in an answer, which may not have ended `by_itself`. Raises BadSchema.

    It is all of the text, or what a fence holds, or the longest value among prose that is as it
    should be: shorter ones may only be spoken of. A text that is right is given as it was written.
    """
    schema = _ANY if output.schema is None else output.schema
    validator, shape = Validator(schema), Shape(schema, schema)
    if not by_itself and text.rstrip()[-1:].isdecimal():
        return Found("", ("value: it broke off in a number",))
    candidates = list(_candidates(text))
    for candidate in candidates:
        if _fits(candidate, validator):
            return Found(candidate)
    first: Found | None = None
    for candidate in candidates:
        found = _mended(candidate, validator, shape)
        if not found.errors:
            return found
        first = first or found
    return first or Found("", (NONE,))


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


def _candidates(text: str) -> Iterator[str]:
    whole = jsontext.unfenced(text)
    if whole:
        yield whole
    yield from sorted(_values(text), key=len, reverse=True)


def _values(text: str) -> Collection[str]:
    """Those that stand in it, each once; none where one broke off: that was what was meant."""
    found: dict[str, None] = {}
    at = open_ended = 0
    while (opens := _OPENS.search(text, at)) and max(len(found), open_ended) < CANDIDATES:
        end = Balance().feed(text, opens.start())
        if end is None and _BEGUN.match(text, opens.start()):
            return ()
        if end is None:
            open_ended += 1
            at = opens.end()
        else:
            found[text[opens.start() : end]] = None
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
        self._text = ""  # up to the object
        self._seen = 0
        self._given: list[str] = []
        self._balance: Balance | None = None

    def feed(self, text: str) -> str:
        if self.closed or self.hidden:
            return ""
        if self._balance is None:
            self._text += text
            begun = _OBJECT.search(self._text, self._seen)
            if begun is None:
                perhaps = _PERHAPS.search(self._text, self._seen)
                self._seen = perhaps.start() if perhaps else len(self._text)
                return ""
            if _is_within(self._text, begun.start()):
                self.hidden = True
                return ""
            self._balance, text = Balance(), self._text[begun.start() :]
        end = self._balance.feed(text)
        self.closed = end is not None
        self._given.append(text[:end])
        return text[:end]

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
    at = 0
    while (opens := _BEGUN.search(text, at)) is not None and opens.start() < place:
        end = Balance().feed(text[:place], opens.start())
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
