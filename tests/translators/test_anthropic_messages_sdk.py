"""The official SDK reads what we write, in its own client, over a transport without a network."""

from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import orjson
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from notion_manager.errors import ContextTooLong, Problem, ThreadNotFound, ThreadUnsupported
from notion_manager.translators.anthropic_messages import AnthropicMessages, count_tokens
from notion_manager.translators.exchange import Exchange
from notion_manager.turn import Done, Event, Stop, Text, Thinking, ToolCall, Usage, fold

EVENTS: list[Event] = [
    Thinking("Two "),
    Thinking("calls.", "c2ln"),
    Text("Let me "),
    Text("look."),
    ToolCall("toolu_1", "Read", '{"path":'),
    ToolCall("toolu_1", "Read", '"a.txt"}'),
    ToolCall("toolu_2", "List", ""),
    Done(Stop.TOOL, Usage(input=120, output=30, cached=100)),
]
ASKED: dict[str, Any] = {
    "model": "opus-4.6",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hi"}],
    "thinking": {"type": "adaptive"},
}


def answer(request: httpx2.Request) -> httpx2.Response:
    """A server in one function: one event a batch."""
    exchange = Exchange("0" * 32, 0, dict(request.headers))
    body = request.read()
    try:
        if request.url.path.endswith("/count_tokens"):
            return httpx2.Response(200, content=count_tokens(body, exchange))
        translator = AnthropicMessages(body, exchange)
    except Problem as problem:
        refused = AnthropicMessages.refuse(problem, "req_1")
        return httpx2.Response(problem.status, content=refused, headers=_typed("application/json"))
    if not translator.stream:
        whole = translator.whole(fold(EVENTS))
        return httpx2.Response(200, content=whole, headers=_typed("application/json"))
    frames = [translator.start(), translator.ping(), *(translator.feed([e]) for e in EVENTS)]
    return httpx2.Response(200, content=b"".join(frames), headers=_typed("text/event-stream"))


def _typed(kind: str) -> dict[str, str]:
    return {"content-type": kind}


@pytest.fixture(name="ask")
def _ask() -> Any:
    transport = httpx2.MockTransport(answer)
    with httpx2.Client(transport=transport) as http:
        yield anthropic.Anthropic(
            api_key="k", base_url="http://gateway.test", http_client=http, max_retries=0,
            _strict_response_validation=True,
        )  # fmt: skip


def test_rule_27_rule_28_rule_33_the_sdk_reads_a_stream_as_the_whole_message(ask: Any) -> None:
    with ask.messages.stream(**ASKED) as stream:
        streamed = stream.get_final_message()
    whole = ask.messages.create(**ASKED)
    assert streamed.to_dict(exclude_none=True) == whole.to_dict(exclude_none=True)
    assert whole.stop_reason == "tool_use"
    assert whole.usage.cache_read_input_tokens == 100
    assert [block.type for block in whole.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert whole.content[2].input == {"path": "a.txt"}


def test_rule_34_the_sdk_counts_tokens(ask: Any) -> None:
    asked = {k: v for k, v in ASKED.items() if k != "max_tokens"}
    assert ask.messages.count_tokens(**asked).input_tokens > 0


def test_rule_27_every_event_has_what_the_types_of_the_sdk_require() -> None:
    translator = AnthropicMessages(orjson.dumps(ASKED), Exchange("0" * 32, 0))
    event_of: Callable[[bytes], Any] = TypeAdapter(RawMessageStreamEvent).validate_json
    stream = translator.start() + b"".join(translator.feed([e]) for e in EVENTS)
    lines = [line for line in stream.split(b"\n") if line.startswith(b"data: ")]
    events = [event_of(line.removeprefix(b"data: ")) for line in lines]
    assert events[0].type == "message_start"
    assert events[-1].type == "message_stop"
    Message.model_validate_json(translator.whole(fold(EVENTS)), strict=True)


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (ThreadUnsupported("no", field="thread"), anthropic.BadRequestError),
        (ThreadNotFound("no", field="thread"), anthropic.NotFoundError),
        (ContextTooLong(5, 3), anthropic.BadRequestError),
    ],
)
def test_rule_24_rule_31_the_sdk_understands_a_refusal(problem: Problem, kind: type) -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(problem.status, content=AnthropicMessages.refuse(problem, "req_1"))

    with httpx2.Client(transport=httpx2.MockTransport(refuse)) as http:
        client = anthropic.Anthropic(api_key="k", http_client=http, max_retries=0)
        with pytest.raises(kind) as refused:
            client.messages.create(**ASKED)
    assert refused.value.body["error"]["message"] == str(problem)
    details = refused.value.body["error"].get("details", {})
    assert details.get("error_code") == getattr(refused.value, "error_code", None)


def test_rule_24_the_sdk_keeps_the_conversation_itself_once_a_thread_is_refused() -> None:
    sent: list[dict[str, Any]] = []

    def one_call_then_text(request: httpx2.Request) -> httpx2.Response:
        sent.append(orjson.loads(request.read()))
        try:
            translator = AnthropicMessages(request.read(), Exchange("0" * 32, 0))
        except Problem as problem:
            refused = AnthropicMessages.refuse(problem, "req_1")
            return httpx2.Response(problem.status, content=refused)
        called = len(translator.turn.messages) > 1
        call = ToolCall("toolu_1", "look", '{"path":"a.txt"}')
        events = [Text("done") if called else call, Done(Stop.END)]
        return httpx2.Response(200, content=translator.whole(fold(events)))

    @anthropic.beta_tool
    def look(path: str) -> str:
        """Look into a file."""
        return f"inside {path}"

    with httpx2.Client(transport=httpx2.MockTransport(one_call_then_text)) as http:
        client = anthropic.Anthropic(api_key="k", http_client=http, max_retries=0)
        last = client.beta.messages.tool_runner(**ASKED, tools=[look]).until_done()
    assert last.content[0].text == "done"
    assert ["thread" in body for body in sent] == [True, False, False]
    assert [m["role"] for m in sent[2]["messages"]] == ["user", "assistant", "user"]
