"""A fast fake of Notion's web API: so little work a line that what is measured is the gateway.

`POST /api/v3/…` wants the token's cookie; `/health`, `/stats` and `/plan` are the benchmark's own.
"""

import argparse
import asyncio
import json
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import cast

import uvloop
from answers import TOKEN, Answer, Plan, delta, reads, stamped, tail

COOKIE = f"token_v2={TOKEN}".encode()
GROUP = 64  # lines in one write of a burst
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
)
JSON_HEAD = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
REFUSAL = (
    b'{"isNotionError":true,"errorId":"ab000000-0000-4000-8000-000000000001",'
    b'"name":"UnauthorizedError","message":"Must be authenticated."}'
)


@dataclass(slots=True)
class Stats:
    """Counts of streams: asked for, open now, and left by the other side before their end."""

    asked: int = 0
    open: int = 0
    left: int = 0


@dataclass(slots=True)
class World:
    """What all connections share."""

    answer: Answer = field(default_factory=lambda: Answer(Plan()))
    stats: Stats = field(default_factory=Stats)
    reads: dict[str, bytes] = field(default_factory=reads)


class Connection(asyncio.Protocol):
    """One connection: requests one after the other, each with a body of a stated length."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._held = b""
        self._stream: Stream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._stream:
            self._stream.drop()

    def pause_writing(self) -> None:
        if self._stream:
            self._stream.paused = True

    def resume_writing(self) -> None:
        if self._stream:
            self._stream.resume()

    def data_received(self, data: bytes) -> None:
        self._held += data
        while not self._stream:
            head, found, rest = self._held.partition(b"\r\n\r\n")
            length = _length(head)
            if not found or len(rest) < length:
                return
            self._held = rest[length:]
            self._serve(head, rest[:length])

    def _serve(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1].decode()
        name = path.removeprefix("/api/v3/")
        match path:
            case "/health":
                self._reply(b"{}")
            case "/stats":
                self._reply(json.dumps(asdict(self._world.stats)).encode())
            case "/plan":
                self._world.answer = Answer(Plan(**json.loads(body)))
                self._reply(b"{}")
            case _ if COOKIE not in head:
                self._reply(REFUSAL, b"401 Unauthorized")
            case "/api/v3/runInferenceTranscript":
                self._stream = Stream(self._transport, self._world, self._ended)
                self._stream.begin()
            case _ if name in self._world.reads:
                self._reply(self._world.reads[name])
            case _:
                self._reply(b"{}", b"404 Not Found")

    def _ended(self) -> None:
        self._stream = None
        if self._held:
            self.data_received(b"")

    def _reply(self, body: bytes, status: bytes = b"200 OK") -> None:
        self._transport.write(JSON_HEAD % (status, len(body), body))


class Stream:
    """One answer on its way, in the rhythm of its plan."""

    def __init__(
        self, transport: asyncio.Transport, world: World, ended: Callable[[], None]
    ) -> None:
        self.paused = False
        self._transport = transport
        self._answer = world.answer
        self._stats = world.stats
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._sent = 0
        self._texts: list[str] = []

    def begin(self) -> None:
        self._stats.asked += 1
        self._stats.open += 1
        self._transport.write(STREAM_HEAD + _framed(self._answer.head))
        self._wait(self._answer.plan.think)

    def drop(self) -> None:
        """The other side is gone."""
        if self._timer:
            self._timer.cancel()
        self._stats.open -= 1
        self._stats.left += 1

    def resume(self) -> None:
        self.paused = False
        if not self._answer.plan.pause and self._sent:
            self._burst()

    def _wait(self, seconds: float) -> None:
        step = self._step if self._answer.plan.pause else self._burst
        if seconds:
            self._timer = self._loop.call_later(seconds, step)
        else:
            step()

    def _step(self) -> None:
        plan = self._answer.plan
        if self._sent == plan.chunks:
            self._end()
            return
        self._transport.write(_framed(self._next()))
        self._sent += 1
        self._wait(plan.pause)

    def _next(self) -> bytes:
        if not self._answer.plan.stamped:
            return self._answer.lines[self._sent]
        self._texts.append(stamped(self._answer.plan.size))
        return delta(self._texts[-1])

    def _burst(self) -> None:
        lines = self._answer.lines
        while self._sent < len(lines):
            if self.paused:
                return
            self._transport.write(_framed(b"".join(lines[self._sent : self._sent + GROUP])))
            self._sent += GROUP
        self._end()

    def _end(self) -> None:
        last = tail(self._texts) if self._answer.plan.stamped else self._answer.tail
        self._stats.open -= 1
        self._transport.write(_framed(last) + b"0\r\n\r\n")
        self._ended()


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


async def main(port: int) -> None:
    world = World()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(world), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(arguments.parse_args().port))
