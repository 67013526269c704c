"""What a Chat Completions request asks for besides its messages."""

from typing import Any

import pytest

from notion_manager.errors import BadRequest, Unsupported
from notion_manager.translators.exchange import Exchange
from notion_manager.translators.openai_chat import OpenAIChat
from notion_manager.turn import (
    EFFORTS,
    FreeformTool,
    JsonOutput,
    Limits,
    Search,
    Tool,
    ToolChoice,
)
from tests.translators.chat_requests import decode, turn

SCHEMA = {"$schema": "x", "type": "object", "properties": {"a": {"anyOf": [{"default": 1}]}}}
NOTHING = {"type": "object", "properties": {}}


def function(name: str = "f", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


def custom(**more: Any) -> dict[str, Any]:
    return {"type": "custom", "custom": {"name": "c", **more}}


def test_rule_37_the_older_and_the_newer_limit_are_read_and_the_newer_wins() -> None:
    assert turn(max_tokens=5).limits == Limits(5)
    assert turn(max_tokens=5, max_completion_tokens=6).limits == Limits(6)
    assert turn(max_tokens=None).limits == Limits()


def test_rule_37_stop_is_one_string_or_several() -> None:
    assert turn(stop="x").limits.stop == ("x",)
    chat = decode(stop=["x", "", "y"])
    assert chat.turn.limits.stop == ("x", "y")
    assert chat.ignored == decode(stop=[]).ignored == decode(stop=None).ignored == ()


def test_rule_37_every_effort_is_known_and_no_other() -> None:
    assert [turn(reasoning_effort=e).effort for e in EFFORTS] == list(EFFORTS)
    assert turn(reasoning_effort=None).effort == ""
    with pytest.raises(BadRequest, match="reasoning_effort: expected one of"):
        turn(reasoning_effort="immense")


def test_rule_37_output_may_have_to_be_json() -> None:
    assert turn(response_format=None).output is None
    assert turn(response_format={"type": "text"}).output is None
    found = turn(response_format={"type": "json_object"}).output
    assert found == JsonOutput(path="response_format")
    named, path = (
        {"name": "n", "schema": SCHEMA, "strict": True},
        "response_format.json_schema.schema",
    )
    strict = turn(response_format={"type": "json_schema", "json_schema": named})
    assert strict.output == JsonOutput(SCHEMA, "n", strict=True, path=path)
    loose = turn(response_format={"type": "json_schema", "json_schema": {"name": "n"}})
    assert loose.output == JsonOutput(name="n", path=path)


def test_the_presence_of_search_options_asks_for_the_web() -> None:
    assert turn(web_search_options={}).search == Search(web=True)
    assert turn().search == Search()


@pytest.mark.parametrize(
    ("headers", "body", "conversation"),
    [
        ({"x-session-affinity": "a", "x-session-id": "b"}, {"prompt_cache_key": "c"}, "a"),
        ({"x-session-id": "b"}, {"prompt_cache_key": "c", "user": "d"}, "b"),
        ({}, {"prompt_cache_key": "c", "user": "d"}, "c"),
        ({}, {"user": "d"}, "d"),
        ({}, {}, ""),
    ],
)
def test_a_conversation_is_known_by_the_most_telling_name(
    headers: dict[str, str], body: dict[str, str], conversation: str
) -> None:
    chat = decode(headers=headers, **body)
    assert chat.turn.conversation == conversation
    assert set(chat.ignored) == {name for name, value in body.items() if value != conversation}


def test_rule_37_rule_61_functions_become_tools() -> None:
    name = "n" * 64
    tools = [
        function(name, description="d", parameters=SCHEMA, strict=True),
        function("g", strict=None, parameters=None),
        {"function": {"name": "h"}},
    ]
    assert turn(tools=tools).tools == (
        Tool(name, "d", SCHEMA, strict=True),
        Tool("g", "", NOTHING),
        Tool("h", "", NOTHING),
    )


def test_custom_tools_are_freeform() -> None:
    grammar = {"syntax": "lark", "definition": "start: /x/"}
    tools = [
        custom(description="d"),
        custom(format={"type": "text"}),
        custom(format={"type": "grammar", "grammar": grammar}),
    ]
    assert turn(tools=tools).tools == (
        FreeformTool("c", "d"),
        FreeformTool("c", ""),
        FreeformTool("c", "", "lark", "start: /x/"),
    )


def test_older_functions_are_tools_too() -> None:
    asked = turn(functions=[{"name": "f", "parameters": SCHEMA}], function_call={"name": "f"})
    assert asked.tools == (Tool("f", "", SCHEMA),)
    assert asked.tool_choice == ToolChoice("required", "f", parallel=False)
    assert turn(function_call="none").tool_choice == ToolChoice("none")


def test_tools_of_unknown_type_are_listed_by_their_place() -> None:
    search = {"type": "web_search", "filters": {}}
    chat = decode(tools=[function(), {"type": "mystery"}, search])
    assert [tool.name for tool in chat.turn.tools] == ["f"]
    assert chat.ignored == ("tools[1] (mystery)", "tools[2].filters")


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        (None, ToolChoice()),
        ("auto", ToolChoice()),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        (function("g"), ToolChoice("required", "g")),
        (custom(), ToolChoice("required", "c")),
    ],
)
def test_rule_37_every_tool_choice_is_understood(given: Any, choice: ToolChoice) -> None:
    assert turn(tools=[function("g"), custom()], tool_choice=given).tool_choice == choice


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        ({"tool_choice": function("x")}, "tool_choice"),
        ({"function_call": {"name": "x"}}, "function_call"),
    ],
)
def test_a_choice_of_a_tool_that_is_not_there_is_refused(choice: Any, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        decode(tools=[function("g")], **choice)
    assert str(refused.value) == f"{field}: no tool is named 'x'"


def test_rule_37_parallel_calls_may_be_forbidden() -> None:
    assert turn(parallel_tool_calls=False).tool_choice == ToolChoice(parallel=False)
    assert turn(parallel_tool_calls=None).tool_choice == ToolChoice()


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_a_choice_of_allowed_tools_hides_the_others(mode: Any) -> None:
    allowed = {"mode": mode, "tools": [function("g"), custom()]}
    asked = turn(
        tools=[function("f"), function("g"), custom()],
        tool_choice={"type": "allowed_tools", "allowed_tools": allowed},
    )
    assert [tool.name for tool in asked.tools] == ["g", "c"]
    assert asked.tool_choice == ToolChoice(mode)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"model": 1}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": []}, "stream_options"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [function("")]}, "tools[0].function.name"),
        ({"tools": [function(parameters=[])]}, "tools[0].function.parameters"),
        ({"tools": [custom(format={"type": "x"})]}, "tools[0].custom.format.type"),
        ({"functions": [{}]}, "functions[0].name"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": {"type": "x"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": [1]}, "stop[0]"),
        ({"web_search_options": True}, "web_search_options"),
        ({"n": 0}, "n"),
        ({"user": 1}, "user"),
    ],
)
def test_a_malformed_field_is_refused_by_its_path(body: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        decode(**body)
    assert refused.value.field == field
    assert str(refused.value).startswith(f"{field}: ")


def test_a_schema_too_deep_to_be_written_again_is_refused() -> None:
    deep = ('{"a":' * 300) + "{}" + ("}" * 300)
    tools = f'"tools":[{{"function":{{"name":"f","parameters":{deep}}}}}]'
    body = f'{{"messages":[{{"role":"user","content":"x"}}],{tools}}}'
    with pytest.raises(BadRequest, match="nested too deeply"):
        OpenAIChat(body.encode(), Exchange("0" * 32, 0))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 2),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("audio", {"voice": "alloy"}),
        ("modalities", ["text", "audio"]),
    ],
)
def test_what_would_be_a_lie_is_refused_by_its_name(field: str, value: Any) -> None:
    with pytest.raises(Unsupported, match=f"{field}: ") as refused:
        decode(**{field: value})
    assert refused.value.field == field


def test_rule_37_defaults_that_mean_nothing_are_not_worth_a_word() -> None:
    chat = decode(
        stream=True,
        stream_options={"include_usage": True},
        n=1,
        logprobs=False,
        top_logprobs=0,
        modalities=["text"],
        audio=None,
        store=False,
        metadata={},
        temperature=None,
    )
    assert chat.ignored == ()


def test_rule_2_rule_37_what_changes_nothing_is_accepted_and_listed() -> None:
    idle = {
        "temperature": 0,
        "top_p": 0.1,
        "seed": 0,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.5,
        "logit_bias": {"50256": -100},
        "store": True,
        "metadata": {"a": "b"},
        "service_tier": "auto",
        "verbosity": "low",
        "safety_identifier": "x",
        "prediction": {"type": "content", "content": "x"},
        "some_future_field": False,
    }
    assert decode(**idle).ignored == tuple(idle)


def test_names_that_a_client_made_up_are_made_safe_for_a_header() -> None:
    assert decode(**{"a\r\nb: é": 1, "": 1, "x" * 70: 1}).ignored == ("a__b___", "_", "x" * 64)
    assert len(decode(**{f"f{i}": 1 for i in range(50)}).ignored) == 32


def test_rule_14_the_model_may_be_left_to_the_gateway() -> None:
    assert turn(model=None).model == turn(model="").model == ""
    assert turn(model="gpt-5-mini").model == "gpt-5-mini"


def test_streaming_is_off_unless_asked_for() -> None:
    assert not decode().stream
    assert not decode(stream=None).stream
    assert decode(stream=True).stream


def test_rule_36_members_of_messages_and_options_without_effect_are_named() -> None:
    body = (
        b'{"messages":[{"role":"user","content":"hi","name":"Ada"}],'
        b'"web_search_options":{"search_context_size":"high"}}'
    )
    ignored = OpenAIChat(body, Exchange("0" * 32, 0)).ignored
    assert ignored == ("messages[].name", "web_search_options.search_context_size")


@pytest.mark.parametrize("kind", ["web_search", "web_search_preview"])
@pytest.mark.parametrize("choice", [{}, {"tool_choice": "required"}])
def test_a_search_tool_of_the_other_api_is_searching_the_web(
    kind: str, choice: dict[str, Any]
) -> None:
    asked = turn({"role": "user", "content": "hi"}, tools=[{"type": kind}], **choice)
    assert (asked.search.web, asked.tools, asked.tool_choice) == (True, (), ToolChoice())
    assert asked.citations == "linked"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"tool_choice": "required"}, "tool_choice: there is no tool to call"),
        (
            {"tools": [{"type": "mcp"}], "tool_choice": "required"},
            "tools[0]: only the vendor can run mcp, and no",
        ),
        (
            {
                "tools": [function("g")],
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "required", "tools": [function("Raed")]},
                },
            },
            "tool_choice: no tool is named 'Raed'",
        ),
    ],
)
def test_a_call_cannot_be_wanted_of_what_is_not_there(fields: Any, told: str) -> None:
    with pytest.raises(BadRequest) as refused:
        decode(**fields)
    assert str(refused.value).startswith(told)
