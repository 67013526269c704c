"""Values that are not of the type they should be, where only one can have been meant."""

import re
from collections.abc import Iterator
from typing import Any, cast

from .jsontext import NotJson, exact, loads, unfenced
from .shapes import Shape, type_of

DEEPEST = 20
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS = {"true": True, "false": False, "True": True, "False": False}
_NOTHING = ("null", "None", "")


def coerced(value: Any, shape: Shape, depth: int = 0) -> Any:
    """The value in the type that the shape wants; as it is where it fits or cannot be told."""
    types = shape.types
    if type_of(value) not in types and not (value == [] and "array" in types):
        for reading in _readings(value, types):
            if type_of(reading) in types:
                value = reading
                break
    if isinstance(value, float) and _is_whole(value, types):
        return int(value)
    if depth > DEEPEST:
        return value
    if isinstance(value, list):
        items = shape.items
        return [coerced(each, items, depth + 1) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {k: _member(shape, k, v, depth) for k, v in cast("dict[str, Any]", value).items()}
    return value


def _is_whole(value: float, types: frozenset[str]) -> bool:
    """Whether it is a whole number where nothing else may stand: clients look for its digits."""
    return type_of(value) == "integer" and "integer" in types and "number" not in types


def _member(shape: Shape, key: str, value: Any, depth: int) -> Any:
    inner = shape.member(key)
    return value if inner is None else coerced(value, inner, depth + 1)


def _readings(value: Any, types: frozenset[str]) -> Iterator[Any]:
    match value:
        case str():
            yield from _of_text(value, types)
        case dict():
            yield from _inside(cast("dict[str, Any]", value), types)
        case _:
            pass
    if "array" in types and not isinstance(value, dict | list | None) and not _is_no_member(value):
        yield [value]


def _is_no_member(value: Any) -> bool:
    """Whether a text says nothing, has several lines, or is JSON that is broken."""
    if not isinstance(value, str):
        return False
    text = unfenced(value)
    begun = '"' in text or text[:1] in ("[", "{")
    return text in _NOTHING or "\n" in text or (begun and not any(True for _ in exact(value)))


def _of_text(value: str, types: frozenset[str]) -> Iterator[Any]:
    text = value.strip()
    if "null" in types and text in _NOTHING:
        yield None
    if "boolean" in types and text in _WORDS:
        yield _WORDS[text]
    if types & {"number", "integer"} and _NUMBER.fullmatch(text):
        yield from _number(text)
    if types & {"object", "array"} and text[:1] in ("{", "["):
        try:
            yield loads(text)
        except NotJson:
            return


def _number(text: str) -> Iterator[float]:
    """None where it is too large for one."""
    try:
        value: float = loads(text)
    except NotJson:
        return
    yield int(value) if isinstance(value, float) and value.is_integer() else value


def _inside(value: dict[str, Any], types: frozenset[str]) -> Iterator[Any]:
    """A wrapper with one member, or a list written as an object."""
    if len(value) == 1 and "object" not in types:
        yield next(iter(value.values()))
    if "array" in types and value and list(value) == [str(n) for n in range(len(value))]:
        yield list(value.values())
