"""An answer on its way from the service: read as it comes, watched, found again if it is lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self

import aiohttp
from msgspec import Struct
from msgspec.structs import replace

from ...alarms import Alarms
from ...config import Timeouts
from ...errors import UpstreamBroken
from ...turn import Done, Event
from .calls import NETWORK, broken
from .stream import Decoder
from .transcript import Anchor

logger = logging.getLogger(__name__)
MOMENT = 0.05  # seconds
LEASE = 300.0  # seconds that a turn may go on which nobody hears any more


Saved = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
"""Reads the steps of a turn from its thread; none where they are not to be had."""


class Asked(Struct, frozen=True):
    """A turn that the service took. Without an `anchor`, its thread is not known to us."""

    response: aiohttp.ClientResponse
    anchor: Anchor | None = None
    saved: Saved | None = None


class _Watchdog:
    """Ends a stream in which nothing comes for `patience` seconds while somebody waits for it.

    One alarm, however many reads: whoever reads notes `since` when, and that it is `waiting`. A
    client that reads slowly is not the service's silence; and data that came while the event loop
    was held up is given a moment to be read.
    """

    def __init__(self, content: aiohttp.StreamReader, patience: float, alarms: Alarms) -> None:
        self._content = content
        self._patience = patience
        self._alarms = alarms
        self._now = asyncio.get_running_loop().time
        self.waiting = False
        self.since = self._now()
        self._doubted = 0.0  # the wait that was found to be too long
        self._alarm = alarms.set(patience, self._look)

    def stop(self) -> None:
        self._alarms.cancel(self._alarm)

    def _look(self) -> None:
        left = self.since + self._patience - self._now() if self.waiting else self._patience
        if left <= 0 and self._doubted == self.since:
            self._content.set_exception(aiohttp.SocketTimeoutError())
            return
        self._doubted = self.since if left <= 0 else 0.0
        self._alarm = self._alarms.set(MOMENT if left <= 0 else left, self._look)


class Reply:
    """A turn on its way and its answer: one read, one batch.

    A class and no generator: its steps are taken for every batch of every answer.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[Asked]],
        decoder: Decoder,
        timeouts: Timeouts,
        alarms: Alarms,
        note: Callable[[str, float], None],
    ) -> None:
        self._ask = ask
        self._note = note
        self._decoder = decoder
        self._timeouts = timeouts
        self._alarms = alarms
        self._now = asyncio.get_running_loop().time
        self._lingered = False  # a finished answer's connection was given its time to end
        self._finished = False

    async def __aenter__(self) -> Self:
        self._asked = await self._ask()
        self._content = self._asked.response.content
        self._watchdog = _Watchdog(self._content, self._timeouts.silence, self._alarms)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[Event]:
        if self._finished:
            raise StopAsyncIteration
        decoder, watchdog = self._decoder, self._watchdog
        try:
            if not (self._lingered or decoder.complete):
                watchdog.since, watchdog.waiting = self._now(), True
                try:
                    data = await self._content.readany()
                except NETWORK as exc:
                    raise broken(exc) from exc
                finally:
                    watchdog.waiting = False
                if data:
                    return decoder.feed(data)
            if not (self._lingered or self._content.at_eof()):
                self._lingered = True
                return decoder.feed(await _rest(self._content, self._timeouts.linger))
            return self._ended()
        except UpstreamBroken as exc:
            return await self._recovered(exc)

    def _ended(self) -> Sequence[Event]:
        """An answer that ended by itself can be gone on with, if its thread is known."""
        events = self._decoder.finish()
        self._finished = True
        return [self._marked(event) for event in events]

    async def _recovered(self, lost: UpstreamBroken) -> Sequence[Event]:
        """The rest of an answer that was begun and broke off: the service goes on without us.

        It is never asked for again, as it may be saved and charged. Raises what it was `lost` by
        where the rest is not to be had.
        """
        saved = self._asked.saved
        if saved is None or not self._decoder.begun:
            raise lost
        self._watchdog.stop()
        self._asked.response.close()
        steps = await saved()
        if not steps:
            raise lost
        self._decoder.restore(steps)
        logger.info("an answer broke off and was read from its thread: %s", lost)
        return self._ended()

    def _marked(self, event: Event) -> Event:
        if isinstance(event, Done) and self._asked.anchor is not None:
            return replace(event, bookmark=self._asked.anchor.bookmark())
        return event

    def _close(self) -> None:
        self._watchdog.stop()
        self._asked.response.close()
        _tell_drift(self._decoder)
        if self._asked.anchor is not None:
            self._note(self._asked.anchor.thread, 0.0 if self._finished else LEASE)


async def _rest(content: aiohttp.StreamReader, linger: float) -> bytes:
    """What follows a finished answer, if it comes soon; how that ends no longer matters."""
    late: list[bytes] = []
    try:
        async with asyncio.timeout(linger):
            while data := await content.readany():
                late.append(data)
    except (TimeoutError, *NETWORK):
        pass
    return b"".join(late)


def _tell_drift(decoder: Decoder) -> None:
    """Shapes that nobody knows are how a changed service is noticed first."""
    if decoder.drift:
        shapes = ", ".join(f"{name} x{count}" for name, count in decoder.drift.items())
        logger.warning("Notion sent something that is not known here: %s", shapes)
