"""A reply ends before the first stop sequence in its text."""

import time
from collections.abc import Iterable, Sequence

import pytest
from bounding import kinds, plain, sequences, shown, words
from hypothesis import example, given
from hypothesis import strategies as st
from toolkit import cuts

from notion_manager.bridge.bounds import Bounds
from notion_manager.turn import (
    Found,
    Limits,
    Piece,
    Source,
    Stop,
    Text,
    Thinking,
    ToolCall,
    coalesce,
)


def expected(text: str, sequences: Sequence[str]) -> tuple[str, str]:
    """What a model that stops would have said: looked at with each letter."""
    for end in range(len(text) + 1):
        found = [s for s in sequences if s and text[:end].endswith(s)]
        if found:
            sequence = max(found, key=len)
            return text[: end - len(sequence)], sequence
    return text, ""


letters = st.text(alphabet="abc\n", max_size=40)


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
    assert bounds.feed([Text("c"), CALL]) == bounds.finish() == bounds.say("d") == []


def test_without_limits_pieces_pass_as_they_are() -> None:
    pieces: list[Piece] = [Text(""), CALL, Thinking("x", "sig")]
    assert Bounds(Limits(), words).feed(pieces) == pieces


def ended(pieces: Iterable[Piece], sequences: Sequence[str]) -> tuple[list[Piece], str]:
    """Each run of text looked at as a whole."""
    left: list[Piece] = []
    for piece in plain(pieces):
        said, sequence = expected(piece.text, sequences) if isinstance(piece, Text) else ("", "")
        left.append(Text(said) if isinstance(piece, Text) else piece)
        if sequence:
            return left, sequence
    return left, ""


@given(st.lists(kinds, max_size=8), sequences)
@example([Text("a"), Thinking(""), Text("b")], ["ab"])
def test_other_kinds_pass_in_their_order_and_part_texts(
    pieces: list[Piece], stop: list[str]
) -> None:
    left, sequence = ended(pieces, stop)
    for batches in ([pieces], [[p] for p in pieces]):
        bounds = Bounds(Limits(stop=tuple(stop)), words)
        given_out = [p for batch in batches for p in bounds.feed(batch)]
        assert plain([*given_out, *bounds.finish()]) == plain(left)
        assert bounds.sequence == sequence


@pytest.mark.parametrize("stop", ["]", "^", "-", "\\", "[^", "a-z", " ", "\n", "é", "\ud83d"])
def test_a_sequence_is_no_pattern(stop: str) -> None:
    bounds = Bounds(Limits(stop=(stop, "", "b-]^[")), words)
    assert shown(bounds, ["b", f"xy{stop}z"]) == "bxy"
    assert bounds.sequence == stop


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        ("a" * 200_000 + "b", "a" * 240_000),
        ("a" * 80_000 + "b" + "a" * 80_000, "a" * 240_000),
        ("aaab" * 40_000 + "aaaa", "aaab" * 60_000),
    ],
)
@pytest.mark.no_cover
def test_a_long_repetitive_sequence_is_sought_in_linear_time(stop: str, text: str) -> None:
    """Five times the work of one that never begins; hundreds, if what waits were only copied."""

    def work(stop: str) -> float:
        began = time.process_time()
        bounds = Bounds(Limits(stop=(stop,)), words)
        assert shown(bounds, cuts(text, range(0, len(text), 4))) == text
        return time.process_time() - began

    assert work(stop) < 25 * work("zz")


def test_sources_end_a_text_in_which_no_sequence_goes_on() -> None:
    page = Source("https://a.test/")
    bounds = Bounds(Limits(max_tokens=50, stop=("END",)), words)
    pieces = [Text("So E", (page,)), Found(("q",), (page,)), Text("ND, and E"), Text("", (page,))]
    found = coalesce([*bounds.feed(pieces), *bounds.finish()])
    assert found == [
        Text("So E", (page,)),
        Found(("q",), (page,)),
        Text("ND, and E", (page,)),
    ]
    bounds = Bounds(Limits(stop=("END",)), words)
    assert bounds.feed([Text("So END", (page,)), Text("more")]) == [Text("So ")]
    assert bounds.sequence == "END"
