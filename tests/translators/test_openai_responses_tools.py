"""The tools that a Responses request brings, and which of them may be called."""

from typing import Any

import pytest

from notion_manager.errors import BadRequest
from notion_manager.translators.exchange import Exchange
from notion_manager.translators.openai_responses import OpenAIResponses
from notion_manager.turn import FreeformTool, Search, Tool, ToolChoice
from tests.translators.responses_requests import (
    CUSTOM,
    FUNCTION,
    USER,
    created,
    ignored,
    read,
    refusal,
)


def test_rule_47_rule_61_functions_keep_their_schemas_as_they_are() -> None:
    schema = {"$schema": "x", "anyOf": [{}], "properties": {"a": {"default": 1}}}
    name = "n" * 64
    full = {
        "type": "function",
        "name": name,
        "description": "d",
        "parameters": schema,
        "strict": True,
        "defer_loading": True,
    }
    turn = read(tools=[full, {"type": "function", "name": "bare", "strict": None}]).turn
    assert turn.tools == (
        Tool(name, "d", schema, strict=True, deferred=True),
        Tool("bare", "", {"type": "object", "properties": {}}),
    )


@pytest.mark.parametrize(
    "body", ['"tools":[%s]', '"input":[{"type":"additional_tools","tools":[%s]}]']
)
def test_a_schema_too_deep_to_be_written_again_is_named_by_its_path(body: str) -> None:
    """The encoder has the same limit, so the text is put together by hand."""
    deep = ('{"a":' * 300) + "{}" + ("}" * 300)
    tool = f'{{"type":"function","name":"f","parameters":{deep}}}'
    with pytest.raises(BadRequest, match=r"tools\[0\].parameters: nested too deeply"):
        OpenAIResponses(f'{{"input":"x",{body % tool}}}'.encode(), Exchange("0" * 32, 0))


def test_rule_47_custom_tools_keep_their_grammar() -> None:
    lark = {"type": "grammar", "syntax": "lark", "definition": "start: x"}
    turn = read(
        tools=[
            {"type": "custom", "name": "a", "format": lark},
            {"type": "custom", "name": "b", "format": {"type": "text"}, "description": "d"},
        ]
    ).turn
    assert turn.tools == (FreeformTool("a", "", "lark", "start: x"), FreeformTool("b", "d"))


def test_rule_47_namespaced_tools_know_their_namespace_and_nest_once() -> None:
    space = {"type": "namespace", "name": "ns", "description": "d", "tools": [FUNCTION, CUSTOM]}
    nested = {"type": "namespace", "name": "outer", "tools": [{**space, "description": ""}]}
    exchange = read(tools=[space, nested])
    assert exchange.turn.tools == (
        Tool("f", "", {"type": "object"}, namespace="ns"),
        FreeformTool("c", "", namespace="ns"),
    )
    assert exchange.ignored == ("tools[0].description", "tools[1].tools[0] (namespace)")


def test_rule_47_tools_may_come_in_an_item() -> None:
    item = {"type": "additional_tools", "role": "developer", "tools": [FUNCTION]}
    exchange = read(input=[item, {"role": "system", "content": "s"}, USER])
    assert [tool.name for tool in exchange.turn.tools] == ["f"]
    assert exchange.turn.system == "s"
    assert exchange.ignored == ()


@pytest.mark.parametrize("tools", [None, []])
def test_rule_47_no_tools_are_no_tools(tools: Any) -> None:
    assert read(tools=tools).turn.tools == ()


def test_rule_47_tools_that_only_openai_runs_are_named() -> None:
    hosted = [
        {"type": "tool_search"},
        {"type": "shell", "environment": {"type": "container_auto"}},
        {"type": "mcp", "server_label": ""},
    ]
    assert ignored(tools=[*hosted, FUNCTION]) == (
        "tools[0] (tool_search)",
        "tools[1] (shell)",
        "tools[2] (mcp)",
    )


@pytest.mark.parametrize("kind", ["computer_use_preview", "apply_patch", "code_interpreter"])
def test_rule_47_a_tool_that_only_openai_runs_is_refused_where_there_is_no_other(kind: str) -> None:
    told = f"tools[0]: only the vendor can run {kind}, and no other tool is offered"
    assert str(refusal(tools=[{"type": kind}])).startswith(told)


@pytest.mark.parametrize("kind", ["web_search", "web_search_preview", "web_search_2025_08_26"])
def test_rule_47_web_search_is_searching_the_web(kind: str) -> None:
    exchange = read(tools=[{"type": kind, "filters": {"allowed_domains": ["x"]}}])
    assert exchange.turn.search == Search(web=True)
    assert exchange.turn.tools == ()
    assert exchange.ignored == ("tools[0].filters",)


def test_a_search_without_access_to_the_web_is_named() -> None:
    exchange = read(tools=[{"type": "web_search", "external_web_access": False}])
    assert exchange.turn.search == Search()
    assert exchange.ignored == ("tools[0] (web_search)",)


@pytest.mark.parametrize(
    ("choice", "meaning"),
    [
        (None, ToolChoice()),
        ("auto", ToolChoice()),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "f"}, ToolChoice("required", "f")),
        ({"type": "custom", "name": "c"}, ToolChoice("required", "c")),
    ],
)
def test_a_tool_choice_is_understood_and_echoed(choice: Any, meaning: ToolChoice) -> None:
    exchange = read(tools=[FUNCTION, CUSTOM], tool_choice=choice)
    assert exchange.turn.tool_choice == meaning
    assert created(exchange)["tool_choice"] == (choice or "auto")


@pytest.mark.parametrize("kind", ["shell", "local_shell"])
def test_a_choice_of_a_shell_that_the_client_runs_is_that_tool(kind: str) -> None:
    turn = read(tools=[{"type": kind}, CUSTOM], tool_choice={"type": kind}).turn
    assert turn.tool_choice == ToolChoice("required", kind)


def test_allowed_tools_leave_the_others_out() -> None:
    tools = [FUNCTION, CUSTOM, {"type": "web_search"}]
    one = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "c"}]}
    turn = read(tools=tools, tool_choice=one).turn
    assert [tool.name for tool in turn.tools] == ["c"]
    assert (turn.tool_choice, turn.search) == (ToolChoice("required"), Search())
    search = {"type": "allowed_tools", "tools": [{"type": "web_search"}]}
    turn = read(tools=tools, tool_choice=search).turn
    assert (turn.tools, turn.search, turn.tool_choice) == ((), Search(web=True), ToolChoice())


def test_a_choice_of_what_openai_runs_is_named_and_of_what_is_not_there_refused() -> None:
    assert ignored(tool_choice={"type": "web_search"}) == ("tool_choice (web_search)",)
    for kind in ("file_search", "mcp", "shell"):
        problem = refusal(tools=[CUSTOM], tool_choice={"type": kind})
        assert str(problem) == f"tool_choice: only OpenAI can run {kind}: choose another tool"
    problem = refusal(tools=[CUSTOM], tool_choice={"type": "function", "name": "f"})
    assert str(problem) == "tool_choice.name: no tool is named 'f'"
    assert refusal(tool_choice="any").field == "tool_choice"


def test_one_call_at_a_time_may_be_asked_for() -> None:
    assert read(parallel_tool_calls=False).turn.tool_choice == ToolChoice(parallel=False)


def test_allowed_tools_are_those_that_are_there() -> None:
    def narrowed(*tools: Any, mode: str = "auto") -> Any:
        return {"type": "allowed_tools", "mode": mode, "tools": list(tools)}

    shell = {"type": "local_shell"}
    turn = read(tools=[shell, CUSTOM], tool_choice=narrowed(shell, mode="required")).turn
    assert [tool.name for tool in turn.tools] == ["local_shell"]
    wrong = narrowed({"type": "function", "name": "Raed"})
    problem = refusal(tools=[FUNCTION], tool_choice=wrong)
    assert str(problem) == "tool_choice.tools[0].name: no tool is named 'Raed'"
    theirs = narrowed({"type": "mcp", "server_label": "x"}, {"type": "function", "name": "f"})
    assert ignored(tools=[FUNCTION], tool_choice=theirs) == ("tool_choice.tools[0] (mcp)",)


@pytest.mark.parametrize("tools", [[], [{"type": "namespace", "name": "n", "tools": []}]])
def test_a_call_cannot_be_wanted_where_nothing_can_be_called(tools: list[Any]) -> None:
    problem = refusal(tools=tools, tool_choice="required")
    assert str(problem).startswith("tool_choice: there is no tool to call")
    turn = read(tools=[*tools, {"type": "web_search"}], tool_choice="required").turn
    assert (turn.tool_choice, turn.search) == (ToolChoice(), Search(web=True))
