"""The JSON value that was asked for, found in what the model wrote."""

import json
import re
from collections.abc import Iterator, Sequence
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
    rf"""\{{{_SPACE}(?:["'}}]|[\w$]++\s*+:)"""
    rf"""|\[{_SPACE}(?:["'{{\[\]\d-]|(?:null|true|false|None|True|False)\b)"""
)
_OBJECT = re.compile(r"\{(?=\s{0,300}+[\"}])")
_PERHAPS = re.compile(r"[{\[]\s{0,300}+\Z")
_LISTED = re.compile(r"\[\s{0,300}+\{")


class Found(Struct, frozen=True):
    """`text` is the document as the client gets it, `errors` (`path: message`) what is wrong."""

    text: str
    errors: tuple[str, ...] = ()


def find(output: JsonOutput, text: str) -> Found:
    """The document in a whole answer. Raises BadSchema.

    It is all of the text, or what a fence holds, or the longest value among prose that is as it
    should be: shorter ones may only be spoken of. A text that is right is given as it was written.
    """
    schema = _ANY if output.schema is None else output.schema
    validator, shape = Validator(schema), Shape(schema, schema)
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


def _values(text: str) -> Iterator[str]:
    at = 0
    for _ in range(CANDIDATES):
        opens = _OPENS.search(text, at)
        if opens is None:
            return
        end = Balance().feed(text, opens.start())
        if end is None and _BEGUN.match(text, opens.start()):
            return  # it broke off: what lies within it is not what was asked for
        if end is None:
            at = opens.end()
        else:
            yield text[opens.start() : end]
            at = end


class Opening:
    """An object let through as it is written, without the prose and the fences around it."""

    def __init__(self) -> None:
        self.closed = False
        self._waiting = ""
        self._listed = False  # a list began first: its members are not what was asked for
        self._given: list[str] = []
        self._balance: Balance | None = None

    def feed(self, text: str) -> str:
        if self.closed:
            return ""
        if self._balance is None:
            text = self._waiting + text
            begun = _OBJECT.search(text)
            end = begun.start() if begun else len(text)
            self._listed = self._listed or bool(_LISTED.search(text, 0, end + 1))
            if begun is None or self._listed:
                brace = _PERHAPS.search(text)
                self._waiting = brace[0] if brace else ""
                return ""
            self._balance, text = Balance(), text[begun.start() :]
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
