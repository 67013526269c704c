"""What the upstream cannot do by itself, written into its prompt and read back from its text.

Tools of the client's own, structured output, stop sequences and limits. Pure: `lower` gives a turn
of plain text, and a `Lift` turns the events of its answer into those that the client asked for.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from ..errors import BadRequest
from ..turn import (
    File,
    JsonOutput,
    Limits,
    Message,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from . import documents, history, lapses, prompt
from .calls import Policy
from .lift import Lift, Lowered
from .marks import choose
from .offer import Offer, written
from .schemas import type_of
from .validation import BadSchema, Validator

__all__ = ["Lift", "Lowered", "lower"]


def lower(turn: Turn, salt: bytes = b"") -> Lowered | None:
    """The turn in plain text; None where it asks for nothing that the upstream does not know.

    `salt` is secret and stays the same: the words of the tags depend on it. Raises BadRequest for a
    schema that promises what cannot be checked.
    """
    calling = bool(turn.tools) or _has_calls(turn)
    if not calling and turn.output is None:  # the commonest, so the shortest way
        if turn.limits == _NONE:
            return None
        return Lowered(replace(turn, limits=_NONE), _NO_TOOLS, limits=turn.limits)
    _check(turn)
    plain = replace(turn, tools=(), tool_choice=ToolChoice(), output=None, limits=_NONE)
    if not calling:
        closed = _closed(plain, turn.output, "")
        return Lowered(closed, _NO_TOOLS, output=turn.output, limits=turn.limits)
    return _with_tools(turn, plain, Offer(turn.tools), salt)


_BREAK = "\0"  # between texts: nothing that is looked for has it
_NONE = Limits()
_NO_TOOLS = Offer(())


def _with_tools(turn: Turn, plain: Turn, offer: Offer, salt: bytes) -> Lowered:
    choice = turn.tool_choice
    allowed = bool(turn.tools) and choice.mode != "none"
    seen = _BREAK.join(_texts(turn, offer)).lower()
    marks = choose(_head(turn), [seen], salt)
    told = prompt.section(offer, marks) if allowed else prompt.NONE_NOW
    lowered = replace(
        plain,
        verbatim=marks.call,
        system="\n\n".join(filter(None, (turn.system, told))),
        messages=history.rendered(turn.messages, marks, offer),
    )
    only = _only(offer, choice) if allowed else ""
    far = _length(lowered) > prompt.FAR
    closing = prompt.closing(marks, choice, only, far=far) if allowed else ""
    policy = Policy(
        parallel=choice.parallel,
        allowed=allowed,
        only=only,
        required=choice.mode == "required" and allowed,
        checked=frozenset(entry.name for entry in offer.entries if entry.strict),
        lapses=lapses.uncopied(seen),
        doubtful=_may_read_more(turn),
    )
    output = None if policy.required else turn.output  # a call is no document
    last = _closed(lowered, output, closing)
    return Lowered(last, offer, policy, marks, output, turn.limits)


def _may_read_more(turn: Turn) -> bool:
    """Whether the model may have read what nobody here can: found pages, files, results in code."""
    parts = (part for message in turn.messages for part in message.parts)
    read = any(isinstance(part, File | ToolResult) for part in parts)
    return turn.search.web is not False or bool(turn.search.workspace) or read


def _has_calls(turn: Turn) -> bool:
    for message in turn.messages:
        for part in message.parts:
            if isinstance(part, ToolCall | ToolResult):
                return True
    return False


def _check(turn: Turn) -> None:
    for tool in turn.tools:
        if isinstance(tool, Tool) and tool.strict:
            try:
                Validator(tool.schema)
            except BadSchema as exc:
                raise BadRequest(
                    f"the schema of {tool.name[:64]} is not valid: {exc}", field="tools"
                ) from None
    if turn.output is not None and turn.output.schema is not None:
        try:
            Validator(turn.output.schema)
        except BadSchema as exc:
            told = f"the schema of the output is not valid: {exc}"
            raise BadRequest(told, field=turn.output.path) from None


def _head(turn: Turn) -> str:
    """What a conversation begins with, and keeps while it grows."""
    for message in turn.messages:
        if message.role == "user":
            return "\n".join(part.text for part in message.parts if isinstance(part, Text))
    return ""


def _texts(turn: Turn, offer: Offer) -> Iterator[str]:
    """All of the request that the model will see."""
    yield turn.system
    yield from history.texts(turn.messages)
    for entry in offer.entries:
        tool = entry.tool
        yield from (entry.name, tool.name, tool.namespace, tool.description, entry.rules)
    if turn.output is not None and turn.output.schema is not None:
        yield written(turn.output.schema)


def _only(offer: Offer, choice: ToolChoice) -> str:
    """The name of the one tool that must be called, as the model knows it."""
    if not choice.name:
        return ""
    entries = [entry for entry in offer.entries if entry.tool.name == choice.name]
    if not entries:
        told = f"{choice.name[:64]} is not among the tools"
        raise BadRequest(told, field="tool_choice")
    return min(entries, key=lambda entry: bool(entry.tool.namespace)).name


def _length(turn: Turn) -> int:
    texts = (part.text for m in turn.messages for part in m.parts if isinstance(part, Text))
    return len(turn.system) + sum(map(len, texts))


def _closed(turn: Turn, output: JsonOutput | None, closing: str) -> Turn:
    """With what must be said last at the end of the last message."""
    said = [closing]
    if output is not None:
        type = type_of(output.schema) if output.schema is not None else "{[key: string]: any}"
        said.append(documents.instructions(output, type))
    text = "\n\n".join(filter(None, said))
    if not text or not turn.messages:
        return turn
    turn = replace(turn, citations="none" if output is not None else turn.citations)
    *before, last = turn.messages
    if last.role == "user":
        return replace(turn, messages=(*before, replace(last, parts=(*last.parts, Text(text)))))
    if last.role == "assistant":  # refused later, and should be
        return turn
    return replace(turn, messages=(*turn.messages, Message("user", (Text(text),))))
