"""A turn with tools, and what it is lowered to."""

from typing import Any

from msgspec.structs import replace
from toolkit import TOOLS

from notion_manager.bridge import Lowered, lower
from notion_manager.turn import Message, Text, ToolCall, Turn

HI = Message("user", (Text("hi"),))
ASK = Turn("m", (HI,), system="You help.", tools=TOOLS)
CALL = Message("assistant", (ToolCall("1", "Read", '{"file_path":"a"}'),))


def lowered(turn: Turn = ASK, **more: Any) -> Lowered:
    found = lower(replace(turn, **more))
    assert found is not None
    return found
