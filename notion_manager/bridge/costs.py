"""What it would cost to check a value: alternatives that refer to one another can multiply.

A schema of forty lines may ask for 2**40 looks at an empty list, and no validator is spared them.
So they are counted first, each pair of a schema and a value once.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import unquote

MOST = 100_000
"""Looks at a value; a validator takes a tenth of a second for them, and counting them no longer."""

_HERE = ("allOf", "anyOf", "oneOf", "dependentSchemas", "not", "if", "then", "else")
_OF_MEMBERS = ("additionalProperties", "unevaluatedProperties", "patternProperties")
_OF_ITEMS = (
    "items", "prefixItems", "additionalItems", "unevaluatedItems", "contains",
)  # fmt: skip
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_NAMES = ("$id", "$anchor", "$dynamicAnchor")


class Cost:
    """Counts for one schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema
        self._named = dict(_named(schema))
        self._known: dict[tuple[int, int], int] = {}

    def is_too_high(self, value: Any) -> bool:
        """Whether more than `MOST` looks are needed, or nobody can tell."""
        self._known.clear()
        try:
            return self._of(self._root, value) > MOST
        except RecursionError:
            return True

    def _of(self, schema: Any, value: Any) -> int:
        if not isinstance(schema, dict):
            return 1
        table = cast("dict[str, Any]", schema)
        pair = id(table), id(value)
        if pair in self._known:
            return self._known[pair]
        self._known[pair] = looks = 1  # for whoever comes back to it on the way
        for part, inner in self._pairs(table, value):
            looks += self._of(part, inner)
            if looks > MOST:
                break
        self._known[pair] = looks
        return looks

    def _pairs(self, schema: Mapping[str, Any], value: Any) -> Iterator[tuple[Any, Any]]:
        for name in _HERE:
            for part in _parts(schema.get(name), mapped=name == "dependentSchemas"):
                yield part, value
        for name in _REFERENCES:
            if isinstance(target := schema.get(name), str):
                yield self._found(target), value
        if isinstance(value, dict):
            yield from _members(schema, cast("dict[str, Any]", value))
        elif isinstance(value, list):
            items = cast("list[Any]", value)
            for name in _OF_ITEMS:
                for part in _parts(schema.get(name)):
                    yield from ((part, item) for item in items)

    def _found(self, reference: str) -> Any:
        """What a reference means, wherever it is called so; nothing where it leads nowhere."""
        base, _, fragment = reference.partition("#")
        found = self._named.get(base, self._root) if base else self._root
        if not fragment.startswith("/"):
            return self._named.get(fragment, found) if fragment else found
        for step in fragment[1:].split("/"):
            found = _step(found, unquote(step).replace("~1", "/").replace("~0", "~"))
        return found


def _members(schema: Mapping[str, Any], value: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    own = schema.get("properties")
    for key, member in value.items():
        if isinstance(own, dict) and key in own:
            yield cast("dict[str, Any]", own)[key], member
        for name in _OF_MEMBERS:
            for part in _parts(schema.get(name), mapped=name == "patternProperties"):
                yield part, member
        yield schema.get("propertyNames"), key


def _parts(value: Any, *, mapped: bool = False) -> Iterator[Any]:
    """The schemas in a keyword's value: one, a list, or those of a table."""
    if isinstance(value, list):
        yield from cast("list[Any]", value)
    elif mapped and isinstance(value, dict):
        yield from cast("dict[str, Any]", value).values()
    elif value is not None:
        yield value


def _step(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).get(name)
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return items[int(name)] if name.isdecimal() and int(name) < len(items) else None


def _named(schema: Any) -> Iterator[tuple[str, Any]]:
    """All parts that have a name, by it."""
    waiting: list[Any] = [schema]
    seen = set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            table = cast("dict[str, Any]", one)
            names = (table.get(name) for name in _NAMES)
            yield from ((name, table) for name in names if isinstance(name, str))
            waiting += table.values()
        elif isinstance(one, list):
            waiting += cast("list[Any]", one)
