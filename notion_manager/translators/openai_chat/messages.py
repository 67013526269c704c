"""Chat's messages to ours: the instructions that open the conversation, and what follows."""

from collections.abc import Iterable, Iterator
from itertools import groupby, takewhile

from ...errors import Unsupported
from ...fields import Node
from ...turn import File, FileLink, Message, Part, Text, Thinking, ToolCall, ToolResult
from ..ignored import Ignored
from .attachments import document, image

_Content = Text | File | FileLink
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_KNOWN = frozenset(
    {
        "role",
        "content",
        "refusal",
        "reasoning_content",
        "reasoning",
        "tool_calls",
        "tool_call_id",
        "function_call",
        "annotations",  # of earlier answers, as are the next two: nothing to pass on
        "audio",
        "parsed",
    }
)
_REASONING = ("reasoning_content", "reasoning")  # clients agree on no one name
_SPOKEN = ("text", "refusal")
_ATTACHED = {"image_url": image, "file": document}


def conversation(messages: Node, ignored: Ignored) -> tuple[str, tuple[Message, ...]]:
    """The opening instructions, joined by blank lines, and every message after them.

    Later instructions stay where they stand, and so does the last of a conversation that holds
    nothing else. Empty messages are left out. Raises BadRequest where there is nothing to answer.
    """
    said = tuple(_together(_read(messages, ignored)))
    if not said:
        raise messages.fail("must not be empty; add a message for the model to answer")
    if said[-1].role == "assistant":
        raise messages.fail("the assistant spoke last; end with a user or tool message")
    opening = tuple(takewhile(_instructs, said[:-1]))
    system = "\n\n".join(p.text for m in opening for p in m.parts if isinstance(p, Text))
    return system, said[len(opening) :]


def _instructs(message: Message) -> bool:
    return message.role == "system" and all(isinstance(p, Text) for p in message.parts)


def _read(messages: Node, ignored: Ignored) -> Iterator[Message]:
    for place, node in enumerate(messages.each()):
        ignored.extras(node, _KNOWN, within="messages[]")
        message = _message(node, place)
        if message.parts:
            yield message


def _together(messages: Iterable[Message]) -> Iterator[Message]:
    """Results of parallel calls stand in one message, as one answer to the one that called."""
    for results, run in groupby(messages, key=_reports):
        if results:
            yield Message("user", tuple(part for message in run for part in message.parts))
        else:
            yield from run


def _reports(message: Message) -> bool:
    return isinstance(message.parts[0], ToolResult)


def _message(node: Node, place: int) -> Message:
    content = tuple(_content(node["content"]))
    match node["role"].one_of(_ROLES):
        case "system" | "developer":
            return Message("system", content)
        case "assistant":
            return Message("assistant", tuple(_said(node, content, place)))
        case "tool":
            return Message("user", (ToolResult(node["tool_call_id"].text(), content),))
        case "function":
            return Message("user", (ToolResult(_legacy_id(place - 1), content),))
        case _:
            return Message("user", content)


def _content(content: Node) -> Iterator[_Content]:
    if content.is_text():
        parts: Iterator[_Content] = iter([Text(content.text())])
    elif content.missing or isinstance(content.value, list):
        parts = map(_part, content.each())
    else:
        raise content.expected("a string or a list")
    return (part for part in parts if part != Text(""))


def _part(part: Node) -> _Content:
    kind = part["type"].text()
    if kind in _SPOKEN:
        return Text(part[kind].text(""))
    if kind in _ATTACHED:
        return _ATTACHED[kind](part)
    raise Unsupported(f"a part of type {kind[:64]!r} cannot be passed on", field=part.path)


def _said(node: Node, content: Iterable[_Content], place: int) -> Iterator[Part]:
    """What an assistant thought, said and called, in this order."""
    thoughts = (node[key] for key in _REASONING)
    thought = next((n.text() for n in thoughts if n.is_text() and n.value), "")
    if thought:
        yield Thinking(thought)
    yield from content
    if refusal := node["refusal"].text(""):
        yield Text(refusal)
    yield from map(_call, node["tool_calls"].each())
    legacy = node["function_call"]
    if not legacy.missing:
        yield ToolCall(_legacy_id(place), legacy["name"].text(), legacy["arguments"].text(""))


def _call(call: Node) -> ToolCall:
    kind = call["type"].one_of(("function", "custom"), "function")
    what, id = call[kind], call["id"].text()
    if kind == "custom":
        return ToolCall(id, what["name"].text(), what["input"].text(""), freeform=True)
    return ToolCall(id, what["name"].text(), what["arguments"].text(""))


def _legacy_id(place: int) -> str:
    """Before calls had ids, a function's result stood right after its call."""
    return f"call_{place}"
