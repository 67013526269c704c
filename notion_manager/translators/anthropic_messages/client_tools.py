"""Anthropic's own tools that the client runs, such as its shell and its editor.

A client sends their names alone, since the vendor's models know the rest; Notion's are told it
here. Sources: the vendor's documentation and SDK; `insert_text`: issue 1155 of the Python SDK.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ...fields import Node
from ...turn import Tool

_TEXT = {"type": "string"}
_RANGE = {
    "type": "array",
    "items": {"type": "integer"},
    "minItems": 2,
    "maxItems": 2,
    "description": "for view: first and last line, counted from 1; -1 for the end of the file",
}
_LINE = {"type": "integer", "minimum": 0, "description": "for insert: the line after which; 0: top"}


def _schema(required: Sequence[str], **properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _about(what: str) -> Mapping[str, Any]:
    return {**_TEXT, "description": what}


def _commands(*names: str) -> Mapping[str, Any]:
    return {"type": "string", "enum": list(names)}


_FILES = ("view", "create", "str_replace", "insert")
_FILE = {
    "path": _TEXT,
    "file_text": _about("for create: the whole file"),
    "old_str": _about("for str_replace: text that stands there exactly once"),
    "new_str": _about("for str_replace: what to put in its place"),
    "insert_line": _LINE,
    "insert_text": _about("for insert: the text"),
    "view_range": _RANGE,
}
_BASH = (
    "Runs a command in a bash session on the user's machine. The session is kept between calls.",
    _schema((), command=_TEXT, restart={"type": "boolean", "description": "begin a new session"}),
)
_EDITOR = (
    "Views, creates and edits text files on the user's machine. A directory can be viewed too."
)
_COMMAND = ("command", "path")
_NEWER_EDITOR = _EDITOR, _schema(_COMMAND, command=_commands(*_FILES), **_FILE)
_INSERTED = {"new_str": _about("for str_replace: what to put in its place; for insert: the text")}
_OLDER = {name: about for name, about in _FILE.items() if name != "insert_text"} | _INSERTED
_OLDER_EDITOR = _EDITOR, _schema(_COMMAND, command=_commands(*_FILES, "undo_edit"), **_OLDER)
_MEMORY = (
    "Keeps notes for later conversations, as text files below /memories. Look there before a task.",
    _schema(
        ("command",),
        command=_commands(*_FILES, "delete", "rename"),
        **_FILE,
        old_path=_about("for rename: from"),
        new_path=_about("for rename: to"),
    ),
)
_KNOWN: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "bash_2": ("bash", *_BASH),
    "text_editor_20241022": ("str_replace_editor", *_OLDER_EDITOR),
    "text_editor_20250124": ("str_replace_editor", *_OLDER_EDITOR),
    "text_editor_2": ("str_replace_based_edit_tool", *_NEWER_EDITOR),
    "memory_2": ("memory", *_MEMORY),
}


def client_tool(node: Node) -> Tool | None:
    """The tool that the client means; None where only the vendor could run it, or is not known."""
    kind = node["type"].text()
    for beginning, (name, description, schema) in _KNOWN.items():
        if kind.startswith(beginning):
            return Tool(
                node["name"].text(name),
                description,
                schema,
                strict=node["strict"].flag(),
                deferred=node["defer_loading"].flag(),
            )
    return None
