"""The body of a Messages request into a Turn."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Literal

from msgspec import Struct

from ...errors import BadRequest, ThreadNotFound, ThreadUnsupported
from ...fields import Node
from ...turn import EFFORTS, Effort, JsonOutput, Limits, Message, Search, Turn
from ..ignored import Ignored
from ..searching import searched
from .content import parts, texts
from .tools import choice_of, tools_of

_USED = frozenset({
    "model", "messages", "system", "tools", "tool_choice", "max_tokens", "stop_sequences",
    "stream", "thinking", "output_config", "output_format", "metadata",
    "cache_control", "thread",
})  # fmt: skip
_MESSAGE = frozenset({"role", "content", "output_config"})
_Role = Literal["system", "user", "assistant"]
_ROLES: tuple[_Role, ...] = ("user", "assistant", "system")


_THINKING = frozenset({"enabled", "adaptive", "disabled"})


class Reasoning(Enum):
    """What the client wants to see of the model's thinking."""

    HIDDEN = "hidden"
    SIGNED = "signed"  # no text, only a signature to send back
    SHOWN = "shown"


class Request(Struct, frozen=True):
    turn: Turn
    stream: bool
    reasoning: Reasoning
    ignored: tuple[str, ...]


def read(body: bytes, headers: Mapping[str, str], *, counting: bool = False) -> Request:
    """Raises BadRequest, ThreadUnsupported and ThreadNotFound.

    `counting` is for count_tokens, whose body needs no `max_tokens` and may end anywhere.
    """
    root = Node.parse(body)
    _refuse_threads(root["thread"])
    ignored = Ignored()
    ignored.extras(root, _USED)
    config, thinking = root["output_config"].or_empty(), root["thinking"].or_empty()
    if config.value:
        ignored.extras(config, {"effort", "format"}, within="output_config")
    if thinking.value:
        ignored.extras(thinking, {"type", "display"}, within="thinking")
    if (kind := thinking["type"].text("disabled")) not in _THINKING:
        ignored.note("thinking.type", kind)
    tools, search = tools_of(root, ignored)
    choice = choice_of(root, tools)
    search = Search() if choice.mode == "none" else search
    turn = Turn(
        model=root["model"].text(""),
        messages=_messages(root["messages"], ignored, counting=counting),
        system=_system(root["system"], ignored),
        tools=tools,
        tool_choice=choice,
        output=_output(root, config),
        limits=_limits(root, counting=counting),
        effort=_effort(root, config, thinking),
        search=searched(search, headers),
        citations="typed" if search.web else "",
        conversation=_conversation(root, headers, ignored),
    )
    return Request(turn, root["stream"].flag(), _reasoning(thinking), ignored.names())


def _refuse_threads(thread: Node) -> None:
    """A thread lives at the vendor: the client sends only what is new, and the rest is nowhere."""
    if thread.missing:
        return
    message = "conversations are not kept here; send the whole conversation"
    if thread["type"].text("") == "continue":
        raise ThreadNotFound(message, field=thread.path)
    raise ThreadUnsupported(message, field=thread.path)


def _messages(node: Node, ignored: Ignored, *, counting: bool) -> tuple[Message, ...]:
    """Messages in their order; empty ones are left out."""
    messages = tuple(m for each in node.each() for m in _message(each, ignored))
    if not any(m.role == "user" for m in messages):
        raise node.fail("expected at least one user message with content")
    if messages[-1].role == "assistant" and not counting:
        raise node.fail(
            "the last message is the assistant's, and an answer cannot be continued here; "
            "end with a user message"
        )
    return messages


def _message(node: Node, ignored: Ignored) -> Iterator[Message]:
    ignored.extras(node, _MESSAGE, within="messages[]")
    role = node["role"].one_of(_ROLES)
    content = node["content"]
    if role == "system" and content.missing:
        return  # it came for its output_config
    found = parts(content, role, ignored)
    if found:
        yield Message(role, found)


def _system(node: Node, ignored: Ignored) -> str:
    return "" if node.missing else "\n\n".join(texts(node, ignored))


def _output(root: Node, config: Node) -> JsonOutput | None:
    """`output_format` is what `output_config.format` was called before."""
    node = root["output_format"] if config["format"].missing else config["format"]
    if node.missing:
        return None
    node["type"].one_of(("json_schema",))
    wanted = node["schema"]
    return JsonOutput(wanted.encodable(), strict=True, path=wanted.path)


def _limits(root: Node, *, counting: bool) -> Limits:
    most = root["max_tokens"].integer(least=1)
    if most is None and not counting:
        raise root["max_tokens"].expected("a whole number")
    stop = tuple([each.text() for each in root["stop_sequences"].each()])
    return Limits(most, stop)


def _effort(root: Node, config: Node, thinking: Node) -> Effort:
    """The newest effort that was asked for in words; else "none" where thinking is off.

    A budget of thinking tokens is no effort: what it would come to differs by model.
    """
    messages = [m for m in root["messages"].each() if "output_config" in m.object()]
    said: Effort = ""
    for settings in (config, *[m["output_config"].or_empty() for m in messages]):
        effort = settings["effort"]
        said = said if effort.missing else effort.one_of(EFFORTS)
    if said:
        return said
    return "none" if thinking["type"].text("") == "disabled" else ""


def _reasoning(thinking: Node) -> Reasoning:
    if thinking["type"].text("disabled") == "disabled":
        return Reasoning.HIDDEN
    return Reasoning.SIGNED if thinking["display"].text("") == "omitted" else Reasoning.SHOWN


def _conversation(root: Node, headers: Mapping[str, str], ignored: Ignored) -> str:
    """What stays the same over the requests of one session."""
    metadata = root["metadata"]
    session = "" if metadata.missing else _user_session(metadata, ignored)
    return (
        headers.get("x-claude-code-session-id")
        or session
        or headers.get("x-session-affinity")
        or headers.get("x-session-id")
        or ""
    )


def _user_session(metadata: Node, ignored: Ignored) -> str:
    ignored.extras(metadata, {"user_id"}, within="metadata")
    user = metadata["user_id"].text("")
    session = _session(user) if user else ""
    if user and not session:
        ignored.note("metadata.user_id")
    return session


def _session(user: str) -> str:
    """Claude Code packs JSON into `metadata.user_id`; other clients put any text there."""
    try:
        packed: Any = Node.parse(user.encode())["session_id"].value
    except BadRequest:
        return ""
    return packed if isinstance(packed, str) else ""
