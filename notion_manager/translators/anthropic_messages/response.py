"""Events into Messages frames, or into one whole message."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from ...blocks import Blocks, Closed, Grown, Opened, Step
from ...errors import Problem, UpstreamBroken
from ...turn import (
    Done,
    Event,
    Found,
    Piece,
    Reply,
    Source,
    Stop,
    Text,
    Thinking,
    ToolCall,
    Usage,
    coalesce,
)
from ...wire import dumps, sse, sse_raw
from .problems import error_body
from .request import Reasoning

PING = sse_raw(b'{"type":"ping"}', "ping")

_STOPS = {
    Stop.END: "end_turn",
    Stop.LENGTH: "max_tokens",
    Stop.SEQUENCE: "stop_sequence",
    Stop.TOOL: "tool_use",
    Stop.REFUSAL: "refusal",
}

# frames, around an index and what orjson made of one string
_START = (
    b"event: content_block_start\n"
    b'data: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
)
_DELTA = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%%d,"delta":{"type":"%b","%b":%%b}}\n\n'
)
_TEXT = _DELTA % (b"text_delta", b"text")
_THINKING = _DELTA % (b"thinking_delta", b"thinking")
_SIGNATURE = _DELTA % (b"signature_delta", b"signature")
_CITATION = _DELTA % (b"citations_delta", b"citation")
_INPUT = _DELTA % (b"input_json_delta", b"partial_json")
_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'


class Answer:
    """One answer, streamed or whole. `id` and `model` are what the message says of itself."""

    def __init__(self, id: str, model: str, reasoning: Reasoning) -> None:
        self._id = id
        self._model = model
        self._reasoning = reasoning
        self._blocks = Blocks(found=2)  # what was asked, and what came of it
        self._called = False
        self._searches = 0

    def start(self, *, input_tokens: int) -> bytes:
        message = self._message([], _end(None), _usage(Usage(input=input_tokens)))
        return sse({"type": "message_start", "message": message}, "message_start")

    def feed(self, events: Sequence[Event]) -> bytes:
        match events:
            case [Text(text) as piece] if text and (at := self._blocks.grow(piece)) is not None:
                return _TEXT % (at, dumps(text))
            case _:
                pass
        return b"".join(self._frames(coalesce(self._visible(events))))

    def fail(self, problem: Problem, request: str) -> bytes:
        """`request` is its id."""
        closing = [self._frame(step) for step in self._blocks.close()]
        return b"".join([*closing, sse_raw(error_body(problem, request), "error")])

    def whole(self, reply: Reply) -> bytes:
        pieces = [p for p in coalesce(self._visible(reply.parts)) if not isinstance(p, Done)]
        cut = reply.done.stop is Stop.LENGTH
        content = list[dict[str, Any]]()
        for piece in pieces:
            self._count(piece)
            content += _whole(piece, self._search_id(len(content)), cut=cut)
        end = _end(reply.done, called=self._called)
        return dumps(self._message(content, end, _usage(reply.done.usage, self._searches)))

    def _visible(self, events: Iterable[Event]) -> Iterator[Event]:
        """What the client wants to see, less the empty; so neighbours may become one part."""
        for event in events:
            match event:
                case Text("", ()):
                    pass
                case Thinking(text, signature):
                    shown = Thinking(text if self._reasoning is Reasoning.SHOWN else "", signature)
                    if self._reasoning is not Reasoning.HIDDEN and (shown.text or signature):
                        yield shown
                case _:
                    yield event

    def _frames(self, events: Iterable[Event]) -> Iterator[bytes]:
        for event in events:
            for step in self._blocks.feed(event):
                yield self._frame(step)
            self._count(event)
            if isinstance(event, Done):
                yield self._finish(event)

    def _count(self, event: Event) -> None:
        self._called = self._called or isinstance(event, ToolCall)
        self._searches += isinstance(event, Found)

    def _search_id(self, index: int) -> str:
        return f"srvtoolu_{self._id.removeprefix('msg_')}_{index}"

    def _frame(self, step: Step) -> bytes:
        match step:
            case Opened(index, first):
                if isinstance(first, Found):
                    return _searched(index, first, self._search_id(index))
                return _START % (index, _opening(first))
            case Grown(index, piece):
                return _growth(index, piece)
            case Closed(index):
                return _STOP % index

    def _finish(self, done: Done) -> bytes:
        delta = _end(done, called=self._called)
        usage = _usage(done.usage, self._searches)
        frame = sse({"type": "message_delta", "delta": delta, "usage": usage}, "message_delta")
        return frame + sse_raw(b'{"type":"message_stop"}', "message_stop")

    def _message(
        self, content: list[dict[str, Any]], end: dict[str, Any], usage: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            **end,
            "usage": usage,
        }


def _end(done: Done | None, *, called: bool = False) -> dict[str, Any]:
    """Why the answer ended. Clients run tools only where it says so."""
    if done is None:
        return {"stop_reason": None, "stop_sequence": None}
    reason = Stop.TOOL if called and done.stop is Stop.END else done.stop
    sequence = done.sequence if reason is Stop.SEQUENCE else ""
    return {"stop_reason": _STOPS[reason], "stop_sequence": sequence or None}


def _usage(usage: Usage, searches: int = 0) -> dict[str, Any]:
    """Anthropic counts what was cached apart from the other input."""
    served = {"web_search_requests": searches, "web_fetch_requests": 0}
    return {
        **({"server_tool_use": served} if searches else {}),
        "input_tokens": max(0, usage.input - usage.cached - usage.cache_written),
        "cache_creation_input_tokens": usage.cache_written,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
    }


def _growth(index: int, piece: Piece) -> bytes:
    match piece:
        case Text(text, cites):
            said = _TEXT % (index, dumps(text)) if text else b""
            return said + b"".join(_CITATION % (index, dumps(_citation(cite))) for cite in cites)
        case Thinking(text, signature):
            shown = _THINKING % (index, dumps(text)) if text else b""
            return shown + (_SIGNATURE % (index, dumps(signature)) if signature else b"")
        case ToolCall(arguments=arguments):
            return _INPUT % (index, dumps(arguments)) if arguments else b""
        case Found():
            return b""


def _searched(index: int, found: Found, id: str) -> bytes:
    """Two blocks, of which the second is still to be closed."""
    use, result = _search_blocks(found, id)
    asked = dumps(use.pop("input")).decode()
    frames = (
        _START % (index, dumps({**use, "input": {}})),
        _INPUT % (index, dumps(asked)),
        _STOP % index,
        _START % (index + 1, dumps(result)),
    )
    return b"".join(frames)


def _search_blocks(found: Found, id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """As the vendor's own search tells of itself. What it encrypts, nobody here can read."""
    asked = {"query": "; ".join(found.queries)}
    use = {"type": "server_tool_use", "id": id, "name": "web_search", "input": asked}
    pages = [
        {"type": "web_search_result", **_page(source), "encrypted_content": "", "page_age": None}
        for source in found.sources
    ]
    return use, {"type": "web_search_tool_result", "tool_use_id": id, "content": pages}


def _citation(source: Source) -> dict[str, Any]:
    """The service does not say which words of the page it rests on."""
    kind = {"type": "web_search_result_location", "cited_text": "", "encrypted_index": ""}
    return {**kind, **_page(source)}


def _page(source: Source) -> dict[str, str]:
    return {"url": source.url, "title": source.title or source.url}


def _opening(piece: Text | Thinking | ToolCall) -> bytes:
    match piece:
        case Text():
            return b'{"type":"text","text":""}'
        case Thinking():
            return b'{"type":"thinking","thinking":"","signature":""}'
        case ToolCall(id, name):
            head = (dumps(id), dumps(name))
            return b'{"type":"tool_use","id":%b,"name":%b,"input":{}}' % head


def _whole(piece: Piece, search_id: str, *, cut: bool) -> Iterator[dict[str, Any]]:
    match piece:
        case Text(text, cites):
            cited = {"citations": [_citation(cite) for cite in cites]} if cites else {}
            yield {"type": "text", "text": text, **cited}
        case Found():
            yield from _search_blocks(piece, search_id)
        case Thinking(text, signature):
            yield {"type": "thinking", "thinking": text, "signature": signature}
        case ToolCall(id, name, arguments):
            given = _input(arguments or ("" if cut else "{}"))
            if given is not None:
                yield {"type": "tool_use", "id": id, "name": name, "input": given}
            elif not cut:
                raise UpstreamBroken(f"the model called {name} with arguments that are not JSON")


def _input(arguments: str) -> orjson.Fragment | None:
    """The arguments as they are, if they are an object; half of them cannot be run."""
    try:
        if isinstance(orjson.loads(arguments), dict):
            return orjson.Fragment(arguments)
    except orjson.JSONDecodeError:
        pass
    return None
