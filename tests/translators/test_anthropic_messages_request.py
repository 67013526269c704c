"""What a Messages request comes to."""

from typing import Any

import orjson
import pytest

from notion_manager import tokens
from notion_manager.errors import BadRequest, ThreadNotFound, ThreadUnsupported
from notion_manager.translators.anthropic_messages import AnthropicMessages, count_tokens
from notion_manager.translators.exchange import Exchange
from notion_manager.turn import (
    JsonOutput,
    Limits,
    Message,
    Text,
    ToolChoice,
    Turn,
)
from tests.translators.messages_requests import TEXT, TOOL, USER, decode, ignored, refusal, turn


def test_the_smallest_request_decodes() -> None:
    assert turn() == Turn("opus-4.6", (Message("user", (Text("hi"),)),), limits=Limits(9))
    assert not decode().stream
    assert decode(stream=True).stream


def test_a_model_may_be_left_to_the_configuration() -> None:
    assert turn(model=None).model == ""


def test_a_body_that_is_no_json_object_is_refused() -> None:
    with pytest.raises(BadRequest, match="not valid JSON"):
        AnthropicMessages(b"{", Exchange("0", 0))


# the conversation


@pytest.mark.parametrize(
    "system", ["a\n\nb", [{"type": "text", "text": "a"}, TEXT | {"text": "b"}]]
)
def test_rule_19_a_system_prompt_is_a_string_or_blocks(system: Any) -> None:
    assert turn(system=system).system == "a\n\nb"


def test_rule_19_system_blocks_that_are_not_text_are_noted() -> None:
    exchange = decode(system=[TEXT, {"type": "text", "text": ""}, {"type": "image", "source": {}}])
    assert exchange.turn.system == "x"
    assert ignored(exchange) == ("system[2] (image)",)


def test_rule_20_system_messages_stay_where_they_stand() -> None:
    system = {"role": "system", "content": "s"}
    messages = turn(messages=[system, USER, {"role": "system", "content": [TEXT]}]).messages
    assert [m.role for m in messages] == ["system", "user", "system"]
    assert messages[2] == Message("system", (Text("x"),))


@pytest.mark.parametrize("empty", [{}, {"content": None}, {"content": ""}, {"content": []}])
def test_rule_20_a_system_message_may_have_only_an_output_config(empty: dict[str, Any]) -> None:
    silent = {"role": "system", "output_config": {"effort": "low"}, **empty}
    decoded = turn(messages=[USER, silent], output_config={"effort": "high"})
    assert [m.role for m in decoded.messages] == ["user"]
    assert decoded.effort == "low"


def test_rule_20_the_newest_effort_counts() -> None:
    said = [
        {"role": "system", "content": "s", "output_config": {"effort": e}} for e in ("low", "max")
    ]
    assert turn(messages=[said[0], USER, said[1], USER]).effort == "max"


def test_an_assistant_message_cannot_be_continued() -> None:
    message = refusal(messages=[USER, {"role": "assistant", "content": "Sure,"}])
    assert message.startswith("messages: the last message is the assistant's")
    assert message.endswith("end with a user message")


def test_a_system_message_may_come_last() -> None:
    said = [USER, {"role": "assistant", "content": "a"}, {"role": "system", "content": "s"}]
    assert [m.role for m in turn(messages=said).messages] == ["user", "assistant", "system"]


@pytest.mark.parametrize(
    "messages", [None, [], [{"role": "system", "content": "s"}], [{"role": "user", "content": ""}]]
)
def test_a_conversation_without_a_word_of_the_user_is_refused(messages: Any) -> None:
    assert refusal(messages=messages).startswith("messages: expected at least one user")


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ({"role": "tool", "content": "x"}, "messages[0].role: expected one of user, assistant"),
        ({"role": "user"}, "messages[0].content: required; expected a string or a list"),
        ({"role": "user", "content": 5}, "messages[0].content: expected a string or a list"),
        ({"role": "user", "content": ["x"]}, "messages[0].content[0]: expected an object"),
        ({"role": "user", "content": [{}]}, "messages[0].content[0].type: required"),
        ({"role": "user", "content": [{"type": ""}]}, "messages[0].content[0].type: must not"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text: required"),
    ],
)
def test_a_malformed_message_is_refused_by_its_path(message: Any, complaint: str) -> None:
    assert refusal(messages=[message]).startswith(complaint)


# the rest


@pytest.mark.parametrize(
    ("thread", "problem"),
    [
        ({"type": "create"}, ThreadUnsupported),
        ({"type": "continue", "previous_message_id": "msg_1"}, ThreadNotFound),
        ({"type": "of tomorrow"}, ThreadUnsupported),
        ({}, ThreadUnsupported),
    ],
)
def test_rule_24_threads_are_refused(thread: Any, problem: type[BadRequest]) -> None:
    with pytest.raises(problem):
        decode(thread=thread)


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({}, ""),
        ({"thinking": {"type": "enabled", "budget_tokens": 99999}}, ""),
        ({"thinking": {"type": "adaptive"}}, ""),
        ({"thinking": {"type": "disabled"}}, "none"),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, "low"),
        ({"output_config": {"effort": "xhigh"}}, "xhigh"),
        ({"output_config": {"effort": None}}, ""),
    ],
)
def test_rule_25_effort_is_what_was_said_in_words(fields: Any, effort: str) -> None:
    assert turn(**fields).effort == effort


def test_an_unknown_effort_is_refused() -> None:
    assert refusal(output_config={"effort": "heroic"}).startswith(
        "output_config.effort: expected one"
    )
    said = {"role": "system", "output_config": {"effort": "heroic"}}
    assert refusal(messages=[USER, said]).startswith("messages[1].output_config.effort: expected")


@pytest.mark.parametrize("place", ["output_config", "output_format"])
def test_rule_25_an_answer_may_be_bound_to_a_schema(place: str) -> None:
    output = {"type": "json_schema", "schema": {"type": "object"}}
    fields = {place: output} if place == "output_format" else {place: {"format": output}}
    path = f"{place}.schema" if place == "output_format" else f"{place}.format.schema"
    assert turn(**fields).output == JsonOutput({"type": "object"}, strict=True, path=path)


@pytest.mark.parametrize("output", [{"type": "xml"}, {"type": "json_schema"}])
def test_a_malformed_output_format_is_refused_by_its_path(output: Any) -> None:
    assert refusal(output_config={"format": output}).startswith("output_config.format.")


@pytest.mark.parametrize("place", ["schema", "input", "tool"])
def test_what_nests_too_deeply_to_be_written_again_is_refused(place: str) -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": deep}
    body = {
        "schema": {"output_format": {"type": "json_schema", "schema": deep}},
        "input": {"messages": [{"role": "assistant", "content": [call]}, USER]},
        "tool": {"tools": [{"name": "f", "input_schema": deep}]},
    }[place]
    # the encoder has the same limit, so the text is put together by hand
    text = repr({"max_tokens": 9, "messages": [USER], **body}).replace("'", '"')
    with pytest.raises(BadRequest, match="nested too deeply"):
        AnthropicMessages(text.encode(), Exchange("0", 0))


@pytest.mark.parametrize("most", [1, 32000, 10**9])
def test_rule_26_any_max_tokens_is_accepted(most: int) -> None:
    exchange = decode(max_tokens=most, thinking={"type": "enabled", "budget_tokens": most + 1})
    assert exchange.turn.limits == Limits(most)
    assert ignored(exchange) == ("thinking.budget_tokens",)


@pytest.mark.parametrize("most", [None, 0, -1, 1.5, "9", True])
def test_max_tokens_is_required_and_a_positive_number(most: Any) -> None:
    assert refusal(max_tokens=most).startswith("max_tokens: ")


def test_rule_25_stop_sequences_are_limits() -> None:
    exchange = decode(stop_sequences=["END", "\n"])
    assert exchange.turn.limits == Limits(9, ("END", "\n"))
    assert ignored(exchange) == ()


BILLING = "x-anthropic-billing-header: cc_version=2.1.330.5f1; cc_entrypoint=cli; cch=71fea;"


@pytest.mark.parametrize(
    ("system", "left"),
    [
        (BILLING, ""),
        (f"{BILLING}\nYou help.", "You help."),
        ([{"type": "text", "text": BILLING}, {"type": "text", "text": "You help."}], "You help."),
    ],
)
def test_rule_19_a_line_for_the_vendors_accounts_is_no_part_of_the_prompt(
    system: Any, left: str
) -> None:
    exchange = decode(system=system)
    assert exchange.turn.system == left
    assert ignored(exchange) == ("system (x-anthropic-billing-header)",)
    assert decode(system=f"See {BILLING}").turn.system == f"See {BILLING}"


def test_rule_2_rule_25_fields_without_effect_are_tolerated_and_named() -> None:
    fields = {
        "temperature": 1, "top_p": 0.9, "top_k": 40, "service_tier": "auto", "container": "c",
        "mcp_servers": [], "context_management": {}, "speed": "fast", "fallbacks": [],
        "field_of_tomorrow": {"a": 1},
    }  # fmt: skip
    exchange = decode(**fields, cache_control={"type": "ephemeral"}, diagnostics=None)
    assert ignored(exchange) == tuple(fields)


def test_rule_2_members_without_effect_are_named_by_their_path() -> None:
    exchange = decode(
        metadata={"user_id": "someone", "team": "x"},
        output_config={"task_budget": {}},
        messages=[USER | {"clear_at": "never"}, USER | {"clear_at": "never"}],
    )
    assert ignored(exchange) == (
        "output_config.task_budget",
        "messages[].clear_at",
        "metadata.team",
        "metadata.user_id",
    )


def test_names_of_unknown_fields_are_made_safe_and_bounded() -> None:
    odd = ignored(decode(**{"a b\r\nx: y": 1, "é" * 99: 1, "": 1}))
    assert odd == ("a_b__x__y", "_" * 64, "_")
    assert len(decode(**{f"f{n}": 1 for n in range(99)}).ignored) == 32


SESSION = '{"device_id":"d","session_id":"from-user"}'


@pytest.mark.parametrize(
    ("headers", "user", "conversation"),
    [
        ({}, None, ""),
        ({}, SESSION, "from-user"),
        ({"x-claude-code-session-id": "from-header"}, SESSION, "from-header"),
        ({"x-session-id": "s"}, None, "s"),
        ({"x-session-affinity": "a", "x-session-id": "s"}, None, "a"),
        ({"x-session-id": "s"}, "not json", "s"),
        ({}, '{"session_id":5}', ""),
        ({}, "[]", ""),
    ],
)
def test_rule_25_a_session_is_known_by_a_header_or_the_user_id(
    headers: dict[str, str], user: str | None, conversation: str
) -> None:
    decoded = decode(headers, metadata={"user_id": user}).turn
    assert decoded.conversation == conversation


@pytest.mark.parametrize("version", [None, "2023-06-01", "2026-10-21", "tomorrow"])
def test_rule_3_versions_and_betas_change_nothing(version: str | None) -> None:
    headers = {
        "anthropic-beta": "anything,at-all",
        **({"anthropic-version": version} if version else {}),
    }
    assert decode(headers, temperature=1).turn == turn()


def test_rule_33_the_same_request_decodes_streamed_and_not() -> None:
    fields: dict[str, Any] = {"tools": [TOOL], "thinking": {"type": "adaptive"}}
    assert turn(stream=True, **fields) == turn(stream=False, **fields)


# count_tokens


def test_rule_34_tokens_are_counted_without_a_limit() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://u"}}
    body = {"model": "m", "messages": [{"role": "user", "content": [TEXT, image]}], "tools": [TOOL]}
    counted = count_tokens(orjson.dumps(body), Exchange("0", 0))
    assert orjson.loads(counted) == {"input_tokens": tokens.of_turn(turn(**body))}


def test_rule_34_more_text_counts_more() -> None:
    counts = [
        orjson.loads(
            count_tokens(orjson.dumps({"messages": [USER], "system": s}), Exchange("0", 0))
        )
        for s in ("", "word " * 50)
    ]
    assert counts[1]["input_tokens"] > counts[0]["input_tokens"] + 40


def test_rule_34_a_conversation_may_be_counted_after_an_answer() -> None:
    said = [USER, {"role": "assistant", "content": "Hello"}]
    counts = [
        orjson.loads(count_tokens(orjson.dumps({"messages": messages}), Exchange("0", 0)))
        for messages in (said[:1], said)
    ]
    assert counts[1]["input_tokens"] > counts[0]["input_tokens"]


def test_rule_34_a_malformed_body_is_refused() -> None:
    with pytest.raises(BadRequest, match="messages: expected at least one"):
        count_tokens(b"{}", Exchange("0", 0))


def test_an_unknown_kind_of_thinking_is_named() -> None:
    assert ignored(decode(thinking={"type": "banana"})) == ("thinking.type (banana)",)


def test_rule_14_a_missing_model_is_told_by_a_name() -> None:
    assert b'"model":"default"' in decode(model=None).start()


@pytest.mark.parametrize(
    ("role", "kind", "whose"),
    [
        ("user", "tool_use", "assistant"),
        ("assistant", "tool_result", "user"),
        ("system", "tool_result", "user"),
    ],
)
def test_a_call_or_a_result_in_anothers_message_is_refused(
    role: str, kind: str, whose: str
) -> None:
    block = {"type": kind, "id": "t", "tool_use_id": "t", "name": "f", "input": {}, "content": "x"}
    said = refusal(messages=[USER, {"role": role, "content": [block]}, USER])
    told = f"messages[1].content[0].type: a {kind} block belongs in a message whose role is {whose}"
    assert said == told


def test_rule_22_a_tool_that_only_the_vendor_runs_is_refused_where_there_is_no_other() -> None:
    told = refusal(tools=[{"type": "computer_20250124", "name": "computer"}])
    assert told.startswith("tools[0]: only the vendor can run computer_20250124, and no other")


def test_a_call_cannot_be_wanted_where_nothing_can_be_called() -> None:
    assert refusal(tools=[], tool_choice={"type": "any"}).startswith("tool_choice: there is no")
    code = {"type": "code_execution_20250522", "name": "code"}
    search = [code, {"type": "web_search_20250305", "name": "web_search"}]
    assert turn(tools=search, tool_choice={"type": "any"}).tool_choice == ToolChoice()
