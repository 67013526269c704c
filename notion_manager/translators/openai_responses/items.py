"""Input items: an item a message, and then neighbours of one side joined."""

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any, Literal

from ...fields import Node
from ...turn import (
    File,
    FileLink,
    Found,
    Message,
    Part,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from ..ignored import Ignored
from .content import content, spelled
from .reasoning import unseal
from .shells import arguments_of

Recall = Callable[[str], Mapping[str, Any] | None]

_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}
# What a call's tool is named, where the item itself does not say, and where its arguments are.
_CALLS = {
    "function_call": ("", "arguments"),
    "custom_tool_call": ("", "input"),
    "local_shell_call": ("local_shell", "action"),
    "shell_call": ("shell", "action"),
    "apply_patch_call": ("apply_patch", "operation"),
}
# Where the id of the answered call is: the local shell's result carries it as its own.
_RESULTS = {
    "function_call_output": "call_id",
    "custom_tool_call_output": "call_id",
    "local_shell_call_output": "id",
    "shell_call_output": "call_id",
    "apply_patch_call_output": "call_id",
}


def messages(given: Node, recall: Recall, ignored: Ignored) -> list[Message]:
    """The conversation in `input`, a message an item.

    Items of unknown kinds, and references to items that nobody remembers, are left out and named in
    `ignored`. Raises BadRequest and Unsupported with the path of the item.
    """
    if given.is_text():
        return [Message("user", (Text(given.text()),))]
    if given.missing:
        raise given.expected("a string or a list")
    found = (_message(item, recall, ignored) for item in given.each())
    return [message for message in found if message and message.parts]


def tools(given: Node) -> list[Node]:
    """The tools that came as an item instead of in the field of that name."""
    if given.is_text():
        return []
    return [
        tool
        for item in given.each()
        if item["type"].value == "additional_tools"
        for tool in item["tools"].each()
    ]


def leading(found: Iterable[Message]) -> tuple[list[str], list[Message]]:
    """The texts of the system messages that open the conversation, and the rest of it."""
    texts: list[str] = []
    rest: list[Message] = []
    for message in found:
        spoken = [p.text for p in message.parts if isinstance(p, Text)]
        if rest or message.role != "system" or len(spoken) != len(message.parts):
            rest.append(message)
        else:
            texts += spoken
    return texts, rest


def merged(found: Iterable[Message]) -> tuple[Message, ...]:
    """Neighbours of one side as one message: a call and the words before it are one reply."""
    runs = [list(run) for _, run in groupby(found, key=lambda message: message.role)]
    return tuple(Message(run[0].role, tuple(p for m in run for p in m.parts)) for run in runs)


def _message(item: Node, recall: Recall, ignored: Ignored) -> Message | None:
    kind = _kind(item)
    match kind:
        case "message":
            role = _ROLES[item["role"].one_of(_ROLES)]
            return Message(role, content(item["content"], ignored))
        case "item_reference":
            remembered = recall(item["id"].text())
            if remembered is not None:
                return _message(Node(dict(remembered), item.path), recall, ignored)
            ignored.note(item.path, kind)
            return None
        case _ if kind in _RESULTS:
            return Message("user", (_result(item, kind, ignored),))
        case _:
            return Message("assistant", _said(item, kind, ignored))


def _said(item: Node, kind: str, ignored: Ignored) -> tuple[Part, ...]:
    """What the model did besides talking."""
    match kind:
        case "reasoning":
            return _thinking(item, ignored)
        case "web_search_call":
            return (_search(item["action"].or_empty()),)
        case "additional_tools":
            return ()  # read by `tools`
        case _ if kind in _CALLS:
            return (_call(item, kind),)
        case _:
            ignored.note(item.path, kind)
            return ()


def _kind(item: Node) -> str:
    """An item may leave its type out: one with a role is a message, a bare id a reference."""
    if not item["type"].missing:
        return item["type"].text()
    if item["role"].missing and not item["id"].missing:
        return "item_reference"
    return "message"


def _call(item: Node, kind: str) -> ToolCall:
    name, key = _CALLS[kind]
    given, written = item[key], arguments_of if key == "action" else spelled
    return ToolCall(
        id=item["call_id"].text(),
        name=name or item["name"].text(),
        arguments="" if given.missing else written(given),
        namespace=item["namespace"].text(""),
        freeform=kind == "custom_tool_call",
    )


def _search(action: Node) -> Found:
    """Of what was found only addresses were told, if those."""
    asked = [query.text() for query in action["queries"].each()] or [action["query"].text("")]
    pages = (Source(source["url"].text("")) for source in action["sources"].each())
    return Found(tuple(filter(None, asked)), tuple(pages))


def _result(item: Node, kind: str, ignored: Ignored) -> ToolResult:
    given = item["call_id"]
    call = item[_RESULTS[kind]] if given.missing else given
    return ToolResult(
        call_id=call.text(),
        parts=_output(item["output"], ignored),
        failed=item["status"].value == "failed",
    )


def _output(node: Node, ignored: Ignored) -> tuple[Text | File | FileLink, ...]:
    """A string, a list of parts, or what only its own tool understands: then its JSON."""
    if node.missing:
        return ()
    if not node.is_text() and any(_untyped(entry.value) for entry in node.each()):
        return (Text(spelled(node)),)
    return content(node, ignored)


def _untyped(entry: Any) -> bool:
    return isinstance(entry, dict) and "type" not in entry


def _thinking(item: Node, ignored: Ignored) -> tuple[Part, ...]:
    """Our own seal holds the whole; else what can be read is the summary, or the content."""
    sealed = item["encrypted_content"]
    ours = None if sealed.missing else unseal(sealed.text())
    if ours is not None:
        return (ours,)
    if not sealed.missing:
        ignored.note(sealed.path)
    texts = [_plain(part) for part in item["summary"].each()]
    texts = texts or [_plain(part) for part in item["content"].each()]
    return (Thinking("\n\n".join(texts)),) if any(texts) else ()


def _plain(part: Node) -> str:
    return part["text"].text("")
