"""What Messages clients really send: every captured request decodes to the turn beside it."""

import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from notion_manager import tokens
from notion_manager.errors import Problem
from notion_manager.translators.anthropic_messages import AnthropicMessages, count_tokens
from notion_manager.translators.anthropic_messages.request import read
from notion_manager.translators.exchange import Exchange
from tests.files import PNG, base64
from tests.goldens import GOLDEN, check, spell

_BASE64 = re.compile(r"<base64:(\d+) chars>")


def _captured(path: Path) -> dict[str, Any] | None:
    case = json.loads(path.read_text())
    return case if case["path"].split("?")[0].startswith("/v1/messages") else None


CASES = {p.stem: c for p in sorted((GOLDEN / "requests").glob("*.json")) if (c := _captured(p))}


def _filled(value: Any) -> Any:
    """The capture left out pictures and most schemas; something of the kind stands in for them."""
    if isinstance(value, list):
        return [_filled(v) for v in value]
    if isinstance(value, dict):
        filled = {k: _filled(v) for k, v in value.items() if k != "__schema__"}
        return filled | ({"input_schema": {"type": "object"}} if "__schema__" in value else {})
    if isinstance(value, str) and (found := _BASE64.fullmatch(value)):
        return base64(PNG + bytes(int(found[1]) * 3 // 4 - len(PNG)))
    return value


def _decoded(case: dict[str, Any]) -> dict[str, Any]:
    counting = "count_tokens" in case["path"]
    body = orjson.dumps(_filled(case["body"]))
    exchange = Exchange(id="0" * 32, now=0, headers=case["headers"])
    try:
        if not counting:
            AnthropicMessages(body, exchange)
        request = read(body, case["headers"], counting=counting)
    except Problem as problem:
        refused = json.loads(AnthropicMessages.refuse(problem, "req_0"))
        return {"status": problem.status, "refused": refused}
    return {
        "stream": request.stream,
        "reasoning": request.reasoning,
        "ignored": request.ignored,
        "turn": request.turn,
    }


@pytest.mark.parametrize("name", CASES)
def test_rule_2_rule_3_rule_19_rule_20_rule_21_rule_22_rule_25_captured_requests_decode(
    name: str, *, rewrite: bool
) -> None:
    actual = spell(_decoded(CASES[name]))
    check(GOLDEN / "turns" / f"{name}.json", actual, rewrite=rewrite)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if "count_tokens" in c["path"]])
def test_rule_34_captured_count_tokens_requests_are_counted(name: str) -> None:
    case = CASES[name]
    body = orjson.dumps(_filled(case["body"]))
    exchange = Exchange(id="0" * 32, now=0, headers=case["headers"])
    counted = json.loads(count_tokens(body, exchange))
    turn = read(body, case["headers"], counting=True).turn
    assert counted == {"input_tokens": tokens.of_turn(turn)}
    assert counted["input_tokens"] > 0


def test_every_captured_request_is_a_case() -> None:
    assert len(CASES) == 56
