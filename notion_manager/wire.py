"""Bytes to lines, and values to SSE frames. No I/O, no schema, no opinions."""

import re
from typing import Any, cast

import orjson

DONE = b"data: [DONE]\n\n"
_SURROGATES = re.compile("[\ud800-\udfff]")
_LINE_ENDS = tuple((c.encode(), rb"\u%04x" % ord(c)) for c in "\x85\u2028\u2029")


def dumps(value: Any) -> bytes:
    """JSON on one line, whoever reads it. Surrogates, which UTF-8 has no place for, are replaced.

    Clients that split lines as Python's `splitlines` does end them at more characters than SSE.
    """
    try:
        spelled = orjson.dumps(value)
    except TypeError:
        spelled = orjson.dumps(_fit(value))
    if not spelled.isascii():
        for character, escape in _LINE_ENDS:
            spelled = spelled.replace(character, escape)
    return spelled


def _fit(value: Any) -> Any:
    match value:
        case str():
            return _SURROGATES.sub("\ufffd", value)
        case list():
            return [_fit(each) for each in cast("list[Any]", value)]
        case dict():
            return {_fit(k): _fit(v) for k, v in cast("dict[Any, Any]", value).items()}
        case _:
            return value


def sse(data: Any, event: str = "") -> bytes:
    """One SSE frame."""
    return sse_raw(dumps(data), event)


def sse_raw(data: bytes, event: str = "") -> bytes:
    name = b"event: %b\n" % event.encode() if event else b""
    return b"%bdata: %b\n\n" % (name, data)


class LineTooLong(ValueError):
    """A line grew past the limit before its end came."""


class Lines:
    """Cut a byte stream where lines end, however the network sliced it.

    Only new bytes are searched, so a line of megabytes costs its length once. `limit` is in bytes
    and is checked while a line grows.
    """

    def __init__(self, limit: int = 64 << 20) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._limit = limit

    def feed(self, data: bytes) -> bytes:
        """The lines that `data` completes, in one piece and with their ends; often none.

        Raises LineTooLong.
        """
        end = data.rfind(b"\n") + 1
        if end == len(data) and not self._held:
            return data
        if not end:
            self._hold(data)
            return b""
        whole = b"".join([*self._held, data[:end]])
        self._held.clear()
        self._size = 0
        if end < len(data):
            self._hold(data[end:])
        return whole

    def finish(self) -> bytes:
        """What came after the last newline."""
        rest = b"".join(self._held)
        self._held.clear()
        self._size = 0
        return rest

    def _hold(self, data: bytes) -> None:
        self._held.append(data)
        self._size += len(data)
        if self._size > self._limit:
            raise LineTooLong(f"a line of more than {self._limit} bytes")
