"""Where a reply ends that goes on."""

import time
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from toolkit import cuts

from notion_manager.bridge.bounds import Bounds
from notion_manager.tokens import count
from notion_manager.turn import Limits, Piece, Stop, Text, Thinking, ToolCall


def words(text: str) -> int:
    return len(text.split())


def shown(bounds: Bounds, texts: Iterable[str]) -> str:
    pieces: list[Piece] = []
    for text in texts:
        pieces += bounds.feed([Text(text)])
    return "".join(p.text for p in [*pieces, *bounds.finish()] if isinstance(p, Text))


def expected(text: str, sequences: Sequence[str]) -> tuple[str, str]:
    """What a model that stops would have said: looked at with each letter."""
    for end in range(len(text) + 1):
        found = [s for s in sequences if s and text[:end].endswith(s)]
        if found:
            sequence = max(found, key=len)
            return text[: end - len(sequence)], sequence
    return text, ""


letters = st.text(alphabet="abc\n", max_size=40)
sequences = st.lists(st.text(alphabet="abc\n", max_size=4), max_size=4)


@given(letters, sequences, st.lists(st.integers(0, 40), max_size=6))
@example("abcabd", ["abd", "bca"], [])
@example("aab", ["ab", "b", "aab"], [1])
def test_a_reply_ends_before_the_first_sequence_however_it_is_cut(
    text: str, stop: list[str], places: list[int]
) -> None:
    said, sequence = expected(text, stop)
    for pieces in ([text], list(text), cuts(text, places)):
        bounds = Bounds(Limits(stop=tuple(stop)), words)
        assert shown(bounds, pieces) == said
        assert bounds.sequence == sequence
        assert bounds.stop is (Stop.SEQUENCE if sequence else None)


@given(letters, sequences)
def test_only_what_may_begin_a_sequence_waits(text: str, stop: list[str]) -> None:
    bounds, said = Bounds(Limits(stop=tuple(stop)), words), ""
    for index, letter in enumerate(text):
        said += "".join(p.text for p in bounds.feed([Text(letter)]) if isinstance(p, Text))
        if bounds.stop:
            break
        held = text[len(said) : index + 1]
        tails = [text[i : index + 1] for i in range(index + 1)]
        fitting = [t for t in tails if any(s.startswith(t) and s != t for s in stop)]
        assert held == max(fitting, key=len, default="")


CALL = ToolCall("1", "f", '{"a":"END"}')


def test_thinking_and_calls_are_not_searched_and_end_a_text() -> None:
    bounds = Bounds(Limits(stop=("END",)), words)
    assert bounds.feed([Text("a E"), Thinking("END"), Text("ND"), CALL, Text("E")]) == [
        Text("a "),
        Text("E"),
        Thinking("END"),
        Text("ND"),
        CALL,
    ]
    assert bounds.stop is None
    assert bounds.finish() == [Text("E")]
    assert bounds.finish() == []


def test_after_the_end_nothing_is_shown() -> None:
    bounds = Bounds(Limits(stop=("END",)), words)
    assert bounds.feed([Text("aEND"), Text("b")]) == [Text("a")]
    assert bounds.feed([Text("c"), CALL]) == bounds.finish() == []


def test_without_limits_pieces_pass_as_they_are() -> None:
    pieces: list[Piece] = [Text(""), CALL, Thinking("x", "sig")]
    assert Bounds(Limits(), words).feed(pieces) == pieces


prose = st.text(alphabet="ab cé🙂\n", max_size=80)


@given(prose, st.integers(1, 40), st.lists(st.integers(0, 80), max_size=8))
def test_no_more_tokens_are_shown_than_may_be(text: str, most: int, places: list[int]) -> None:
    bounds = Bounds(Limits(most), count)
    said = shown(bounds, cuts(text, places))
    assert text.startswith(said)
    assert count(said) <= most
    assert (bounds.stop is Stop.LENGTH) is (said != text)


@pytest.mark.parametrize(
    ("piece", "left"),
    [
        (Text("three four five"), Text("three ")),
        (Thinking("three four five", "sig"), Thinking("three ")),
        (ToolCall("1", "f", "three four five"), ToolCall("1", "f", "three ")),
    ],
)
def test_the_piece_at_the_limit_is_cut_and_left_open(piece: Piece, left: Piece) -> None:
    bounds = Bounds(Limits(3), words)
    assert bounds.feed([Text("one two "), piece, Text("six")]) == [Text("one two "), left]
    assert bounds.stop is Stop.LENGTH


def test_all_kinds_of_pieces_are_counted_together() -> None:
    bounds = Bounds(Limits(3), words)
    assert bounds.feed(
        [Thinking("one"), Text(" two"), ToolCall("1", "f", " three"), Text(" x")]
    ) == [
        Thinking("one"),
        Text(" two"),
        ToolCall("1", "f", " three"),
        Text(" "),
    ]


def test_a_long_answer_is_counted_seldom_and_ends_close_to_its_limit() -> None:
    counted = 0

    def dear(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return count(text)

    text = "the quick brown fox jumps over the lazy dog, and naps.\n" * 4000
    bounds = Bounds(Limits(20_000), dear)
    said = shown(bounds, [text[i : i + 4] for i in range(0, len(text), 4)])
    assert 19_600 <= count(said) <= 20_000
    assert counted < 8 * len(text)


def test_a_long_repetitive_sequence_is_sought_in_linear_time() -> None:
    stop = "a" * 1000 + "b"
    began = time.perf_counter()
    bounds = Bounds(Limits(stop=(stop,)), words)
    shown(bounds, ["aaaa"] * 20_000)
    assert time.perf_counter() - began < 5
