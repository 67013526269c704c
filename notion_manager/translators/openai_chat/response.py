"""Events to Chat's chunks, and a reply to its whole object. It knows nothing of requests."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from ...errors import Problem
from ...turn import (
    Done,
    Event,
    Found,
    Reply,
    Stop,
    Text,
    Thinking,
    ToolCall,
    Usage,
    coalesce,
    continues,
)
from ...wire import DONE, dumps, sse_raw
from ..citing import Citing
from ..openai_errors import error_body

PING = b": ping\n\n"
BLANK_LINE = "\n\n"
_FINISH = {
    Stop.END: "stop",
    Stop.LENGTH: "length",
    Stop.SEQUENCE: "stop",
    Stop.TOOL: "tool_calls",
    Stop.REFUSAL: "content_filter",
}


def failure(problem: Problem) -> bytes:
    """The record that ends a broken stream."""
    return sse_raw(refusal(problem))


def refusal(problem: Problem) -> bytes:
    return dumps(error_body(problem))


class Envelope(Struct, frozen=True):
    """What every object of one answer repeats. `created` is Unix seconds.

    A client that offered `functions` is `older`: it looks for the one `function_call` of an answer.
    """

    id: str
    created: int
    model: str
    older: bool = False


class Chunks:
    """The frames of one stream. `usage` adds the chunk that tells it, and its null elsewhere."""

    def __init__(self, envelope: Envelope, *, usage: bool) -> None:
        head = dumps(_object(envelope, "chat.completion.chunk"))[:-1]
        self._head = b'data: %b,"choices":' % head
        self._open = self._head + b'[{"index":0,"delta":'
        self._tail = b',"usage":null}\n\n' if usage else b"}\n\n"
        self._grow = b',"finish_reason":null}]' + self._tail
        self._usage = usage
        self._older = envelope.older
        self._citing = Citing()
        self._cited: list[dict[str, Any]] = []
        self._calls = 0
        self._calling: ToolCall | None = None
        self._gap = self._blank = ""  # before the next thought, and before one that is apart

    def start(self) -> bytes:
        return self._frame(b'{"role":"assistant","content":""}')

    def feed(self, events: Sequence[Event]) -> bytes:
        """With `Done`, everything up to the end of the stream."""
        match events:
            case [Text(text) as piece] if not piece.cites:
                self._citing.feed(piece)
                self._gap = self._blank
                return self._grown(b'{"content":%b}', text)
            case _:
                pass
        return b"".join(frame for event in coalesce(events) for frame in self._frames(event))

    def _frames(self, event: Event) -> Iterator[bytes]:
        if isinstance(event, Thinking):
            yield self._thought(event)
            return
        self._gap = self._blank
        match event:
            case Text(text):
                yield self._grown(b'{"content":%b}', text)
                self._cited += _annotations(self._citing, [event])
            case ToolCall():
                yield from self._call(event)
            case Found():  # no place for it: the sources that matter are cited
                pass
            case Done():
                yield from self._end(event)

    def _thought(self, piece: Thinking) -> bytes:
        frame = b""
        if piece.text:
            frame = self._grown(b'{"reasoning_content":%b}', self._gap + piece.text)
            self._gap, self._blank = "", BLANK_LINE
        if piece.signature:
            self._gap = self._blank
        return frame

    def _grown(self, delta: bytes, text: str) -> bytes:
        return self._frame(delta % dumps(text)) if text else b""

    def _frame(self, delta: bytes) -> bytes:
        return b"%b%b%b" % (self._open, delta, self._grow)

    def _call(self, piece: ToolCall) -> Iterator[bytes]:
        """A call opens with its name and nothing in it; then its arguments grow."""
        if self._calling is None or not continues(self._calling, piece):
            self._calls += 1
            opening = tool_call(ToolCall(piece.id, piece.name, "", freeform=piece.freeform))
            yield self._delta(opening)
        self._calling = piece
        if piece.arguments:
            kind, key = _kind(piece)
            yield self._delta({kind: {key: piece.arguments}})

    def _delta(self, call: dict[str, Any]) -> bytes:
        if self._older:
            return self._frame(dumps({"function_call": call["function"]}))
        return self._frame(dumps({"tool_calls": [{"index": self._calls - 1, **call}]}))

    def _end(self, done: Done) -> Iterator[bytes]:
        """Annotations come together: OpenAI's SDK cannot add to a list of them."""
        if self._cited:
            yield self._frame(dumps({"annotations": self._cited}))
        reason = dumps(finish_reason(done.stop, called=self._calls > 0, older=self._older))
        yield b'%b{},"finish_reason":%b}]%b' % (self._open, reason, self._tail)
        if self._usage:
            yield b'%b[],"usage":%b}\n\n' % (self._head, dumps(usage(done.usage)))
        yield DONE


def whole(envelope: Envelope, reply: Reply) -> bytes:
    """The completion that is not streamed: its parts of one kind, put together."""
    calls = [tool_call(p) for p in reply.parts if isinstance(p, ToolCall)]
    texts = [p for p in reply.parts if isinstance(p, Text)]
    text = "".join(p.text for p in texts)
    thinking = BLANK_LINE.join(p.text for p in reply.parts if isinstance(p, Thinking) and p.text)
    message = {
        "role": "assistant",
        "content": None if calls and not text else text,
        "refusal": None,
        **({"annotations": cited} if (cited := _annotations(Citing(), texts)) else {}),
        **({"reasoning_content": thinking} if thinking else {}),
        **(_called(calls, older=envelope.older) if calls else {}),
    }
    reason = finish_reason(reply.done.stop, called=bool(calls), older=envelope.older)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    completion = _object(envelope, "chat.completion")
    return dumps({**completion, "choices": [choice], "usage": usage(reply.done.usage)})


def _annotations(citing: Citing, texts: Iterable[Text]) -> list[dict[str, Any]]:
    cited = [citation for text in texts for citation in citing.feed(text)]
    return [{"type": "url_citation", "url_citation": citation} for citation in cited]


def _called(calls: Sequence[dict[str, Any]], *, older: bool) -> dict[str, Any]:
    return {"function_call": calls[0]["function"]} if older else {"tool_calls": calls}


def _object(envelope: Envelope, kind: str) -> dict[str, Any]:
    return {
        "id": envelope.id,
        "object": kind,
        "created": envelope.created,
        "model": envelope.model,
    }


def tool_call(call: ToolCall) -> dict[str, Any]:
    """A call in full; in a stream it is the first delta, with its arguments still empty."""
    kind, key = _kind(call)
    return {"id": call.id, "type": kind, kind: {"name": call.name, key: call.arguments}}


def _kind(call: ToolCall) -> tuple[str, str]:
    """The call's type, and the name that its arguments go by."""
    return ("custom", "input") if call.freeform else ("function", "arguments")


def finish_reason(stop: Stop, *, called: bool, older: bool = False) -> str:
    """Clients run the calls of an answer only if it ended for their sake."""
    reason = _FINISH[Stop.TOOL if called and stop is Stop.END else stop]
    return "function_call" if older and reason == "tool_calls" else reason


def usage(usage: Usage) -> dict[str, Any]:
    """Tokens, in Chat's words: its totals too include what was cached and what was thought."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.thinking},
    }
