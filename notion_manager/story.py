"""What a conversation says so far, as keys that only the same conversation has.

Agents send all of it with every request. What they change of it on the way without meaning another
conversation is left out: blanks in answers, thinking, the ids of calls, the order of arguments, and
arguments that are the defaults of their schema.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from hashlib import blake2b
from itertools import groupby
from typing import Any, cast

import orjson

from .turn import (
    File,
    FileLink,
    FreeformTool,
    Message,
    Part,
    Text,
    Tool,
    ToolCall,
    ToolReference,
    ToolResult,
    Turn,
)

SIZE = 16  # bytes of a key
_Bit = str | bytes


class Story:
    """Of one request, as its client sent it; `asker` is who did."""

    def __init__(self, turn: Turn, asker: str) -> None:
        self._turn = turn
        self._asker = asker

    def tell(self) -> None:
        """Work it out now and not when it is asked for: files take their time."""
        _ = self._told

    @cached_property
    def past(self) -> str:
        """The key of all up to the newest answer; empty where there is none, or nothing after."""
        return self._told[1]

    def after(self, said: str, calls: Iterable[ToolCall]) -> str:
        """The key of all of it and this answer, as the `past` of the next request has it."""
        chain = self._told[0].copy()
        chain.update(_packed(self._answered(said, calls)))
        return chain.hexdigest()

    @cached_property
    def _told(self) -> tuple[blake2b, str]:
        chain, past = blake2b(_packed(_frame(self._turn, self._asker)), digest_size=SIZE), ""
        numbers: dict[str, int] = {}
        role = ""
        for role, run in groupby(self._turn.messages, key=lambda message: message.role):
            if role == "assistant":
                parts = [part for message in run for part in message.parts]
                said = "".join([part.text for part in parts if isinstance(part, Text)])
                calls = [part for part in parts if isinstance(part, ToolCall)]
                numbers.update({call.id: len(numbers) + n for n, call in enumerate(calls)})
                chain.update(_packed(self._answered(said, calls)))
                past = chain.hexdigest()
            else:
                chain.update(_packed(_asked(role, run, numbers)))
        return chain, past if role != "assistant" else ""

    def _answered(self, said: str, calls: Iterable[ToolCall]) -> Iterator[_Bit]:
        yield "assistant"
        yield said.encode(errors="surrogatepass").translate(None, b" \n\t\r")
        for call in calls:
            defaults = self._defaults.get((call.namespace, call.name), _NONE)
            yield from (call.namespace, call.name, _canonical(call.arguments, defaults))

    @cached_property
    def _defaults(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        tools = (tool for tool in self._turn.tools if isinstance(tool, Tool))
        return {(tool.namespace, tool.name): _defaults(tool.schema) for tool in tools}


_NONE: Mapping[str, Any] = {}


def _defaults(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    parts = schema.get("properties")
    table = cast("dict[str, Any]", parts) if isinstance(parts, dict) else {}
    return {k: v["default"] for k, v in table.items() if isinstance(v, dict) and "default" in v}


def _frame(turn: Turn, asker: str) -> Iterator[_Bit]:
    """What holds for all of a conversation."""
    yield asker
    yield turn.system
    yield "none" if turn.tool_choice.mode == "none" else ""
    for tool in turn.tools:
        yield from (tool.namespace, tool.name, tool.description)
        match tool:
            case Tool():
                yield _sorted(dict(tool.schema))
            case FreeformTool():
                yield from (tool.syntax, tool.grammar)


def _asked(role: str, run: Iterable[Message], numbers: dict[str, int]) -> Iterator[_Bit]:
    yield role
    for message in run:
        for part in message.parts:
            if isinstance(part, ToolResult):
                number = numbers.get(part.call_id, part.call_id)
                yield from ("result", str(number), "failed" if part.failed else "")
                for inner in part.parts:
                    yield from _shown(inner)
                yield "end"
            else:
                yield from _shown(part)


def _shown(part: Part | ToolReference) -> Iterator[_Bit]:
    match part:
        case Text(text):
            yield from ("text", text)
        case File():
            yield from ("file", part.media_type, part.name, blake2b(part.data).digest())
        case FileLink():
            yield from ("link", part.url)
        case ToolReference(name):
            yield from ("tool", name)
        case _:  # thinking; nothing else stands there
            pass


def _packed(bits: Iterable[_Bit]) -> bytes:
    """Each with its length, so that no other bits come to the same; and an end."""
    packed = bytearray()
    for bit in bits:
        data = bit if isinstance(bit, bytes) else bit.encode(errors="surrogatepass")
        packed += len(data).to_bytes(8)
        packed += data
    return bytes(packed + b"\xff" * 8)


def _canonical(arguments: str, defaults: Mapping[str, Any]) -> _Bit:
    try:
        given = orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:  # free text, or numbers that are too large
        return arguments
    if defaults and isinstance(given, dict):
        pairs = cast("dict[str, Any]", given).items()
        return _sorted({k: v for k, v in pairs if k not in defaults or defaults[k] != v})
    return _sorted(given)


def _sorted(value: object) -> _Bit:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a surrogate pair, or too deep
        return repr(value)
