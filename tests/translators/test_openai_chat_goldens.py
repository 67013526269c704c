"""What Chat's clients really send, and the turn that each request becomes."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from notion_manager.translators.exchange import Exchange
from notion_manager.translators.openai_chat import OpenAIChat
from tests.goldens import GOLDEN, check, spell


def _captured(path: Path) -> dict[str, Any] | None:
    case = json.loads(path.read_text())
    return case if case["path"] == OpenAIChat.path else None


CASES = {p.stem: c for p in sorted((GOLDEN / "requests").glob("*.json")) if (c := _captured(p))}


@pytest.mark.parametrize("name", CASES)
def test_rule_2_rule_35_rule_36_rule_37_rule_61_captured_requests_become_turns(
    name: str, *, rewrite: bool
) -> None:
    case = CASES[name]
    chat = OpenAIChat(orjson.dumps(case["body"]), Exchange("0" * 32, 0, case["headers"]))
    shown = {"stream": chat.stream, "ignored": chat.ignored, "turn": chat.turn}
    check(GOLDEN / "turns" / f"{name}.json", spell(shown), rewrite=rewrite)


def test_every_kind_of_client_was_captured() -> None:
    assert len(CASES) == 41
    assert {case["client"] for case in CASES.values()} >= {
        *("opencode-compat", "qwen", "continue", "cline-openai", "aider-openai", "gptme-chat"),
        *("llm", "openai-python", "openai-ts", "ai-sdk-chat", "langchain-openai"),
        *("pydantic-ai", "litellm"),
    }
