"""A JSON schema in the short form of a type, faithful to the last constraint."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, cast

from .references import References
from .remarks import as_json, joined, says_no_more, together, told

DEEPEST = 12  # levels that are spelled out
SHORT = 20_000  # characters of a type that may be spelled at any length
SPRAWL = 4  # times the length of its schema: beyond, the schema itself is given
MOST_DEPTH = 40  # of lists and alternatives within each other, which take no level
_PLAIN = frozenset({
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf",
    "oneOf", "description", "title", "$schema", "$id", "$defs", "definitions", "$ref", "default",
    "examples", "deprecated", "readOnly", "writeOnly", "nullable", "$comment",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems", "minProperties",
    "maxProperties",
})  # fmt: skip
_NAMES = {"integer": "int", "boolean": "bool", **{n: n for n in ("string", "number", "null")}}
_BESIDE_REFERENCES = frozenset({
    "$ref", "description", "title", "default", "$defs", "definitions", "$schema",
})  # fmt: skip
_ALTERNATIVES = ("anyOf", "oneOf")
_COMPOUND = frozenset({"$ref", "allOf"})
_MANY = ("items", "additionalProperties")
_IN_FULL = "json-schema "


def signature(name: str, schema: Mapping[str, Any]) -> str:
    """A tool's parameters: `NAME {` … `}`, with the types above it that it names."""
    writer = _Writer(schema)
    try:
        if _is_open(schema):
            body = "{\n  [key: string]: any\n}" if schema else "{}"
        elif writer.is_object(schema):
            body = writer.object(schema, 0)
        else:
            body = writer.raw(schema)
        notes = [] if body.startswith(_IN_FULL) else writer.notes(schema, _name_of(schema, name))
        return "\n".join((*writer.named(), *notes, f"{name} {body}"))
    except _SprawlsError:
        return f"{name} json-schema {as_json(schema)}"


def type_of(schema: Mapping[str, Any]) -> str:
    """The type of one document, with the types above it that it names."""
    writer = _Writer(schema)
    try:
        body = writer.type(schema, 0)
        return "\n".join((*writer.named(), *writer.notes(schema, _name_of(schema, "")), body))
    except _SprawlsError:
        return f"json-schema {as_json(schema)}"


class _SprawlsError(Exception):
    """Spelled out, a schema would be much longer than it is: its parts are told again and again."""


class _Writer:
    """Spells the parts of one schema. A definition used twice, or in itself, gets a name."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._room = SHORT
        self._written = 0
        self._references = References(root)
        self._uses = Counter(id(self._references.found(r)) for r in _references(root))
        self._names: dict[int, str] = {}  # of parts: a reference has many spellings
        self._taken = set[str]()
        self._numbers = Counter[str]()
        self._waiting: list[str] = []
        self._inside: list[int] = []
        self._depth = 0
        self._in_full: dict[int, Any] = {}  # parts that are given as such, kept: ids are reused
        self._quoted: dict[str, None] = {}  # what is referred to in schemas that are given as such

    def named(self) -> list[str]:
        """The types that were named; to spell them may name more."""
        lines: list[str] = []
        while self._waiting:
            reference = self._waiting.pop(0)
            target = self._references.found(reference)
            spelled = f"type {self._names[id(target)]} = {self.type(target, 1)}"
            lines += [*self.notes(target, _last(reference)), spelled]
        return [*lines, *self._quotations()]

    def _quotations(self) -> Iterator[str]:
        waiting, given = list(self._quoted), set[int]()
        for reference in waiting:  # which grows on the way
            target = self._references.found(reference)
            if id(target) not in given:
                given.add(id(target))
                waiting += _references(target)
                yield f"{reference} = json-schema {self._counted(as_json(target))}"

    def is_object(self, schema: Any) -> bool:
        """Whether the members of an object say all there is to say."""
        table = _table(schema)
        properties = table.get("properties")
        named = table.get("type", "object") == "object" and isinstance(properties, dict)
        rest = set(table) & {"anyOf", "oneOf", "enum", "const", "$ref", "items"}
        return (
            named and not rest and set(table) <= _PLAIN and _is_list_of_names(table.get("required"))
        )

    def type(self, schema: Any, level: int) -> str:
        if schema is True or schema == {}:
            return "any"
        if self._depth > MOST_DEPTH:
            return self.raw(schema)
        self._depth += 1
        spelled = self._spelled(_lone(_table(schema)) or schema, level)
        self._depth -= 1
        return spelled

    def _spelled(self, schema: Any, level: int) -> str:
        table = _table(schema)
        if level > DEEPEST or not table or not set(table) <= _PLAIN:
            return self.raw(schema)
        reference = table.get("$ref")
        if reference is not None:
            return self._referred(reference, table, level)
        if self.is_object(schema):
            return self.object(table, level)
        return self._other(table, level)

    def _other(self, table: Mapping[str, Any], level: int) -> str:
        given = set(table)
        if given & {"enum", "const"}:
            listed = table["enum"] if "enum" in table else [table["const"]]
            if isinstance(listed, list) and listed and not given & set(_ALTERNATIVES):
                return " | ".join(as_json(value) for value in cast("list[Any]", listed))
            return self.raw(table)
        for name in _ALTERNATIVES:
            if name in given:
                return self._union(table, name, level)
        named = table.get("type", [])
        types = [named] if isinstance(named, str) else named
        if not _is_list_of_names(types) or given & {"properties", "required"}:
            return self.raw(table)
        if not types:
            return "any" if not given & {"items", "additionalProperties"} else self.raw(table)
        kinds = dict.fromkeys(cast("list[str]", types))
        spelled = [self._named_type(kind, table, level) for kind in kinds]
        return self.raw(table) if None in spelled else " | ".join(filter(None, spelled))

    def _named_type(self, kind: str, table: Mapping[str, Any], level: int) -> str | None:
        if kind == "array":
            inner = self.type(table.get("items", True), level)
            return f"({inner})[]" if " | " in inner and "\n" not in inner else f"{inner}[]"
        if kind == "object":
            return f"{{[key: string]: {self.type(table.get('additionalProperties', True), level)}}}"
        return _NAMES.get(kind)

    def _union(self, table: Mapping[str, Any], name: str, level: int) -> str:
        branches = table[name]
        beside = set(table) - {name, "description", "title", "default", "examples", "$schema"}
        if beside - {"$defs", "definitions"} or not isinstance(branches, list) or not branches:
            return self.raw(table)
        spelled = [self.type(each, level) for each in cast("list[Any]", branches)]
        notes = [self.notes(each, "") for each in cast("list[Any]", branches)]
        return self.raw(table) if any(notes) else " | ".join(dict.fromkeys(spelled))

    def _referred(self, reference: Any, table: Mapping[str, Any], level: int) -> str:
        if not isinstance(reference, str) or set(table) - _BESIDE_REFERENCES:
            return self.raw(table)
        target = self._references.found(reference)
        if not reference.startswith("#") or not isinstance(target, dict | bool) or target == {}:
            return self.raw(table)
        part = id(cast("dict[str, Any]", target))
        if part in self._names:
            return self._names[part]
        once = self._uses[part] == 1 and reference != "#"
        if once and part not in self._inside and level < DEEPEST:
            self._inside.append(part)
            spelled = self.type(target, level)
            self._inside.pop()
            return spelled
        self._names[part] = self._name(reference)
        self._waiting.append(reference)
        return self._names[part]

    def _name(self, reference: str) -> str:
        plain = name = "".join(c for c in _last(reference) if c.isalnum() or c == "_") or "Root"
        while name in self._taken:
            self._numbers[plain] += 1
            name = f"{plain}{self._numbers[plain]}"
        self._taken.add(name)
        return name

    def object(self, table: Mapping[str, Any], level: int) -> str:
        members = list(self._members(table, level))
        if not members:
            return "{}"
        return "\n".join(("{", *members, "  " * level + "}"))

    def _members(self, table: Mapping[str, Any], level: int) -> Iterator[str]:
        required = dict.fromkeys(cast("list[str]", table.get("required") or []))
        properties = _table(table.get("properties"))
        for key, schema in properties.items():
            yield from self._member(_key(key) + ("" if key in required else "?"), schema, level)
        for key in required:
            if key not in properties:
                yield f"{'  ' * (level + 1)}{_key(key)}: any"
        extra = table.get("additionalProperties", False)
        if extra is not False:
            yield from self._member("[key: string]", extra, level)

    def _member(self, key: str, schema: Any, level: int) -> Iterator[str]:
        indent = "  " * (level + 1)
        spelled = f"{indent}{self._counted(key)}: {self.type(schema, level + 1)}"
        lines = [self._counted(line) for line in self.notes(schema, key)]
        if len(lines) == 1 and "\n" not in spelled:
            yield f"{spelled}  {lines[0]}"
        else:
            yield from (f"{indent}{line}" for line in lines)
            yield spelled

    def notes(self, schema: Any, name: str) -> list[str]:
        """What is said of a schema beside its name and its type, as comment lines.

        It follows the type: what that gives in full says itself what it is.
        """
        table = _table(schema)
        simple = _COMPOUND.isdisjoint(table) and not any(map(_says_more, map(table.get, _MANY)))
        said = told(self._beside(table, name)) if simple else self._said(table, name, set())
        return [f"// {line}" if line else "//" for line in said]

    def _said(self, schema: Any, name: str, seen: set[int]) -> list[str]:
        """All that is said of a value, and of each that it has many of."""
        layers = list(self._layers(schema, name, seen))
        lines = told(together(layers))
        for inner in self._many(layers[-1]) if layers else ():
            if each := self._said(inner, "", seen):
                lines = joined(lines, [f"each: {each[0]}", *each[1:]])
        return lines

    def _layers(self, schema: Any, name: str, seen: set[int]) -> Iterator[Mapping[str, Any]]:
        """The schema and what it stands for, each within the last, as far as they are spelled."""
        table = _table(schema)
        while table and id(table) not in seen and len(seen) < MOST_DEPTH:
            seen.add(id(table))
            only = _only(table)
            plain = {k: v for k, v in table.items() if k != "allOf"} if only else table
            yield self._beside(plain, name)
            reference = plain.get("$ref")
            table = only or self._inlined(reference)
            name = name if only else _last(str(reference))

    def _beside(self, table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        """What is in neither name nor type; of what is given in full only its description."""
        if id(table) in self._in_full or not table.keys() <= _PLAIN:
            return {"description": table.get("description")}
        if "title" in table and says_no_more(table["title"], name):
            return {k: v for k, v in table.items() if k != "title"}
        return table

    def _inlined(self, reference: Any) -> Mapping[str, Any]:
        """What is spelled in place of a reference; empty where it has a name, and notes there."""
        if not isinstance(reference, str) or reference == "#":
            return {}
        target = self._references.found(reference)
        return _table(target) if self._uses[id(target)] == 1 else {}

    def _many(self, table: Mapping[str, Any]) -> Iterator[Any]:
        """The schemas of elements and members of which a type says no more than their type."""
        elements, members = map(table.get, _MANY)
        yield elements
        if not self.is_object(table):
            yield members

    def raw(self, schema: Any) -> str:
        """The schema itself. Whatever it refers to is given once, with the named types."""
        self._in_full[id(schema)] = schema
        self._quoted.update(dict.fromkeys(_references(schema)))
        return _IN_FULL + self._counted(as_json(schema))

    def _counted(self, text: str) -> str:
        """Raises _SprawlsError where it is too much, with all before it."""
        self._written += len(text)
        if self._written > self._room:
            self._room = SPRAWL * len(as_json(self._root))
            if self._written > self._room:
                raise _SprawlsError
        return text


def _lone(table: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema that says the same as an `allOf` of one."""
    only = _only(table)
    return only and {**only, **{k: v for k, v in table.items() if k != "allOf"}}


def _only(table: Mapping[str, Any]) -> dict[str, Any] | None:
    """The one schema of an `allOf`, where it says all that matters of the type."""
    parts = table.get("allOf")
    if not isinstance(parts, list) or len(cast("list[Any]", parts)) != 1:
        return None
    (only,) = cast("list[Any]", parts)
    plain = not set(table) - {"allOf"} - _BESIDE_REFERENCES
    return cast("dict[str, Any]", only) if plain and isinstance(only, dict) else None


def _name_of(schema: Mapping[str, Any], name: str) -> str:
    """The name of the whole: that of a class, which is its title, if it has one."""
    title = schema.get("title")
    return title if isinstance(title, str) and title.isidentifier() else name


def _last(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def _says_more(schema: Any) -> bool:
    return isinstance(schema, dict) and cast("dict[str, Any]", schema).keys() != {"type"}


def _references(schema: Any) -> list[str]:
    """All `$ref`s, as often as they come."""
    found: list[str] = []
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            table = cast("dict[str, Any]", one)
            if isinstance(table.get("$ref"), str):
                found.append(table["$ref"])
            waiting += table.values()
        elif isinstance(one, list):
            waiting += cast("list[Any]", one)
    return found


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Whether it says no more than that there is an object."""
    beside = set(schema) - {"type", "description", "title", "$schema"}
    return not beside and schema.get("type", "object") == "object"


def _is_list_of_names(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and all(isinstance(each, str) for each in cast("list[Any]", value))
    )


def _key(key: str) -> str:
    return key if key.isidentifier() else as_json(key)


def _table(value: Any) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
