"""Connections on which something may come that is no HTTP request."""

import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from ..errors import TooSlow
from .routes import Handler

Refuse = Callable[[int, float], web.Response]
"""Makes the answer to what no parser understood: of the status that it has earned, for what began
then (Unix seconds)."""


class Connections(web.Server):
    """Makes the connections of a listening socket."""

    def __init__(self, serve: Handler, refuse: Refuse, **options: Any) -> None:
        super().__init__(serve, **options)
        self.refuse = refuse

    def __call__(self) -> "Connection":
        return Connection(self, loop=self._loop, **self._kwargs)


class Connection(web.RequestHandler):
    """Refuses as everything here does. aiohttp would quote what came, in the answer and the log.

    It may be a header with a key in it.
    """

    def __init__(self, connections: Connections, **options: Any) -> None:
        super().__init__(connections, **options)
        self._refuse = connections.refuse
        self._began: float | None = None

    def data_received(self, data: bytes) -> None:
        if self._began is None:
            self._began = time.time()
        super().data_received(data)

    def give_up(self) -> None:
        """Close: its first request does not arrive. Who began one is told so."""
        if self._began is not None and self.transport is not None:
            self.transport.write(_bytes(self._refuse(TooSlow.status, self._began)))
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Raises ConnectionError where the answer is under way already."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer is under way") from exc
        response = self._refuse(status, time.time())
        response.force_close()
        return response


def _bytes(response: web.Response) -> bytes:
    """As the last that a connection says. aiohttp writes only what answers a request."""
    body = (response.text or "").encode()
    headers = {**response.headers, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"HTTP/1.1 {response.status} {response.reason}", *map(": ".join, headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
