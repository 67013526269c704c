"""What a Responses client is sent: golden streams, and the words of failures."""

from typing import Any

import httpx2
import orjson
import pytest
from openai import OpenAI

from notion_manager.errors import (
    BadRequest,
    Busy,
    ContextTooLong,
    Denied,
    NoAccount,
    Problem,
    QuotaExhausted,
    RateLimited,
    UpstreamBroken,
)
from notion_manager.translators import TRANSLATORS, Translator
from notion_manager.translators.exchange import Exchange
from notion_manager.translators.openai_responses import OpenAIResponses
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
from tests.laws.readers_responses import Client, valid_response

USAGE = Usage(input=120, output=30, cached=100, cache_written=4, thinking=12)
SEALED = {"include": ["reasoning.encrypted_content"]}
SHOWN = {"reasoning": {"effort": "low", "summary": "auto"}}
MIXED: list[Event] = [
    Thinking("I should "),
    Thinking("make the file."),
    Thinking("", "c2lnbmF0dXJl"),
    Text("Let me "),
    Text("do that."),
    ToolCall("call_1", "exec_command", ""),
    ToolCall("call_1", "exec_command", '{"cmd":'),
    ToolCall("call_1", "exec_command", '"ls"}'),
    ToolCall("call_2", "exec", "text(1)\n", "functions", freeform=True),
    Done(Stop.TOOL, USAGE),
]
STREAMS: dict[str, tuple[dict[str, Any], list[Event]]] = {
    "text": ({}, [Text("Hello, "), Text("“world”\n"), Done(Stop.END, USAGE)]),
    "mixed": ({**SHOWN, **SEALED}, MIXED),
    "hidden-thinking": ({}, [Thinking("hm", "c2ln"), Text("4"), Done(Stop.END, USAGE)]),
    "cut-by-length": (
        {"max_output_tokens": 2},
        [Text("one "), ToolCall("c", "f", "{"), Done(Stop.LENGTH, USAGE)],
    ),
    "refused": ({}, [Text("I will not."), Done(Stop.REFUSAL, USAGE)]),
    "nothing": ({}, [Done(Stop.END)]),
}


def answer(**wish: Any) -> OpenAIResponses:
    body = orjson.dumps({"model": "opus-4.6", "input": "hi", "stream": True, **wish})
    return OpenAIResponses(body, Exchange("0123456789abcdef" * 2, 1_700_000_000))


def streamed(exchange: OpenAIResponses, events: list[Event]) -> bytes:
    return b"".join([exchange.start(), *(exchange.feed([event]) for event in events)])


def golden(name: str, stream: bytes, *, rewrite: bool) -> None:
    check(GOLDEN / "streams" / f"responses-{name}.txt", stream.decode(), rewrite=rewrite)


@pytest.mark.parametrize("name", STREAMS)
def test_rule_52_rule_53_rule_54_rule_59_a_stream_is_its_golden_file(
    name: str, *, rewrite: bool
) -> None:
    wish, events = STREAMS[name]
    stream = streamed(answer(**wish), events)
    Client().read(stream)
    golden(name, stream, rewrite=rewrite)


def test_rule_55_rule_56_a_stream_that_pings_and_fails_is_its_golden_file(*, rewrite: bool) -> None:
    exchange = answer()
    frames = [
        exchange.start(),
        exchange.ping(),
        exchange.feed([Text("One moment"), Thinking("hm")]),
    ]
    stream = b"".join([*frames, exchange.ping(), exchange.fail(RateLimited("slow", retry_after=3))])
    assert Client().read(stream).open == [1]
    golden("failed", stream, rewrite=rewrite)


def test_a_batch_is_one_delta() -> None:
    seen = Client().read(answer_start_and(answer(), [Text("a"), Text("b"), Done(Stop.END)])).seen
    assert seen.count("response.output_text.delta") == 1


def answer_start_and(exchange: OpenAIResponses, batch: list[Event]) -> bytes:
    return exchange.start() + exchange.feed(batch)


def test_rule_59_the_whole_holds_the_same_items() -> None:
    whole = orjson.loads(answer(**SHOWN, **SEALED).whole(fold(MIXED)))
    assert [item["type"] for item in whole["output"]] == [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
    ]
    assert whole == Client().read(streamed(answer(**SHOWN, **SEALED), MIXED)).response


def test_a_search_is_an_item_that_comes_and_ends_before_the_text_that_rests_on_it() -> None:
    page = Source("https://a.test/", "A page")
    said = (Text("It rains.", (page,)), Text(" Often."))
    events = [Found(("rain", "snow"), (page,)), *said, Done(Stop.END)]
    wish = {"include": ["web_search_call.action.sources"]}
    client = Client().read(streamed(answer(**wish), events))
    search, message = client.response["output"]
    assert (search["type"], search["status"]) == ("web_search_call", "completed")
    assert search["action"] == {
        "type": "search",
        "query": "rain; snow",
        "queries": ["rain", "snow"],
        "sources": [{"type": "url", "url": page.url}],
    }
    [annotation] = message["content"][0]["annotations"]
    place = {"start_index": 0, "end_index": 9, "url": page.url, "title": page.title}
    assert annotation == {"type": "url_citation", **place}
    assert client.seen[2:7] == [
        "response.output_item.added",
        *(
            f"response.web_search_call.{state}"
            for state in ("in_progress", "searching", "completed")
        ),
        "response.output_item.done",
    ]
    assert client.response == orjson.loads(answer(**wish).whole(fold(events)))


@pytest.mark.parametrize(
    ("kind", "arguments", "stop", "action"),
    [
        ("shell", '{"commands":["ls"]}', Stop.TOOL, {"commands": ["ls"]}),
        ("shell", '{"commands":["l', Stop.LENGTH, {"commands": []}),
        (
            "local_shell",
            '{"command":["ls"]}',
            Stop.TOOL,
            {"type": "exec", "command": ["ls"], "env": {}},
        ),
    ],
)
def test_rule_47_a_call_of_a_shell_comes_whole_and_does_nothing_where_it_was_cut(
    kind: str, arguments: str, stop: Stop, action: dict[str, Any]
) -> None:
    events: list[Event] = [ToolCall("call_1", kind, arguments), Done(stop)]
    client = Client().read(streamed(answer(tools=[{"type": kind}]), events))
    [item] = client.response["output"]
    assert (item["type"], item["call_id"], item["action"]) == (f"{kind}_call", "call_1", action)
    assert not any("delta" in kind for kind in client.seen)


def test_rule_52_the_openai_sdks_own_helper_adds_the_stream_up() -> None:
    stream = streamed(answer(**SHOWN, **SEALED), MIXED)

    def serve(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    with (
        httpx2.Client(transport=httpx2.MockTransport(serve)) as http,
        OpenAI(api_key="k", base_url="http://gateway/v1", http_client=http) as client,
        client.responses.stream(model="opus-4.6", input="hi") as events,
    ):
        final = events.get_final_response()
    assert final.output_text == "Let me do that."
    assert final.model_dump(exclude_unset=True)["output"][0]["summary"][0]["text"].endswith("file.")
    assert [item.type for item in final.output][2:] == ["function_call", "custom_tool_call"]


def test_rule_53_usage_is_complete_and_adds_up() -> None:
    whole = orjson.loads(answer().whole(Reply((Text("hi"),), Done(Stop.END, USAGE))))
    assert whole["usage"] == {
        "input_tokens": 120,
        "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 4},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 12},
        "total_tokens": 150,
    }


def test_the_truth_is_what_the_whole_tells_and_the_stream_ends_with_what_it_said() -> None:
    events: list[Event] = [Text("streamed"), Done(Stop.END, USAGE, truth=(Text("held"),))]
    whole = orjson.loads(answer().whole(fold(events)))
    assert valid_response(whole).output_text == "held"
    ended = Client().read(streamed(answer(), events)).response
    assert valid_response(ended).output_text == "streamed"


def test_a_lone_surrogate_does_not_break_the_stream() -> None:
    odd = "a\ud800b"
    events: list[Event] = [
        Thinking(odd, odd),
        Text(odd),
        ToolCall(odd, odd, odd),
        Done(Stop.END, USAGE),
    ]
    wish = {**SHOWN, **SEALED}
    stream = Client().read(streamed(answer(**wish), events)).response
    assert stream == orjson.loads(answer(**wish).whole(fold(events)))
    assert stream["output"][1]["content"][0]["text"] == "a\ufffdb"
    assert stream["output"][2]["call_id"] == "a\ufffdb"


def test_item_ids_are_unique_and_tell_their_kind() -> None:
    whole = orjson.loads(answer().whole(fold(MIXED)))
    ids = [item["id"] for item in whole["output"]]
    exchange = "0123456789abcdef" * 2
    assert ids == [f"{p}_{exchange}_{n}" for n, p in enumerate(["rs", "msg", "fc", "ctc"])]
    assert whole["id"] == f"resp_{exchange}"


@pytest.mark.parametrize(
    ("problem", "code", "message"),
    [
        (UpstreamBroken("it broke"), "server_error", "it broke"),
        (NoAccount("none is left"), "server_error", "none is left"),
        (RateLimited("slow.", retry_after=1.2), "rate_limit_exceeded", "slow; try again in 2s"),
        (Busy("busy", retry_after=0), "rate_limit_exceeded", "busy; try again in 1s"),
        (RateLimited("slow"), "rate_limit_exceeded", "slow"),
        (QuotaExhausted("used up", retry_after=9), "insufficient_quota", "used up"),
        (
            ContextTooLong(9, 5),
            "context_length_exceeded",
            "prompt is too long: 9 tokens > 5 maximum",
        ),
        (BadRequest("no", field="input"), "invalid_prompt", "input: no"),
        (Denied("not this"), "invalid_prompt", "not this"),
    ],
)
def test_rule_55_a_failure_in_the_stream_says_whether_to_try_again(
    problem: Problem, code: str, message: str
) -> None:
    exchange = answer()
    client = Client().read(exchange.start() + exchange.fail(problem))
    assert client.response["error"] == {"code": code, "message": message}
    assert client.response["output"] == []
    assert client.response["usage"] is None


def test_rule_10_before_the_first_byte_the_error_is_openais() -> None:
    refused = orjson.loads(OpenAIResponses.refuse(BadRequest("no", field="input[0]"), "req_1"))
    assert refused == {
        "error": {
            "message": "input[0]: no",
            "type": "invalid_request_error",
            "param": "input[0]",
            "code": "invalid_request_error",
        }
    }


def test_nothing_is_remembered_of_what_is_not_finished() -> None:
    exchange = answer()
    exchange.feed([Thinking("hm", "c2ln"), Text("four")])
    [(id, item)] = exchange.remember()
    assert id == item["id"] == "rs_" + "0123456789abcdef" * 2 + "_0"


def test_it_is_one_of_the_translators() -> None:
    translator: type[Translator] = OpenAIResponses
    assert translator in TRANSLATORS
    assert (translator.name, translator.path) == ("responses", "/v1/responses")
    assert translator.request_id_header == "x-request-id"
    assert answer().stream
