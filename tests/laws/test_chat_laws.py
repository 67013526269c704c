"""Laws of Chat Completions."""

import itertools
import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from notion_manager.errors import BadRequest, EmptyAnswer, Problem, RateLimited, UpstreamBroken
from notion_manager.translators.exchange import Exchange
from notion_manager.translators.openai_chat import OpenAIChat
from notion_manager.turn import Done, Event, Stop, Text, Thinking, ToolCall, fold
from tests.files import PDF, PNG, base64, data_url
from tests.laws.readers_chat import read_stream, read_whole, records
from tests.laws.strategies import cited, dones, found

USER = {"role": "user", "content": "hi"}
problems = st.sampled_from([UpstreamBroken("cut"), RateLimited("slow"), EmptyAnswer("not a word")])


@st.composite
def parts(draw: st.DrawFn, *, freeform: bool) -> list[list[Event]]:
    """Parts of an answer, each in pieces; no two calls share an id."""
    fragments = st.lists(st.text(max_size=5), min_size=1, max_size=3)
    kinds = draw(st.lists(st.sampled_from(["text", "search", "thinking", "call"]), max_size=6))
    searching = st.lists(cited | found, min_size=1, max_size=3)
    return [
        draw(searching)
        if kind == "search"
        else [_piece(kind, i, text, freeform=freeform and i % 2 == 0) for text in draw(fragments)]
        for i, kind in enumerate(kinds)
    ]


def _piece(kind: str, place: int, text: str, *, freeform: bool) -> Event:
    match kind:
        case "text":
            return Text(text)
        case "thinking":
            return Thinking(text)
        case _:
            return ToolCall(f"call_{place}", "save", text, freeform=freeform)


@st.composite
def streams(draw: st.DrawFn, *, freeform: bool = True) -> list[Event]:
    pieces = itertools.chain.from_iterable(draw(parts(freeform=freeform)))
    return [*pieces, draw(dones)]


@st.composite
def batches(draw: st.DrawFn) -> list[list[Event]]:
    events = draw(streams())
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)))
    return [events[a:b] for a, b in itertools.pairwise([0, *cuts, len(events)])]


def exchange(**extra: Any) -> OpenAIChat:
    body = orjson.dumps({"model": "m", "messages": [USER], **extra})
    return OpenAIChat(body, Exchange("0" * 32, 1_700_000_000))


def asking_usage() -> OpenAIChat:
    return exchange(stream=True, stream_options={"include_usage": True})


@given(batches())
def test_slicing_a_stream_into_batches_changes_nothing(cut: list[list[Event]]) -> None:
    events = [event for batch in cut for event in batch]
    sliced, one = asking_usage(), asking_usage()
    assert read_stream(sliced.start() + b"".join(map(sliced.feed, cut))) == read_stream(
        one.start() + one.feed(events)
    )


@given(streams())
def test_a_stream_adds_up_to_the_whole_answer(events: list[Event]) -> None:
    chat = asking_usage()
    streamed = read_stream(chat.start() + chat.feed(events))
    assert streamed == read_whole(chat.whole(fold(events)))


@given(batches(), st.data())
def test_rule_42_after_any_prefix_a_failure_ends_with_its_error_and_never_with_done(
    cut: list[list[Event]], data: st.DataObject
) -> None:
    chat = asking_usage()
    told = cut[: data.draw(st.integers(0, len(cut) - 1))]
    events = [[e for e in batch if not isinstance(e, Done)] for batch in told]
    stream = chat.start() + b"".join(map(chat.feed, events))
    problem = data.draw(problems)
    answer = read_stream(stream + chat.fail(problem))
    assert answer.error is not None
    assert answer.error["message"] == str(problem)
    assert answer.finish is None
    assert not answer.done


@given(streams(freeform=False))
def test_the_sdk_reads_every_chunk_and_adds_them_up_to_the_same_answer(events: list[Event]) -> None:
    chat, state = asking_usage(), ChatCompletionStreamState()
    for record in records(chat.start() + chat.feed(events)):
        if record is not None:
            state.handle_chunk(ChatCompletionChunk.model_validate(record))
    streamed = json.loads(state.current_completion_snapshot.model_dump_json())
    whole = read_whole(chat.whole(fold(events)))
    (choice,) = streamed["choices"]
    message = choice["message"]
    calls = [{k: v for k, v in c.items() if k != "index"} for c in message["tool_calls"] or ()]
    for call in calls:
        call["function"].pop("parsed_arguments", None)
    assert (message["content"] or None) == (whole.text or None)
    assert message.get("reasoning_content", "") == whole.reasoning
    assert calls == whole.calls
    assert choice["finish_reason"] == whole.finish
    assert whole.usage is not None
    assert (
        streamed["usage"].items()
        >= {k: v for k, v in whole.usage.items() if isinstance(v, int)}.items()
    )


@given(streams())
def test_the_sdk_reads_the_whole_answer(events: list[Event]) -> None:
    body = exchange().whole(fold(events))
    completion = ChatCompletion.model_validate(orjson.loads(body), strict=True)
    (choice,) = completion.choices
    assert (choice.message.content or "") == (read_whole(body).text or "")


@given(st.text(st.characters(categories=["Cs", "Zl", "Zp", "Cc", "L"]), max_size=8))
def test_no_character_breaks_a_stream(text: str) -> None:
    chat, done = asking_usage(), Done(Stop.END)
    events: list[Event] = [Thinking(text), Text(text), ToolCall("a", "f", text), done]
    answer = read_stream(chat.start() + b"".join(chat.feed([event]) for event in events))
    assert answer == read_whole(chat.whole(fold(events)))
    assert len(answer.text or "") == len(text)


# A request that uses every field; the laws below damage it.
FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
GRAMMAR = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x/"}}
RICH: dict[str, Any] = {
    "model": "m",
    "stream": True,
    "stream_options": {"include_usage": True},
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "developer", "content": [{"type": "text", "text": "d"}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "t"},
                {"type": "image_url", "image_url": {"url": data_url("image/png", PNG)}},
                {"type": "image_url", "image_url": "https://e.x/a.png"},
                {"type": "file", "file": {"file_data": base64(PDF), "filename": "a.pdf"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "refusal": "no",
            "reasoning_content": "r",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "b", "type": "custom", "custom": {"name": "c", "input": "x"}},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "ok"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "ok"}]},
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "ok"},
    ],
    "tools": [
        {"type": "function", "function": FUNCTION},
        {"type": "custom", "custom": {"name": "c", "description": "d", "format": GRAMMAR}},
        {"type": "mystery"},
    ],
    "tool_choice": {
        "type": "allowed_tools",
        "allowed_tools": {
            "mode": "auto",
            "tools": [{"type": "function", "function": {"name": "f"}}],
        },
    },
    "functions": [FUNCTION],
    "function_call": {"name": "f"},
    "parallel_tool_calls": False,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
    },
    "max_tokens": 5,
    "max_completion_tokens": 6,
    "stop": ["x"],
    "reasoning_effort": "high",
    "web_search_options": {},
    "n": 1,
    "logprobs": False,
    "top_logprobs": 0,
    "modalities": ["text"],
    "temperature": 1,
    "store": False,
    "user": "u",
    "prompt_cache_key": "k",
}
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=5)
)
values = st.recursive(
    scalars, lambda v: st.lists(v, max_size=2) | st.dictionaries(st.text(max_size=3), v, max_size=2)
)


def damaged(value: Any, data: st.DataObject) -> Any:
    """`value` with one thing in it replaced by anything, or left out."""
    if not value or not isinstance(value, dict | list) or data.draw(st.integers(0, 5)) == 0:
        return data.draw(values)
    places = list(value) if isinstance(value, dict) else list(range(len(value)))
    place = data.draw(st.sampled_from(places))
    copy = value.copy()
    if data.draw(st.integers(0, 5)) == 0:
        del copy[place]
    else:
        copy[place] = damaged(copy[place], data)
    return copy


def problem_of(body: bytes) -> Problem | None:
    try:
        OpenAIChat(body, Exchange("0" * 32, 0))
    except Problem as problem:
        return problem
    return None


@given(st.binary(max_size=40))
def test_bytes_that_are_no_request_are_refused(body: bytes) -> None:
    assert isinstance(problem_of(body), BadRequest)


@given(values.filter(lambda v: not isinstance(v, dict)).map(orjson.dumps))
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    assert isinstance(problem_of(body), BadRequest)


@given(st.data())
def test_a_damaged_request_is_decoded_or_refused_by_the_path_of_the_damage(
    data: st.DataObject,
) -> None:
    field = data.draw(st.sampled_from(list(RICH)))
    body = orjson.dumps({**RICH, field: damaged(RICH[field], data)})
    problem = problem_of(body)
    assert problem is None or (isinstance(problem, BadRequest) and problem.field.startswith(field))


def test_the_request_that_is_damaged_above_is_sound() -> None:
    assert problem_of(orjson.dumps(RICH)) is None
