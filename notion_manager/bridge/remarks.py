"""What is said of a JSON schema beside its type: its description, its limits, and the rest."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

_NOTES = {
    "title": "title",
    "minimum": "min",
    "maximum": "max",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "multipleOf": "multiple of",
    "minLength": "minLen",
    "maxLength": "maxLen",
    "pattern": "pattern",
    "format": "format",
    "minItems": "minItems",
    "maxItems": "maxItems",
    "uniqueItems": "unique",
    "minProperties": "minProperties",
    "maxProperties": "maxProperties",
    "default": "default",
    "examples": "examples",
    "nullable": "nullable",
    "readOnly": "read-only",
    "writeOnly": "write-only",
    "deprecated": "deprecated",
}
_FLAGS = frozenset({"uniqueItems", "nullable", "readOnly", "writeOnly", "deprecated"})


def together(layers: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """All their descriptions; of the same limit the outer one."""
    if len(layers) == 1:
        return layers[0]
    texts = dict.fromkeys(t for each in layers if isinstance(t := each.get("description"), str))
    limits = {name: value for layer in reversed(layers) for name, value in layer.items()}
    return {**limits, "description": "\n".join(filter(None, texts))}


def says_no_more(title: Any, name: str) -> bool:
    """Whether a title is the name again, as many libraries make one, or none at all."""
    return not isinstance(title, str) or _folded(title) in ("", _folded(name))


def told(table: Mapping[str, Any]) -> list[str]:
    """The lines of a description, and limits in one."""
    text = table.get("description")
    lines = text.split("\n") if text and isinstance(text, str) else []
    if _NOTES.keys().isdisjoint(table):
        return lines
    notes = "; ".join(filter(None, (_note(n, table[n]) for n in _NOTES if n in table)))
    return joined(lines, [notes] if notes else [])


def joined(lines: list[str], more: list[str]) -> list[str]:
    """In one line where both are short."""
    if len(lines) == len(more) == 1:
        return [f"{lines[0]}; {more[0]}"]
    return [*lines, *more]


def _note(name: str, value: Any) -> str:
    if name in _FLAGS:
        return _NOTES[name] if value is True else ""
    return f"{_NOTES[name]} {as_json(value)}"


def _folded(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


def as_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return '"(nested too deeply to be shown)"'
