"""What a Responses request asks for beside its input and its tools, and what its answer repeats."""

from typing import Any

import pytest

from notion_manager.errors import BadRequest, Unsupported
from notion_manager.translators.exchange import Exchange
from notion_manager.translators.openai_responses import OpenAIResponses
from notion_manager.turn import JsonOutput, Limits
from tests.translators.responses_requests import FUNCTION, created, ignored, read, refusal

SCHEMA = {"type": "object"}


@pytest.mark.parametrize(
    ("form", "meaning"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, JsonOutput(path="text.format")),
        (
            {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True},
            JsonOutput(SCHEMA, "n", strict=True, path="text.format.schema"),
        ),
        (
            {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": None},
            JsonOutput(SCHEMA, "n", path="text.format.schema"),
        ),
    ],
)
def test_rule_49_text_format_is_the_form_of_the_output(form: Any, meaning: Any) -> None:
    exchange = read(text={"format": form, "verbosity": "medium"})
    assert exchange.turn.output == meaning
    assert exchange.ignored == ()
    assert created(exchange)["text"]["format"]["type"] == (form or {"type": "text"})["type"]


def test_a_form_of_output_that_is_unknown_is_refused() -> None:
    problem = refusal(text={"format": {"type": "grammar"}})
    assert isinstance(problem, Unsupported)
    assert problem.field == "text.format.type"


def test_rule_49_limits_and_effort_are_used() -> None:
    turn = read(max_output_tokens=7, reasoning={"effort": "xhigh"}).turn
    assert (turn.limits, turn.effort) == (Limits(7), "xhigh")
    assert refusal(reasoning={"effort": "a lot"}).field == "reasoning.effort"
    assert refusal(max_output_tokens=0).field == "max_output_tokens"


def test_rule_14_a_model_may_be_left_out() -> None:
    exchange = OpenAIResponses(b'{"input":"hi"}', Exchange("0" * 32, 0))
    assert exchange.turn.model == ""
    assert created(exchange)["model"] == "default"


def test_rule_2_rule_49_what_has_no_meaning_here_is_accepted_and_named() -> None:
    asked = {
        "client_metadata": {"a": 1},
        "max_tool_calls": 3,
        "service_tier": "flex",
        "safety_identifier": "x",
        "store": True,
        "stream_options": {"include_obfuscation": True},
        "temperature": 0.2,
        "truncation": "auto",
        "user": "me",
        "reasoning": {"context": "all_turns", "effort": "low"},
        "text": {"verbosity": "low"},
        "include": ["web_search_call.results"],
        "something new\r\n": 1,
        "": 1,
    }
    assert set(ignored(**asked)) == {
        "client_metadata",
        "max_tool_calls",
        "service_tier",
        "safety_identifier",
        "store",
        "stream_options",
        "temperature",
        "truncation",
        "user",
        "reasoning.context",
        "text.verbosity",
        "include[0]",
        "something_new__",
        "_",
    }


def test_rule_49_what_asks_for_what_happens_anyway_is_not_worth_a_word() -> None:
    plain = {
        "background": False,
        "include": [],
        "metadata": {},
        "previous_response_id": None,
        "prompt": None,
        "reasoning": {"context": "auto"},
        "service_tier": "auto",
        "store": False,
        "stream_options": {"include_obfuscation": False},
        "temperature": 1,
        "text": {},
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "unheard_of": None,
    }
    assert ignored(**plain) == ()


def test_the_list_of_what_is_ignored_is_bounded() -> None:
    assert len(ignored(**{f"field{n}": n for n in range(99)})) == 32
    assert ignored(**{"x" * 999: 1}) == ("x" * 64,)


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("previous_response_id", "resp_1", BadRequest),
        ("conversation", "conv_1", Unsupported),
        ("prompt", {"id": "p"}, Unsupported),
        ("background", True, Unsupported),
        ("top_logprobs", 2, Unsupported),
        ("metadata", {"a": 1}, BadRequest),
        ("temperature", "hot", BadRequest),
        ("temperature", True, BadRequest),
    ],
)
def test_what_would_be_a_lie_is_refused_by_name(
    field: str, value: Any, kind: type[BadRequest]
) -> None:
    problem = refusal(**{field: value})
    assert isinstance(problem, kind)
    assert problem.field.startswith(field)
    assert problem.status == 400


def test_log_probabilities_cannot_be_included() -> None:
    assert refusal(include=["message.output_text.logprobs"]).field == "include[0]"


def test_the_conversation_is_named_by_a_header_or_by_the_cache_key() -> None:
    headers = {"session-id": "s", "thread-id": "t", "x-session-affinity": "a"}
    assert read(headers, prompt_cache_key="k").turn.conversation == "t"
    assert read({"x-session-affinity": "a"}).turn.conversation == "a"
    assert read(prompt_cache_key="k").turn.conversation == "k"
    assert read().turn.conversation == ""


# what the answer repeats


def test_the_response_repeats_the_request() -> None:
    asked: dict[str, Any] = {
        "model": "m",
        "instructions": "be kind",
        "max_output_tokens": 9,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "top_p": 0.1,
        "tools": [FUNCTION],
        "user": "me",
    }
    assert asked.items() <= created(read(**asked)).items()
    assert created(read(store=True, truncation="auto"))["store"] is False


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"effort": "low", "summary": "concise"}, {"effort": "low", "summary": "concise"}),
        ({"summary": "poem"}, {"effort": None, "summary": "auto"}),
        ({"generate_summary": "detailed"}, {"effort": None, "summary": "detailed"}),
        ({"summary": ["odd"]}, {"effort": None, "summary": "auto"}),
        (None, {"effort": None, "summary": None}),
    ],
)
def test_the_response_tells_how_reasoning_is_shown(asked: Any, told: dict[str, Any]) -> None:
    assert created(read(reasoning=asked))["reasoning"] == told
