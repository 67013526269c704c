"""Connections on which something may come that is no HTTP request."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from .routes import Handler

Refuse = Callable[[int], web.Response]
"""Makes the answer to what no parser understood, of the status that it has earned."""


class Connections(web.Server):
    """Makes the connections of a listening socket."""

    def __init__(self, serve: Handler, refuse: Refuse, **options: Any) -> None:
        super().__init__(serve, **options)
        self.refuse = refuse

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    """Refuses as everything here does. aiohttp would quote what came, in the answer and the log.

    It may be a header with a key in it.
    """

    def __init__(self, connections: Connections, **options: Any) -> None:
        super().__init__(connections, **options)
        self._refuse = connections.refuse

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
        response = self._refuse(status)
        response.force_close()
        return response
