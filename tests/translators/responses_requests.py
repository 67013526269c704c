"""Responses requests, built and decoded."""

from typing import Any

import orjson
import pytest

from notion_manager.errors import BadRequest
from notion_manager.translators.exchange import Exchange
from notion_manager.translators.openai_responses import OpenAIResponses
from notion_manager.turn import Message, Part

USER = {"role": "user", "content": "hi"}
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}
CUSTOM = {"type": "custom", "name": "c"}


def read(headers: dict[str, str] | None = None, **body: Any) -> OpenAIResponses:
    given = {"model": "m", "input": "hi", **body}
    return OpenAIResponses(orjson.dumps(given), Exchange("0" * 32, 0, headers=headers or {}))


def messages(*items: Any) -> tuple[Message, ...]:
    return read(input=list(items)).turn.messages


def user_parts(*parts: Any) -> tuple[Part, ...]:
    [message] = messages({"role": "user", "content": list(parts)})
    return message.parts


def ignored(**body: Any) -> tuple[str, ...]:
    return read(**body).ignored


def refusal(**body: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read(**body)
    return caught.value


def created(exchange: OpenAIResponses) -> dict[str, Any]:
    """The response as its first event has it: much of it repeats the request."""
    return orjson.loads(exchange.start().split(b"\n")[1].removeprefix(b"data: "))["response"]
