"""How answers are spelled in Chat Completions, streamed and whole."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from notion_manager.errors import RateLimited, UpstreamBroken
from notion_manager.turn import (
    Done,
    Event,
    Found,
    Message,
    Source,
    Stop,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
    fold,
)
from tests.goldens import GOLDEN, check
from tests.laws.readers_chat import read_stream, read_whole, records
from tests.translators.chat_requests import USER, decode, said

USAGE = Usage(input=120, output=30, cached=100, thinking=12)
MIXED: tuple[Event, ...] = (
    Thinking("Two files, "),
    Thinking("then.", "c2ln"),
    Text("I will save "),
    Text("both: “a” & \u2028b.\n"),
    ToolCall("call_1", "save", '{"path": '),
    ToolCall("call_1", "save", '"a"}'),
    ToolCall("call_2", "save", '{"path": "b"}'),
    Done(Stop.TOOL, USAGE),
)
STREAMS: dict[str, tuple[Event, ...]] = {
    "text": (Text("Hello"), Text(", world."), Done(Stop.END, USAGE)),
    "thinking": (Thinking("Hm."), Text("Yes."), Done(Stop.LENGTH, USAGE)),
    "mixed": MIXED,
    "freeform": (
        ToolCall("call_1", "patch", "*** Begin", freeform=True),
        ToolCall("call_1", "patch", "\n*** End", freeform=True),
        Done(Stop.TOOL, USAGE),
    ),
    "empty": (Done(Stop.END),),
}
COUNTED = {"stream": True, "stream_options": {"include_usage": True}}


def frames(*events: Event, **body: Any) -> bytes:
    """The stream whose every event came alone."""
    chat = decode(**{**COUNTED, **body})
    return chat.start() + b"".join(chat.feed([event]) for event in events)


def whole(*events: Event) -> dict[str, Any]:
    return json.loads(decode().whole(fold(events)))


@pytest.mark.parametrize("name", STREAMS)
def test_rule_38_rule_39_rule_40_streams_are_spelled_as_in_their_files(
    name: str, *, rewrite: bool
) -> None:
    stream = frames(*STREAMS[name])
    check(GOLDEN / "streams" / f"chat-{name}.txt", stream.decode(), rewrite=rewrite)


def test_a_failed_stream_is_spelled_as_in_its_file(*, rewrite: bool) -> None:
    chat = decode(stream=True)
    events = [chat.feed([Text("Hel")]), chat.ping(), chat.fail(UpstreamBroken("it was cut"))]
    stream = chat.start() + b"".join(events)
    check(GOLDEN / "streams" / "chat-failed.txt", stream.decode(), rewrite=rewrite)


def test_rule_41_thoughts_that_are_apart_do_not_run_together() -> None:
    """A client that shows them one after the other has only this field."""
    events = (
        Thinking("", "c2ln"),
        Thinking("Plan"),
        Thinking(" it.", "c2ln"),
        Thinking("Look"),
        Thinking(" it up."),
        Text("Well"),
        Text(""),
        Thinking(""),
        Thinking("Enough."),
        Done(Stop.END),
    )
    told = "Plan it.\n\nLook it up.\n\nEnough."
    message = whole(*events)["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == (told, "Well")
    chat = decode(stream=True)
    deltas = [c["choices"][0]["delta"] for c in read_stream(frames(*events)).chunks if c["choices"]]
    assert "".join(d.get("reasoning_content", "") for d in deltas) == told
    batch = read_stream(chat.start() + chat.feed(events)).chunks
    told_at_once = [c["choices"][0]["delta"].get("reasoning_content", "") for c in batch]
    assert "".join(told_at_once) == told


def test_rule_38_every_chunk_carries_the_envelope_and_the_first_the_role() -> None:
    chunks = read_stream(frames(*MIXED)).chunks
    assert chunks[0] == {
        "id": f"chatcmpl-{'0' * 32}",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "delta": {"role": "assistant", "content": ""},
                "finish_reason": None,
            }
        ],
        "usage": None,
    }
    assert chunks[-1]["choices"] == []


def test_rule_14_the_requested_name_is_echoed_and_where_there_is_none_a_word_for_it() -> None:
    assert decode(model="gpt-5-mini").start().count(b'"model":"gpt-5-mini"') == 1
    assert decode(model="").start().count(b'"model":"default"') == 1
    done = Done(Stop.END, served="opus")
    assert json.loads(decode(model='"é').whole(fold([done])))["model"] == '"é'


def deltas(stream: bytes) -> list[dict[str, Any]]:
    return [c["choices"][0]["delta"] for c in read_stream(stream).chunks if c["choices"]]


def test_rule_39_a_call_opens_with_its_name_and_empty_arguments_which_then_grow() -> None:
    fragments = [d["tool_calls"][0] for d in deltas(frames(*MIXED)) if "tool_calls" in d]
    opening = {"type": "function", "function": {"name": "save", "arguments": ""}}
    assert fragments == [
        {"index": 0, "id": "call_1", **opening},
        {"index": 0, "function": {"arguments": '{"path": '}},
        {"index": 0, "function": {"arguments": '"a"}'}},
        {"index": 1, "id": "call_2", **opening},
        {"index": 1, "function": {"arguments": '{"path": "b"}'}},
    ]


def test_a_call_without_arguments_is_only_opened() -> None:
    events = (ToolCall("a", "f", ""), Done(Stop.TOOL))
    role, call, end = deltas(frames(*events))
    assert role["role"] == "assistant"
    assert call["tool_calls"][0]["function"] == {"name": "f", "arguments": ""}
    assert end == {}
    assert read_stream(frames(*events)) == read_whole(decode().whole(fold(events)))


def test_freeform_calls_are_custom_calls() -> None:
    (call,) = whole(*STREAMS["freeform"])["choices"][0]["message"]["tool_calls"]
    custom = {"name": "patch", "input": "*** Begin\n*** End"}
    assert call == {"id": "call_1", "type": "custom", "custom": custom}


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (Stop.END, "stop"),
        (Stop.LENGTH, "length"),
        (Stop.SEQUENCE, "stop"),
        (Stop.TOOL, "tool_calls"),
        (Stop.REFUSAL, "content_filter"),
    ],
)
def test_rule_40_every_stream_ends_with_a_finish_reason_and_done(stop: Stop, reason: str) -> None:
    stream = frames(Text("x"), Done(stop), stream_options=None)
    *_, last, done = records(stream)
    assert last is not None
    assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": reason}]
    assert done is None
    assert whole(Text("x"), Done(stop))["choices"][0]["finish_reason"] == reason


def test_rule_40_an_answer_with_calls_ends_for_their_sake() -> None:
    events = (ToolCall("a", "f", "{}"), Done(Stop.END))
    assert read_stream(frames(*events)).finish == "tool_calls"
    assert whole(*events)["choices"][0]["finish_reason"] == "tool_calls"


def test_rule_40_usage_comes_after_the_end_and_only_if_asked_for() -> None:
    events = (Text("x"), Done(Stop.END, USAGE))
    *_, finish, told, done = records(frames(*events))
    assert finish is not None
    assert finish["usage"] is None
    assert told is not None
    assert told["choices"] == []
    assert told["usage"] == whole(*events)["usage"]
    assert told["usage"] == {
        "prompt_tokens": 120,
        "completion_tokens": 30,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 100},
        "completion_tokens_details": {"reasoning_tokens": 12},
    }
    assert done is None
    for options in (None, {}, {"include_usage": False}):
        assert b"usage" not in frames(*events, stream_options=options)


def test_rule_41_reasoning_has_its_own_field() -> None:
    events = STREAMS["thinking"]
    assert {"reasoning_content": "Hm."} in deltas(frames(*events))
    assert whole(*events)["choices"][0]["message"]["reasoning_content"] == "Hm."
    assert "reasoning_content" not in whole(Text("x"), Done(Stop.END))["choices"][0]["message"]


def test_citations_come_together_before_the_end_and_a_search_shows_nothing() -> None:
    page = Source("https://a.test/", "A page")
    events = (
        Found(("rain",), (page,)),
        Text("It rains.", (page,)),
        Text(" Often."),
        Done(Stop.END),
    )
    place = {"start_index": 0, "end_index": 9, "url": page.url, "title": page.title}
    annotations = [{"type": "url_citation", "url_citation": place}]
    assert deltas(frames(*events))[1:] == [
        {"content": "It rains."},
        {"content": " Often."},
        {"annotations": annotations},
        {},
    ]
    assert whole(*events)["choices"][0]["message"]["annotations"] == annotations


def test_content_is_null_only_where_an_answer_is_nothing_but_calls() -> None:
    def content(*events: Event) -> str | None:
        return whole(*events, Done(Stop.END))["choices"][0]["message"]["content"]

    assert content(ToolCall("a", "f", "{}")) is None
    assert content(Text("x"), ToolCall("a", "f", "{}")) == "x"
    assert content(Text("x"), ToolCall("a", "f", "{}"), Text("y")) == "xy"
    assert content() == ""


def test_rule_6_rule_7_an_event_with_nothing_to_show_shows_nothing() -> None:
    chat = decode()
    assert chat.feed([]) == chat.feed([Text("")]) == chat.feed([Thinking("", "c2ln")]) == b""


def test_neighbours_that_arrive_together_share_a_frame() -> None:
    assert decode().feed([Text("a"), Text("b")]).count(b"data: ") == 1


def test_rule_7_a_character_that_json_cannot_hold_is_replaced() -> None:
    stream = frames(Text("a\ud800b"), ToolCall("a", "f", "\udfff"), Done(Stop.TOOL))
    assert read_stream(stream).text == "a\ufffdb"
    assert read_stream(stream).calls[0]["function"]["arguments"] == "\ufffd"


def test_rule_7_no_character_of_an_answer_ends_a_line_for_any_client() -> None:
    text = "a\u2028b\u2029c\x85d\x0b\x0c\x1c\r\ne"
    stream = frames(Text(text), Done(Stop.END))
    assert stream.decode().splitlines() == stream.decode().split("\n")[:-1]
    assert read_stream(stream).text == text


def test_rule_59_thinking_text_and_two_calls_read_the_same_streamed_and_whole() -> None:
    streamed = read_stream(frames(*MIXED))
    assert streamed == read_whole(decode().whole(fold(MIXED)))
    assert streamed.reasoning == "Two files, then."
    assert [c["id"] for c in streamed.calls] == ["call_1", "call_2"]


def test_rule_60_an_answer_is_accepted_when_it_comes_back() -> None:
    message = whole(*MIXED)["choices"][0]["message"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "ok"}
        for call in message["tool_calls"]
    ]
    _, replayed, answered = said(USER, message, *results)
    thinking, *rest = fold(MIXED).parts
    assert isinstance(thinking, Thinking)
    assert replayed == Message("assistant", (Thinking(thinking.text), *rest))
    ok = (Text("ok"),)
    assert answered.parts == (ToolResult("call_1", ok), ToolResult("call_2", ok))


@pytest.mark.parametrize("name", sorted(STREAMS.keys() - {"freeform"}))
def test_the_sdk_knows_every_field(name: str) -> None:
    for record in records(frames(*STREAMS[name])):
        assert record is None or ChatCompletionChunk.model_validate(record)
    completion = ChatCompletion.model_validate(whole(*STREAMS[name]))
    assert not completion.model_extra


def test_rule_42_silence_is_bridged_by_comments() -> None:
    assert decode().ping() == b": ping\n\n"


def test_rule_8_rule_42_a_failed_stream_ends_with_its_error() -> None:
    chat = decode(stream=True)
    stream = chat.start() + chat.feed([Text("x")]) + chat.fail(RateLimited("slow down"))
    answer = read_stream(stream)
    assert answer.error == {
        "message": "slow down",
        "type": "rate_limit_error",
        "param": None,
        "code": "rate_limit_exceeded",
    }
    assert answer.finish is None
    assert b"[DONE]" not in stream


def test_nothing_is_remembered() -> None:
    assert list(decode().remember()) == []


def test_who_offers_functions_alone_is_answered_in_the_form_of_that_time() -> None:
    functions = [{"name": "save", "parameters": {"type": "object"}}]
    events = (Text("So."), *MIXED[4:6], Done(Stop.TOOL, USAGE))
    body = json.loads(decode(functions=functions).whole(fold(events)))
    (choice,) = ChatCompletion.model_validate(body).choices
    assert choice.finish_reason == "function_call"
    assert choice.message.tool_calls is None
    assert choice.message.function_call is not None
    assert choice.message.function_call.model_dump() == {
        "name": "save", "arguments": '{"path": "a"}',
    }  # fmt: skip
    told = [record for record in records(frames(*events, functions=functions)) if record]
    chunks = [ChatCompletionChunk.model_validate(record) for record in told]
    choices = [c.choices[0] for c in chunks if c.choices]
    deltas = [c.delta.function_call for c in choices if c.delta.function_call]
    assert [(d.name, d.arguments) for d in deltas] == [
        ("save", ""), (None, '{"path": '), (None, '"a"}'),
    ]  # fmt: skip
    assert choices[-1].finish_reason == "function_call"
    assert decode(functions=functions, tools=[]).turn.tool_choice.parallel
