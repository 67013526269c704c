"""The arguments of a tool as a model writes them: text where text is wanted, JSON elsewhere."""

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import Any, cast

from . import jsontext
from .coercion import coerced
from .costs import MOST as MOST_LOOKS
from .costs import Cost
from .jsontext import NotJson
from .shapes import ALL, Shape, type_of
from .spelling import Names
from .validation import BadSchema, Parts, Validator

WHOLE = "*"  # the key under which all arguments stand as one JSON object
_HOSTILE = frozenset({"__proto__", "constructor", "prototype"})  # in clients of JavaScript
MOST_GUESSED = 256  # members of one object whose names may be misspelled
_TEXT = frozenset({"string"})
_TEXT_OR_NULL = frozenset({"string", "null"})


class Kind(Enum):
    """How a value is read: text as it comes, or all of it once it is whole."""

    TEXT = 1
    TEXT_OR_NULL = 2
    OTHER = 3


class Parameters:
    """The parameters of one tool, by its JSON schema. Any will do: what it leaves open is free."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._shape = Shape(schema, schema)
        self._parts = Parts(schema)
        self._known: dict[str, _Parameter] = {}

    def key(self, written: str) -> str | None:
        """The parameter that a written name means; None where there is none of that name."""
        if written in self._declared:
            return written
        if (same := self._names.folded(written)) is not None:
            return same
        if written in _HOSTILE:
            return None
        if self._shape.member(written) is not None:
            return written
        return self._names.near(written)

    @cached_property
    def _declared(self) -> Mapping[str, None]:
        return dict.fromkeys(self._shape.names)

    @cached_property
    def _names(self) -> Names:
        return Names(self._declared)

    def kind(self, key: str) -> Kind:
        return self._parameter(key).kind

    def read(self, key: str, text: str) -> str:
        """The value that a text stands for, as JSON.

        What cannot be read as the schema wants is the JSON that it is, else the text itself: then
        the client says what is wrong, and nothing was guessed.
        """
        return jsontext.dumps(self._parameter(key).read(text))

    def write(self, key: str, value: Any) -> str:
        """The text that reads back as `value`."""
        return self._parameter(key).write(value)

    def whole(self, text: str) -> str:
        """All arguments at once, as one JSON object; an empty one where there is no text.

        What is no such object stands under `WHOLE`: so the client says that it is wrong.
        """
        for value in jsontext.readings(text, free_text=self._shape.free_text):
            if isinstance(value, dict):
                given = cast("dict[str, Any]", value)
                named = self._named(given)
                dear = self._cost.of(named) > MOST_LOOKS
                fitted = named if dear else coerced(named, self._shape)
                return jsontext.dumps(fitted if isinstance(fitted, dict) else named)
        return jsontext.dumps({WHOLE: text.strip()} if text.strip() else {})

    def strangers(self, text: str) -> Sequence[str]:
        """The names in all arguments at once that are no parameter's, or come to the same one."""
        for value in jsontext.readings(text, free_text=self._shape.free_text):
            if isinstance(value, dict) and len(names := list(cast("dict[str, Any]", value))) > 0:
                meant = [self.key(name) for name in names[:MOST_GUESSED]]
                twice = {key for key in meant if meant.count(key) > 1}
                pairs = zip(names, meant, strict=False)
                return [name for name, key in pairs if key is None or key in twice]
        return []

    def _named(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The members by the parameters they mean; of very many, those with their exact names."""
        if len(given) > MOST_GUESSED:
            member = self._shape.member
            return {k: v for k, v in given.items() if k not in _HOSTILE and member(k) is not None}
        return {k: v for key, v in given.items() if (k := self.key(key)) is not None}

    def omitted(self, keys: Collection[str]) -> Sequence[str]:
        """Required parameters that were left out where null says the same."""
        missing = [key for key in dict.fromkeys(self._shape.required) if key not in keys]
        types = {key: self._parameter(key).types for key in missing}
        return [key for key in missing if "null" in types[key] and types[key] != ALL]

    def errors(self, arguments: str) -> tuple[str, ...]:
        """What the schema has against the arguments, as JSON; a schema that is none has nothing."""
        try:
            value = jsontext.loads(arguments)
        except NotJson as exc:
            return (f"arguments: {exc}",)
        return self._validator.errors(value) if self._validator else ()

    @cached_property
    def _cost(self) -> Cost:
        return Cost(self._schema, self._schema)

    @cached_property
    def _validator(self) -> Validator | None:
        try:
            return Validator(self._schema)
        except BadSchema:
            return None

    @property
    def needed(self) -> bool:
        """Whether there are some without which there is no call."""
        return bool({*self._shape.required} - {*self.omitted(())})

    def may_lack(self, keys: Collection[str]) -> bool:
        """Whether more may have been meant to follow these: one that is needed, or any if none."""
        if not keys:
            return bool(self._declared) or self._shape.member("") is not None
        return bool({*self._shape.required} - {*keys, *self.omitted(keys)})

    def _parameter(self, key: str) -> "_Parameter":
        if key not in self._known:
            shape = self._shape.member(key) or Shape({}, {})
            self._known[key] = _Parameter(shape, self._schema, self._parts)
        return self._known[key]


class _Parameter:
    def __init__(self, shape: Shape, whole: Mapping[str, Any], parts: Parts) -> None:
        self._shape = shape
        self._parts = parts
        self._whole = whole
        self.types = shape.types
        self._listed = shape.listed

    @cached_property
    def kind(self) -> Kind:
        if self._listed is None and self.types == _TEXT:
            return Kind.TEXT
        if self._listed is None and self.types == _TEXT_OR_NULL:
            return Kind.TEXT_OR_NULL
        return Kind.OTHER

    def _allows(self, value: Any) -> bool:
        """As far as it can be told without taking long, valid; else of one of the types."""
        validator = self._parts.validator(self._shape.schema)
        if validator is None or self._cost.of(value) > MOST_LOOKS:
            return type_of(value) in self.types
        return validator.allows(value)

    @cached_property
    def _cost(self) -> Cost:
        return Cost(self._shape.schema, self._whole)

    def _fitted(self, value: Any) -> Any:
        return value if self._cost.of(value) > MOST_LOOKS else coerced(value, self._shape)

    def read(self, text: str) -> Any:
        if self.kind is not Kind.OTHER:
            return None if self.kind is Kind.TEXT_OR_NULL and text == "null" else text
        if "string" not in self.types:
            return self._value(text)
        if self._listed is not None and (named := self._named(text)) is not None:
            return named
        for value in jsontext.exact(text):
            if isinstance(value, str) or (self._allows(value) and _is_exact(value, text)):
                return value
        return text

    def write(self, value: Any) -> str:
        if self.kind is Kind.TEXT_OR_NULL and value is None:
            return "null"
        if isinstance(value, str) and (self.kind is not Kind.OTHER or self.read(value) == value):
            return value
        return jsontext.dumps(value)

    def _value(self, text: str) -> Any:
        """What the text is as JSON, if it can be what fits; else the JSON or the text as it is."""
        nearest: Any = text
        for value in jsontext.readings(text, free_text=self._shape.free_text):
            nearest = self._fitted(value)
            if self._allows(nearest):
                return nearest
            nearest = value
        meant = self._fitted(text) if nearest is text else nearest
        return meant if self._allows(meant) else nearest

    def _named(self, text: str) -> str | None:
        """The listed string that a text names."""
        names = self._listed or ()
        if text in names:
            return text
        trimmed = text.strip()
        if trimmed in names:
            return trimmed
        same = [name for name in names if name.lower() == trimmed.lower()]
        return same[0] if len(same) == 1 else None


def _is_exact(value: Any, text: str) -> bool:
    """Whether it says all that the text says: 1.10 is another version than 1.1."""
    return not isinstance(value, int | float) or jsontext.dumps(value) == text.strip()


def laid_out(value: str) -> str:
    """A value without the newlines that only set it apart from its tags."""
    return value[1:].removesuffix("\n") if value.startswith("\n") else value
