"""Token estimates, from a real tokenizer that ships its vocabulary.

What is counted here is never reported as a fact: the vocabulary is OpenAI's `cl100k_base`, half the
size of its successor and no lower in its counts; other vendors' models need more tokens for the
same text, so estimates are raised by `MARGIN`.
"""

from collections.abc import Iterable
from functools import cache
from math import ceil

import splintr

from .turn import (
    File,
    FileLink,
    Found,
    FreeformTool,
    Part,
    Piece,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolReference,
    ToolResult,
    Turn,
    Usage,
)
from .wire import dumps

MARGIN = 1.2
SLICE = 8192  # characters
MOST = 128  # slices of one text that are looked at
PER_MESSAGE = 4  # role and separators
PER_IMAGE = 1600  # about what vendors charge for a full-size picture
BYTES_PER_TOKEN = 3  # of an attached document, erring high


@cache
def _vocabulary() -> splintr.AnyTokenizer:
    return splintr.Tokenizer.from_pretrained("cl100k_base")


def count(text: str) -> int:
    """Tokens in `text`, without the margin.

    Counted in slices, since the tokenizer remembers long runs; of a giant text only some are, so
    that no request holds up the others.
    """
    if len(text) <= SLICE:
        return len(_vocabulary().encode_ordinary(text)) if text else 0
    slices = [text[at : at + SLICE] for at in range(0, len(text), SLICE)]
    some = slices[:: -(-len(slices) // MOST)]
    counted = sum(len(_vocabulary().encode_ordinary(each)) for each in some)
    return ceil(counted * len(slices) / len(some))


def size(turn: Turn) -> int:
    """Characters of text: cheap to count, and about never fewer than tokens."""
    parts = (part for message in turn.messages for part in message.parts)
    return len(turn.system) + sum(len(p.text) for p in parts if isinstance(p, Text))


def weight(turn: Turn) -> int:
    """Characters of text and bytes of files, also in results of tools."""
    parts = [part for message in turn.messages for part in message.parts]
    inner = [each for part in parts if isinstance(part, ToolResult) for each in part.parts]
    return len(turn.system) + sum(map(_weight, (*parts, *inner)))


def _weight(part: object) -> int:
    match part:
        case Text(text):
            return len(text)
        case File():
            return len(part.data)
        case _:
            return 0


def of_turn(turn: Turn, margin: float = MARGIN) -> int:
    """Estimated input tokens of a request, erring high."""
    tokens = count(turn.system) + PER_MESSAGE * len(turn.messages)
    for message in turn.messages:
        for part in message.parts:
            tokens += _of_part(part)
    if turn.tools:
        tokens += sum(_of_tool(tool) for tool in turn.tools)
    if turn.output:
        tokens += count(dumps(turn.output.schema).decode())
    return ceil(tokens * margin)


def of_exchange(turn: Turn, pieces: Iterable[Piece]) -> Usage:
    """Usage for an answer that came without figures."""
    output = ceil(sum(_of_part(p) for p in pieces) * MARGIN)
    return Usage(input=of_turn(turn), output=output, estimated=True)


def _of_tool(tool: Tool | FreeformTool) -> int:
    match tool:
        case Tool():
            text = dumps(dict(tool.schema)).decode()
        case FreeformTool():
            text = tool.grammar
    return PER_MESSAGE + count(tool.name) + count(tool.description) + count(text)


def _of_part(part: Part | ToolReference) -> int:
    match part:
        case Text(text) | Thinking(text):
            return count(text)
        case ToolCall():
            return PER_MESSAGE + count(part.name) + count(part.arguments)
        case ToolResult():
            return PER_MESSAGE + sum(_of_part(p) for p in part.parts)
        case ToolReference(name=text) | Found(listing=text):
            return count(text)
        case File():
            return _of_file(part)
        case FileLink():
            return PER_IMAGE


def _of_file(file: File) -> int:
    if file.media_type.startswith("image/"):
        return PER_IMAGE
    return len(file.data) // BYTES_PER_TOKEN
