"""OpenAI's own shell tools: the client runs them, so they are offered like any other tool.

What the model calls comes back as the items that such a client waits for.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from ...fields import Node
from ...turn import Tool, ToolCall
from .content import spelled

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 0}
_TEXTS = {"type": "array", "items": _TEXT}
_LOCAL = Tool(
    "local_shell",
    "Runs a command on the user's machine.",
    {
        "type": "object",
        "properties": {
            "command": {**_TEXTS, "description": "The program and its arguments"},
            "working_directory": _TEXT,
            "env": {"type": "object", "additionalProperties": _TEXT},
            "timeout_ms": _NUMBER,
        },
        "required": ["command"],
        "additionalProperties": False,
    },
)
_SHELL = Tool(
    "shell",
    "Runs commands in a shell on the user's machine.",
    {
        "type": "object",
        "properties": {
            "commands": {**_TEXTS, "description": "Command lines"},
            "timeout_ms": _NUMBER,
            "max_output_length": _NUMBER,
        },
        "required": ["commands"],
        "additionalProperties": False,
    },
)
SHELLS = (_LOCAL, _SHELL)
_BLANK: Mapping[str, Mapping[str, Any]] = {
    _LOCAL.name: {"type": "exec", "command": [], "env": {}},
    _SHELL.name: {"commands": []},
}
_UNSAID: tuple[Any, ...] = (None, {})


def shell_of(tool: Node) -> Tool | None:
    """The shell that a tool stands for; None where it is none, or one that OpenAI would run."""
    match tool["type"].value:
        case "local_shell":
            return _LOCAL
        case "shell" if tool["environment"].missing:
            return _SHELL
        case "shell" if tool["environment"]["type"].value == "local":
            return _SHELL
        case _:
            return None


def item_of(call: ToolCall) -> dict[str, Any]:
    """The kind and the action of a call of a shell, as its item has them.

    A call that was cut has done nothing yet, and so its action is empty.
    """
    try:
        given = orjson.loads(call.arguments)
    except orjson.JSONDecodeError:
        given = {}
    return {"type": f"{call.name}_call", "action": {**_BLANK[call.name], **given}}


def arguments_of(action: Node) -> str:
    """What the model wrote of an action that comes back: less what any has, and what is null."""
    if not isinstance(action.value, dict):
        return spelled(action)
    said = {k: v for k, v in action.object().items() if k != "type" and v not in _UNSAID}
    return Node(said, action.step, action.above).json()
