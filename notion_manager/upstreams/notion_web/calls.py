"""Calls of the service's API over HTTP: what all that talk to it share."""

import asyncio
import io
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from ...config import Config, Timeouts
from ...errors import Problem, UpstreamBroken, UpstreamTimeout
from ...secret import Secret
from .account import Login, parse_login
from .failures import from_http
from .headers import endpoint, login_headers

HTTP_OK = 200
LARGE = 1 << 20  # bytes: beyond this a body is sent from a file object, piece by piece
ERROR_BODY = 64 << 10  # bytes of a refusal that are read


NETWORK = (aiohttp.ClientError, OSError)
"""Every way the network can fail; ours to name in our own words."""


def connect(timeouts: Timeouts) -> aiohttp.ClientSession:
    """One session for all accounts: it keeps connections, and never a cookie."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect),
    )


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls with the headers of one login, or of one account."""

    http: aiohttp.ClientSession
    config: Config
    headers: Mapping[str, str] = field(repr=False)
    """They hold its cookie."""

    async def read(self, name: str, body: bytes) -> bytes:
        """A small JSON endpoint, whole."""
        try:
            async with asyncio.timeout(self.config.timeouts.api):
                response = await self.post(URL(endpoint(self.config.notion, name)), body)
                async with response:
                    if response.status != HTTP_OK:
                        raise await refusal(response)
                    return await _read_whole(response)
        except TimeoutError as exc:
            raise UpstreamTimeout(f"Notion did not answer {name} in time") from exc

    async def post(self, url: URL, body: bytes) -> aiohttp.ClientResponse:
        """The credential goes to the configured host alone: no redirect is followed."""
        try:
            return await self.http.post(
                url,
                data=io.BytesIO(body) if len(body) > LARGE else body,
                headers=self.headers,
                allow_redirects=False,
                proxy=self.config.notion.proxy or None,
            )
        except NETWORK as exc:
            raise broken(exc) from exc


async def read_login(
    http: aiohttp.ClientSession, config: Config, token: Secret, user: str = ""
) -> Login:
    """Who a token belongs to, and which workspaces it opens. A free read.

    `user`, an id or e-mail address, decides where the token is of several people's session.
    """
    calls = Calls(http, config, login_headers(token, config.notion))
    return parse_login(await calls.read("loadUserContent", b"{}"), user=user)


async def _read_whole(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.read()
    except NETWORK as exc:
        raise broken(exc) from exc


async def refusal(response: aiohttp.ClientResponse) -> Problem:
    try:
        body = await response.content.read(ERROR_BODY)
    except NETWORK as exc:
        return broken(exc)
    return from_http(response.status, response.headers, body)


def broken(exc: Exception) -> UpstreamBroken:
    if isinstance(exc, TimeoutError):
        return UpstreamTimeout("Notion went silent")
    return UpstreamBroken(lost(exc, "Notion"))


def lost(exc: Exception, whom: str) -> str:
    """What became of the connection with him, in our words."""
    if isinstance(exc, ssl.SSLError):
        return f"TLS with {whom} failed: {exc.reason}"
    return f"the connection to {whom} failed: {type(exc).__name__}"
