"""Chat Completions requests, built and decoded."""

from collections.abc import Mapping
from typing import Any

import orjson

from notion_manager.translators.exchange import Exchange
from notion_manager.translators.openai_chat import OpenAIChat
from notion_manager.turn import Message, Part, Turn

USER = {"role": "user", "content": "hi"}


def decode(
    *messages: Mapping[str, Any], headers: Mapping[str, str] | None = None, **body: Any
) -> OpenAIChat:
    """An exchange over `messages`, or over one that says hi."""
    asked = {"model": "m", "messages": list(messages) or [USER], **body}
    return OpenAIChat(orjson.dumps(asked), Exchange("0" * 32, 1_700_000_000, headers or {}))


def turn(*messages: Mapping[str, Any], **body: Any) -> Turn:
    return decode(*messages, **body).turn


def said(*messages: Mapping[str, Any]) -> tuple[Message, ...]:
    return turn(*messages).messages


def parts(*content: Any, role: str = "user") -> tuple[Part, ...]:
    """What the content of one message becomes; a user message follows, to be answered."""
    first, *_ = said({"role": role, "content": list(content)}, USER)
    return first.parts
