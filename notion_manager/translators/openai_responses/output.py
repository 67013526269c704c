"""Output items: what a finished or a just opened part of the answer looks like."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from ...turn import Found, Piece, Stop, Text, Thinking, ToolCall, Usage
from ..citing import Citing
from .reasoning import seal
from .request import View
from .shells import item_of

# Why an answer is incomplete; stops that are not here complete it.
INCOMPLETE = {Stop.LENGTH: "max_output_tokens", Stop.REFUSAL: "content_filter"}


class Shape(Struct, frozen=True):
    """How items of one kind stream. The words are stems of event types; "" where there is none.

    `key` is where the whole text stands in the event that ends it; `place` is the index that such
    an item's events carry besides that of the item.
    """

    prefix: str
    text: str = ""
    key: str = "text"
    part: str = ""
    place: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


_MESSAGE = Shape(
    "msg",
    "response.output_text",
    part="response.content_part",
    place="content_index",
    extra={"logprobs": []},
)
_SUMMARY = Shape(
    "rs",
    "response.reasoning_summary_text",
    part="response.reasoning_summary_part",
    place="summary_index",
)
_HIDDEN = Shape("rs")
_FUNCTION = Shape("fc", "response.function_call_arguments", "arguments")
_FREEFORM = Shape("ctc", "response.custom_tool_call_input", "input")
_SHELL = Shape("sh")  # it comes whole
_SEARCH = Shape("ws")


def shape(piece: Piece, view: View) -> Shape:
    match piece:
        case Text():
            return _MESSAGE
        case Thinking():
            return _SUMMARY if view.summaries else _HIDDEN
        case Found():
            return _SEARCH
        case ToolCall() if _is_shell(piece, view):
            return _SHELL
        case ToolCall():
            return _FREEFORM if piece.freeform else _FUNCTION


def grouped(parts: Sequence[Piece]) -> Sequence[Sequence[Piece]]:
    """By the items they are in: citations part texts, but not items."""
    groups: list[list[Piece]] = []
    for piece in parts:
        if groups and isinstance(piece, Text) and isinstance(groups[-1][-1], Text):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def part(piece: Text | Thinking, text: str, cited: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The one part of such an item, saying `text`."""
    if isinstance(piece, Thinking):
        return {"type": "summary_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": cited, "logprobs": []}


def annotations(pieces: Sequence[Piece]) -> list[dict[str, Any]]:
    citing, texts = Citing(), (piece for piece in pieces if isinstance(piece, Text))
    return [url_citation(cited) for text in texts for cited in citing.feed(text)]


def url_citation(cited: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "url_citation", **cited}


def item_id(piece: Piece, exchange: str, index: int, view: View) -> str:
    return f"{shape(piece, view).prefix}_{exchange}_{index}"


class Finished(Struct, frozen=True):
    """An item as it was sent, and as a later request may refer to it.

    They differ in reasoning that was hidden: what is remembered holds it, sealed.
    """

    item: Mapping[str, Any]
    remembered: Mapping[str, Any]


def finished(
    piece: Piece, id: str, status: str, view: View, cited: Sequence[Mapping[str, Any]]
) -> Finished:
    """The whole item that a joined piece spells."""
    item = _item(piece, id, status, view, cited)
    if isinstance(piece, Thinking):
        return Finished(item, {**item, "encrypted_content": seal(piece)})
    return Finished(item, item)


def opening(first: Piece, id: str, view: View) -> dict[str, Any]:
    """The item before any of it is there."""
    item = _item(first, id, "in_progress", View(shells=view.shells), ())
    match first:
        case Text():
            return {**item, "content": []}
        case ToolCall() if not _is_shell(first, view):
            return {**item, _argument(first): ""}
        case _:
            return item


def usage(given: Usage) -> dict[str, Any]:
    """Always complete: Codex takes a partial one for a broken stream, and compacts by its sum."""
    return {
        "input_tokens": given.input,
        "input_tokens_details": {
            "cached_tokens": given.cached,
            "cache_write_tokens": given.cache_written,
        },
        "output_tokens": given.output,
        "output_tokens_details": {"reasoning_tokens": given.thinking},
        "total_tokens": given.input + given.output,
    }


def _item(
    piece: Piece, id: str, status: str, view: View, cited: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    item: dict[str, Any] = {"id": id, "status": status}
    match piece:
        case Text(text):
            item |= {"type": "message", "role": "assistant", "content": [part(piece, text, cited)]}
        case Thinking(text):
            summary = [part(piece, text, ())] if view.summaries else []
            item |= {"type": "reasoning", "summary": summary}
            item |= {"encrypted_content": seal(piece)} if view.sealed else {}
        case Found():
            item |= {"type": "web_search_call", "action": _action(piece, view)}
        case ToolCall() if _is_shell(piece, view):
            item |= {"call_id": piece.id, **item_of(piece)}
        case ToolCall():
            kind = "custom_tool_call" if piece.freeform else "function_call"
            item |= {"type": kind, "call_id": piece.id, "name": piece.name}
            item |= {"namespace": piece.namespace} if piece.namespace else {}
            item |= {_argument(piece): piece.arguments}
    return item


def _action(found: Found, view: View) -> dict[str, Any]:
    sources = [{"type": "url", "url": source.url} for source in found.sources]
    action = {"type": "search", "query": "; ".join(found.queries), "queries": list(found.queries)}
    return {**action, "sources": sources} if view.sources else action


def _is_shell(call: ToolCall, view: View) -> bool:
    return not call.namespace and call.name in view.shells


def _argument(call: ToolCall) -> str:
    return "input" if call.freeform else "arguments"
