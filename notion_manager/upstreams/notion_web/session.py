"""One account's conversations with Notion's web API."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Self

import aiohttp
from yarl import URL

from ...alarms import Alarms
from ...config import Config, Timeouts
from ...errors import UpstreamTimeout
from ...models import Model
from ...tokens import of_exchange
from ...turn import Event, Turn
from .account import Account
from .calls import HTTP_OK, NETWORK, broken, post, read, refusal
from .catalogue import parse_catalogue
from .courier import Courier
from .headers import endpoint, headers
from .stream import Decoder
from .transcript import probe, request
from .uploads import parcels

logger = logging.getLogger(__name__)
DRAWN = 64


class NotionWeb:
    """One account, able to answer. Raises only Problem."""

    def __init__(self, http: aiohttp.ClientSession, account: Account, config: Config) -> None:
        self._http = http
        self._account = account
        self._config = config
        self._alarms = Alarms()
        self._ids = _ids()
        self._inference = URL(endpoint(config.notion, "runInferenceTranscript"))
        self._reading = headers(account, config.notion, accept="application/json")
        self._asking = headers(account, config.notion, accept="application/x-ndjson")
        self._courier = Courier(http, account, config, self._reading, self._ids)

    async def models(self) -> Sequence[Model]:
        """The live catalogue. A free read."""
        body = probe(self._account)
        return parse_catalogue(
            await read(self._http, self._config, "getAvailableModels", self._reading, body)
        )

    def open(self, turn: Turn) -> "_Asked":
        """Entered, the turn is sent; gives batches. Leaving early closes the connection."""
        decoder = Decoder(partial(of_exchange, turn), turn.verbatim)
        return _Asked(partial(self._ask, turn), decoder, self._config.timeouts, self._alarms)

    async def _ask(self, turn: Turn) -> aiohttp.ClientResponse:
        """The files of the turn are brought first, into the thread that it will be asked in."""
        sent, ids = parcels(turn), self._ids
        attached = await self._courier.deliver(sent) if sent else None
        body = request(turn, self._account, ids=ids, now=datetime.now(UTC), attached=attached)
        try:
            with self._alarms.within(self._config.timeouts.silence):
                return await post(self._http, self._config, self._inference, self._asking, body)
        except TimeoutError as exc:
            raise UpstreamTimeout("Notion went silent") from exc


def _tell_drift(decoder: Decoder) -> None:
    """Shapes that nobody knows are how a changed service is noticed first."""
    if decoder.drift:
        shapes = ", ".join(f"{name} x{count}" for name, count in decoder.drift.items())
        logger.warning("the service sent what is not known here: %s", shapes)


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


MOMENT = 0.05  # seconds


class _Asked:
    """A turn on its way and its answer: one read, one batch.

    A class and no generator: its steps are taken for every batch of every answer.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[aiohttp.ClientResponse]],
        decoder: Decoder,
        timeouts: Timeouts,
        alarms: Alarms,
    ) -> None:
        self._ask = ask
        self._decoder = decoder
        self._timeouts = timeouts
        self._alarms = alarms
        self._now = asyncio.get_running_loop().time
        self._lingered = False  # a finished answer's connection was given its time to end
        self._finished = False

    async def __aenter__(self) -> Self:
        self._response = await self._ask()
        self._content = self._response.content
        self._watchdog = _Watchdog(self._content, self._timeouts.silence, self._alarms)
        if self._response.status != HTTP_OK:
            try:
                raise await refusal(self._response)
            finally:
                self._close()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[Event]:
        if self._finished:
            raise StopAsyncIteration
        decoder, watchdog = self._decoder, self._watchdog
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
        self._finished = True
        return decoder.finish()

    def _close(self) -> None:
        self._watchdog.stop()
        self._response.close()
        _tell_drift(self._decoder)


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


def _ids() -> Iterator[str]:
    """Random UUIDs of version 4; one draw of randomness makes several."""
    while True:
        drawn = os.urandom(16 * DRAWN).hex()
        for at in range(0, len(drawn), 32):
            x = drawn[at : at + 32]
            yield f"{x[:8]}-{x[8:12]}-4{x[13:16]}-{_VARIANTS[x[16]]}{x[17:20]}-{x[20:]}"


_VARIANTS = {f"{n:x}": "89ab"[n % 4] for n in range(16)}
