"""Bytes to lines, and values to SSE frames. No I/O, no schema, no opinions."""

from typing import Any

import orjson

DONE = b"data: [DONE]\n\n"
dumps = orjson.dumps


def sse(data: Any, event: str = "") -> bytes:
    """One SSE frame. orjson never emits a raw newline, so one data line is enough."""
    return sse_raw(orjson.dumps(data), event)


def sse_raw(data: bytes, event: str = "") -> bytes:
    name = b"event: %b\n" % event.encode() if event else b""
    return b"%bdata: %b\n\n" % (name, data)


class LineTooLong(ValueError):
    """A line grew past the limit before its end came."""


class Lines:
    """Cut a byte stream into lines, however the network sliced it.

    Only new bytes are searched, so a line of megabytes costs its length once. `limit` is in bytes
    and is checked while a line grows.
    """

    def __init__(self, limit: int = 64 << 20) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._limit = limit

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without their ends. Raises LineTooLong."""
        first, *rest = data.split(b"\n")
        if not rest:
            self._hold(data)
            return []
        if self._held:
            first = b"".join([*self._held, first])
        *middle, last = rest
        self._held.clear()
        self._size = 0
        if last:
            self._hold(last)
        return [line.removesuffix(b"\r") for line in (first, *middle)]

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
