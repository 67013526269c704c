"""When two requests say the same conversation, and when they do not."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from notion_manager.story import Story
from notion_manager.turn import (
    File,
    FileLink,
    FreeformTool,
    Message,
    Part,
    Piece,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolReference,
    ToolResult,
    Turn,
)

texts = st.text(alphabet="ab \n", max_size=6).map(Text)
arguments = st.dictionaries(st.sampled_from("xyz"), st.integers(0, 3) | st.text(max_size=3))
calls = st.builds(
    lambda id, name, given: ToolCall(id, name, json.dumps(given)),
    st.uuids().map(str),
    st.sampled_from(["Read", "Edit"]),
    arguments,
)
answers = st.lists(texts | st.builds(Thinking, st.text(max_size=3)) | calls, max_size=4)
asked = st.lists(texts, min_size=1, max_size=2)


def of(*messages: Message, asker: str = "me", **more: Any) -> Story:
    return Story(Turn("m", messages, **more), asker)


def after(story: Story, answer: Iterable[Piece]) -> str:
    said = "".join(piece.text for piece in answer if isinstance(piece, Text))
    return story.after(said, [piece for piece in answer if isinstance(piece, ToolCall)])


def user(*parts: Part | str) -> Message:
    return Message("user", tuple(Text(p) if isinstance(p, str) else p for p in parts))


def assistant(*parts: Part | str) -> Message:
    return Message("assistant", tuple(Text(p) if isinstance(p, str) else p for p in parts))


@given(st.lists(st.tuples(asked, answers), min_size=1, max_size=4), asked)
def test_the_key_after_an_answer_is_the_past_of_the_next_request(
    said: list[tuple[list[Text], list[Piece]]], last: list[Text]
) -> None:
    messages: list[Message] = []
    for question, answer in said:
        messages.append(user(*question))
        key = after(of(*messages), answer)
        messages.append(assistant(*answer))
        assert of(*messages, user(*last)).past == key


@given(st.lists(st.tuples(asked, answers), min_size=1, max_size=3), st.data())
def test_another_conversation_has_another_past(
    said: list[tuple[list[Text], list[Piece]]], data: st.DataObject
) -> None:
    messages = [message for q, a in said for message in (user(*q), assistant(Text("x"), *a))]
    place = data.draw(st.integers(0, len(messages) - 1))
    other = list(messages)
    other[place] = replace(other[place], parts=(*other[place].parts, Text("changed")))
    assert of(*messages, user("?")).past != of(*other, user("?")).past


def result(id: str, text: str = "out", *, failed: bool = False) -> ToolResult:
    return ToolResult(id, (Text(text),), failed=failed)


CALL = ToolCall("1", "Read", '{"a": 1, "b": 2}')
BEGUN = (user("hi"), assistant("I read.", CALL), user(result("1")), assistant("Well."))


@pytest.mark.parametrize(
    "same",
    [
        (user("hi"), assistant(" I  read.\n", CALL), user(result("1")), assistant("Well. ")),
        (user("hi"), assistant(Thinking("hm"), "I read.", CALL), *BEGUN[2:]),
        (user("hi"), assistant("I read.", replace(CALL, arguments='{"b":2,"a":1}')), *BEGUN[2:]),
        (user("hi"), assistant("I", CALL), assistant("read."), *BEGUN[2:]),
        (user("hi", Thinking("hm")), *BEGUN[1:]),
        (
            user("hi"),
            assistant("I read.", replace(CALL, id="other")),
            user(result("other")),
            BEGUN[3],
        ),
    ],
)
def test_what_clients_change_on_the_way_changes_nothing(same: Sequence[Message]) -> None:
    assert of(*same, user("?")).past == of(*BEGUN, user("?")).past


def test_a_default_that_a_client_fills_in_changes_nothing() -> None:
    schema = {"properties": {"all": {"type": "boolean", "default": False}, "b": True}}
    tools = (Tool("Read", "", schema), Tool("Odd", "", {"properties": []}))

    def past(**arguments: Any) -> str:
        call = ToolCall("1", "Read", json.dumps(arguments))
        return of(user("hi"), assistant(call), user(result("1")), tools=tools).past

    assert past(a=1) == past(a=1, all=False)
    assert past(a=1) != past(a=1, all=True)
    assert past(a=1) != past(a=1, b=False)


PICTURE = File("image/png", b"1")


@pytest.mark.parametrize(
    "other",
    [
        (user("hi", PICTURE), *BEGUN[1:]),
        (user("hi", FileLink("http://x.test")), *BEGUN[1:]),
        (user("hi "), *BEGUN[1:]),
        (Message("system", (Text("hi"),)), *BEGUN[1:]),
        (BEGUN[0], assistant("I read.", replace(CALL, name="Edit")), *BEGUN[2:]),
        (BEGUN[0], assistant("I read.", replace(CALL, namespace="x")), *BEGUN[2:]),
        (
            BEGUN[0],
            assistant("I read.", replace(CALL, arguments="free", freeform=True)),
            *BEGUN[2:],
        ),
        (BEGUN[0], assistant("I read.", replace(CALL, arguments='{"a":1e9999}')), *BEGUN[2:]),
        (*BEGUN[:2], user(result("1", failed=True)), BEGUN[3]),
        (*BEGUN[:2], user(result("unknown")), BEGUN[3]),
        (*BEGUN[:2], user(ToolResult("1", (ToolReference("out"),))), BEGUN[3]),
        BEGUN[2:],
    ],
)
def test_what_a_model_would_see_otherwise_is_another_conversation(other: Sequence[Message]) -> None:
    assert of(*other, user("?")).past != of(*BEGUN, user("?")).past


def test_what_is_said_beside_a_result_is_not_part_of_it() -> None:
    inside = user(ToolResult("1", (Text("out"), Text("and this"))))
    beside = user(result("1"), "and this")
    pasts = {of(*BEGUN[:2], told, BEGUN[3], user("?")).past for told in (inside, beside)}
    assert len(pasts) == 2


def test_files_are_told_by_what_they_hold() -> None:
    begun = [of(user("hi", replace(PICTURE, data=data)), assistant("A.")) for data in (b"1", b"2")]
    assert begun[0].after("", []) != begun[1].after("", [])


@pytest.mark.parametrize(
    "frame",
    [
        {"system": "Be brief."},
        {"asker": "you"},
        {"tools": (Tool("Read", "", {}),)},
        {"tools": (Tool("Read", "", {"type": "object", "x": "\ud800"}),)},
        {"tools": (FreeformTool("Read", ""),)},
        {"tool_choice": ToolChoice("none")},
    ],
)
def test_who_asks_with_which_tools_and_instructions_counts(frame: dict[str, Any]) -> None:
    assert of(*BEGUN, user("?"), **frame).past != of(*BEGUN, user("?")).past


def test_without_an_answer_or_anything_new_there_is_no_past() -> None:
    assert of(user("hi")).past == ""
    assert of(*BEGUN).past == ""
    assert of().past == ""
