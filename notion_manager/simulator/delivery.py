"""Bytes to the socket: whole replies, and streams with every way to end badly."""

import asyncio
import gzip
import socket
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import orjson
from aiohttp import web

from .inference import Turn
from .replies import Reply
from .script import Ending

SMALL = 1024
GZIP_WBITS = 31


class Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, mode: int = ..., /) -> bytes: ...


def respond(request: web.Request, reply: Reply, *, compress: bool) -> web.Response:
    """A whole reply, compressed where that is worth it and the client can read it."""
    text = isinstance(reply.body, str)
    body = reply.body.encode() if isinstance(reply.body, str) else orjson.dumps(reply.body)
    headers = {} if text else {"content-type": "application/json; charset=utf-8"}
    headers |= reply.headers
    if compress and len(body) > SMALL and _reads_gzip(request):
        body = gzip.compress(body, 1)
        headers["content-encoding"] = "gzip"
    return web.Response(status=reply.status, body=body, headers=headers)


def _reads_gzip(request: web.Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


@dataclass(slots=True)
class Stream:
    """One streamed response. `patience` bounds, in seconds, every silence without an end."""

    request: web.Request
    compress: bool
    patience: float

    async def send(self, turn: Turn) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "application/x-ndjson"})
        squeeze: Compressor | None = None
        if self.compress and _reads_gzip(self.request):
            response.headers["content-encoding"] = "gzip"
            squeeze = zlib.compressobj(1, zlib.DEFLATED, GZIP_WBITS)
        with suppress(ConnectionError):  # whoever asked has left
            await response.prepare(self.request)
            while (data := await turn.chunks.get()) is not None:
                await response.write(_squeezed(squeeze, data))
                await asyncio.sleep(0)
            await self._end(response, turn, squeeze)
        return response

    async def _end(
        self, response: web.StreamResponse, turn: Turn, squeeze: Compressor | None
    ) -> None:
        if turn.ending is Ending.RESET:
            await asyncio.sleep(0.01)  # what was written before shall arrive
            reset(self.request)
            return
        if turn.ending is Ending.STALL or turn.linger:
            await asyncio.sleep(self.patience)
        if squeeze:
            await response.write(squeeze.flush(zlib.Z_FINISH))
        await response.write_eof()


def _squeezed(squeeze: Compressor | None, data: bytes) -> bytes:
    return squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH) if squeeze else data


def reset(request: web.Request) -> None:
    """Break the connection so that the other side sees a reset, not an end."""
    transport = request.transport
    if transport is None:
        return
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    transport.abort()
