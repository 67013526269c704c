"""A listening socket that serves requests until it is told to stop."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from ..config import Server, Timeouts
from .connections import Connection, Connections, Refuse
from .routes import Handler

KEEP_ALIVE = 75.0  # seconds; also the most that a second request's headers may take
LINGER = 2.0  # seconds that a refused body may still come, so that its sender reads the refusal
LAST_WORDS = 0.5  # seconds of the time to shut down that are left for answers' last frames
MOMENT = 0.25  # seconds that headers which came while the loop was held up get to be read
BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Ways:
    """What the listener and whoever serves tell each other.

    `silent` are the connections on which nothing was asked yet: whoever serves takes out of it what
    it hears. `drain` lets it finish what it serves within so many seconds, and take on no more;
    `refuse` answers what is no request.
    """

    silent: set[asyncio.Protocol]
    drain: Callable[[float], Awaitable[None]]
    refuse: Refuse


@asynccontextmanager
async def listening(
    serve: Handler, server: Server, timeouts: Timeouts, ways: Ways
) -> AsyncGenerator[Address]:
    """Serve inside the block; on the way out, let answers under way finish within `shutdown` s.

    Until then it listens, so that whoever comes is told that the server is stopping. Raises OSError
    where the address cannot be had.
    """
    last = min(LAST_WORDS, timeouts.shutdown / 4)
    made = _made(serve, ways.refuse, server.body_limit)
    runner = web.ServerRunner(made, shutdown_timeout=last)
    await runner.setup()
    try:
        listener = await _bound(made, server, timeouts.headers, ways.silent)
        try:
            host, port = listener.sockets[0].getsockname()[:2]
            yield Address(host, port)
        finally:
            try:
                await ways.drain(timeouts.shutdown - last)
            finally:
                listener.close()
    finally:
        await runner.cleanup()


def _made(serve: Handler, refuse: Refuse, most: int) -> Connections:
    """It takes bodies of at most so many bytes.

    `handler_cancellation`: a client that leaves cancels its handler at once, and so lets the
    upstream go.
    """
    return Connections(
        serve,
        refuse,
        request_factory=_requests(most),
        access_log=None,
        handler_cancellation=True,
        auto_decompress=False,  # nobody compresses requests, but for bombs
        keepalive_timeout=KEEP_ALIVE,
        lingering_time=LINGER,
    )


def _requests(most: int) -> Callable[..., web.BaseRequest]:
    """Makes requests whose bodies have at most so many bytes."""
    loop = asyncio.get_running_loop()

    def made(*args: Any) -> web.BaseRequest:
        return web.BaseRequest(*args, loop=loop, client_max_size=most)

    return made


async def _bound(
    made: Connections, server: Server, patience: float, silent: set[asyncio.Protocol]
) -> asyncio.Server:
    """A connection whose first request's headers take longer than `patience` seconds is given up.

    aiohttp has no such limit; the later requests of a connection fall under its keep-alive.
    """
    loop = asyncio.get_running_loop()

    def drop_if_silent(protocol: Connection) -> None:
        if protocol in silent:
            loop.call_later(MOMENT, drop, protocol)

    def drop(protocol: Connection) -> None:
        if protocol in silent:
            silent.remove(protocol)
            protocol.give_up()

    def connected() -> asyncio.Protocol:
        protocol = made()
        silent.add(protocol)
        loop.call_later(patience, drop_if_silent, protocol)
        return protocol

    return await loop.create_server(connected, server.host, server.port, backlog=BACKLOG)
