"""Files that a request only points at, fetched where the operator allows it."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from ssl import SSLContext

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec.structs import replace

from ..addresses import NotAllowed, fetchable, is_public
from ..errors import BadRequest
from ..fields import Node
from ..translators.attachments import LARGEST, attached
from ..turn import File, FileLink, Message, Part, Text, ToolReference, ToolResult, Turn

MOST = 20  # links of one request
TOTAL = 32 << 20  # bytes of all that one request points at
AT_ONCE = 4
PATIENCE = 30.0  # seconds for one file
CHUNK = 64 << 10  # bytes
OK = 200

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host."""
Allowed = Callable[[IPv4Address | IPv6Address], bool]


class Fetcher:
    """Brings files from https URLs on the internet: no redirect, no proxy, no private address.

    A name is resolved once; what it then is, is checked and connected to.
    """

    def __init__(
        self,
        resolve: Resolve | None = None,
        allowed: Allowed = is_public,
        ssl: SSLContext | bool = True,  # noqa: FBT001, FBT002 - as aiohttp has it
    ) -> None:
        self._resolver = _Resolver(resolve or _looked_up(), allowed)
        self._ssl = ssl

    async def brought(self, turn: Turn) -> Turn:
        """The turn with each file in the place of its link. Raises BadRequest that names it."""
        first: dict[FileLink, FileLink] = {}
        for link in _links(turn):
            first.setdefault(_anywhere(link), link)
        links = list(first.values())
        if not links:
            return turn
        if len(links) > MOST:
            raise BadRequest(
                f"at most {MOST} files are fetched for a request", field=links[MOST].path
            )
        found = dict(zip(first, await self._all(links), strict=True))
        return replace(turn, messages=tuple(_with(each, found) for each in turn.messages))

    async def _all(self, links: Sequence[FileLink]) -> Sequence[File | Text]:
        """The first failure ends them all."""
        left, seats = _Allotment(TOTAL), asyncio.Semaphore(AT_ONCE)
        async with self._session() as http:

            async def one(link: FileLink) -> File | Text:
                async with seats:
                    return await _fetched(http, link, left)

            tasks = [asyncio.create_task(one(link)) for link in links]
            try:
                return await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=self._resolver, use_dns_cache=False, force_close=True, ssl=self._ssl
        )
        return aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=PATIENCE),
            headers={"Accept-Encoding": "identity", "User-Agent": "notion-manager"},
        )


class _Allotment:
    """Bytes that may still be taken."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, size: int) -> bool:
        self._left -= size
        return self._left >= 0


class _Resolver(AbstractResolver):
    """Knows only addresses that may be connected to; one that may not spoils all of a host's."""

    def __init__(self, resolve: Resolve, allowed: Allowed) -> None:
        self._resolve = resolve
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolve(host, port)
        if not all(self._allowed(ip_address(address)) for address in found):
            raise NotAllowed("its address is private")
        return [_result(host, port, address) for address in found]

    async def close(self) -> None:
        """Nothing is kept."""


def _looked_up() -> Resolve:
    """By the system, which may take long and cannot be called off: so in threads of its own."""
    threads = ThreadPoolExecutor(AT_ONCE, "lookup")

    async def resolve(host: str, port: int) -> Sequence[str]:
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(threads, ask)
        return [str(address[0]) for *_, address in found]

    return resolve


def _result(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=0, flags=flags
    )


async def _fetched(http: aiohttp.ClientSession, link: FileLink, left: _Allotment) -> File | Text:
    """Raises BadRequest. Its words say nothing of what answered within a private network."""
    try:
        url = fetchable(link.url)
        async with http.get(url, allow_redirects=False) as response:
            data = await _read(response, left)
            media_type = link.media_type or response.headers.get("Content-Type", "")
    except NotAllowed as exc:
        raise BadRequest(str(exc), field=link.path) from exc
    except TimeoutError as exc:
        raise BadRequest(f"it did not arrive within {PATIENCE:g} s", field=link.path) from exc
    except (aiohttp.ClientError, OSError) as exc:
        raise BadRequest("it cannot be fetched", field=link.path) from exc
    return attached(Node(link.url, link.path), media_type, data, link.name or url.name)


async def _read(response: aiohttp.ClientResponse, left: _Allotment) -> bytes:
    if response.status != OK:
        raise NotAllowed(f"the server answered {response.status}; only a 200 is accepted")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NotAllowed("the server compressed it, which was not asked for")
    data = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        data += chunk
        if len(data) > LARGEST:
            raise NotAllowed(f"the file has more than {LARGEST} bytes")
        if not left.take(len(chunk)):
            raise NotAllowed(f"all files together have more than {TOTAL} bytes")
    return bytes(data)


def _links(turn: Turn) -> Iterator[FileLink]:
    for message in turn.messages:
        for part in message.parts:
            for each in part.parts if isinstance(part, ToolResult) else (part,):
                if isinstance(each, FileLink):
                    yield each


def _with(message: Message, found: Mapping[FileLink, File | Text]) -> Message:
    return replace(message, parts=tuple(_filled(part, found) for part in message.parts))


def _filled(part: Part, found: Mapping[FileLink, File | Text]) -> Part:
    match part:
        case FileLink():
            return found[_anywhere(part)]
        case ToolResult(parts=parts):
            return replace(part, parts=tuple(_inner(each, found) for each in parts))
        case _:
            return part


def _inner(
    part: Text | File | FileLink | ToolReference, found: Mapping[FileLink, File | Text]
) -> Text | File | FileLink | ToolReference:
    return found[_anywhere(part)] if isinstance(part, FileLink) else part


def _anywhere(link: FileLink) -> FileLink:
    """The same link, wherever it stands."""
    return replace(link, path="")
