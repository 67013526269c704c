"""Laws of the Messages translator."""

import itertools
from typing import Any

import orjson
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import TypeAdapter

from notion_manager.errors import BadRequest, ContextTooLong, Problem, RateLimited, UpstreamBroken
from notion_manager.translators.anthropic_messages import AnthropicMessages, count_tokens
from notion_manager.translators.exchange import Exchange
from notion_manager.turn import Done, Event, Piece, Stop, Text, Thinking, ToolCall, fold
from tests.files import PNG, base64
from tests.laws.readers_messages import HANDLERS, Reading, read
from tests.laws.strategies import cited, found, usages

EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
EXCHANGE = Exchange(id="0" * 32, now=0)
THINKINGS: list[dict[str, str] | None] = [
    None,
    {"type": "disabled"},
    {"type": "adaptive"},
    {"type": "adaptive", "display": "omitted"},
    {"type": "enabled", "display": "summarized"},
]

# text as an upstream may give it: empty pieces and lone surrogates too
texts = st.text(st.characters(), max_size=12)
values = st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8)
inputs = st.dictionaries(st.text(max_size=4), values, max_size=3)


@st.composite
def calls(draw: st.DrawFn) -> list[Piece]:
    """One tool call in fragments. Its id is numbered later."""
    text = orjson.dumps(draw(inputs)).decode()
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    slices = itertools.pairwise([0, *cuts, len(text)])
    return [ToolCall("", "get_weather", text[a:b]) for a, b in slices]


parts = st.one_of(
    st.lists(st.builds(Text, texts), min_size=1, max_size=3),
    st.lists(st.builds(Thinking, texts), min_size=1, max_size=3),
    st.lists(cited | st.builds(Text, texts), min_size=1, max_size=3),
    st.lists(found, min_size=1, max_size=2),
    st.builds(lambda t, s: [Thinking(t, s)], texts, st.sampled_from(["", "c2ln", "\ud800"])),
    calls(),
)
dones = st.builds(
    Done,
    st.sampled_from(Stop),
    usages,
    sequence=st.sampled_from(["", "END"]),
)


@st.composite
def batches(draw: st.DrawFn) -> list[list[Event]]:
    """A finished stream, cut into batches anywhere; some of them empty."""
    runs = draw(st.lists(parts, max_size=6))
    events: list[Event] = []
    for number, run in enumerate(runs):
        id = f"toolu_{number}"
        events += [replace(p, id=id) if isinstance(p, ToolCall) else p for p in run]
    events.append(draw(dones))
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)))
    return [events[a:b] for a, b in itertools.pairwise([0, *cuts, len(events)])]


def exchange(thinking: dict[str, str] | None) -> AnthropicMessages:
    body = {
        "model": "opus-4.6",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
        "thinking": thinking,
    }
    return AnthropicMessages(orjson.dumps(body), EXCHANGE)


def streamed(cut: list[list[Event]], thinking: dict[str, str] | None) -> Reading:
    translator = exchange(thinking)
    return read(translator.start() + b"".join(translator.feed(batch) for batch in cut))


thinkings = st.sampled_from(THINKINGS)


@given(batches(), thinkings)
def test_slicing_a_stream_into_batches_changes_nothing(
    cut: list[list[Event]], thinking: dict[str, str] | None
) -> None:
    events = [event for batch in cut for event in batch]
    one_by_one = streamed([[event] for event in events], thinking)
    assert streamed(cut, thinking).message == one_by_one.message
    assert streamed([events], thinking).message == one_by_one.message


@given(batches(), thinkings)
def test_rule_33_a_stream_read_by_a_client_equals_the_whole_message(
    cut: list[list[Event]], thinking: dict[str, str] | None
) -> None:
    reading = streamed(cut, thinking)
    whole = exchange(thinking).whole(fold(event for batch in cut for event in batch))
    assert reading.ended
    assert reading.message == orjson.loads(whole)


@given(batches(), thinkings)
def test_the_sdk_adds_every_stream_up_to_the_whole_message(
    cut: list[list[Event]], thinking: dict[str, str] | None
) -> None:
    translator = exchange(thinking)
    stream = translator.start() + b"".join(translator.feed(batch) for batch in cut)
    message, buffers = None, dict[int, bytes]()
    for line in stream.split(b"\n"):
        if line.startswith(b"data: ") and b'"ping"' not in line[:20]:
            event = EVENT.validate_json(line.removeprefix(b"data: "))
            message = accumulate_event(event=event, current_snapshot=message, json_bufs=buffers)
    assert message is not None
    whole = orjson.loads(exchange(thinking).whole(fold(event for batch in cut for event in batch)))
    found = message.model_dump(mode="json", exclude_unset=True)
    for told in (found, whole):  # what the SDK adds on its own, or leaves out
        told.pop("usage")
        told.pop("stop_details", None)
        for block in told["content"]:
            block.pop("parsed_output", None)
    assert found == whole


@given(batches(), thinkings, st.data(), st.sampled_from(
    [RateLimited("slow down", retry_after=5), UpstreamBroken("gone \ud800"), ContextTooLong(5, 3)]
))  # fmt: skip
def test_rule_8_failing_after_any_prefix_closes_the_block_and_ends_with_an_error(
    cut: list[list[Event]],
    thinking: dict[str, str] | None,
    data: st.DataObject,
    problem: Problem,
) -> None:
    events = [event for batch in cut for event in batch][:-1]
    prefix = events[: data.draw(st.integers(0, len(events)))]
    translator = exchange(thinking)
    reading = read(translator.start() + translator.feed(prefix) + translator.fail(problem))
    assert reading.block is None
    assert reading.events[-1] == "error"
    assert not reading.ended


@given(batches(), thinkings)
def test_rule_6_rule_7_every_frame_is_one_json_object_of_a_defined_type(
    cut: list[list[Event]], thinking: dict[str, str] | None
) -> None:
    translator = exchange(thinking)
    written = [translator.start(), *(translator.feed(b) + translator.ping() for b in cut[:-1])]
    lines = b"".join([*written, translator.feed(cut[-1])]).split(b"\n")
    for name, data, blank in zip(lines[0:-1:3], lines[1:-1:3], lines[2:-1:3], strict=True):
        event = orjson.loads(data.removeprefix(b"data: "))
        assert event["type"] in HANDLERS
        assert name == f"event: {event['type']}".encode()
        assert blank == b""


json = st.recursive(
    values | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
TEXT = {"type": "text", "text": "hi"}
BLOCKS = [
    TEXT,
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": base64(PNG)}},
    {"type": "document", "source": {"type": "text", "data": "x"}, "title": "t"},
    {"type": "document", "source": {"type": "content", "content": [TEXT]}},
    {"type": "thinking", "thinking": "hm", "signature": ""},
    {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x", "is_error": False},
    {"type": "search_result", "source": "s", "title": "t", "content": [TEXT]},
    {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"title": "t", "url": "u"}]},
    {"type": "redacted_thinking", "data": "x"},
]
REQUEST: dict[str, Any] = {
    "model": "opus-4.6",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "be brief"}],
    "messages": [
        {"role": "system", "content": "x", "output_config": {"effort": "low"}},
        {"role": "assistant", "content": [b for b in BLOCKS if b["type"] != "tool_result"]},
        {"role": "user", "content": [b for b in BLOCKS if b["type"] != "tool_use"]},
    ],
    "tools": [
        {"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": True},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 8},
        {"type": "bash_20250124", "name": "bash"},
    ],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "thinking": {"type": "adaptive", "display": "omitted"},
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {}}},
    "stop_sequences": ["END"],
    "metadata": {"user_id": "{}"},
    "stream": True,
}


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value if isinstance(value, dict) else dict(enumerate(value))
    nested = {k: v for k, v in inner.items() if isinstance(v, dict | list)}
    here = [(*path, key) for key in inner]
    return here + [p for k, v in nested.items() for p in _paths(v, (*path, k))]


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A request that has everything, with something else in one place."""
    request = orjson.loads(orjson.dumps(REQUEST))
    *way, last = draw(st.sampled_from(_paths(REQUEST)))
    place = request
    for key in way:
        place = place[key]
    place[last] = draw(json)
    return request


def _accepted_or_refused(body: bytes) -> None:
    try:
        translator = AnthropicMessages(body, EXCHANGE)
        assert orjson.loads(count_tokens(body, EXCHANGE))["input_tokens"] >= 0
    except BadRequest as problem:
        refused = orjson.loads(AnthropicMessages.refuse(problem, "req_1"))
        assert refused["error"]["message"]
    else:
        assert read(translator.start()).message
        assert all(name.isascii() and name.isprintable() for name in translator.ignored)


@given(st.binary(max_size=40))
def test_any_bytes_are_accepted_or_a_bad_request(body: bytes) -> None:
    _accepted_or_refused(body)


@given(json)
def test_any_json_is_accepted_or_a_bad_request(value: Any) -> None:
    _accepted_or_refused(orjson.dumps(value))


@given(damaged())
def test_rule_2_any_request_with_one_wrong_value_is_accepted_or_a_bad_request(value: Any) -> None:
    _accepted_or_refused(orjson.dumps(value))


def test_the_request_that_is_damaged_is_sound() -> None:
    assert AnthropicMessages(orjson.dumps(REQUEST), EXCHANGE).stream
