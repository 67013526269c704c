"""What the input of a Responses request says, item by item."""

from typing import Any

import orjson
import pytest

from notion_manager.errors import Unsupported
from notion_manager.translators.exchange import Exchange
from notion_manager.translators.openai_responses import OpenAIResponses
from notion_manager.translators.openai_responses.reasoning import seal
from notion_manager.turn import (
    File,
    FileLink,
    Found,
    Message,
    Part,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from tests.files import PDF, PNG, base64, data_url
from tests.translators.responses_requests import USER, ignored, messages, read, refusal, user_parts


@pytest.mark.parametrize("text", ["hi", ""])
def test_rule_44_a_string_is_what_the_user_says_even_an_empty_one(text: str) -> None:
    assert read(input=text).turn.messages == (Message("user", (Text(text),)),)


def test_rule_44_items_need_no_type() -> None:
    assert messages(USER) == messages({"type": "message", **USER}) == read().turn.messages


def test_rule_45_instructions_and_leading_system_items_are_the_system_text() -> None:
    turn = read(
        instructions="one",
        input=[
            {"role": "system", "content": "two"},
            {
                "type": "message",
                "role": "developer",
                "content": [
                    {"type": "input_text", "text": "three"},
                    {"type": "input_text", "text": ""},
                ],
            },
            USER,
        ],
    ).turn
    assert turn.system == "one\n\ntwo\n\nthree"
    assert turn.messages == (Message("user", (Text("hi"),)),)


def test_rule_45_later_system_items_stay_in_their_place() -> None:
    late = {"role": "developer", "content": "be brief"}
    turn = read(input=[USER, late, late, USER]).turn
    assert turn.system == ""
    assert [m.role for m in turn.messages] == ["user", "system", "user"]
    assert turn.messages[1].parts == (Text("be brief"), Text("be brief"))


def test_a_leading_system_item_with_more_than_text_stays_in_its_place() -> None:
    image = {"type": "input_image", "image_url": URL}
    turn = read(input=[{"role": "system", "content": [image]}, USER]).turn
    assert turn.messages[0] == Message(
        "system", (File("image/png", PNG, path="input[0].content[0].image_url"),)
    )


def test_neighbours_of_one_side_are_one_message() -> None:
    said = messages(
        USER,
        {"role": "user", "content": "again"},
        {"role": "assistant", "content": "let me see"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "function_call_output", "call_id": "c2", "output": "2"},
        USER,
    )
    assert [(m.role, len(m.parts)) for m in said] == [("user", 2), ("assistant", 3), ("user", 3)]


def test_instructions_alone_are_answered_as_if_the_user_said_nothing() -> None:
    assert read(instructions="say hi", input=[]).turn.messages == (Message("user", (Text(""),)),)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "input: nothing to answer: send a user message"),
        ([{"role": "user", "content": []}], "input: nothing to answer: send a user message"),
        (None, "input: required; expected a string or a list"),
        (3, "input: expected a list, got a number"),
        ([3], "input[0]: expected an object, got a number"),
        ([{}], "input[0].role: required; expected a string"),
        ([{"role": "tool", "content": ""}], "input[0].role: expected one of"),
        ([{"role": "user"}], "input[0].content: required; expected a string or a list"),
        ([{"role": "user", "content": [{"type": "input_text"}]}], "input[0].content[0].text: req"),
        ([{"type": "function_call", "name": "f", "arguments": "{}"}], "input[0].call_id: required"),
        ([{"type": "function_call", "call_id": "c"}], "input[0].name: required"),
        ([{"type": "function_call_output", "output": ""}], "input[0].call_id: required"),
        ([{"type": "local_shell_call_output", "output": ""}], "input[0].id: required"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_input_is_named_by_its_path(given: Any, message: str) -> None:
    assert str(refusal(input=given)).startswith(message)


@pytest.mark.parametrize(
    "last",
    [
        {"role": "assistant", "content": "so"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    ],
)
def test_a_conversation_that_ends_with_the_assistant_is_refused(last: dict[str, Any]) -> None:
    problem = refusal(input=[USER, last])
    assert problem.field == "input"
    assert "end with a user message" in str(problem)


def test_rule_44_items_of_unknown_kinds_are_skipped_and_named() -> None:
    odd = {"type": "compaction", "encrypted_content": "x"}
    worse = {"type": "very odd: kind", "id": "x"}
    exchange = read(input=[odd, USER, worse, {"id": "msg_gone"}])
    assert exchange.turn.messages == (Message("user", (Text("hi"),)),)
    assert exchange.ignored == (
        "input[0] (compaction)",
        "input[2] (very_odd__kind)",
        "input[3] (item_reference)",
    )


def test_rule_50_a_reference_is_the_item_that_is_remembered() -> None:
    memory = {"msg_1": {"type": "message", "role": "assistant", "content": "yes?"}}
    given = [USER, {"id": "msg_1"}, {"type": "item_reference", "id": "msg_2"}, USER]
    exchange = OpenAIResponses(
        orjson.dumps({"input": given}), Exchange("0" * 32, 0, recall=memory.get)
    )
    assert exchange.turn.messages[1] == Message("assistant", (Text("yes?"),))
    assert exchange.ignored == ("input[2] (item_reference)",)


# content


def test_rule_46_texts_of_every_kind_are_text() -> None:
    kinds = ("input_text", "output_text", "summary_text", "text")
    parts = [{"type": kind, "text": kind} for kind in kinds]
    refused = {"type": "refusal", "refusal": "no"}
    assert user_parts(*parts, refused) == (*map(Text, kinds), Text("no"))


URL = data_url("image/png", PNG)
PART = "input[0].content[0]"


@pytest.mark.parametrize(
    ("part", "meaning"),
    [
        (
            {"type": "input_image", "image_url": URL},
            File("image/png", PNG, path=f"{PART}.image_url"),
        ),
        (
            {"type": "input_image", "image_url": URL.replace("data:", "DATA:")},
            File("image/png", PNG, path=f"{PART}.image_url"),
        ),
        (
            {"type": "input_file", "file_data": "https://x/y", "filename": "a"},
            FileLink("https://x/y", name="a", path=f"{PART}.file_data"),
        ),
        (
            {"type": "input_image", "image_url": "https://x/y"},
            FileLink("https://x/y", path=f"{PART}.image_url"),
        ),
        (
            {"type": "input_file", "file_data": URL, "filename": "a"},
            File("image/png", PNG, "a", f"{PART}.file_data"),
        ),
        (
            {"type": "input_file", "file_data": base64(PDF)},
            File("application/pdf", PDF, path=f"{PART}.file_data"),
        ),
        ({"type": "input_file", "file_data": "data:;base64,aGk="}, Text("hi")),
        (
            {"type": "input_file", "file_url": "http://x/y"},
            FileLink("http://x/y", path=f"{PART}.file_url"),
        ),
    ],
)
def test_rule_46_files_come_as_data_or_as_links(part: dict[str, Any], meaning: Part) -> None:
    assert user_parts(part) == (meaning,)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"type": "input_image"}, "input[0].content[0]: expected image_url or file_id"),
        (
            {"type": "input_image", "file_id": "f1"},
            "input[0].content[0].file_id: this file is stored",
        ),
        (
            {"type": "input_file", "file_id": "f1"},
            "input[0].content[0].file_id: this file is stored",
        ),
        (
            {"type": "input_file", "file_data": "AAAA"},
            "input[0].content[0].file_data: files of type",
        ),
        ({"type": "input_file"}, "input[0].content[0]: expected file_data, file_url or file_id"),
        ({"type": "input_image", "image_url": "file:///x"}, "input[0].content[0].image_url: exp"),
        ({"type": "input_image", "image_url": "data:image/png"}, "input[0].content[0].image_url"),
        ({"type": "input_file", "file_data": "A"}, "input[0].content[0].file_data: not valid base"),
        ({"type": "input_file", "file_data": "é"}, "input[0].content[0].file_data: not valid base"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_by_its_path(
    part: dict[str, Any], message: str
) -> None:
    assert str(refusal(input=[{"role": "user", "content": [part]}])).startswith(message)


def test_audio_is_refused_and_unknown_parts_are_named() -> None:
    audio = {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}
    problem = refusal(input=[audio])
    assert isinstance(problem, Unsupported)
    assert problem.field == "input[0].content[0]"
    picture = {"type": "input_image", "image_url": URL, "detail": "high"}
    odd = {"role": "user", "content": [{"type": "hologram"}, picture]}
    assert ignored(input=[odd]) == ("input[0].content[0] (hologram)", "input[0].content[1].detail")


# reasoning


def reasoning(**fields: Any) -> OpenAIResponses:
    return read(input=[{"type": "reasoning", "id": "rs", "summary": [], **fields}, USER])


def test_rule_51_our_own_seal_gives_the_thinking_back_whole() -> None:
    sealed = seal(Thinking("hm", "c2ln"))
    exchange = reasoning(encrypted_content=sealed, summary=[{"type": "summary_text", "text": "h"}])
    assert exchange.turn.messages[0] == Message("assistant", (Thinking("hm", "c2ln"),))
    assert exchange.ignored == ()


@pytest.mark.parametrize("foreign", ["gAAAAABo", "nm1.", "nm1.!", "nm1.e30=", "nm1.eA=="])
def test_rule_51_what_others_sealed_is_accepted_and_named(foreign: str) -> None:
    summary = [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]
    exchange = reasoning(encrypted_content=foreign, summary=summary, content=None)
    assert exchange.turn.messages[0] == Message("assistant", (Thinking("a\n\nb"),))
    assert exchange.ignored == ("input[0].encrypted_content",)


def test_rule_44_reasoning_of_nulls_says_nothing() -> None:
    assert reasoning(content=None, encrypted_content=None).turn.messages == read().turn.messages


def test_reasoning_without_a_summary_is_read_from_its_content() -> None:
    exchange = reasoning(content=[{"type": "reasoning_text", "text": "all of it"}])
    assert exchange.turn.messages[0].parts == (Thinking("all of it"),)


# calls and results


@pytest.mark.parametrize(
    ("item", "call"),
    [
        (
            {"type": "function_call", "name": "f", "arguments": "{}", "namespace": "ns"},
            ToolCall("c", "f", "{}", "ns"),
        ),
        ({"type": "function_call", "name": "f"}, ToolCall("c", "f", "")),
        (
            {"type": "custom_tool_call", "name": "patch", "input": "*** Begin"},
            ToolCall("c", "patch", "*** Begin", freeform=True),
        ),
        (
            {"type": "local_shell_call", "action": {"command": ["ls"]}},
            ToolCall("c", "local_shell", '{"command":["ls"]}'),
        ),
        (
            {
                "type": "local_shell_call",
                "action": {"type": "exec", "command": [], "env": {}, "timeout_ms": None},
            },
            ToolCall("c", "local_shell", '{"command":[]}'),
        ),
        (
            {"type": "local_shell_call", "action": {"command": ["ls"], "env": {"A": ""}}},
            ToolCall("c", "local_shell", '{"command":["ls"],"env":{"A":""}}'),
        ),
        ({"type": "local_shell_call", "action": "ls"}, ToolCall("c", "local_shell", "ls")),
        ({"type": "local_shell_call"}, ToolCall("c", "local_shell", "")),
        (
            {"type": "shell_call", "action": {"commands": ["ls"], "max_output_length": None}},
            ToolCall("c", "shell", '{"commands":["ls"]}'),
        ),
        ({"type": "shell_call", "action": {}}, ToolCall("c", "shell", "{}")),
        ({"type": "apply_patch_call", "operation": {}}, ToolCall("c", "apply_patch", "{}")),
    ],
)
def test_rule_44_calls_of_every_kind_are_tool_calls(item: dict[str, Any], call: ToolCall) -> None:
    assert messages({"call_id": "c", **item}, USER)[0] == Message("assistant", (call,))


@pytest.mark.parametrize(
    ("item", "result"),
    [
        ({"type": "function_call_output", "output": "ok"}, ToolResult("c", (Text("ok"),))),
        (
            {
                "type": "function_call_output",
                "output": [
                    {"type": "input_text", "text": "see"},
                    {"type": "input_image", "image_url": URL},
                ],
            },
            ToolResult(
                "c", (Text("see"), File("image/png", PNG, path="input[0].output[1].image_url"))
            ),
        ),
        ({"type": "custom_tool_call_output", "output": []}, ToolResult("c", ())),
        (
            {"type": "shell_call_output", "output": [{"stdout": "x"}]},
            ToolResult("c", (Text('[{"stdout":"x"}]'),)),
        ),
        (
            {"type": "apply_patch_call_output", "status": "failed"},
            ToolResult("c", (), failed=True),
        ),
    ],
)
def test_rule_44_outputs_are_strings_or_lists(item: dict[str, Any], result: ToolResult) -> None:
    assert messages({"call_id": "c", **item}) == (Message("user", (result,)),)


@pytest.mark.parametrize(
    ("action", "found"),
    [
        ({"query": "rain", "sources": [{"type": "url", "url": "https://a.test/"}]},
         Found(("rain",), (Source("https://a.test/"),))),
        ({"query": "rain; snow", "queries": ["rain", "snow"]}, Found(("rain", "snow"), ())),
        (None, Found((), ())),
    ],
)  # fmt: skip
def test_rule_44_a_search_that_comes_back_says_what_was_asked_and_found(
    action: dict[str, Any] | None, found: Found
) -> None:
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": action}
    assert messages(USER, item, USER)[1] == Message("assistant", (found,))


def test_a_local_shell_output_names_its_call_by_its_own_id() -> None:
    said = messages({"type": "local_shell_call_output", "id": "c", "output": "ok"})
    assert said == (Message("user", (ToolResult("c", (Text("ok"),)),)),)
