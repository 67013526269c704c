"""The tools, marks and ways of feeding that the bridge's tests share."""

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from notion_manager.bridge.calls import Policy
from notion_manager.bridge.marks import Marks
from notion_manager.bridge.offer import Offer
from notion_manager.bridge.parser import Parser
from notion_manager.turn import FreeformTool, Piece, Text, Tool, ToolCall, coalesce


def schema(required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


TEXT = {"type": "string"}
TODO = schema(
    ("content", "status"),
    content=TEXT,
    status={"enum": ["pending", "in_progress", "completed"]},
    activeForm=TEXT,
)
TOOLS = (
    Tool(
        "Read", "Reads a file.", schema(("file_path",), file_path=TEXT, limit={"type": "integer"})
    ),
    Tool(
        "Edit",
        "Edits a file.",
        schema(
            ("file_path", "old_string", "new_string"),
            file_path=TEXT,
            old_string=TEXT,
            new_string=TEXT,
            replace_all={"type": "boolean", "default": False},
        ),
    ),
    Tool("Write", "Writes a file.", schema(("file_path", "content"), file_path=TEXT, content=TEXT)),
    Tool("Bash", "Runs a command.", schema(("command",), command=TEXT, timeout={"type": "number"})),
    Tool("TodoWrite", "Keeps a list.", schema(("todos",), todos={"type": "array", "items": TODO})),
    Tool("TaskList", "Lists tasks.", schema()),
    Tool(
        "Set",
        "Sets all kinds of values.",
        schema(
            (),
            mode={"type": "string", "enum": ["fast", "very slow"]},
            level={"type": "integer"},
            ratio={"type": "number"},
            on={"type": "boolean"},
            note={"type": ["string", "null"]},
            tags={"type": "array", "items": TEXT},
            free={},
        ),
    ),
    Tool("mcp__github__create_issue", "Opens an issue.", schema(("title",), title=TEXT)),
    Tool("spawn", "Starts an agent.", schema(("prompt",), prompt=TEXT), namespace="agents"),
    FreeformTool("apply_patch", "Applies a patch."),
)
MARKS = Marks("amber")
OFFER = Offer(TOOLS)


def parser(policy: Policy = Policy(), offer: Offer = OFFER) -> Parser:
    return Parser(MARKS, offer, policy, lambda number: f"call_{number}")


def fed(parser: Parser, texts: Iterable[str]) -> list[Piece]:
    """All that came of the texts, neighbours joined."""
    pieces: list[Piece] = []
    for text in texts:
        if parser.stopped:
            break
        pieces += parser.feed(text)
    pieces += parser.finish()
    return [p for p in coalesce(pieces) if isinstance(p, Text | ToolCall)]


def parsed(text: str, policy: Policy = Policy()) -> list[Piece]:
    return fed(parser(policy), [text])


def cuts(text: str, places: Iterable[int]) -> list[str]:
    bounds = [0, *sorted({p for p in places if 0 < p < len(text)}), len(text)]
    return [text[a:b] for a, b in pairwise(bounds)]


def plain(piece: Piece) -> Any:
    """A piece as JSON has it: a text, or a call's name and arguments."""
    if isinstance(piece, Text):
        return piece.text
    assert isinstance(piece, ToolCall)
    name = f"{piece.namespace}.{piece.name}" if piece.namespace else piece.name
    if piece.freeform:
        return {"free": name, "input": piece.arguments}
    try:
        return {"call": name, "arguments": json.loads(piece.arguments)}
    except ValueError:
        return {"open": name, "arguments": piece.arguments}
