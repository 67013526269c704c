"""A model that is asked for JSON: it reads the schema in the prompt, and makes up what fits."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from .shapes import Json, as_list, as_object, as_text

_ASKED = re.compile(r"\bone JSON value\b")
_SCHEMA = re.compile(r"\bJSON schema\b[^{\n]*\n+(?=\{)")
DEEPEST = 8  # levels, below which only what must be there is written
FORMATS = {
    "date": "2026-11-22",
    "date-time": "2026-11-22T18:06:21Z",
    "email": "ada@example.test",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "time": "18:06:21Z",
    "uri": "https://example.test/",
    "uuid": "11111111-1111-4111-8111-111111111111",
}


def document(prompt: str, notice: str) -> str:
    """The JSON that the prompt asks for, with the `notice` as its texts; "" where it does not."""
    if not _ASKED.search(prompt):
        return ""
    schema: Any = {"type": "object", "properties": {"answer": {"type": "string"}}}
    if found := _SCHEMA.search(prompt):
        with suppress(ValueError):
            schema, _ = json.JSONDecoder(strict=False).raw_decode(prompt, found.end())
    return json.dumps(_Author(schema, notice).value(schema), ensure_ascii=False)


class _Author:
    def __init__(self, root: Any, notice: str) -> None:
        self._root = root
        self._notice = notice

    def value(self, schema: Any, level: int = 0) -> Any:
        table = as_object(schema)
        for said in ("const", "default"):
            if said in table:
                return table[said]
        if choices := as_list(table.get("enum")):
            return choices[0]
        if "$ref" in table:
            return self.value(self._found(as_text(table["$ref"])), level)
        for several in ("anyOf", "oneOf"):
            if branches := as_list(table.get(several)):
                return self.value(self._plainest(branches, level), level)
        merged = dict(table)
        for part in as_list(table.get("allOf")):
            merged |= as_object(part)
        return self._typed(merged, level)

    def _plainest(self, branches: Sequence[Any], level: int) -> Any:
        """What says least, once that is deep enough: so what holds itself comes to an end."""
        nothing = [each for each in branches if as_object(each).get("type") == "null"]
        return nothing[0] if nothing and level > DEEPEST else branches[0]

    def _typed(self, table: Json, level: int) -> Any:
        kinds = as_list(table.get("type")) or [table.get("type")]
        match kinds[0]:
            case "string":
                return self._text(table)
            case "integer" | "number" as kind:
                return _number(table, whole=kind == "integer")
            case "boolean":
                return True
            case "null":
                return None
            case "array":
                return self._items(table, level)
            case _:
                return self._members(table, level)

    def _members(self, table: Json, level: int) -> Mapping[str, Any]:
        properties = as_object(table.get("properties"))
        needed = as_list(table.get("required"))
        names = [name for name in properties if level < DEEPEST or name in needed]
        return {name: self.value(properties[name], level + 1) for name in names}

    def _items(self, table: Json, level: int) -> Sequence[Any]:
        least = int(_figure(table, "minItems", 0 if level > DEEPEST else 1))
        return [self.value(table.get("items"), level + 1) for _ in range(least)]

    def _text(self, table: Json) -> str:
        if said := FORMATS.get(as_text(table.get("format"))):
            return said
        least, most = int(_figure(table, "minLength", 0)), _figure(table, "maxLength", 10_000)
        return self._notice.ljust(least, ".")[: int(most)]

    def _found(self, reference: str) -> Any:
        """What a JSON pointer into the schema leads to."""
        found = self._root
        for name in reference.removeprefix("#").split("/")[1:]:
            found = as_object(found).get(name.replace("~1", "/").replace("~0", "~"))
        return found


def _number(table: Json, *, whole: bool) -> float:
    step = _figure(table, "multipleOf", 1 if whole else 0.5)
    least = _figure(table, "minimum", _figure(table, "exclusiveMinimum", 0) + step)
    chosen = -(-least // step) * step
    chosen = min(chosen, _figure(table, "maximum", chosen))
    below = _figure(table, "exclusiveMaximum", chosen + 1)
    chosen = chosen if chosen < below else below - step
    return int(chosen) if whole else chosen


def _figure(table: Json, name: str, otherwise: float) -> float:
    said = table.get(name)
    return said if isinstance(said, int | float) else otherwise
