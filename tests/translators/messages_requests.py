"""Messages requests for tests, and what they decode to."""

from typing import Any

import orjson
import pytest

from notion_manager.errors import BadRequest
from notion_manager.translators.anthropic_messages import AnthropicMessages
from notion_manager.translators.exchange import Exchange
from notion_manager.turn import Turn

USER = {"role": "user", "content": "hi"}
TEXT = {"type": "text", "text": "x"}
TOOL = {"name": "f", "input_schema": {"type": "object"}}


def decode(headers: dict[str, str] | None = None, **fields: Any) -> AnthropicMessages:
    body = {"model": "opus-4.6", "max_tokens": 9, "messages": [USER], **fields}
    return AnthropicMessages(orjson.dumps(body), Exchange("0" * 32, 0, headers or {}))


def ignored(exchange: AnthropicMessages) -> tuple[str, ...]:
    return exchange.ignored


def turn(**fields: Any) -> Turn:
    return decode(**fields).turn


def content(*blocks: Any) -> tuple[Any, ...]:
    """The parts of one user message of these blocks."""
    (message,) = turn(messages=[{"role": "user", "content": list(blocks)}]).messages
    return message.parts


def refusal(**fields: Any) -> str:
    with pytest.raises(BadRequest) as refused:
        decode(**fields)
    return str(refused.value)
