"""A Responses client that trusts nothing: it checks every event and adds the answer up itself."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

TERMINAL = ("response.completed", "response.incomplete", "response.failed")
# Codes that OpenAI sends and Codex knows, but the SDK's types leave out.
UNTYPED_CODES = ("context_length_exceeded", "insufficient_quota")

# Which event stems bracket a part, and which carry its text: where it goes, and under which index.
PARTS = {
    "response.content_part": ("content", "content_index"),
    "response.reasoning_summary_part": ("summary", "summary_index"),
}
TEXTS = {
    "response.output_text": ("content", "content_index"),
    "response.reasoning_summary_text": ("summary", "summary_index"),
}
ARGUMENTS = {
    "response.function_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
}


@cache
def _events() -> TypeAdapter[Any]:
    return TypeAdapter(ResponseStreamEvent)


def frames(stream: bytes) -> list[dict[str, Any]]:
    """The events of a stream, each one an `event:` and a `data:` line that agree."""
    *records, rest = stream.split(b"\n\n")
    assert rest == b"", "the stream ends inside a record"
    return [_frame(record) for record in records]


def _frame(record: bytes) -> dict[str, Any]:
    name, data = record.split(b"\n")
    event = orjson.loads(data.removeprefix(b"data: "))
    assert name == b"event: " + event["type"].encode()
    _validate(event)
    return event


def _validate(event: dict[str, Any]) -> None:
    error = event.get("response", {}).get("error")
    if error and error["code"] in UNTYPED_CODES:
        error = {**error, "code": "server_error"}
        event = {**event, "response": {**event["response"], "error": error}}
    known = _events().validate_python(event)
    assert known.type == event["type"]
    if "response" in event:
        valid_response(event["response"])


def valid_response(response: dict[str, Any]) -> Response:
    return Response.model_validate(response)


@dataclass
class Client:
    """What is left of a stream once it was read: items added up from deltas alone."""

    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    done: dict[int, dict[str, Any]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)

    def read(self, stream: bytes) -> "Client":
        for event in frames(stream):
            assert event["sequence_number"] == len(self.seen), "a gap in the numbering"
            assert self.last.get("type") not in TERMINAL, "an event after the end"
            self._take(event)
            self.seen.append(event["type"])
            self.last = event
        return self

    @property
    def open(self) -> list[int]:
        return sorted(self.items.keys() - self.done.keys())

    @property
    def response(self) -> dict[str, Any]:
        return self.last["response"]

    @property
    def output(self) -> list[dict[str, Any]]:
        return [self.done[index] for index in sorted(self.done)]

    def _take(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "response.created":
                assert not self.seen
            case "response.in_progress" | "response.completed" | "response.incomplete":
                assert self.seen[0] == "response.created"
            case "response.failed":
                assert event["response"]["status"] == "failed"
            case "response.output_item.added":
                assert not self.open
                assert event["output_index"] == len(self.items)
                self.items[event["output_index"]] = event["item"]
            case kind:
                self._touch(kind, event)

    def _touch(self, kind: str, event: dict[str, Any]) -> None:
        index = event["output_index"]
        assert self.open == [index], "an event for an item that is not open"
        item = self.items[index]
        assert event.get("item_id", item["id"]) == item["id"]
        stem, _, edge = kind.rpartition(".")
        if stem == "response.output_item":
            self._close(index, event["item"])
        elif stem == "response.web_search_call":
            assert item["type"] == "web_search_call"
            self.states.append(edge)
        elif stem == "response.output_text.annotation":
            part = item["content"][event["content_index"]]
            assert event["annotation_index"] == len(part["annotations"])
            part["annotations"].append(event["annotation"])
        elif stem in PARTS:
            key, place = PARTS[stem]
            _bracket(item[key], event[place], edge, event["part"])
        elif stem in TEXTS:
            key, place = TEXTS[stem]
            _grow(item[key][event[place]], "text", edge, event)
        else:
            _grow(item, ARGUMENTS[stem], edge, event)

    def _close(self, index: int, item: dict[str, Any]) -> None:
        """What was added up is the item, less what is only said at its end."""
        late = ("status", "encrypted_content", "action")
        added = {k: v for k, v in self.items[index].items() if k not in late}
        assert added == {k: v for k, v in item.items() if k not in late}
        searched = ["in_progress", "searching", "completed"]
        assert self.states == (searched if item["type"] == "web_search_call" else [])
        self.states = []
        self.done[index] = item


def _bracket(parts: list[dict[str, Any]], index: int, edge: str, part: dict[str, Any]) -> None:
    if edge == "added":
        assert index == len(parts)
        parts.append(part)
    else:
        assert parts[index] == part


def _grow(holder: dict[str, Any], key: str, edge: str, event: dict[str, Any]) -> None:
    if edge == "delta":
        assert event["delta"], "a delta of nothing"
        holder[key] += event["delta"]
    else:
        assert holder[key] == event[key]
