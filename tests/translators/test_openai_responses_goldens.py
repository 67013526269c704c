"""What Responses clients really send: every captured request decodes to the turn beside it."""

import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from notion_manager.errors import Problem
from notion_manager.translators.exchange import Exchange
from notion_manager.translators.openai_responses import OpenAIResponses
from notion_manager.turn import Done, Reply, Stop, Text
from tests.files import PNG, base64
from tests.goldens import GOLDEN, check, spell
from tests.laws.readers_responses import valid_response

_EMPTY = "<text:0 chars>"
_BASE64 = re.compile(r"<base64:\d+ chars>")


def _captured(path: Path) -> dict[str, Any] | None:
    case = json.loads(path.read_text())
    return case if (case["method"], case["path"]) == ("POST", "/v1/responses") else None


CASES = {p.stem: c for p in sorted((GOLDEN / "requests").glob("*.json")) if (c := _captured(p))}
WITH_REFERENCES = ("ai-sdk-responses-2", "ai-sdk-responses-6")


def _body(name: str) -> bytes:
    """The capture left out empty strings and pictures; what they were stands in for them."""
    text = json.dumps(CASES[name]["body"])
    return _BASE64.sub(base64(PNG), text.replace(_EMPTY, "")).encode()


def _nothing(id: str) -> None:
    return None


def _recall(id: str) -> dict[str, Any]:
    """Items as an earlier answer of ours would have left them."""
    if id.startswith("rs_"):
        summary = [{"type": "summary_text", "text": "I should ask the tool."}]
        return {"id": id, "type": "reasoning", "status": "completed", "summary": summary}
    content = [{"type": "output_text", "text": "Let me do that.", "annotations": []}]
    return {"id": id, "type": "message", "role": "assistant", "content": content}


def _exchange(name: str, recall: Any) -> OpenAIResponses:
    headers = CASES[name]["headers"]
    return OpenAIResponses(_body(name), Exchange("0" * 32, 0, headers=headers, recall=recall))


def _decoded(name: str, recall: Any = _nothing) -> str:
    try:
        exchange = _exchange(name, recall)
    except Problem as problem:
        refused = orjson.loads(OpenAIResponses.refuse(problem, "req_0"))
        return spell({"status": problem.status, "refused": refused})
    return spell(
        {"stream": exchange.stream, "ignored": exchange.ignored, "turn": exchange.turn},
    )


def test_there_is_a_case_for_every_client_that_speaks_responses() -> None:
    clients = {case["client"].split("-")[0] for case in CASES.values()}
    assert {"codex", "openai", "ai", "opencode", "gptme", "pydantic", "litellm"} <= clients
    assert len(CASES) == 40


@pytest.mark.parametrize("name", CASES)
def test_rule_44_rule_45_rule_46_rule_47_a_captured_request_means_its_golden_turn(
    name: str, *, rewrite: bool
) -> None:
    recall = _recall if name in WITH_REFERENCES else _nothing
    check(GOLDEN / "turns" / f"{name}.json", _decoded(name, recall), rewrite=rewrite)


@pytest.mark.parametrize("name", WITH_REFERENCES)
def test_rule_50_references_to_forgotten_items_are_skipped_and_named(
    name: str, *, rewrite: bool
) -> None:
    check(GOLDEN / "turns" / f"{name}-forgotten.json", _decoded(name), rewrite=rewrite)


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"openai-python-11"}))
def test_rule_57_the_answer_to_a_captured_request_is_a_response_by_the_sdks_types(
    name: str,
) -> None:
    reply = Reply((Text("hi"),), Done(Stop.END))
    whole = orjson.loads(_exchange(name, _recall).whole(reply))
    assert valid_response(whole).output_text == "hi"
    assert whole["model"] == CASES[name]["body"]["model"]
