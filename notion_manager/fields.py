"""A cursor over decoded JSON. Its errors name the path: `messages[2].content[0].text`."""

from collections.abc import Collection, Iterator
from typing import Any, Self, TypeVar

import orjson
from msgspec import Struct

from .bodies import loads
from .errors import BadRequest

Word = TypeVar("Word", bound=str)
MOST = 2**53 - 1  # beyond it JSON's numbers are not exact
_NAMES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


class Node(Struct):
    """A JSON value and where it stands. Null and absent are one: `missing`.

    Readers without a default raise BadRequest where the value is missing; every reader raises it
    where the value has another type.
    """

    value: Any
    step: str = ""
    above: "Node | None" = None

    @property
    def path(self) -> str:
        """Spelled only when something is wrong: most nodes are read without a word."""
        above = self.above.path if self.above else ""
        dot = "." if above and not self.step.startswith("[") else ""
        return f"{above}{dot}{self.step}"

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """The root of a request body; BadRequest unless it is a JSON object."""
        try:
            value = loads(body)
        except orjson.JSONDecodeError as exc:
            raise BadRequest(f"the body is not valid JSON: {exc}") from None
        if not isinstance(value, dict):
            raise BadRequest(f"the body must be a JSON object, not {_NAMES[type(value)]}")
        return cls(value)

    @property
    def missing(self) -> bool:
        return self.value is None

    def fail(self, message: str) -> BadRequest:
        return BadRequest(message, field=self.path)

    def expected(self, what: str) -> BadRequest:
        if self.missing:
            return self.fail(f"required; expected {what}")
        return self.fail(f"expected {what}, got {_NAMES[type(self.value)]}")

    def __getitem__(self, key: str) -> "Node":
        """A member of this object; missing where it is absent."""
        value: Any = self.value
        if not isinstance(value, dict):
            raise self.expected("an object")
        return Node(value.get(key), key, self)  # pyright: ignore[reportUnknownMemberType]

    def object(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.expected("an object")
        return self.value  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]

    def each(self) -> "Iterator[Node]":
        """The entries of a list; none where it is missing."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            raise self.expected("a list")
        entries: list[Any] = self.value  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        for index, value in enumerate(entries):
            yield Node(value, f"[{index}]", self)

    def or_empty(self) -> "Node":
        """An empty object in this place, where there is nothing."""
        return Node({}, self.step, self.above) if self.value is None else self

    def encodable(self) -> dict[str, Any]:
        """An object that can be written as JSON again."""
        value = self.object()
        self.json()
        return value

    def json(self) -> str:
        """The value as JSON again. Deeper nesting can be read than written."""
        try:
            return orjson.dumps(self.value).decode()
        except TypeError:
            raise self.fail("nested too deeply") from None

    def is_text(self) -> bool:
        return isinstance(self.value, str)

    def text(self, default: str | None = None) -> str:
        value = self.value
        if isinstance(value, str):
            return value
        if value is None and default is not None:
            return default
        raise self.expected("a string")

    def one_of(self, choices: Collection[Word], default: Word | None = None) -> Word:
        """A string out of `choices`."""
        text = self.text(default)
        if text not in choices:
            raise self.fail(f"expected one of {', '.join(choices)}; got {text[:64]!r}")
        return text  # pyright: ignore[reportReturnType] - it is one of them

    def integer(self, *, least: int = 0) -> int | None:
        """A whole number of at least `least`, or None where it is missing.

        What is too large to be exact in JSON is as large as can be.
        """
        value = self.value
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.expected("a whole number")
        if value < least:
            raise self.fail(f"must be at least {least}; got {value:.10g}")
        return min(value, MOST)

    def flag(self, *, default: bool = False) -> bool:
        if self.value is None:
            return default
        if not isinstance(self.value, bool):
            raise self.expected("a boolean")
        return self.value
