"""What Messages clients are sent."""

import json
from typing import Any

import orjson
import pytest

from notion_manager import errors, tokens
from notion_manager.errors import ContextTooLong, Internal, Problem, UpstreamBroken
from notion_manager.translators.anthropic_messages import AnthropicMessages
from notion_manager.turn import (
    Done,
    Event,
    Found,
    Reply,
    Source,
    Stop,
    Text,
    Thinking,
    ToolCall,
    Usage,
    fold,
)
from tests.goldens import GOLDEN, check
from tests.laws.readers_messages import Reading, read
from tests.translators.messages_requests import USER, decode, ignored, turn

SHOWN = {"type": "adaptive"}
OMITTED = {"type": "adaptive", "display": "omitted"}
USAGE = Usage(input=120, output=30, cached=100, cache_written=5)
CALLS = (
    ToolCall("toolu_1", "Read", ""),
    ToolCall("toolu_1", "Read", '{"path":"a'),
    ToolCall("toolu_1", "Read", '.txt"}'),
    ToolCall("toolu_2", "List", ""),
)
SYNTHETIC: dict[str, tuple[dict[str, Any], list[list[Event]]]] = {
    "text": (
        {},
        [[Text("Hel"), Text("lo")], [], [Text(', \n"world" é')], [Done(Stop.END, USAGE)]],
    ),
    "thinking": (
        SHOWN,
        [[Thinking("I should ")], [Thinking("greet."), Thinking("", "c2ln"), Text("Hello")],
         [Text("!"), Done(Stop.LENGTH, USAGE)]],
    ),
    "thinking-omitted": (
        OMITTED,
        [[Thinking("I should "), Thinking("greet.", "c2ln"), Text("Hello"), Done(Stop.END, USAGE)]],
    ),
    "tools": (
        SHOWN,
        [[Thinking("Two calls."), Text("Let me look.")], [CALLS[0]], [CALLS[1]], [*CALLS[2:]],
         [Done(Stop.TOOL, USAGE)]],
    ),
    "failure": ({}, [[Text("Hel")], [Text("lo")]]),
}  # fmt: skip


def frames(thinking: dict[str, Any], batches: list[list[Event]]) -> bytes:
    exchange = decode(messages=[USER], stream=True, thinking=thinking or None)
    written = [exchange.start(), exchange.ping(), *(exchange.feed(batch) for batch in batches)]
    if not batches or not batches[-1] or not isinstance(batches[-1][-1], Done):
        written.append(exchange.fail(UpstreamBroken("the upstream closed the connection")))
    return b"".join(written)


def streamed(*events: Event, **fields: Any) -> Reading:
    exchange = decode(**fields)
    return read(exchange.start() + exchange.feed(events))


def whole(*events: Event, **fields: Any) -> dict[str, Any]:
    return orjson.loads(decode(**fields).whole(fold(events)))


@pytest.mark.parametrize("name", SYNTHETIC)
def test_rule_27_rule_28_streams_are_spelled_as_in_their_files(name: str, *, rewrite: bool) -> None:
    stream = frames(*SYNTHETIC[name])
    check(GOLDEN / "streams" / f"messages-{name}.txt", stream.decode(), rewrite=rewrite)


def test_rule_27_a_stream_begins_with_the_full_message() -> None:
    message = streamed(Text("x"), Done(Stop.END, USAGE)).message
    start = read(decode().start()).message
    assert start == {
        "id": "msg_" + "0" * 32,
        "type": "message",
        "role": "assistant",
        "model": "opus-4.6",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": tokens.of_turn(turn()),
            "output_tokens": 0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        },
    }
    assert message.keys() == start.keys()


def test_rule_27_events_come_in_order() -> None:
    assert streamed(Text("x"), ToolCall("t", "f", "{}"), Done(Stop.TOOL)).events == [
        "message_start",
        *["content_block_start", "content_block_delta", "content_block_stop"] * 2,
        "message_delta",
        "message_stop",
    ]


def test_rule_14_the_model_is_called_what_the_client_called_it() -> None:
    done = Done(Stop.END, served="almond-croissant-low")
    assert streamed(Text("x"), done, model="claude-haiku-9").message["model"] == "claude-haiku-9"
    assert whole(Text("x"), done, model="claude-haiku-9")["model"] == "claude-haiku-9"


def test_rule_27_usage_counts_what_was_cached_apart() -> None:
    assert whole(Text("x"), Done(Stop.END, USAGE))["usage"] == {
        "input_tokens": 15,
        "cache_creation_input_tokens": 5,
        "cache_read_input_tokens": 100,
        "output_tokens": 30,
    }
    odd = Usage(input=1, cached=9)
    assert streamed(Text("x"), Done(Stop.END, odd)).message["usage"]["input_tokens"] == 0


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (Stop.END, "end_turn"),
        (Stop.LENGTH, "max_tokens"),
        (Stop.SEQUENCE, "stop_sequence"),
        (Stop.TOOL, "tool_use"),
        (Stop.REFUSAL, "refusal"),
    ],
)
def test_rule_29_the_reason_of_the_end_is_told(stop: Stop, reason: str) -> None:
    done = Done(stop, sequence="END")
    for message in (streamed(Text("x"), done).message, whole(Text("x"), done)):
        assert message["stop_reason"] == reason
        assert message["stop_sequence"] == ("END" if stop is Stop.SEQUENCE else None)


def test_rule_29_a_call_makes_an_ordinary_end_a_tool_use() -> None:
    events = (ToolCall("t", "f", "{}"), Done(Stop.END))
    assert streamed(*events).message["stop_reason"] == "tool_use"
    assert whole(*events)["stop_reason"] == "tool_use"


@pytest.mark.parametrize("thinking", [None, {"type": "disabled"}])
def test_thinking_that_was_not_asked_for_is_not_sent(thinking: dict[str, str] | None) -> None:
    events = (Text("a"), Thinking("hm", "c2ln"), Text("b"), Done(Stop.END))
    expected = [{"type": "text", "text": "ab"}]
    assert streamed(*events, thinking=thinking).message["content"] == expected
    assert whole(*events, thinking=thinking)["content"] == expected


def test_rule_28_thinking_is_sent_with_its_signature_or_none() -> None:
    events = (Thinking("a"), Thinking("b", "c2ln"), Thinking("c"), Done(Stop.END))
    for message in (streamed(*events, thinking=SHOWN).message, whole(*events, thinking=SHOWN)):
        assert message["content"] == [
            {"type": "thinking", "thinking": "ab", "signature": "c2ln"},
            {"type": "thinking", "thinking": "c", "signature": ""},
        ]
    exchange = decode(thinking=SHOWN)
    assert b"signature_delta" not in exchange.feed([Thinking("c"), Done(Stop.END)])


def test_omitted_thinking_leaves_only_signatures() -> None:
    events = (Thinking("a", "c2ln"), Text("x"), Thinking("b"), Done(Stop.END))
    for message in (streamed(*events, thinking=OMITTED).message, whole(*events, thinking=OMITTED)):
        assert message["content"] == [
            {"type": "thinking", "thinking": "", "signature": "c2ln"},
            {"type": "text", "text": "x"},
        ]


def test_rule_28_a_call_without_arguments_is_an_empty_object() -> None:
    events = (ToolCall("toolu_1", "f", ""), Done(Stop.TOOL))
    for message in (streamed(*events).message, whole(*events)):
        assert message["content"] == [
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
        ]


def test_a_search_is_two_blocks_and_a_source_stands_behind_what_rests_on_it() -> None:
    pages = (Source("https://a.test/", "A page"), Source("https://b.test/"))
    found, said = Found(("rain", "snow"), pages), Text("It rains.", pages[:1])
    use, result, cited, plain = whole(*(events := (found, said, Text(" Often."), Done(Stop.END))))[
        "content"
    ]
    asked = {"name": "web_search", "input": {"query": "rain; snow"}}
    assert use == {"type": "server_tool_use", "id": f"srvtoolu_{'0' * 32}_0", **asked}
    assert result["tool_use_id"] == use["id"]
    assert [(page["url"], page["title"]) for page in result["content"]] == [
        ("https://a.test/", "A page"),
        ("https://b.test/", "https://b.test/"),
    ]
    [citation] = cited["citations"]
    assert citation["type"] == "web_search_result_location"
    assert (cited["text"], citation["url"], plain["text"]) == (
        "It rains.",
        "https://a.test/",
        " Often.",
    )
    assert streamed(*events).message == whole(*events)
    assert whole(*events)["usage"]["server_tool_use"]["web_search_requests"] == 1


def test_rule_59_thinking_text_and_two_calls_are_the_same_streamed_and_not() -> None:
    events = (Thinking("Two.", "c2ln"), Text("Look:"), *CALLS, Done(Stop.TOOL, USAGE))
    message = streamed(*events, thinking=SHOWN).message
    assert message == whole(*events, thinking=SHOWN)
    assert [b["type"] for b in message["content"]] == ["thinking", "text", "tool_use", "tool_use"]
    assert message["content"][2]["input"] == {"path": "a.txt"}


def test_rule_60_what_was_sent_is_accepted_when_it_comes_back() -> None:
    events = (Thinking("Two.", "c2ln"), Thinking("More."), Text("Look:"), *CALLS, Done(Stop.TOOL))
    message = streamed(*events, thinking=SHOWN).message
    history = [USER, {"role": "assistant", "content": message["content"]}, USER]
    exchange = decode(messages=history)
    assert exchange.turn.messages[1].parts == (
        Thinking("Two.", "c2ln"),
        Thinking("More."),
        Text("Look:"),
        ToolCall("toolu_1", "Read", '{"path":"a.txt"}'),
        ToolCall("toolu_2", "List", "{}"),
    )
    assert ignored(exchange) == ()


@pytest.mark.parametrize("arguments", ['{"path":"a', "[]", "7"])
def test_a_whole_message_leaves_out_a_call_that_was_cut_off(arguments: str) -> None:
    events = (Text("x"), ToolCall("t", "Write", arguments), Done(Stop.LENGTH))
    message = whole(*events)
    assert message["content"] == [{"type": "text", "text": "x"}]
    assert message["stop_reason"] == "max_tokens"


def test_a_finished_call_without_usable_arguments_is_a_broken_answer() -> None:
    with pytest.raises(UpstreamBroken, match="Write with arguments that are not JSON"):
        whole(ToolCall("t", "Write", "{"), Done(Stop.TOOL))


def test_the_truth_counts_where_a_message_is_whole() -> None:
    done = Done(Stop.END, truth=(Text("right"),))
    assert whole(Text("wrong"), done)["content"] == [{"type": "text", "text": "right"}]


def test_an_answer_without_a_word_is_an_empty_message() -> None:
    for message in (streamed(Text(""), Done(Stop.END)).message, whole(Text(""), Done(Stop.END))):
        assert message["content"] == []


def test_rule_7_lone_surrogates_cannot_break_a_stream() -> None:
    odd = "a\ud83d\n"
    events = (
        Thinking(odd, odd),
        Text(odd),
        ToolCall(odd, odd, "{}"),
        Done(Stop.SEQUENCE, sequence=odd),
    )
    message = streamed(*events, thinking=SHOWN).message
    assert message == whole(*events, thinking=SHOWN)
    assert message["content"][1] == {"type": "text", "text": "a\ufffd\n"}
    assert b"\xef\xbf\xbd" in decode().fail(UpstreamBroken(odd))


def test_rule_30_a_ping_may_come_before_the_first_block() -> None:
    exchange = decode()
    reading = read(exchange.start() + exchange.ping() + exchange.feed([Text("x"), Done(Stop.END)]))
    assert reading.events[:3] == ["message_start", "ping", "content_block_start"]


def test_nothing_is_remembered() -> None:
    assert list(decode().remember()) == []


# problems


def kinds() -> list[type[Problem]]:
    found = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, Problem)]
    return [k for k in found if k is not ContextTooLong]


KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "invalid_request_error",
    413: "request_too_large",
    415: "invalid_request_error",
    417: "invalid_request_error",
    421: "invalid_request_error",
    426: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
}


@pytest.mark.parametrize("kind", kinds())
def test_rule_10_rule_31_every_problem_has_anthropics_shape(kind: type[Problem]) -> None:
    refused = json.loads(AnthropicMessages.refuse(kind("no"), "req_1"))
    assert {k: v for k, v in refused["error"].items() if k != "details"} == {
        "type": KINDS[kind.status],
        "message": "no",
    }
    assert refused["type"] == "error"
    assert refused["request_id"] == "req_1"


def test_rule_31_overload_as_the_vendor_numbers_it() -> None:
    class Overloaded(Problem):
        status = 529

    refused = json.loads(AnthropicMessages.refuse(Overloaded("full"), "req_1"))
    assert refused["error"]["type"] == "overloaded_error"


def test_rule_8_rule_31_a_problem_in_mid_stream_is_an_error_event() -> None:
    exchange = decode()
    written = exchange.start() + exchange.feed([Text("x")]) + exchange.fail(Internal("oops"))
    reading = read(written)
    assert reading.error == {"type": "api_error", "message": "oops"}
    assert b'"request_id":"' in written.rpartition(b"event: error")[2]
    assert reading.events[-2:] == ["content_block_stop", "error"]


def test_rule_32_a_prompt_that_is_too_long_is_told_in_the_words_clients_parse() -> None:
    refused = json.loads(AnthropicMessages.refuse(ContextTooLong(210_000, 200_000), "req_1"))
    assert refused["error"] == {
        "type": "invalid_request_error",
        "message": "prompt is too long: 210000 tokens > 200000 maximum",
    }


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        (
            errors.ThreadUnsupported,
            {"error_code": "thread_unsupported_request", "unsupported": ["thread"]},
        ),
        (errors.ThreadNotFound, {"error_code": "thread_not_found"}),
        (errors.BadRequest, None),
    ],
)
def test_rule_24_threads_are_refused_in_the_words_the_sdks_parse(
    kind: type[Problem], details: dict[str, Any] | None
) -> None:
    refused = json.loads(AnthropicMessages.refuse(kind("no"), "req_1"))
    assert refused["error"].get("details") == details


def test_a_reply_may_be_whole_without_a_stream() -> None:
    body = decode().whole(Reply((Text("x"),), Done(Stop.END)))
    assert orjson.loads(body)["content"] == [{"type": "text", "text": "x"}]


def test_a_call_that_was_cut_before_its_arguments_is_none() -> None:
    events = (Text("Hi"), ToolCall("toolu_1", "f", ""), Done(Stop.LENGTH))
    assert [block["type"] for block in whole(*events)["content"]] == ["text"]
