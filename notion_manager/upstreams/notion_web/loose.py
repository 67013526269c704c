"""Readers of JSON that may have any shape: what is not as expected is empty."""

from collections.abc import Mapping, Sequence
from typing import Any

MOST = 2**53


def object_of(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType] - a cast is a call


def list_of(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType]


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def record_of(row: Any) -> Mapping[str, Any]:
    """The record in a row of a record map, `{"value": record}` or `{"value": {"value": record}}`.

    Empty where there is none, or where the user may see its role but not its value.
    """
    value = object_of(object_of(row).get("value"))
    inner = value.get("value")
    return object_of(inner) if isinstance(inner, dict) else value


def count_of(value: Any) -> int | None:
    """A whole number of at least 0 that JSON can carry exactly."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MOST:
        return None
    return value
