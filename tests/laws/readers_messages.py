"""A Messages client as strict as the strictest in use: what a stream's bytes add up to."""

from dataclasses import dataclass, field
from typing import Any

import orjson

DELTAS = {
    "text": {"text_delta": "text", "citations_delta": "citation"},
    "server_tool_use": {"input_json_delta": "partial_json"},
    "web_search_tool_result": {},
    "thinking": {"thinking_delta": "thinking", "signature_delta": "signature"},
    "tool_use": {"input_json_delta": "partial_json"},
}


@dataclass
class Reading:
    """`message` is what the SDK calls the snapshot; `events` are the types in order."""

    message: dict[str, Any] = field(default_factory=dict[str, Any])
    error: dict[str, Any] | None = None
    events: list[str] = field(default_factory=list[str])
    block: dict[str, Any] | None = None
    ended: bool = False
    _json: str = ""

    def _message_start(self, data: dict[str, Any]) -> None:
        assert not self.message
        assert data["message"]["content"] == []
        self.message = data["message"]

    def _ping(self, data: dict[str, Any]) -> None:
        assert self.message

    def _content_block_start(self, data: dict[str, Any]) -> None:
        assert self.block is None, "the last block is still open"
        assert data["index"] == len(self.message["content"])
        self.block, self._json = data["content_block"], ""
        assert self.block["type"] in DELTAS
        self.message["content"].append(self.block)

    def _content_block_delta(self, data: dict[str, Any]) -> None:
        delta = data["delta"]
        assert self.block is self.message["content"][data["index"]]
        key = DELTAS[self.block["type"]][delta["type"]]
        if key == "citation":
            self.block.setdefault("citations", []).append(delta[key])
            return
        assert isinstance(delta[key], str)
        assert delta[key], "an empty delta says nothing"
        if key == "partial_json":
            self._json += delta[key]
        else:
            self.block[key] += delta[key]

    def _content_block_stop(self, data: dict[str, Any]) -> None:
        assert self.block is self.message["content"][data["index"]]
        if self._json:
            try:
                self.block["input"] = orjson.loads(self._json)
            except orjson.JSONDecodeError:
                self.block["cut"] = self._json
        self.block = None

    def _message_delta(self, data: dict[str, Any]) -> None:
        assert self.block is None
        self.message.update(data["delta"])
        self.message["usage"].update(data["usage"])

    def _message_stop(self, data: dict[str, Any]) -> None:
        assert self.message["stop_reason"]
        self.ended = True

    def _error(self, data: dict[str, Any]) -> None:
        assert self.block is None
        self.error = data["error"]
        assert set(data) >= {"type", "error"}

    def take(self, frame: bytes) -> None:
        name, data = frame.split(b"\n")
        event = orjson.loads(data.removeprefix(b"data: "))
        assert name.removeprefix(b"event: ").decode() == event["type"]
        assert self.error is None, "nothing follows an error"
        assert not self.ended or event["type"] == "error", "nothing follows the end"
        self.events.append(event["type"])
        HANDLERS[event["type"]](self, event)


HANDLERS = {
    "message_start": Reading._message_start,
    "ping": Reading._ping,
    "content_block_start": Reading._content_block_start,
    "content_block_delta": Reading._content_block_delta,
    "content_block_stop": Reading._content_block_stop,
    "message_delta": Reading._message_delta,
    "message_stop": Reading._message_stop,
    "error": Reading._error,
}


def read(stream: bytes) -> Reading:
    """Fails where a real client might: on an unknown event, an order, an index, a missing key."""
    reading = Reading()
    *frames, rest = stream.split(b"\n\n")
    assert rest == b""
    for frame in frames:
        reading.take(frame)
    return reading
