"""Values as JSON that names their types, for people and for golden files."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, cast

from msgspec import Struct, structs

_EMPTY: tuple[object, ...] = ("", (), None, b"")


def plain(value: object) -> Any:
    """Fields that are empty or false are left out; bytes are told by their number."""
    match value:
        case bytes():
            return f"<{len(value)} bytes>"
        case Enum():
            return value.value
        case Mapping():
            items = cast("Mapping[str, object]", value).items()
            return {key: plain(each) for key, each in items}
        case tuple() | list():
            return [plain(each) for each in cast("Sequence[object]", value)]
        case Struct():
            return {"is": type(value).__name__} | _fields(value)
        case _:
            return value


def _fields(value: Struct) -> dict[str, Any]:
    named = {f.name: getattr(value, f.name) for f in structs.fields(value)}
    return {k: plain(v) for k, v in named.items() if v is not False and v not in _EMPTY}
