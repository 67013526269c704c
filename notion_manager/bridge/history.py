"""Earlier calls and their results, written as the model would have written and read them."""

import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, cast

from ..turn import (
    File,
    FileLink,
    Found,
    Message,
    Part,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolReference,
    ToolResult,
)
from .jsontext import NotJson, loads
from .marks import Marks
from .offer import INPUT, Entry, Offer
from .values import WHOLE, Kind, Parameters

NO_OUTPUT = "(no output)"
NO_RESULT = "(no result came)"


def texts(messages: Iterable[Message]) -> Iterator[str]:
    """All that the messages will say, as the model will see it."""
    for message in messages:
        for part in message.parts:
            match part:
                case Text(text) | Thinking(text):
                    yield text
                case ToolCall():
                    yield part.name
                    yield part.namespace
                    yield part.arguments
                    yield from _unescaped(part.arguments)
                case ToolResult():
                    yield from (text for inner in part.parts for text in _seen(inner))
                case Found():
                    yield part.listing
                case File() | FileLink():
                    yield from _seen(part)


def rendered(messages: Sequence[Message], marks: Marks, offer: Offer) -> tuple[Message, ...]:
    """The same conversation in text; files stay as they are."""
    written: list[Message] = []
    scribe = Scribe(marks, offer)
    awaited = Awaited((), ())
    for place, (role, parts) in enumerate(runs := list(_runs(messages)), 1):
        if role == "assistant":
            calls = [part for part in parts if isinstance(part, ToolCall)]
            awaited = Awaited(calls, _results(runs, place) if calls else ())
            written.append(Message("assistant", tuple(scribe.said(parts))))
        elif role == "user":
            written.append(Message("user", tuple(scribe.answered(parts, awaited))))
        else:
            written.append(Message("system", tuple(parts)))
    return tuple(written)


def _runs(messages: Sequence[Message]) -> Iterator[tuple[str, Sequence[Part]]]:
    """What one role says at a stretch."""
    for role, run in groupby(messages, key=lambda message: message.role):
        yield role, [part for message in run for part in message.parts]


def _results(runs: Sequence[tuple[str, Sequence[Part]]], place: int) -> Iterator[str]:
    """The calls that get a result, from a place on, before the assistant speaks again."""
    for role, parts in map(runs.__getitem__, range(place, len(runs))):
        if role == "assistant":
            return
        yield from (part.call_id for part in parts if isinstance(part, ToolResult))


class Awaited:
    """The calls that wait for their results, in their order; of some no result will come."""

    def __init__(self, calls: Sequence[ToolCall], given: Iterable[str]) -> None:
        coming = Counter(given)
        self.missing: list[tuple[int, ToolCall]] = []
        self._waiting = defaultdict[str, deque[tuple[int, ToolCall]]](deque)
        for number, call in enumerate(calls, 1):
            self._waiting[call.id].append((number, call))
            if not coming[call.id]:
                self.missing.append((number, call))
            coming[call.id] -= bool(coming[call.id])

    def take(self, id: str) -> tuple[int, ToolCall] | None:
        """The first call of that id that waits, with its number."""
        waiting = self._waiting.get(id)
        return waiting.popleft() if waiting else None


class Scribe:
    """Writes calls and results with one conversation's marks."""

    def __init__(self, marks: Marks, offer: Offer) -> None:
        self._marks = marks
        self._offer = offer
        self._free = Parameters({})  # of tools that are not offered any more

    def said(self, parts: Iterable[Part]) -> Iterator[Part]:
        """An assistant's message: what it said and called, in one text."""
        blocks: list[str] = []
        for part in parts:
            match part:
                case Text(text) if text.strip():
                    blocks.append(text.rstrip())
                case ToolCall():
                    blocks.append(self.call(part))
                case Text() | Thinking():
                    pass
                case _:
                    yield part
        yield Text("\n".join(blocks))

    def answered(self, parts: Sequence[Part], awaited: Awaited) -> Iterator[Part]:
        """A user's message: results in the order of their calls, then all else."""
        results = [part for part in parts if isinstance(part, ToolResult)]
        found = [(awaited.take(result.call_id), result) for result in results]
        none = (Text(NO_RESULT),)
        found += [(it, ToolResult(it[1].id, none, failed=True)) for it in awaited.missing]
        awaited.missing.clear()
        found.sort(key=lambda pair: (pair[0] is None, pair[0][0] if pair[0] else 0))
        for call, result in found:
            number, name = (call[0], self._name(call[1])) if call else (None, "")
            yield Text(self.result(result, number, name))
            yield from (part for part in result.parts if isinstance(part, File | FileLink))
        yield from (part for part in parts if not isinstance(part, ToolResult))

    def call(self, call: ToolCall) -> str:
        """A block that reads back as this very call."""
        name, given = self._name(call), _arguments(call)
        tag, entry = self._marks.call, self._offer.called(call)
        if call.freeform:
            lines = [self._argument(INPUT, call.arguments)]
        elif given is None:
            lines = [self._argument(WHOLE, call.arguments)]
        else:
            lines = self._arguments(given, entry)
        return "\n".join((f'<{tag} name="{name}">', *lines, f"</{tag}>"))

    def result(self, result: ToolResult, number: int | None, name: str) -> str:
        """Of a call that the conversation no longer has, the result says no number."""
        tag = self._marks.result
        said = "\n".join(_shown(part) for part in result.parts) or NO_OUTPUT
        about = f' call="{number}" name="{name}"' if number else ""
        status = ' status="error"' if result.failed else ""
        return f"<{tag}{about}{status}>\n{said}\n</{tag}>"

    def _arguments(self, given: Mapping[str, Any], entry: Entry | None) -> list[str]:
        parameters = entry.parameters if entry else self._free
        if any(not _is_writable(key) for key in given):
            return [self._argument(WHOLE, json.dumps(given, ensure_ascii=False))]
        return [self._argument(key, _written(parameters, key, given[key])) for key in given]

    def _argument(self, key: str, value: str) -> str:
        tag = self._marks.arg
        laid_out = f"\n{value}\n" if value.startswith("\n") else value
        return f'<{tag} name="{key}">{laid_out}</{tag}>'

    def _name(self, call: ToolCall) -> str:
        entry = self._offer.called(call)
        if entry is not None:
            return entry.name
        full = f"{call.namespace}.{call.name}" if call.namespace else call.name
        return Offer([Tool(full, "", {})]).entries[0].name


def _written(parameters: Parameters, key: str, value: Any) -> str:
    """A value that has no place in its parameter, a client's slip, is shown as the JSON it is."""
    if parameters.kind(key) is Kind.TEXT and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return parameters.write(key, value)


def _is_writable(key: str) -> bool:
    return bool(key) and key != WHOLE and len(key) <= 128 and not set(key) & set("\"'<>\r\n")  # noqa: PLR2004 - as the tag has it


def _arguments(call: ToolCall) -> Mapping[str, Any] | None:
    """The arguments by name; None where they are no JSON object that a tool could read."""
    try:
        given = loads(call.arguments or "{}")
    except NotJson:
        return None
    return cast("dict[str, Any]", given) if isinstance(given, dict) else None


def _unescaped(arguments: str) -> Iterator[str]:
    """JSON without the escapes behind which a marker could hide."""
    if "\\u" in arguments:
        try:
            pairs = json.loads(arguments, object_pairs_hook=list)  # a key may come twice
            yield json.dumps(pairs, ensure_ascii=False)
        except (ValueError, RecursionError):
            return


def _seen(part: Text | File | FileLink | ToolReference) -> Iterator[str]:
    """What is shown of it, and the text of a table, which the model reads word for word."""
    yield _shown(part)
    if isinstance(part, File) and part.media_type == "text/csv":
        encoding = "utf-16" if part.data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8"
        yield part.data.decode(encoding, errors="replace")


def _shown(part: Text | File | FileLink | ToolReference) -> str:
    match part:
        case Text(text):
            return text
        case ToolReference(name):
            return f"The tool {name} can be used from now on."
        case File() | FileLink():
            return f"(a file: {part.name or part.media_type or 'without a name'})"
