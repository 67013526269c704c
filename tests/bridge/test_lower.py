"""What a turn becomes that asks for more than text."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lowering import CALL, HI, lowered
from test_values import anything, schemas
from toolkit import schema

from notion_manager.bridge import lower
from notion_manager.bridge.prompt import FAR, NONE_NOW
from notion_manager.errors import BadRequest
from notion_manager.turn import (
    FreeformTool,
    JsonOutput,
    Limits,
    Message,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)

RESULT = Message("user", (ToolResult("1", (Text("x = 1"),)),))


def last(turn: Turn) -> str:
    return "\n".join(part.text for part in turn.messages[-1].parts if isinstance(part, Text))


def test_a_turn_of_plain_text_needs_nothing() -> None:
    assert lower(Turn("m", (HI,), system="You help.")) is None


def test_the_callers_instructions_come_first_and_word_for_word() -> None:
    system = "  You help.\n\n# Tools\n<call_x>\n"
    assert lowered(system=system).turn.system.startswith(
        f"{system}\n\n## Tools\n\nThis conversation"
    )


def test_every_tool_is_offered_however_many() -> None:
    many = tuple(
        Tool(f"tool_{n}", f"Does {n}.\n\n## Notes\n", schema((), a={})) for n in range(300)
    )
    said = lowered(tools=many).turn.system
    for tool in many:
        assert f"### {tool.name}\n\n{tool.description}\n\n{tool.name} {{\n  a?: any\n}}" in said


def test_free_text_says_how_it_is_put_and_by_which_grammar() -> None:
    patch = FreeformTool("apply_patch", "Patches.", "lark", "start: line+")
    said = lowered(tools=(patch, FreeformTool("run", ""))).turn.system
    assert (
        "### apply_patch\n\nPatches.\n\nIts input follows this lark grammar:\n\nstart: line+\n\n"
        in said
    )
    assert (
        "### run\n\nrun takes free text: put the whole input in one argument named `input`." in said
    )


def test_what_comes_before_the_last_message_stays_the_same_while_a_conversation_grows() -> None:
    turns = [
        lowered(messages=messages).turn
        for messages in ((HI,), (HI, CALL, RESULT), (HI, CALL, RESULT, CALL, RESULT))
    ]
    assert len({turn.system for turn in turns}) == 1
    assert turns[1].messages == turns[2].messages[:3]


def test_a_choice_is_told_at_the_end_so_that_the_beginning_stays() -> None:
    free = lowered().turn
    must = lowered(tool_choice=ToolChoice("required")).turn
    named = lowered(tool_choice=ToolChoice("required", "spawn", parallel=False)).turn
    assert free.system == must.system == named.system
    assert last(free) == "hi"
    assert last(must) == "hi\nThe next message must contain at least one call block."
    assert "a call to agents.spawn.\nWrite at most one call block per message." in last(named)


def test_far_from_its_description_the_form_is_told_again() -> None:
    assert "(Tool calls in this conversation use <call_" not in last(lowered().turn)
    assert "(Tool calls in this conversation use <call_" in last(lowered(system="x" * FAR).turn)


def test_the_end_of_a_conversation_that_is_an_instruction_is_followed_by_what_must_be_said() -> (
    None
):
    note = Message("system", (Text("note"),))
    must = lowered(messages=(HI, note), tool_choice=ToolChoice("required")).turn
    assert [message.role for message in must.messages] == ["user", "system", "user"]
    answered = lowered(messages=(HI, CALL), tool_choice=ToolChoice("required")).turn
    assert answered.messages[-1].role == "assistant"
    empty = lowered(messages=(), tool_choice=ToolChoice("required"))
    assert empty.turn.messages == ()


@pytest.mark.parametrize("more", [{"tools": ()}, {"tool_choice": ToolChoice("none")}])
def test_earlier_calls_without_tools_now_are_explained(more: dict[str, Any]) -> None:
    found = lowered(messages=(HI, CALL, RESULT), **more)
    assert found.turn.system == f"You help.\n\n{NONE_NOW}"
    assert not found.policy.allowed
    assert "<call_" in repr(found.turn.messages[1])


def test_a_document_is_asked_for_at_the_end() -> None:
    output = JsonOutput(schema(("age",), age={"type": "integer"}))
    found = lowered(Turn("m", (HI,)), output=output)
    assert last(found.turn).startswith(
        "hi\nAnswer with one JSON value of this type:\n\n{\n  age: int\n}"
    )
    assert found.turn.output is None
    anything = lowered(Turn("m", (HI,)), output=JsonOutput())
    assert "{[key: string]: any}" in last(anything.turn)


def test_limits_alone_change_nothing_that_is_said() -> None:
    found = lowered(Turn("m", (HI,)), limits=Limits(9))
    assert found.only_limited
    assert found.turn == Turn("m", (HI,))


@pytest.mark.parametrize(
    "turn",
    [
        Turn("m", (HI,), tools=(Tool("T", "", {"type": 7}, strict=True),)),
        Turn("m", (HI,), output=JsonOutput({"$ref": "http://127.0.0.1:9/x"})),
    ],
)
def test_a_schema_that_cannot_be_checked_is_refused_where_it_must_be(turn: Turn) -> None:
    with pytest.raises(BadRequest, match="is not valid"):
        lower(turn)


def test_a_schema_that_need_not_be_checked_may_be_anything() -> None:
    assert lowered(tools=(Tool("T", "", {"type": 7}),)).policy.checked == frozenset()


said_texts = st.builds(Text, st.text(max_size=9))
json_texts = st.text(max_size=20) | anything.map(json.dumps)
calls = st.builds(
    ToolCall,
    st.sampled_from("123"),
    st.text(max_size=9),
    json_texts,
    st.sampled_from(["", "ns"]),
    st.booleans(),
)
results = st.builds(
    ToolResult, st.sampled_from("1234"), st.lists(said_texts, max_size=2).map(tuple), st.booleans()
)


def of(role: str, parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    return st.builds(Message, st.just(role), st.lists(parts, max_size=4).map(tuple))


messages = st.lists(
    of("user", said_texts | results)
    | of("assistant", said_texts | calls)
    | of("system", said_texts),
    max_size=6,
).map(tuple)
tools = st.lists(
    st.builds(Tool, st.text(min_size=1, max_size=9), st.text(max_size=9), schemas), max_size=3
).map(tuple)


@given(
    messages,
    tools,
    st.sampled_from([ToolChoice(), ToolChoice("none"), ToolChoice("required", "x")]),
)
def test_whatever_a_client_sends_becomes_text(said: Any, offered: Any, choice: ToolChoice) -> None:
    if choice.name and offered:
        offered = (Tool("x", "", {}), *offered)
    found = lower(Turn("m", said, tools=offered, tool_choice=choice))
    if found is not None:
        for message in found.turn.messages:
            assert all(isinstance(part, Text) for part in message.parts)
        assert found.marks is not None
        assert not found.turn.tools


def test_a_schema_that_is_none_is_refused_by_its_place() -> None:
    output = JsonOutput({"type": 7}, path="text.format.schema")
    with pytest.raises(BadRequest, match=r"^text\.format\.schema: the schema of the output"):
        lower(Turn("m", (HI,), output=output))
