"""What a JSON schema lets a value be, as far as it takes to read one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from ..fields import MOST

ALL = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
DEEPEST = 20  # references and alternatives within each other
MEMBERS = 64  # alternatives that are looked at


class Shape:
    """One schema within its document, with what it refers to."""

    def __init__(self, schema: Any, root: Any, depth: int = 0) -> None:
        self._root = root
        self._depth = depth
        self._parts = list(self._spread(schema, depth))

    @property
    def types(self) -> frozenset[str]:
        """The types that it allows; all of them where it does not say."""
        allowed = ALL
        for part in self._parts:
            allowed &= self._types(part)
        return allowed

    @property
    def listed(self) -> tuple[Any, ...] | None:
        """The values that it lists, where it does; those of all its alternatives together."""
        found: list[Any] | None = None
        for part in self._parts:
            for name, value in part.items():
                if name == "enum" and isinstance(value, list):
                    found = [*(found or ()), *cast("list[Any]", value)]
                elif name == "const":
                    found = [*(found or ()), value]
                elif name in ("anyOf", "oneOf"):
                    for shape in self._alternatives(value):
                        if shape.listed is not None:
                            found = [*(found or ()), *shape.listed]
        return None if found is None else tuple(found)

    @property
    def free_text(self) -> bool:
        """Whether a string of any content may stand in it somewhere."""
        if self._depth > DEEPEST:
            return True
        types = self.types
        inner = list(self._inner())
        if "string" in types and self.listed is None:
            return True
        open_ended = types & {"array", "object"} and not inner
        return bool(open_ended) or any(shape.free_text for shape in inner)

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
        return self._child({})

    def _inner(self) -> Iterator["Shape"]:
        for part in self._parts:
            if "items" in part:
                yield self._child(part["items"])
            for value in _table(part.get("properties")).values():
                yield self._child(value)
            if isinstance(part.get("additionalProperties"), dict):
                yield self._child(part["additionalProperties"])

    def _child(self, schema: Any) -> "Shape":
        return Shape(schema, self._root, self._depth + 1)

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

    def _spread(self, schema: Any, depth: int) -> Iterator[Mapping[str, Any]]:
        """The schema and all that it must obey as well."""
        table = _table(schema)
        yield table
        if depth > DEEPEST:
            return
        if isinstance(table.get("$ref"), str):
            yield from self._spread(resolve(self._root, table["$ref"]), depth + 1)
        if isinstance(table.get("allOf"), list):
            for each in cast("list[Any]", table["allOf"])[:MEMBERS]:
                yield from self._spread(each, depth + 4)


def resolve(root: Any, reference: str) -> Any:
    """What a local JSON pointer leads to; anything where it leads nowhere."""
    if not reference.startswith("#"):
        return {}
    for step in reference[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(root, list):
            entries = cast("list[Any]", root)
            root = entries[int(name)] if name.isdecimal() and int(name) < len(entries) else {}
        else:
            root = _table(root).get(name, {})
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
