"""The laws of every translator, over the Responses protocol."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from notion_manager.errors import ContextTooLong, Problem, RateLimited, UpstreamBroken
from notion_manager.translators.exchange import Exchange
from notion_manager.translators.openai_responses import OpenAIResponses
from notion_manager.turn import (
    Done,
    Event,
    Found,
    Piece,
    Reply,
    Source,
    Stop,
    Text,
    Thinking,
    ToolCall,
    fold,
)
from tests.goldens import GOLDEN
from tests.laws.readers_responses import Client, valid_response
from tests.laws.strategies import cited, texts, usages
from tests.laws.strategies import found as searches

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
WISHES: tuple[dict[str, Any], ...] = (
    {},
    {"reasoning": {"summary": "auto"}},
    {"include": ["reasoning.encrypted_content", "web_search_call.action.sources"]},
    {
        "reasoning": {"effort": "low", "summary": "concise"},
        "include": ["reasoning.encrypted_content"],
    },
)
wishes = st.sampled_from(WISHES)
problems = st.sampled_from(
    [UpstreamBroken("it broke"), RateLimited("slow down.", retry_after=1.2), ContextTooLong(9, 5)]
)
stops = st.sampled_from(list(Stop))
fragments = st.lists(st.text(max_size=8), min_size=1, max_size=4)


def answer(wish: dict[str, Any], id: str = "ab" * 16) -> OpenAIResponses:
    body = {"model": "some-model", "input": "hi", "stream": True, **wish}
    return OpenAIResponses(orjson.dumps(body), Exchange(id, 1_700_000_000))


@st.composite
def parts(draw: st.DrawFn) -> list[list[Piece]]:
    """The parts of a reply, each in fragments."""
    found: list[list[Piece]] = []
    for index in range(draw(st.integers(0, 5))):
        match draw(
            st.sampled_from(["text", "cited", "found", "thinking", "signed", "call", "freeform"])
        ):
            case "text":
                found.append([Text(t) for t in draw(fragments)])
            case "cited":
                found.append(list(draw(st.lists(cited, min_size=1, max_size=3))))
            case "found":
                found.append([draw(searches)])
            case "thinking":
                found.append([Thinking(t) for t in draw(fragments)])
            case "signed":
                found.append([*(Thinking(t) for t in draw(fragments)), Thinking("", "c2ln")])
            case kind:
                call = ToolCall(f"call_{index}", "tool", "", draw(st.sampled_from(["", "ns"])))
                found.append(
                    [
                        ToolCall(call.id, call.name, t, call.namespace, freeform=kind == "freeform")
                        for t in draw(fragments)
                    ]
                )
    return found


@st.composite
def sliced(draw: st.DrawFn) -> list[list[Event]]:
    """A finished stream, cut into batches anywhere; some of them empty."""
    done = Done(draw(stops), draw(usages))
    events: list[Event] = [*(piece for part in draw(parts()) for piece in part), done]
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)))
    return [events[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]


def streamed(exchange: OpenAIResponses, batches: list[list[Event]]) -> bytes:
    return b"".join([exchange.start(), *map(exchange.feed, batches)])


def whole(exchange: OpenAIResponses, batches: list[list[Event]]) -> dict[str, Any]:
    return orjson.loads(exchange.whole(fold([e for batch in batches for e in batch])))


@given(sliced(), wishes)
def test_rule_6_rule_52_every_event_is_one_that_the_sdk_knows_and_the_numbers_have_no_gap(
    batches: list[list[Event]], wish: dict[str, Any]
) -> None:
    client = Client().read(streamed(answer(wish), batches))
    assert client.seen[:2] == ["response.created", "response.in_progress"]
    assert client.last["type"] in ("response.completed", "response.incomplete")
    assert client.open == []


@given(sliced(), wishes)
def test_the_sdk_adds_every_stream_up_to_the_whole_response(
    batches: list[list[Event]], wish: dict[str, Any]
) -> None:
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=omit, text_format=omit)
    told: list[Any] = []
    for line in streamed(answer(wish), batches).split(b"\n"):
        if line.startswith(b"data: "):
            told += state.handle_event(EVENT.validate_json(line.removeprefix(b"data: ")))
    last = told[-1]
    assert last.type in ("response.completed", "response.incomplete")
    found = last.response.model_dump(mode="json", exclude_unset=True)
    wanted = Response.model_validate(whole(answer(wish), batches))
    for item in found["output"]:
        item.pop("parsed_arguments", None)
        for part in item.get("content") or ():
            part.pop("parsed", None)
    assert found["output"] == wanted.model_dump(mode="json", exclude_unset=True)["output"]


@given(sliced(), wishes)
def test_slicing_the_events_differently_changes_nothing(
    batches: list[list[Event]], wish: dict[str, Any]
) -> None:
    one = [[event for batch in batches for event in batch]]
    each = [[event] for event in one[0]]
    clients = [Client().read(streamed(answer(wish), cut)) for cut in (batches, one, each)]
    assert clients[0].items == clients[1].items == clients[2].items
    assert clients[0].response == clients[1].response == clients[2].response


@given(sliced(), wishes)
def test_rule_57_a_stream_says_what_the_whole_says(
    batches: list[list[Event]], wish: dict[str, Any]
) -> None:
    client = Client().read(streamed(answer(wish), batches))
    assert client.response == whole(answer(wish), batches)
    assert client.response["output"] == client.output
    valid_response(client.response)


@given(sliced(), wishes, problems, st.data())
def test_rule_55_failing_after_any_prefix_ends_with_response_failed(
    batches: list[list[Event]], wish: dict[str, Any], problem: Problem, data: st.DataObject
) -> None:
    events = [event for batch in batches for event in batch][:-1]
    until = data.draw(st.integers(0, len(events)))
    exchange = answer(wish)
    stream = streamed(exchange, [events[:until]]) + exchange.fail(problem)
    client = Client().read(stream)
    assert client.last["type"] == "response.failed"
    assert client.response["error"]["code"] != "server_is_overloaded"
    assert client.response["output"] == client.output  # and the open item is not in it


@given(sliced(), st.integers(0, 3), wishes)
def test_rule_56_pings_change_nothing_but_the_numbers(
    batches: list[list[Event]], many: int, wish: dict[str, Any]
) -> None:
    exchange = answer(wish)
    events = [event for batch in batches for event in batch]
    frames = [exchange.start()]
    for event in events:
        frames += [exchange.ping() for _ in range(many)]
        frames.append(exchange.feed([event]))
    client = Client().read(b"".join(frames))
    assert client.response == whole(answer(wish), batches)
    assert client.seen.count("response.in_progress") == 1 + many * len(events)


def kept(reply: Reply, *, sources: bool = False) -> tuple[Piece, ...]:
    """What a client can send back: no citations, and of what was found at most the addresses."""
    parts: list[Piece] = []
    for part in reply.parts:
        match part:
            case Text(text) if parts and isinstance(before := parts[-1], Text):
                parts[-1] = Text(before.text + text)
            case Text(text):
                parts.append(Text(text))
            case Found(queries, pages):
                found = tuple(Source(page.url) for page in pages) if sources else ()
                parts.append(Found(tuple(filter(None, queries)), found))
            case _:
                parts.append(part)
    return tuple(parts)


@given(sliced())
def test_rule_60_what_was_sent_comes_back_as_it_was_meant(batches: list[list[Event]]) -> None:
    """Everything but what says nothing: a thought of no words."""
    sealed = {"include": ["reasoning.encrypted_content"]}
    reply = fold([event for batch in batches for event in batch])
    output = whole(answer(sealed), batches)["output"]
    again = answer({"input": [*output, {"role": "user", "content": "go on"}]})
    said = [message.parts for message in again.turn.messages if message.role == "assistant"]
    assert said == ([kept(reply)] if reply.parts else [])
    assert again.ignored == ()


@given(sliced(), wishes)
def test_rule_50_rule_60_what_is_remembered_restores_the_reply_by_reference(
    batches: list[list[Event]], wish: dict[str, Any]
) -> None:
    """Also the reasoning that the client chose not to see."""
    first = answer(wish)
    Client().read(streamed(first, batches))
    memory = dict(first.remember())
    given = [{"type": "item_reference", "id": id} for id in memory]
    body = orjson.dumps({"input": [*given, {"role": "user", "content": "go on"}]})
    again = OpenAIResponses(body, Exchange("cd" * 16, 0, recall=memory.get))
    reply = fold([event for batch in batches for event in batch])
    said = [message.parts for message in again.turn.messages if message.role == "assistant"]
    sources = "web_search_call.action.sources" in wish.get("include", ())
    assert said == ([kept(reply, sources=sources)] if reply.parts else [])


@given(sliced(), wishes)
def test_the_same_is_remembered_of_a_stream_and_of_a_whole(
    batches: list[list[Event]], wish: dict[str, Any]
) -> None:
    stream, single = answer(wish), answer(wish)
    streamed(stream, batches)
    whole(single, batches)
    assert list(stream.remember()) == list(single.remember())


json = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**63) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=200))
def test_rule_2_any_bytes_are_read_or_refused(body: bytes) -> None:
    _read_or_refused(body)


@given(json)
def test_any_json_is_read_or_refused(value: Any) -> None:
    _read_or_refused(orjson.dumps(value))


BODIES = [
    case["body"]
    for path in sorted((GOLDEN / "requests").glob("*.json"))
    if (case := orjson.loads(path.read_bytes()))["path"] == "/v1/responses" and case["body"]
]


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside of this one."""
    if not isinstance(value, dict | list):
        return []
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    return [way for key, v in pairs for way in ((*at, key), *_places(v, (*at, key)))]


def _replaced(value: Any, at: tuple[Any, ...], by: Any) -> Any:
    if not at:
        return by
    copy = value.copy()
    copy[at[0]] = _replaced(value[at[0]], at[1:], by)
    return copy


@given(st.data())
def test_a_real_request_with_anything_in_one_place_is_read_or_refused(data: st.DataObject) -> None:
    body = data.draw(st.sampled_from(BODIES))
    place = data.draw(st.sampled_from(_places(body)))
    _read_or_refused(orjson.dumps(_replaced(body, place, data.draw(json))))


DEEP = "@"
NESTED = {
    "a tool": '{"input":"hi","tools":[{"type":"function","name":"f","parameters":{"a":@}}]}',
    "a call": '{"input":[{"type":"shell_call","call_id":"c","action":@}]}',
    "a result": '{"input":[{"type":"shell_call_output","call_id":"c","output":[{"a":@}]}]}',
    "a schema": '{"input":"hi","text":{"format":{"type":"json_schema","schema":{"a":@}}}}',
    "input": '{"input":@}',
    "metadata": '{"input":"hi","metadata":{"a":@}}',
    "anything": '{"input":"hi","anything":@}',
}


@pytest.mark.parametrize("depth", [300, 900])
@pytest.mark.parametrize("where", NESTED)
def test_nesting_without_end_is_read_or_refused(where: str, depth: int) -> None:
    _read_or_refused(NESTED[where].replace(DEEP, "[" * depth + "]" * depth).encode())


def _read_or_refused(body: bytes) -> None:
    try:
        exchange = OpenAIResponses(body, Exchange("0" * 32, 0))
    except Problem as problem:
        refused = orjson.loads(OpenAIResponses.refuse(problem, "req_0"))
        assert set(refused["error"]) == {"message", "type", "param", "code"}
    else:
        assert exchange.turn.messages
        assert len(exchange.ignored) <= 32
        assert exchange.start()
