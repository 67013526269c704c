"""What a JSON schema lets a value be, as far as it takes to read one."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, cast

from ..fields import MOST
from .references import KEYWORDS, References

ALL = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
DEEPEST = 20  # references and alternatives within each other
FARTHEST = 8  # values within each other, beyond which any text may stand
MEMBERS = 64  # alternatives that are looked at
_ALTERNATIVES = ("anyOf", "oneOf")
_BRANCHES = ("then", "else")


class _Known:
    """What was found out about the parts of one document: each is looked at once."""

    def __init__(self, root: Any) -> None:
        self.references = References(root)
        self.members: dict[tuple[int, str], Any] = {}
        self.declared: dict[tuple[int, str], Any] = {}
        self.parts: dict[int, Sequence[Mapping[str, Any]]] = {}
        self.types: dict[int, frozenset[str]] = {}  # by the id of the part, which lives as long
        self.listed: dict[int, tuple[str, ...] | None] = {}
        self.free_text: dict[int, bool] = {}


class Shape:
    """One schema within its document, with what it refers to."""

    def __init__(
        self, schema: Any, root: Any, depth: int = 0, known: _Known | None = None, *, far: int = 0
    ) -> None:
        self.schema = schema
        self._far = far  # values within each other
        self._root = root
        self._depth = depth
        self._known = known or _Known(root)
        self._parts = self._spread(schema)

    @property
    def types(self) -> frozenset[str]:
        """The types that it allows; all of them where it does not say."""
        known, key = self._known.types, id(self.schema)
        if key not in known:
            known[key] = ALL  # for whoever comes back to it on the way
            allowed = ALL
            for part in self._parts:
                allowed &= self._types(part)
            known[key] = allowed
        return known[key]

    @property
    def listed(self) -> tuple[str, ...] | None:
        """The texts that it lists, where it lists values; with those of its alternatives."""
        known, key = self._known.listed, id(self.schema)
        if key not in known:
            known[key] = None
            found = [values for part in self._parts for values in self._lists(part)]
            texts = (text for text in chain.from_iterable(found) if isinstance(text, str))
            known[key] = tuple(dict.fromkeys(texts)) if found else None
        return known[key]

    @property
    def free_text(self) -> bool:
        """Whether a string of any content may stand in it somewhere."""
        known, key = self._known.free_text, id(self.schema)
        if key not in known:
            known[key] = False
            known[key] = self._far > FARTHEST or self._has_free_text()
        return known[key]

    def _has_free_text(self) -> bool:
        types, inner = self.types, list(self._inner())
        if "string" in types and self.listed is None:
            return True
        open_ended = types & {"array", "object"} and not inner
        return bool(open_ended) or any(shape.free_text for shape in inner)

    def _lists(self, part: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
        for name, value in part.items():
            if name == "enum" and isinstance(value, list):
                yield cast("list[Any]", value)
            elif name == "const":
                yield [value]
            elif name in _ALTERNATIVES:
                shapes = list(self._alternatives(value))
                if not any("string" in each.types and each.listed is None for each in shapes):
                    yield from (each.listed for each in shapes if each.listed is not None)

    def member(self, key: str) -> "Shape | None":
        """The shape of a member; None where none may be called so."""
        known = self._known.members
        found = id(self.schema), key
        if found not in known:  # kept, since what is known is known by its place in memory
            known[found] = self._member(key)
        return None if known[found] is False else self._within(known[found])

    def _member(self, key: str) -> Any:
        declared = self._declared(key)
        if declared is not None:
            return declared
        patterns = [p for part in self._parts for p in _values(part.get("patternProperties"))]
        extra: Any = True
        for part in self._parts:
            extra = part.get("additionalProperties", extra)
        if patterns:  # to be sure which one counts would take trying them
            return _either(patterns if extra is False else [*patterns, extra])
        return extra

    def _declared(self, key: str) -> Any:
        """The schema of a member that has one; where only alternatives do, any of theirs."""
        known, found = self._known.declared, (id(self.schema), key)
        if found not in known:
            known[found] = None
            known[found] = self._first_declared(key)
        return known[found]

    def _first_declared(self, key: str) -> Any:
        for part in self._parts:
            table = _table(part.get("properties"))
            if key in table:
                return table[key]
        found = (shape._declared(key) for shape in self._branches())  # noqa: SLF001 - its own kind
        found = [schema for schema in found if schema is not None]
        return _either(found) if found else None

    def _branches(self) -> Iterator["Shape"]:
        """What may count as well, or not."""
        for part in self._parts:
            if self._depth < DEEPEST:
                yield from map(self._child, _alternatives(part))

    @property
    def names(self) -> Sequence[str]:
        """The members that are declared, also by alternatives: first those of the whole."""
        names: dict[str, None] = {}
        waiting, seen = [self.schema], set[int]()
        for schema in waiting:  # which grows on the way
            for part in spread(schema, self._known.references):
                if id(part) not in seen:
                    seen.add(id(part))
                    names.update(dict.fromkeys(_table(part.get("properties"))))
                    waiting += _alternatives(part)
        return list(names)

    @property
    def required(self) -> Sequence[str]:
        found = (part.get("required") for part in self._parts)
        return [
            k
            for names in found
            if isinstance(names, list)
            for k in cast("list[Any]", names)
            if isinstance(k, str)
        ]

    @property
    def items(self) -> "Shape":
        for part in self._parts:
            if "items" in part:
                return self._within(part["items"])
        return self._within(True)

    def _inner(self) -> Iterator["Shape"]:
        for part in self._parts:
            if "items" in part:
                yield self._within(part["items"])
            for name in ("properties", "patternProperties"):
                for value in _values(part.get(name)):
                    yield self._within(value)
            if isinstance(part.get("additionalProperties"), dict):
                yield self._within(part["additionalProperties"])
        yield from self._branches()

    def _within(self, schema: Any) -> "Shape":
        """Of another value: how deep this one lies says nothing of it."""
        return Shape(schema, self._root, 0, self._known, far=self._far + 1)

    def _child(self, schema: Any) -> "Shape":
        return Shape(schema, self._root, self._depth + 1, self._known, far=self._far)

    def _alternatives(self, value: Any) -> Iterator["Shape"]:
        if isinstance(value, list) and self._depth < DEEPEST:
            for each in cast("list[Any]", value)[:MEMBERS]:
                yield self._child(each)

    def _types(self, part: Mapping[str, Any]) -> frozenset[str]:
        allowed = ALL
        named = part.get("type")
        if isinstance(named, str):
            allowed &= _with_integers({named})
        elif isinstance(named, list):
            allowed &= _with_integers({n for n in cast("list[Any]", named) if isinstance(n, str)})
        if isinstance(part.get("enum"), list):
            allowed &= _with_integers({type_of(v) for v in cast("list[Any]", part["enum"])})
        if "const" in part:
            allowed &= _with_integers({type_of(part["const"])})
        for name in _ALTERNATIVES:
            branches = list(self._alternatives(part.get(name)))
            if branches:
                allowed &= frozenset[str]().union(*(shape.types for shape in branches))
        return allowed

    def _spread(self, schema: Any) -> Sequence[Mapping[str, Any]]:
        """The schema and all that it must obey as well."""
        known, key = self._known.parts, id(schema)
        if key not in known:
            known[key] = list(spread(schema, self._known.references))
        return known[key]


def spread(schema: Any, references: References) -> Iterator[Mapping[str, Any]]:
    """A schema, and what it refers to or combines: all of it counts."""
    waiting, seen = [schema], set[int]()
    while waiting:
        table = _table(waiting.pop())
        if id(table) in seen:
            continue
        seen.add(id(table))
        yield table
        named = (table.get(keyword) for keyword in KEYWORDS)
        waiting += [references.found(name) for name in named if isinstance(name, str)]
        if isinstance(table.get("allOf"), list):
            waiting += cast("list[Any]", table["allOf"])


_NAMES: Mapping[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def type_of(value: Any) -> str:
    """The narrowest type that JSON Schema has for a value."""
    if isinstance(value, float) and value.is_integer() and abs(value) < MOST:
        return "integer"
    return _NAMES[type(value)]


def _with_integers(types: set[str]) -> frozenset[str]:
    return frozenset(types | {"integer"} if "number" in types else types)


def _table(value: Any) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _alternatives(part: Mapping[str, Any]) -> Sequence[Any]:
    found: list[Any] = []
    for name in _ALTERNATIVES:
        if isinstance(given := part.get(name), list):
            found += cast("list[Any]", given)[:MEMBERS]
    found += [part[name] for name in _BRANCHES if name in part]
    return [*found, *_values(part.get("dependentSchemas"))]


def _values(value: Any) -> Iterator[Any]:
    return iter(_table(value).values())


def _either(schemas: Sequence[Any]) -> Any:
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}
