"""Turns with tools over scripted upstreams: what the tests of the bridge in the gateway share."""

import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from msgspec.structs import replace

from notion_manager.bridge import lower
from notion_manager.bridging import Bridge
from notion_manager.gateway import Answer, Gateway
from notion_manager.turn import (
    Event,
    Message,
    Reply,
    Text,
    Tool,
    ToolCall,
    Turn,
    fold,
)
from tests.scripted import Scripted, Step, gateway

PATH = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
READ = Tool("Read", "Reads a file.", PATH)
STRICT = replace(READ, strict=True)
ASK = Turn("opus-4.6", (Message("user", (Text("hi"),)),), tools=(READ,))
AGE = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


def block(turn: Turn, name: str = "Read", **arguments: str) -> str:
    """A call as the model was asked to write it."""
    lowered = lower(turn)
    assert lowered is not None
    assert lowered.marks is not None
    call, arg = lowered.marks.call, lowered.marks.arg
    lines = [f'<{arg} name="{key}">{value}</{arg}>' for key, value in arguments.items()]
    return "\n".join([f'<{call} name="{name}">', *lines, f"</{call}>"])


def opened(gate: Gateway, turn: Turn, *, live: bool = True) -> AbstractAsyncContextManager[Answer]:
    bridge = Bridge(gate)
    return bridge.open(bridge.read(turn), live=live)


async def read(gate: Gateway, turn: Turn = ASK) -> Reply:
    events: list[Event] = []
    async with opened(gate, turn) as answer:
        async for batch in answer.batches():
            events += batch
    return fold(events)


def over(*scripts: Sequence[Step]) -> tuple[Gateway, Scripted]:
    upstream = Scripted(*scripts)
    return gateway({"a": upstream}), upstream


def calls(reply: Reply) -> list[tuple[str, Any]]:
    return [(p.name, json.loads(p.arguments)) for p in reply.parts if isinstance(p, ToolCall)]


def texts(reply: Reply) -> list[str]:
    return [p.text for p in reply.parts if isinstance(p, Text)]


CALL = block(ASK, path="a.py")
