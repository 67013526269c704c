"""One question in each API, and how its answer is read."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest


@dataclass(frozen=True)
class Api:
    """`body` makes a request of a text; `text` reads a whole answer, `said` a streamed one."""

    name: str
    path: str
    body: Callable[[str], dict[str, Any]]
    text: Callable[[dict[str, Any]], str]
    delta: Callable[[dict[str, Any]], str]
    last: bytes
    error: Callable[[dict[str, Any]], tuple[str, str]]
    broken: bytes

    def ask(self, text: str = "Hello", **more: Any) -> dict[str, Any]:
        return {**self.body(text), "model": "opus-4.6", **more}

    def said(self, stream: bytes) -> str:
        return "".join(self.delta(frame) for frame in frames(stream))


def frames(stream: bytes) -> Iterator[dict[str, Any]]:
    """Every JSON record of an SSE stream."""
    for line in stream.split(b"\n"):
        if line.startswith(b"data: ") and line != b"data: [DONE]":
            yield json.loads(line[6:])


async def until_cut(response: aiohttp.ClientResponse) -> bytes:
    """The body of a response that does not end as it should."""
    body = b""
    try:
        async for chunk in response.content.iter_any():
            body += chunk
    except aiohttp.ClientPayloadError:
        return body
    pytest.fail("the body ended cleanly")


def _message(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def _chat_delta(frame: dict[str, Any]) -> str:
    return "".join(c["delta"].get("content") or "" for c in frame.get("choices", []))


def _responses_text(body: dict[str, Any]) -> str:
    parts = [p for item in body["output"] if item["type"] == "message" for p in item["content"]]
    return "".join(p["text"] for p in parts)


MESSAGES = Api(
    "messages",
    "/v1/messages",
    lambda text: {**_message(text), "max_tokens": 1000},
    lambda body: "".join(b["text"] for b in body["content"] if b["type"] == "text"),
    lambda frame: frame.get("delta", {}).get("text", ""),
    b"event: message_stop",
    lambda body: (body["error"]["type"], body["error"]["message"]),
    b"event: error",
)
CHAT = Api(
    "chat",
    "/v1/chat/completions",
    _message,
    lambda body: body["choices"][0]["message"]["content"],
    _chat_delta,
    b"data: [DONE]",
    lambda body: (body["error"]["code"], body["error"]["message"]),
    b'data: {"error"',
)
RESPONSES = Api(
    "responses",
    "/v1/responses",
    lambda text: {"input": text},
    _responses_text,
    lambda frame: frame["delta"] if frame["type"] == "response.output_text.delta" else "",
    b"event: response.completed",
    lambda body: (body["error"]["code"], body["error"]["message"]),
    b"event: response.failed",
)
APIS = (MESSAGES, CHAT, RESPONSES)
