"""What a JSON schema lets a value be, as far as it takes to read one."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, cast

from ..fields import MOST

ALL = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
ANYTHING: Mapping[str, Any] = {}
DEEPEST = 20  # references and alternatives within each other
MEMBERS = 64  # alternatives that are looked at


class _Known:
    """What was found out about the parts of one document: each is looked at once."""

    def __init__(self) -> None:
        self.types: dict[int, frozenset[str]] = {}  # by the id of the part, which lives as long
        self.listed: dict[int, tuple[Any, ...] | None] = {}
        self.free_text: dict[int, bool] = {}


class Shape:
    """One schema within its document, with what it refers to."""

    def __init__(self, schema: Any, root: Any, depth: int = 0, known: _Known | None = None) -> None:
        self._schema = schema
        self._root = root
        self._depth = depth
        self._known = known or _Known()
        self._parts = list(self._spread(schema))

    @property
    def types(self) -> frozenset[str]:
        """The types that it allows; all of them where it does not say."""
        known, key = self._known.types, id(self._schema)
        if key not in known:
            known[key] = ALL  # for whoever comes back to it on the way
            allowed = ALL
            for part in self._parts:
                allowed &= self._types(part)
            known[key] = allowed
        return known[key]

    @property
    def listed(self) -> tuple[Any, ...] | None:
        """The values that it lists, where it does; those of all its alternatives together."""
        known, key = self._known.listed, id(self._schema)
        if key not in known:
            known[key] = None
            found = [values for part in self._parts for values in self._lists(part)]
            known[key] = tuple(chain.from_iterable(found)) if found else None
        return known[key]

    @property
    def free_text(self) -> bool:
        """Whether a string of any content may stand in it somewhere."""
        known, key = self._known.free_text, id(self._schema)
        if key not in known:
            known[key] = False
            known[key] = self._depth > DEEPEST or self._has_free_text()
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
            elif name in ("anyOf", "oneOf"):
                for shape in self._alternatives(value):
                    if shape.listed is not None:
                        yield shape.listed

    def member(self, key: str) -> "Shape | None":
        """The shape of a member; None where none may be called so."""
        for part in self._parts:
            declared = _table(part.get("properties"))
            if key in declared:
                return self._child(declared[key])
        extra: Any = True
        for part in self._parts:
            extra = part.get("additionalProperties", extra)
        return None if extra is False else self._child(extra)

    @property
    def properties(self) -> Mapping[str, Any]:
        return {k: v for part in self._parts for k, v in _table(part.get("properties")).items()}

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
                return self._child(part["items"])
        return self._child(True)

    def _inner(self) -> Iterator["Shape"]:
        for part in self._parts:
            if "items" in part:
                yield self._child(part["items"])
            for value in _table(part.get("properties")).values():
                yield self._child(value)
            if isinstance(part.get("additionalProperties"), dict):
                yield self._child(part["additionalProperties"])

    def _child(self, schema: Any) -> "Shape":
        return Shape(schema, self._root, self._depth + 1, self._known)

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
        for name in ("anyOf", "oneOf"):
            branches = list(self._alternatives(part.get(name)))
            if branches:
                allowed &= frozenset[str]().union(*(shape.types for shape in branches))
        return allowed

    def _spread(self, schema: Any) -> Iterator[Mapping[str, Any]]:
        """The schema and all that it must obey as well."""
        waiting, seen = [schema], set[int]()
        while waiting:
            table = _table(waiting.pop())
            if id(table) in seen:
                continue
            seen.add(id(table))
            yield table
            if isinstance(table.get("$ref"), str):
                waiting.append(resolve(self._root, table["$ref"]))
            if isinstance(table.get("allOf"), list):
                waiting += cast("list[Any]", table["allOf"])


def resolve(root: Any, reference: str) -> Any:
    """What a local JSON pointer leads to; anything where it leads nowhere."""
    if not reference.startswith("#"):
        return ANYTHING
    for step in reference[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(root, list):
            entries = cast("list[Any]", root)
            root = entries[int(name)] if name.isdecimal() and int(name) < len(entries) else ANYTHING
        else:
            root = _table(root).get(name, ANYTHING)
    return root


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
