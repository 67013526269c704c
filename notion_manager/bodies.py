"""JSON of requests, read so that other threads can run meanwhile.

While a parser is at work nothing else of the process is, in whatever thread; and what makes a body
long is base64. So that is taken out first, a slice at a time, and put back where it was.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import orjson

LARGE = 1 << 20  # bytes of a body, and of a string in it, from which on it is worth it
SLICE = 1 << 18  # bytes that are looked at in one go
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_HEAD = 256  # bytes, within which a data URL says what it is
_MARK = "\0"
_ESCAPED = b"\\u0000"
Span = tuple[int, int]


def loads(body: bytes) -> Any:
    """As `orjson.loads`, whose JSONDecodeError it raises too."""
    spans = _spans(body)
    if not spans:
        return orjson.loads(body)
    rest = _without(body, spans)
    if rest.count(_ESCAPED) == len(spans):
        try:
            value = orjson.loads(rest)
        except orjson.JSONDecodeError:
            return orjson.loads(body)  # for the words of its error
        if _restore(value, [str(memoryview(body)[a:b], "ascii") for a, b in spans]):
            return value
    return orjson.loads(body)


def _spans(body: bytes) -> Sequence[Span]:
    """Long strings that need no unescaping: base64, perhaps with the head of a data URL.

    Between two quotes there is nothing else that could be spelt so.
    """
    found: list[Span] = []
    at = LARGE
    while at < len(body) and (end := body.find(b'"', at)) >= 0:
        start = body.rfind(b'"', 0, at) + 1
        if start and end - start >= LARGE and _is_plain(body, start, end):
            found.append((start, end))
        at = (end // LARGE + 1) * LARGE
    return found


def _is_plain(body: bytes, start: int, end: int) -> bool:
    comma = body.find(b",", start, start + _HEAD) + 1
    if comma:
        head = body[start:comma]
        if b"\\" in head or not (head.isascii() and head.decode().isprintable()):
            return False
        start = comma
    slices = (body[at : min(at + SLICE, end)] for at in range(start, end, SLICE))
    return not any(each.translate(None, _BASE64) for each in slices)


def _without(body: bytes, spans: Iterable[Span]) -> bytes:
    """Each replaced by a mark and its number."""
    kept: list[bytes] = []
    at = 0
    for number, (start, end) in enumerate(spans):
        kept += (body[at:start], _ESCAPED, b"%d" % number)
        at = end
    return b"".join([*kept, body[at:]])


def _restore(value: Any, strings: Sequence[str]) -> bool:
    """Put them back; whether all stood where a value can."""
    left, containers = len(strings), [value]
    while containers:
        container = containers.pop()
        entries: Iterable[tuple[Any, Any]] = ()
        if isinstance(container, dict):
            entries = list(cast("dict[str, Any]", container).items())
        elif isinstance(container, list):
            entries = enumerate(cast("list[Any]", container))
        for key, each in entries:
            if isinstance(each, dict | list):
                containers.append(each)
            elif isinstance(each, str) and each.startswith(_MARK):
                container[key] = strings[int(each[1:])]
                left -= 1
    return not left
