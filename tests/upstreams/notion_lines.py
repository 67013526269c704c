"""Lines of answer streams as tests write them, and what they come to."""

import json
from collections.abc import Sequence
from typing import Any

from notion_manager.turn import Event, Reply, Text, Usage, coalesce, fold
from notion_manager.upstreams.notion_web.stream import Decoder

Json = dict[str, Any]
GUESS = Usage(7, 7, estimated=True)


def decoder() -> Decoder:
    return Decoder(lambda _: GUESS)


def encode(*lines: Json | str) -> bytes:
    return "".join(
        f"{line if isinstance(line, str) else compact(line)}\n" for line in lines
    ).encode()


def compact(value: Any) -> str:
    """As the service writes it."""
    return json.dumps(value, separators=(",", ":"))


def told(*lines: Json | str) -> list[Event]:
    """All events, one line a feed, so that problems come after what was told before them."""
    decoding = decoder()
    fed = [event for line in lines for event in decoding.feed(encode(line))]
    return coalesce([*fed, *decoding.finish()])


def text(*lines: Json | str) -> str:
    """What a reader sees live, less the Done."""
    return "".join(event.text for event in told(*lines) if isinstance(event, Text))


def reply(*lines: Json | str) -> Reply:
    return fold(told(*lines))


def final(*lines: Json | str) -> str:
    return "".join(part.text for part in reply(*lines).parts if isinstance(part, Text))


def start(*steps: Json) -> Json:
    return {"type": "patch-start", "data": {"s": [*steps]}, "version": 1}


def sync(*steps: Json) -> Json:
    return {"type": "patch-sync", "data": {"s": [*steps]}, "version": 1}


def patch(*ops: tuple[str, str] | tuple[str, str, Any]) -> Json:
    return {"type": "patch", "v": [dict(zip("opv", op, strict=False)) for op in ops]}


def entry(content: str, type: str = "text", **more: Any) -> Json:
    return {"type": type, "content": content, **more}


def inference(*entries: Json, id: str = "i1", **more: Any) -> Json:
    return {"id": id, "type": "agent-inference", "value": [*entries], **more}


def tool(id: str = "t1", **more: Any) -> Json:
    return {"id": id, "type": "agent-tool-result", "toolCallId": "toolu_1", **more}


def record_map(*, messages: Sequence[Json] = (), outcome: Json | None = None) -> Json:
    threads = {"T": {"value": {"value": {"data": {"last_turn_outcome": outcome}}}}}
    rows = {str(n): {"value": {"value": message}} for n, message in enumerate(messages)}
    return {"type": "record-map", "recordMap": {"thread": threads, "thread_message": rows}}


CONTENT = "/s/0/value/0/content"
IMAGE = "/s/0/value/1/content"
FINISHED = ("a", "/s/0/finishedAt", 1)
BEGUN = (start(), patch(("a", "/s/-", inference(entry("")))))
CALL = entry("{}", "tool_use", id="toolu_1")
HELLO = inference(entry("Hello"))
FULL = inference(entry("Hello"), finishedAt=1)


def growing(*ops: tuple[str, str] | tuple[str, str, Any]) -> Sequence[Json]:
    """A stream of one text entry that is changed by `ops` and finished."""
    return (*BEGUN, patch(*ops), patch(FINISHED))


def chat(value: str, type: str = "markdown-chat", id: str = "c1") -> Json:
    return {"type": type, "id": id, "value": value}
