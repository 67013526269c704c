"""The floor: the least that translates Notion's stream in this stack, aiohttp in and aiohttp out.

It checks nothing, logs nothing, keeps nothing and knows one shape of answer: what it costs is what
the stack costs. The ratios of a gateway to it are what the gateway adds.
"""

import argparse
import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import uvloop
from aiohttp import web
from answers import CODENAME, TOKEN

CONTENT = re.compile(r"/s/\d+/value/\d+/content")
SSE = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
SENT = {
    "Content-Type": "application/json",
    "Accept": "application/x-ndjson",
    "Cookie": f"token_v2={TOKEN}",
}
HTTP = web.AppKey("HTTP", aiohttp.ClientSession)
UPSTREAM = web.AppKey("UPSTREAM", str)


@dataclass(frozen=True, slots=True)
class Shape:
    """An API's bytes: a stream is `head`, `delta` round each text, `tail`; `whole` is all at once.

    A text stands, as JSON, between the two halves of `delta` and of `whole`.
    """

    head: bytes
    delta: tuple[bytes, bytes]
    tail: bytes
    whole: tuple[bytes, bytes]

    def frame(self, text: str) -> bytes:
        return self.delta[0] + orjson.dumps(text) + self.delta[1]

    def answer(self, text: str) -> bytes:
        return self.whole[0] + orjson.dumps(text) + self.whole[1]


def event(data: bytes) -> bytes:
    """A frame named after its type, as two of the three APIs have it."""
    return b"event: %b\ndata: %b\n\n" % (data.split(b'"', 4)[3], data)


def halves(data: bytes) -> tuple[bytes, bytes]:
    first, _, second = data.partition(b"@")
    return first, second


MESSAGE = (
    b'{"id":"msg_1","type":"message","role":"assistant","model":"floor","content":[%b],'
    b'"stop_reason":%b,"stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":0}}'
)
MESSAGES = Shape(
    event(b'{"type":"message_start","message":%b}' % (MESSAGE % (b"", b"null")))
    + event(b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'),
    halves(
        event(b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":@}}')
    ),
    event(b'{"type":"content_block_stop","index":0}')
    + event(
        b'{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
        b'"usage":{"output_tokens":1}}'
    )
    + event(b'{"type":"message_stop"}'),
    halves(MESSAGE % (b'{"type":"text","text":@}', b'"end_turn"')),
)

CHUNK = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"floor",'
    b'"choices":[{"index":0,"delta":%b,"finish_reason":%b}]}\n\n'
)
CHAT = Shape(
    CHUNK % (b'{"role":"assistant","content":""}', b"null"),
    halves(CHUNK % (b'{"content":@}', b"null")),
    CHUNK % (b"{}", b'"stop"') + b"data: [DONE]\n\n",
    halves(
        b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"floor","choices":['
        b'{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":@}}]}'
    ),
)

RESPONSE = (
    b'{"id":"resp_1","object":"response","created_at":1,"model":"floor","status":"%b",'
    b'"output":[%b]}'
)
ITEM = b'{"id":"msg_1","type":"message","role":"assistant","status":"%b","content":[%b]}'
PART = b'{"type":"output_text","annotations":[],"text":%b}'
STEP = b'{"type":"response.%b","sequence_number":1,"item_id":"msg_1","output_index":0,%b}'
RESPONSES = Shape(
    event(b'{"type":"response.created","response":%b}' % (RESPONSE % (b"in_progress", b"")))
    + event(STEP % (b"output_item.added", b'"item":%b' % (ITEM % (b"in_progress", b""))))
    + event(STEP % (b"content_part.added", b'"content_index":0,"part":%b' % (PART % b'""'))),
    halves(event(STEP % (b"output_text.delta", b'"content_index":0,"delta":@'))),
    event(STEP % (b"output_item.done", b'"item":%b' % (ITEM % (b"completed", b""))))
    + event(b'{"type":"response.completed","response":%b}' % (RESPONSE % (b"completed", b""))),
    halves(RESPONSE % (b"completed", ITEM % (b"completed", PART % b"@"))),
)

SHAPES = {"/v1/messages": MESSAGES, "/v1/chat/completions": CHAT, "/v1/responses": RESPONSES}


def texts(line: bytes) -> list[str]:
    """What a line adds to the answer."""
    value = orjson.loads(line)
    if value["type"] != "patch":
        return []
    return [each["v"] for each in value["v"] if each["o"] == "x" and CONTENT.match(each["p"])]


def payload(asked: dict[str, Any]) -> bytes:
    prompt = asked["input"] if "input" in asked else asked["messages"][-1]["content"]
    config = {"type": "config", "value": {"model": CODENAME}}
    user = {"type": "user", "value": [[prompt]]}
    return orjson.dumps({"asPatchResponse": True, "transcript": [config, user]})


def handler(shape: Shape) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        asked = orjson.loads(await request.read())
        call = request.app[HTTP].post(request.app[UPSTREAM], data=payload(asked), headers=SENT)
        async with call as upstream:
            if asked.get("stream"):
                return await stream(request, upstream.content, shape)
            lines = (await upstream.read()).splitlines()
        text = "".join([text for line in lines for text in texts(line)])
        return web.Response(body=shape.answer(text), content_type="application/json")

    return handle


async def stream(
    request: web.Request, content: aiohttp.StreamReader, shape: Shape
) -> web.StreamResponse:
    """One write for each read that completed a line."""
    out = web.StreamResponse(headers=SSE)
    await out.prepare(request)
    await out.write(shape.head)
    rest = b""
    while data := await content.readany():
        *lines, rest = (rest + data).split(b"\n")
        frames = [shape.frame(text) for line in lines for text in texts(line)]
        if frames:
            await out.write(b"".join(frames))
    await out.write(shape.tail)
    await out.write_eof()
    return out


async def health(request: web.Request) -> web.Response:
    return web.Response(text="ok")


async def main(port: int, upstream: str) -> None:
    app = web.Application(client_max_size=32 << 20)
    app.add_routes([web.get("/health", health)])
    app.add_routes([web.post(path, handler(shape)) for path, shape in SHAPES.items()])
    app[UPSTREAM] = f"{upstream}/api/v3/runInferenceTranscript"
    app[HTTP] = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,
    )
    runner = web.AppRunner(app, access_log=None, handle_signals=False, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--upstream", required=True)
    said = arguments.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(main(said.port, said.upstream))
