"""Who says what in a Chat Completions request."""

from typing import Any

import pytest

from notion_manager.errors import BadRequest, Unsupported
from notion_manager.turn import File, FileLink, Message, Text, Thinking, ToolCall, ToolResult
from tests.files import PDF, PNG, base64, data_url
from tests.translators.chat_requests import USER, decode, parts, said, turn

HI = Message("user", (Text("hi"),))
SAID = {"role": "assistant", "content": "yes"}
PNG_URL = data_url("image/png", PNG)


def system(text: str, role: str = "system") -> dict[str, Any]:
    return {"role": role, "content": text}


def test_rule_35_instructions_that_open_the_conversation_are_the_system_prompt() -> None:
    asked = turn(system("a"), system("b", "developer"), USER)
    assert asked.system == "a\n\nb"
    assert asked.messages == (HI,)


def test_rule_35_later_instructions_stay_where_they_stand() -> None:
    asked = turn(system("a"), USER, system("b", "developer"))
    assert asked.system == "a"
    assert asked.messages == (HI, Message("system", (Text("b"),)))


def test_rule_35_instructions_may_follow_what_the_assistant_said_last() -> None:
    assert said(USER, SAID, system("go on"))[-1] == Message("system", (Text("go on"),))


def test_a_conversation_of_instructions_alone_keeps_the_last_in_its_place() -> None:
    asked = turn(system("a"), system("b"))
    assert asked.system == "a"
    assert asked.messages == (Message("system", (Text("b"),)),)


def test_instructions_with_a_picture_stay_a_message() -> None:
    picture = {"role": "system", "content": [{"type": "image_url", "image_url": PNG_URL}]}
    asked = turn(system("a"), picture, USER)
    assert asked.system == "a"
    assert asked.messages == (
        Message("system", (File("image/png", PNG, path="messages[1].content[0].image_url"),)),
        HI,
    )


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant"])
def test_rule_35_content_is_a_string_or_parts_or_null_for_every_role(role: str) -> None:
    text = {"type": "text", "text": "x"}
    for content in ("x", [text]):
        asked = turn({"role": role, "content": content}, USER)
        assert asked.system == "x" or asked.messages[0].parts == (Text("x"),)
    for empty in (None, "", [], [{"type": "text", "text": ""}]):
        assert said({"role": role, "content": empty}, USER) == (HI,)


def test_rule_36_messages_of_the_same_role_stay_apart() -> None:
    assert said(USER, USER) == (HI, HI)


def test_rule_36_null_extras_of_a_replayed_message_are_accepted() -> None:
    keys = (
        *("refusal", "annotations", "audio", "function_call", "parsed", "tool_calls"),
        *("reasoning_content", "reasoning", "name"),
    )
    replayed = {**SAID, **dict.fromkeys(keys)}
    assert said(USER, replayed, USER)[1] == Message("assistant", (Text("yes"),))


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_rule_36_rule_41_rule_60_reasoning_that_comes_back_is_thinking(key: str) -> None:
    replayed = said(USER, {**SAID, key: "hm"}, USER)[1]
    assert replayed.parts == (Thinking("hm"), Text("yes"))


def test_reasoning_of_another_shape_is_passed_over() -> None:
    replayed = said(USER, {**SAID, "reasoning": {"effort": "high"}}, USER)[1]
    assert replayed.parts == (Text("yes"),)


def test_a_refusal_is_text_that_was_said() -> None:
    assert parts({"type": "refusal", "refusal": "no"}, role="assistant") == (Text("no"),)
    replayed = {"role": "assistant", "content": None, "refusal": "no"}
    assert said(USER, replayed, USER)[1] == Message("assistant", (Text("no"),))


def call(id: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}


def result(id: str, content: Any = "ok") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": content}


def test_results_of_parallel_calls_stand_in_one_user_message() -> None:
    calling = {"role": "assistant", "content": None, "tool_calls": [call("a"), call("b")]}
    messages = said(USER, calling, result("a"), result("b", [{"type": "text", "text": "no"}]), USER)
    assert messages == (
        HI,
        Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}"))),
        Message("user", (ToolResult("a", (Text("ok"),)), ToolResult("b", (Text("no"),)))),
        HI,
    )


def test_an_empty_result_is_still_a_result() -> None:
    assert said(USER, result("a", None))[-1].parts == (ToolResult("a", ()),)


def test_a_result_may_hold_a_picture() -> None:
    picture = {"type": "image_url", "image_url": {"url": PNG_URL}}
    (found,) = said(result("a", [picture]))[0].parts
    assert found == ToolResult(
        "a", (File("image/png", PNG, path="messages[0].content[0].image_url.url"),)
    )


def test_a_custom_call_is_freeform() -> None:
    custom = {"id": "a", "type": "custom", "custom": {"name": "c", "input": "x y"}}
    (found,) = said(USER, {"role": "assistant", "tool_calls": [custom]}, result("a"))[1].parts
    assert found == ToolCall("a", "c", "x y", freeform=True)


def test_an_older_function_result_answers_the_call_before_it() -> None:
    calling = {"role": "assistant", "function_call": {"name": "f", "arguments": None}}
    answer = {"role": "function", "name": "f", "content": "ok"}
    _, called, answered, *_ = said(USER, calling, answer, calling, answer)
    assert called.parts == (ToolCall("call_1", "f", ""),)
    assert answered == Message("user", (ToolResult("call_1", (Text("ok"),)),))


def test_a_picture_comes_inline_or_as_a_link() -> None:
    bare = "messages[0].content[0].image_url"
    where = f"{bare}.url"
    for given in (
        PNG_URL,
        {"url": PNG_URL, "detail": "high"},
        {"url": PNG_URL.replace("da", "DA")},
    ):
        path = bare if given is PNG_URL else where
        picture = File("image/png", PNG, path=path)
        assert parts({"type": "image_url", "image_url": given}) == (picture,)
    for url in ("https://e.x/a.png", "HTTP://e.x/a.png"):
        assert parts({"type": "image_url", "image_url": {"url": url}}) == (
            FileLink(url, path=where),
        )


def test_a_data_url_may_be_plain() -> None:
    url = "data:,a%20b"
    assert parts({"type": "image_url", "image_url": url}) == (Text("a b"),)


def test_a_file_comes_inline_or_as_a_link() -> None:
    where = "messages[0].content[0].file.file_data"
    pdf = File("application/pdf", PDF, "a.pdf", where)
    inline = {"file_data": data_url("application/pdf", PDF), "filename": "a.pdf"}
    assert parts({"type": "file", "file": inline}) == (pdf,)
    bare = {"file_data": base64(PDF), "filename": "a.pdf"}
    assert parts({"type": "file", "file": bare}) == (pdf,)
    linked = {"file_data": "https://e.x/a.pdf", "filename": "a.pdf"}
    assert parts({"type": "file", "file": linked}) == (
        FileLink("https://e.x/a.pdf", name="a.pdf", path=where),
    )


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"type": "image_url", "image_url": "data:image/png;base64,!!"}, "image_url"),
        ({"type": "image_url", "image_url": {"url": "data:image/png"}}, "image_url.url"),
        ({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}, "image_url.url"),
        ({"type": "image_url"}, "image_url"),
        ({"type": "file", "file": {"file_data": "é"}}, "file.file_data"),
        ({"type": "file", "file": {"file_data": "AAAA"}}, "file.file_data"),
        ({"type": "file", "file": {"file_id": "file-1"}}, "file.file_id"),
        ({"type": "file", "file": {}}, "file"),
        ({"text": "x"}, "type"),
        ({"type": "text", "text": 1}, "text"),
    ],
)
def test_a_malformed_part_is_refused_by_its_path(part: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parts({"type": "text", "text": "x"}, part)
    assert refused.value.field == f"messages[0].content[1].{field}"


@pytest.mark.parametrize("kind", ["input_audio", "video_url"])
def test_a_part_that_cannot_be_passed_on_is_refused_by_its_name(kind: str) -> None:
    with pytest.raises(Unsupported, match=kind) as refused:
        parts({"type": kind, kind: {}})
    assert refused.value.field == "messages[0].content[0]"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"role": "user", "content": 1}, "messages[0].content"),
        ({"role": "narrator", "content": "x"}, "messages[0].role"),
        ({"content": "x"}, "messages[0].role"),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
        ({"role": "assistant", "tool_calls": [{"id": "a"}]}, "messages[0].tool_calls[0].function"),
        (
            {"role": "assistant", "tool_calls": [call("a") | {"id": None}]},
            "messages[0].tool_calls[0].id",
        ),
    ],
)
def test_a_malformed_message_is_refused_by_its_path(message: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        turn(message, USER)
    assert refused.value.field == field


@pytest.mark.parametrize("messages", [None, [], [{"role": "user", "content": ""}]])
def test_a_request_without_messages_is_told_to_add_one(messages: Any) -> None:
    with pytest.raises(BadRequest, match="messages: must not be empty; add a message"):
        decode(messages=messages)


def test_a_conversation_that_the_assistant_ended_is_told_how_to_go_on() -> None:
    with pytest.raises(BadRequest, match=r"messages: .* end with a user or tool message"):
        turn(USER, SAID)
