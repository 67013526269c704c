"""A load generator that costs little: raw asyncio connections to this machine, nothing parsed.

One client after the other, a closed loop, or streams opened over a while and held to their end.
"""

import asyncio
import json
import re
import socket
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import usage
from answers import MARK, MODEL, TOKEN

HOST = "127.0.0.1"
KEY = "nm-benchmark-on-this-machine"
PATIENCE = 30.0  # seconds for one answer
WATCH = 0.1  # seconds between looks at the memory
MARKS = MARK.encode()
STAMP = re.compile(MARKS + rb"(\d{15})")
PROMPT = "Say something, please. " * 3
END = b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Api:
    """An API as a client sees it: `last` is in the final frame of a stream and nowhere else."""

    name: str
    path: str
    prompt: Mapping[str, object]
    last: bytes
    extra: tuple[str, ...] = ()

    def request(self, *, stream: bool) -> bytes:
        asked = {"model": MODEL, "max_tokens": 128_000, "stream": stream, **self.prompt}
        body = json.dumps(asked, separators=(",", ":")).encode()
        heads = [
            f"POST {self.path} HTTP/1.1",
            f"Host: {HOST}",
            f"Authorization: Bearer {KEY}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "anthropic-version: 2023-06-01",
            "Accept: */*",
            "User-Agent: benchmark",
            *self.extra,
        ]
        return "\r\n".join(heads).encode() + b"\r\n\r\n" + body


CHAT_PROMPT = {"messages": [{"role": "user", "content": PROMPT}]}
MESSAGES = Api("messages", "/v1/messages", CHAT_PROMPT, b"message_stop")
CHAT = Api("chat", "/v1/chat/completions", CHAT_PROMPT, b"[DONE]")
RESPONSES = Api("responses", "/v1/responses", {"input": PROMPT}, b"response.completed")
APIS = (MESSAGES, CHAT, RESPONSES)
DIRECT = Api(
    "direct",
    "/api/v3/runInferenceTranscript",
    {},
    b"patch-sync",
    (f"Cookie: token_v2={TOKEN}",),
)
"""The upstream's own stream, asked for without a gateway."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server under test; `pid` is its first process."""

    name: str
    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Ask:
    """What each client asks, and how many chunks its answer must have."""

    api: Api
    chunks: int
    stream: bool = True


@dataclass(slots=True)
class Outcome:
    """What came of a load; times are in seconds, memory in bytes.

    `first` is from the request to the first text, `delays` from the upstream's write of a chunk to
    its arrival. Only complete answers count as `answered`; the others are in `lost`, by reason.
    """

    chunks: int
    answered: int = 0
    first: list[float] = field(default_factory=list[float])
    delays: list[float] = field(default_factory=list[float])
    lost: Counter[str] = field(default_factory=Counter[str])
    cpu: float = 0.0
    before: int = 0
    peak: int = 0

    @property
    def cpu_per_answer(self) -> float:
        return self.cpu / max(1, self.answered)

    @property
    def cpu_per_chunk(self) -> float:
        return self.cpu_per_answer / self.chunks


def percentile(values: list[float], share: float) -> float:
    """The smallest value that `share` of them do not exceed; infinite where there is none."""
    if not values:
        return float("inf")
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


class Connection(asyncio.Protocol):
    """One connection; `ask` resolves when the answer is complete, to why it is not, or to ""."""

    def __init__(self, ask: Ask, outcome: Outcome) -> None:
        self.open = False
        self._ask = ask
        self._outcome = outcome
        self._loop = asyncio.get_running_loop()
        self._raw = ask.api.request(stream=ask.stream)
        self._answered: asyncio.Future[str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport = cast("asyncio.Transport", transport)
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self._resolve("the connection broke")

    def ask(self) -> Awaitable[str]:
        self._answered = self._loop.create_future()
        self._head = b""
        self._length: int | None = None
        self._got = 0
        self._marks = 0
        self._end = b""
        self._finished = False
        self._began = time.perf_counter()
        self.transport.write(self._raw)
        return self._answered

    def data_received(self, data: bytes) -> None:
        if not self._head.endswith(b"\r\n\r\n"):
            data = self._take_head(data)
        if data or self._length == 0:
            self._take(data)

    def _take_head(self, data: bytes) -> bytes:
        """What of `data` belongs to the body."""
        head, found, body = (self._head + data).partition(b"\r\n\r\n")
        self._head = head + found
        _, sized, rest = head.lower().partition(b"content-length:")
        self._length = int(rest.partition(b"\r\n")[0]) if found and sized else None
        return body

    def _take(self, data: bytes) -> None:
        self._got += len(data)
        marks = data.count(MARKS)
        if marks:
            if not self._marks:
                self._outcome.first.append(time.perf_counter() - self._began)
            self._marks += marks
            self._note_delays(data)
        seen = self._end + data
        self._end = seen[-64:]
        self._finished = self._finished or self._ask.api.last in seen
        if self._got == self._length if self._length is not None else seen.endswith(END):
            self._resolve(self._complaint())

    def _note_delays(self, data: bytes) -> None:
        if stamps := STAMP.findall(data):
            now = time.monotonic_ns() // 1000
            self._outcome.delays += [(now - int(stamp)) / 1e6 for stamp in stamps]

    def _complaint(self) -> str:
        if not self._head.startswith(b"HTTP/1.1 200"):
            return self._head.partition(b"\r")[0].decode(errors="replace")
        if self._ask.stream and not self._finished:
            return "a stream without its last frame"
        return "" if self._marks >= self._ask.chunks else "chunks are missing"

    def _resolve(self, complaint: str) -> None:
        if self._answered and not self._answered.done():
            self._answered.set_result(complaint)


class Load:
    """Clients of one target that ask the same; what comes of it adds up in `outcome`."""

    def __init__(self, target: Target, ask: Ask) -> None:
        self.outcome = Outcome(ask.chunks)
        self._target = target
        self._ask = ask

    async def connect(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._ask, self.outcome), HOST, self._target.port
        )
        return connection

    async def once(self, connection: Connection) -> None:
        """One request. A connection that failed is closed."""
        try:
            complaint = await asyncio.wait_for(connection.ask(), PATIENCE)
        except TimeoutError:
            complaint = "no end in sight"
        if complaint:
            self.outcome.lost[complaint] += 1
            connection.open = False
            connection.transport.abort()
        else:
            self.outcome.answered += 1

    async def alone(self, delay: float) -> None:
        """One request on a connection of its own."""
        await asyncio.sleep(delay)
        try:
            connection = await self.connect()
        except OSError as exc:
            self.outcome.lost[type(exc).__name__] += 1
            return
        await self.once(connection)
        connection.transport.close()

    async def repeat(self, wanted: Callable[[], bool]) -> None:
        """One client, asking again as soon as it has its answer."""
        connection = await self.connect()
        while wanted():
            if not connection.open:
                connection = await self.connect()
            await self.once(connection)
        connection.transport.close()


@asynccontextmanager
async def _measured(target: Target, ask: Ask) -> AsyncGenerator[Load]:
    """Take the target's CPU and memory round a load."""
    load = Load(target, ask)
    pids = usage.family(target.pid)
    outcome = load.outcome
    outcome.before = outcome.peak = usage.resident(pids)
    spent = usage.cpu(pids)
    watch = asyncio.create_task(_watch(pids, outcome))
    try:
        yield load
    finally:
        outcome.cpu = usage.cpu(pids) - spent
        outcome.peak = max(outcome.peak, usage.resident(pids))
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def _watch(pids: list[int], outcome: Outcome) -> None:
    while True:
        await asyncio.sleep(WATCH)
        outcome.peak = max(outcome.peak, usage.resident(pids))


async def one_by_one(target: Target, ask: Ask, count: int) -> Outcome:
    """One client, `count` requests on one connection."""
    async with _measured(target, ask) as load:
        left = iter(range(count))
        await load.repeat(lambda: next(left, None) is not None)
    return load.outcome


async def closed(target: Target, ask: Ask, clients: int, seconds: float) -> Outcome:
    """So many clients, each with one request under way at any time."""
    async with _measured(target, ask) as load:
        until = time.perf_counter() + seconds
        each = [load.repeat(lambda: time.perf_counter() < until) for _ in range(clients)]
        await asyncio.gather(*each)
    return load.outcome


async def spread(target: Target, ask: Ask, clients: int, ramp: float) -> Outcome:
    """So many connections of one request each, begun evenly over `ramp` seconds."""
    async with _measured(target, ask) as load:
        await asyncio.gather(*(load.alone(ramp * n / clients) for n in range(clients)))
    return load.outcome
