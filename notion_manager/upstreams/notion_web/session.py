"""The only I/O of this upstream: one account's conversation with Notion's web API."""

import asyncio
import io
import logging
import os
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Self

import aiohttp
from yarl import URL

from ...alarms import Alarms
from ...config import Config, Timeouts
from ...errors import Problem, UpstreamBroken, UpstreamTimeout
from ...models import Model
from ...secret import Secret
from ...tokens import of_exchange
from ...turn import Event, Turn
from .account import Account, Login, parse_login
from .catalogue import parse_catalogue
from .failures import from_http
from .headers import endpoint, headers, login_headers
from .stream import Decoder
from .transcript import probe, request

LARGE = 1 << 20  # bytes: beyond this a body is sent from a file object, piece by piece
logger = logging.getLogger(__name__)
DRAWN = 64
ERROR_BODY = 64 << 10  # bytes of a refusal that are read


def connect(timeouts: Timeouts) -> aiohttp.ClientSession:
    """One session for all accounts: it keeps connections, and never a cookie."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect),
    )


async def read_login(
    http: aiohttp.ClientSession, config: Config, token: Secret, user: str = ""
) -> Login:
    """Who a token belongs to, and which workspaces it opens. A free read.

    `user`, an id or e-mail address, decides where the token is of several people's session.
    """
    sent = login_headers(token, config.notion)
    body = await _read(http, config, "loadUserContent", sent, b"{}")
    return parse_login(body, user=user)


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

    async def models(self) -> Sequence[Model]:
        """The live catalogue. A free read."""
        body = probe(self._account)
        return parse_catalogue(
            await _read(self._http, self._config, "getAvailableModels", self._reading, body)
        )

    def open(self, turn: Turn) -> "_Asked":
        """Entered, the turn is sent; gives batches. Leaving early closes the connection."""
        decoder = Decoder(partial(of_exchange, turn), turn.verbatim)
        return _Asked(partial(self._ask, turn), decoder, self._config.timeouts, self._alarms)

    async def _ask(self, turn: Turn) -> aiohttp.ClientResponse:
        body = request(turn, self._account, ids=self._ids, now=datetime.now(UTC))
        return await _post(self._http, self._config, self._inference, self._asking, body)


HTTP_OK = 200


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
        patience = self._timeouts.silence
        try:
            with self._alarms.within(patience):
                self._response = await self._ask()
        except TimeoutError as exc:
            raise UpstreamTimeout("Notion went silent") from exc
        self._content = self._response.content
        self._watchdog = _Watchdog(self._content, patience, self._alarms)
        if self._response.status != HTTP_OK:
            try:
                raise await _refusal(self._response)
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
                raise _broken(exc) from exc
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


async def _read(
    http: aiohttp.ClientSession,
    config: Config,
    name: str,
    sent: Mapping[str, str],
    body: bytes,
) -> bytes:
    """A small JSON endpoint, whole."""
    try:
        async with asyncio.timeout(config.timeouts.api):
            url = URL(endpoint(config.notion, name))
            response = await _post(http, config, url, sent, body)
            async with response:
                if response.status != HTTP_OK:
                    raise await _refusal(response)
                return await _read_whole(response)
    except TimeoutError as exc:
        raise UpstreamTimeout(f"Notion did not answer {name} in time") from exc


async def _read_whole(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.read()
    except NETWORK as exc:
        raise _broken(exc) from exc


async def _post(
    http: aiohttp.ClientSession,
    config: Config,
    url: URL,
    sent: Mapping[str, str],
    body: bytes,
) -> aiohttp.ClientResponse:
    """The credential goes to the configured host alone: no redirect is followed."""
    try:
        return await http.post(
            url,
            data=io.BytesIO(body) if len(body) > LARGE else body,
            headers=sent,
            allow_redirects=False,
            proxy=config.notion.proxy or None,
        )
    except NETWORK as exc:
        raise _broken(exc) from exc


async def _refusal(response: aiohttp.ClientResponse) -> Problem:
    try:
        body = await response.content.read(ERROR_BODY)
    except NETWORK as exc:
        return _broken(exc)
    return from_http(response.status, response.headers, body)


NETWORK = (aiohttp.ClientError, OSError)
"""Every way the network can fail; ours to name in our own words."""


def _broken(exc: Exception) -> UpstreamBroken:
    match exc:
        case TimeoutError():
            return UpstreamTimeout("Notion went silent")
        case ssl.SSLError():
            return UpstreamBroken(f"TLS with Notion failed: {exc.reason}")
        case _:
            return UpstreamBroken(f"the connection to Notion failed: {type(exc).__name__}")


def _ids() -> Iterator[str]:
    """Random UUIDs of version 4; one draw of randomness makes several."""
    while True:
        drawn = os.urandom(16 * DRAWN).hex()
        for at in range(0, len(drawn), 32):
            x = drawn[at : at + 32]
            yield f"{x[:8]}-{x[8:12]}-4{x[13:16]}-{_VARIANTS[x[16]]}{x[17:20]}-{x[20:]}"


_VARIANTS = {f"{n:x}": "89ab"[n % 4] for n in range(16)}
