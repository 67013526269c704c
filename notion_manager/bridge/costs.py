"""What it would cost to check a value: alternatives that refer to one another can multiply.

A schema of forty lines may ask for 2**40 looks at an empty list, and no validator is spared them.
So they are counted first, each pair of a schema and a value once.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from .references import KEYWORDS, References, tables_in

MOST = 100_000
"""Looks at a value; a validator takes a tenth of a second for them, and counting them no longer."""

_HERE = ("allOf", "anyOf", "oneOf", "dependentSchemas", "not", "if", "then", "else")
_OF_MEMBERS = ("additionalProperties", "unevaluatedProperties", "patternProperties")
_OF_ITEMS = (
    "items", "prefixItems", "additionalItems", "unevaluatedItems", "contains",
)  # fmt: skip
_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")
_NAMES = ("required", "dependentRequired", "dependencies")
PATTERN = 64  # characters that a pattern reads in the time of a look
BACKTRACKED = 10  # looks a character, for patterns that go back
VERY_MANY = 1_000_000
CHEAP = 32  # names that are looked up in the time of a look


class Cost:
    """Counts for one part of a document."""

    def __init__(self, schema: Any, root: Any) -> None:
        self._patterns = 1 / PATTERN
        self._schema = schema
        self._references = References(root)
        self._known: dict[tuple[int, int], int] = {}
        self._seen: dict[tuple[int, int], int] = {}
        self._sizes: dict[int, int] = {}

    def of(self, value: Any) -> int:
        """The looks that it takes; somewhat more than `MOST` says no more than that it is more."""
        self._known.clear()
        self._seen.clear()
        try:
            return self._of(self._schema, value)
        except RecursionError:
            return MOST + 1

    def _of(self, schema: Any, value: Any) -> int:
        if not isinstance(schema, dict):
            return 1
        table = cast("dict[str, Any]", schema)
        pair = id(table), id(value)
        if pair in self._known:
            return self._known[pair]
        self._known[pair] = looks = 1  # for whoever comes back to it on the way
        looks += self._lists(table) + self._reads(table, value)
        for part, inner in self._pairs(table, value):
            looks += self._of(part, inner)
            if looks > MOST:
                break
        if looks <= MOST and any(name in table for name in _UNEVALUATED):
            looks += _breadth(value) * self._evaluated(table, value)
        self._known[pair] = looks
        return looks

    def _evaluated(self, table: Mapping[str, Any], value: Any) -> int:
        """The looks that tell of one member whether any part here has to do with it."""
        pair = id(table), id(value)
        if pair in self._seen:
            return self._seen[pair]
        self._seen[pair] = looks = 1
        for part in self._here(table):
            if isinstance(part, dict):
                looks += self._of(part, value)
                looks += self._evaluated(cast("dict[str, Any]", part), value)
            if looks > MOST:
                break
        self._seen[pair] = looks
        return looks

    def backtracks(self) -> None:
        """Its patterns are of the kind that goes back over a text."""
        self._patterns = BACKTRACKED

    def _reads(self, table: Mapping[str, Any], value: Any) -> int:
        """What patterns read."""
        if isinstance(value, str) and "pattern" in table:
            return int(len(value) * self._patterns)
        if isinstance(value, dict) and isinstance(given := table.get("patternProperties"), dict):
            keys = sum(map(len, cast("dict[str, Any]", value)))
            return int(keys * self._patterns) * len(cast("dict[str, Any]", given))
        return 0

    def _lists(self, table: Mapping[str, Any]) -> int:
        """What is compared one by one. Plain values are found at once."""
        if id(table) not in self._sizes:
            given = table.get("enum")
            options = cast("list[Any]", given) if isinstance(given, list) else []
            dear = sum(size_of(one) for one in options if isinstance(one, float | list | dict))
            names = sum(size_of(table[name]) for name in _NAMES if name in table)
            self._sizes[id(table)] = dear + names // CHEAP
        return self._sizes[id(table)]

    def _here(self, schema: Mapping[str, Any]) -> Iterator[Any]:
        """The parts that the same value must obey."""
        for name in _HERE:
            yield from _parts(schema.get(name), mapped=name == "dependentSchemas")
        for name in KEYWORDS:
            if isinstance(target := schema.get(name), str):
                yield self._references.found(target)

    def _pairs(self, schema: Mapping[str, Any], value: Any) -> Iterator[tuple[Any, Any]]:
        yield from ((part, value) for part in self._here(schema))
        if isinstance(value, dict):
            yield from _members(schema, cast("dict[str, Any]", value))
        elif isinstance(value, list):
            items = cast("list[Any]", value)
            for name in _OF_ITEMS:
                for part in _parts(schema.get(name)):
                    yield from ((part, item) for item in items)


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


def _breadth(value: Any) -> int:
    return len(cast("list[Any]", value)) if isinstance(value, list | dict) else 0


def patterns_in(schema: Any) -> Iterator[str]:
    """All that texts and names in a schema are matched with."""
    for table in tables_in(schema):
        if isinstance(pattern := table.get("pattern"), str):
            yield pattern
        if isinstance(named := table.get("patternProperties"), dict):
            yield from cast("dict[str, Any]", named)


def size_of(value: Any) -> int:
    """How many values it has in it, itself among them; of very many not all are counted."""
    size, waiting = 0, [value]
    while waiting and size < VERY_MANY:
        one = waiting.pop()
        size += 1
        if isinstance(one, dict):
            waiting += cast("dict[str, Any]", one).values()
        elif isinstance(one, list):
            waiting += cast("list[Any]", one)
    return size
