"""Laws of the waist and the wire."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.blocks import Blocks, Closed, Grown, Opened
from notion_manager.turn import (
    Done,
    Event,
    Stop,
    Text,
    Thinking,
    ToolCall,
    coalesce,
    continues,
    fold,
    join,
)
from notion_manager.wire import DONE, Lines, LineTooLong, dumps, sse
from tests.laws.strategies import batches, pieces, streams

calls = st.builds(ToolCall, st.sampled_from("ab"), st.just("f"), st.text(max_size=3))
any_pieces = pieces | calls


@given(st.lists(any_pieces, max_size=12))
def test_coalescing_changes_no_meaning(events: list[Event]) -> None:
    done = Done(Stop.END)
    joined = coalesce(events)
    assert fold([*joined, done]) == fold([*events, done])
    assert not any(
        continues(a, b)
        for a, b in itertools.pairwise(joined)
        if not isinstance(a, Done) and not isinstance(b, Done)
    )


@given(batches())
def test_a_reply_does_not_depend_on_how_it_was_batched(cut: list[list[Event]]) -> None:
    joined = [event for batch in cut for event in coalesce(batch)]
    assert fold(joined) == fold([event for batch in cut for event in batch])


def test_a_stream_without_done_is_no_reply() -> None:
    with pytest.raises(ValueError, match="no Done"):
        fold([Text("a")])


def test_the_truth_wins_over_what_was_streamed() -> None:
    reply = fold([Text("fals"), Done(Stop.END, truth=(Text("tr"), Text("ue")))])
    assert reply.parts == (Text("true"),)


def test_a_signature_ends_a_part_of_thinking() -> None:
    assert not continues(Thinking("a", "sig"), Thinking("b"))
    assert join([Thinking("a"), Thinking("b", "sig")]) == Thinking("ab", "sig")


def test_fragments_of_one_call_join_and_of_two_do_not() -> None:
    assert continues(ToolCall("1", "f", "{"), ToolCall("1", "f", "}"))
    assert not continues(ToolCall("1", "f", "{"), ToolCall("2", "f", "}"))
    assert not continues(Text("a"), Thinking("b"))
    assert join([ToolCall("1", "f", "{"), ToolCall("1", "f", "}")]) == ToolCall("1", "f", "{}")


@given(streams())
def test_brackets_balance_and_number_the_blocks(events: list[Event]) -> None:
    blocks = Blocks()
    open_: int | None = None
    seen = 0
    grown: list[Event] = []
    for step in (step for event in events for step in blocks.feed(event)):
        match step:
            case Opened(index):
                assert open_ is None
                assert index == seen
                open_, seen = index, seen + 1
            case Grown(index, piece):
                assert index == open_
                grown.append(piece)
            case Closed(index, last):
                assert index == open_
                assert last == grown[-1]
                open_ = None
    assert open_ is None
    assert grown == events[:-1]


lines = st.lists(st.binary(max_size=8).map(lambda b: b.translate(None, b"\r\n")), max_size=6)


@given(lines, st.sampled_from([b"\n", b"\r\n"]), st.data())
def test_lines_do_not_depend_on_how_the_network_sliced_them(
    wanted: list[bytes], end: bytes, data: st.DataObject
) -> None:
    whole = b"".join(line + end for line in wanted) + b"rest"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    reader = Lines()
    got = b""
    for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        got += reader.feed(whole[a:b])
    assert got == whole.removesuffix(b"rest")
    assert reader.finish() == b"rest"
    assert reader.finish() == b""


def test_a_line_that_never_ends_is_refused_while_it_grows() -> None:
    reader = Lines(limit=10)
    assert reader.feed(b"12345") == b""
    with pytest.raises(LineTooLong):
        reader.feed(b"678901")


def test_a_line_is_measured_alone() -> None:
    reader = Lines(limit=10)
    assert reader.feed(b"1234567\n1234567\n1234567") == b"1234567\n1234567\n"


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        ("\ud800a", '"\ufffda"'),
        ({"\ud800": ["b", "\udfff", 1]}, '{"\ufffd":["b","\ufffd",1]}'),
        ("a\u2028b\u2029c\x85é", '"a\\u2028b\\u2029c\\u0085é"'),
    ],
)
def test_rule_7_what_breaks_a_line_or_utf_8_never_gets_out(value: Any, spelled: str) -> None:
    assert dumps(value).decode() == spelled


def test_what_json_cannot_say_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        dumps(object())


def test_a_frame_is_one_data_line() -> None:
    assert sse({"a": "b\nc"}, "x") == b'event: x\ndata: {"a":"b\\nc"}\n\n'
    assert sse([1]) == b"data: [1]\n\n"
    assert DONE == b"data: [DONE]\n\n"
