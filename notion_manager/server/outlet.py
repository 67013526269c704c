"""A streamed answer on its way out: status, frames, and signs of life while nothing comes."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Self

from aiohttp import web

from ..alarms import Alarms
from ..config import Timeouts
from ..errors import Problem
from ..translators import Translator
from ..turn import Done, Event

SSE_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}


class _Stream(web.StreamResponse):
    """Its headers go out with its first bytes, not in a packet of their own."""

    _send_headers_immediately = False


class _Nothing:
    """Is waited for at once."""

    def __await__(self) -> Generator[None]:
        return
        yield


NOTHING = _Nothing()


class Outlet:
    """Holds the status back until there is something to say, or `commit_after` seconds passed.

    From then on a ping goes out after each `ping_every` seconds without a write. Use as an async
    context manager; leaving it stops the pings.
    """

    def __init__(
        self,
        request: web.BaseRequest,
        exchange: Translator,
        headers: Callable[[], Mapping[str, str]],
        timeouts: Timeouts,
        alarms: Alarms,
    ) -> None:
        self.response = _Stream(headers=SSE_HEADERS)
        self.begun = False
        self._over = False
        self._headers = headers
        self._request = request
        self._exchange = exchange
        self._timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._alarms = alarms
        self._alarm = alarms.set(timeouts.commit_after, self._wake)
        self._pinging: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._alarms.cancel(self._alarm)
        if self._pinging is not None:
            self._pinging.cancel()
            await asyncio.gather(self._pinging, return_exceptions=True)

    def feed(self, batch: Sequence[Event]) -> Awaitable[None]:
        """Send a batch's frames, after the status and the protocol's opening if still due."""
        if self.begun and self._pinging is None and type(batch[-1]) is not Done:
            if data := self._exchange.feed(batch):  # the commonest, so the shortest way
                self._last = self._loop.time()
                return self._request.writer.write(data)  # as the response would, in a step less
            return NOTHING
        return self._feed(batch)

    async def _feed(self, batch: Sequence[Event]) -> None:
        if self._pinging is not None:
            await self._pinged(self._pinging)
        self._over = isinstance(batch[-1], Done)
        opening = b"" if self.begun else await self._begin()
        await self._send(opening + self._exchange.feed(batch))

    async def fail(self, problem: Problem) -> None:
        """Tell a problem in-band. Only after the status went out; before, it deserves its own."""
        if self._pinging is not None:
            await self._pinged(self._pinging)
        await self._send(self._exchange.fail(problem))

    async def _pinged(self, pinging: asyncio.Task[None]) -> None:
        """Content never cuts into a ping's frame."""
        await asyncio.wait([pinging])

    async def _begin(self) -> bytes:
        """What goes out before all else. No ping comes in between: it would come too soon."""
        self.begun = True
        self._last = self._loop.time()
        self.response.headers.update(self._headers())
        await self.response.prepare(self._request)
        return self._exchange.start()

    async def _send(self, data: bytes) -> None:
        """The last frames go out together with the mark that ends the body."""
        if self._over:
            await self.response.write_eof(data)
        elif data:
            self._last = self._loop.time()
            await self.response.write(data)

    def _wake(self) -> None:
        """Ping if silence has lasted long enough; come back when it may have."""
        if self._over:
            return
        every = self._timeouts.ping_every if self.begun else self._timeouts.commit_after
        quiet = self._loop.time() - self._last
        if quiet < every:
            self._alarm = self._alarms.set(every - quiet, self._wake)
            return
        self._pinging = asyncio.create_task(self._ping())

    async def _ping(self) -> None:
        try:
            opening = b"" if self.begun else await self._begin()
            await self._send(opening + self._exchange.ping())
        except ConnectionError:
            return  # the client left; the handler is being cancelled
        self._pinging = None
        self._alarm = self._alarms.set(self._timeouts.ping_every, self._wake)
