"""One line of an answer stream, as JSON; a line that is a little wrong is read all the same."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
import orjson

from .loose import list_of, object_of, text_of

_HALF_AT_END = re.compile(r'[\ud800-\udbff](?=")')


class Op(msgspec.Struct, gc=False):
    """One change of the state: what to do, where, and with which value."""

    o: str
    p: str
    v: Any = None


class Patch(msgspec.Struct, gc=False, tag="patch"):
    """Changes."""

    v: list[Op]


class Start(msgspec.Struct, gc=False, tag="patch-start"):
    """The state before them."""

    data: Any = None


class Sync(msgspec.Struct, gc=False, tag="patch-sync"):
    """The state after them."""

    data: Any = None


class Saved(msgspec.Struct, gc=False, tag="record-map", rename="camel"):
    """What was saved; not decoded, since it may be megabytes that nobody needs."""

    record_map: msgspec.Raw = msgspec.Raw(b"null")


Record = Patch | Start | Sync | Saved
_RECORDS = msgspec.json.Decoder(Record)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def quick(lines: bytes) -> list[Record] | None:
    """Lines in the usual encoding and spelling, all at once; None sends them the careful way."""
    if not lines.startswith(b'{"type":"patch'):
        return None
    try:
        records = _RECORDS.decode_lines(lines)
    except _UNREADABLE:
        return None
    count = lines.count(b"\n") + (not lines.endswith(b"\n"))
    return records if len(records) == count else None  # it minds no ends of lines


def ops_of(record: Mapping[str, Any]) -> Sequence[Op]:
    """The operations of a parsed `patch` line; what is no operation has no name."""
    found = (object_of(item) for item in list_of(record.get("v")))
    return [Op(text_of(op.get("o")), text_of(op.get("p")), op.get("v")) for op in found]


def parse(line: bytes, halves: dict[str, str]) -> Mapping[str, Any] | None:
    """The object on a line, or None where there is none.

    JavaScript can cut a character in two between deltas, and write each UTF-16 half by itself,
    which strict parsers refuse. `halves` keeps, by path, a first half until its second one comes;
    where a whole value ends with one it is left out, since the next value will have it all. Any
    other half, and bytes that are no UTF-8, become U+FFFD.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = _mended(line, halves)
    return object_of(value) if isinstance(value, dict) else None


def _mended(line: bytes, halves: dict[str, str]) -> Any:
    try:
        value = json.loads(line.decode(errors="replace"))
        for op in map(_table, list_of(object_of(value).get("v"))):
            if op.get("o") == "x":
                _rejoin(op, halves)
        text = _HALF_AT_END.sub("", json.dumps(value, ensure_ascii=False))
        return orjson.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except (ValueError, RecursionError):
        return None


def _rejoin(op: dict[str, Any], halves: dict[str, str]) -> None:
    path = text_of(op.get("p"))
    more = halves.pop(path, "") + text_of(op.get("v"))
    if "\ud800" <= more[-1:] <= "\udbff":
        more, halves[path] = more[:-1], more[-1]
    op["v"] = more


def _table(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
