"""The pure parts: words, pieces, patches, chunks."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.simulator.chunking import chunk
from notion_manager.simulator.encodings import Encoder
from notion_manager.simulator.scenarios import (
    KNOWN,
    Memory,
    Scenario,
    from_words,
    in_text,
    listing,
    strip,
)
from notion_manager.simulator.script import Cut, Ending, Line, Patch, Pause, Start, State, op
from notion_manager.simulator.speech import pieces
from notion_manager.simulator.threads import KEPT, Thread, Threads


def dice(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - a simulation


@given(st.text(), st.integers())
def test_the_pieces_of_a_text_are_the_text(text: str, seed: int) -> None:
    parts = list(pieces(text, dice(seed)))
    assert "".join(parts) == text
    assert all(parts)


def test_a_citation_is_cut_inside() -> None:
    parts = list(pieces("So it is.[^https://a.test/b] Yes.", dice(1)))
    assert any(("[^" in p and "]" not in p) or p == "[" for p in parts)


@given(
    st.lists(st.binary(min_size=1, max_size=9000), max_size=8),
    st.sampled_from(["random", "line", "byte", "whole"]),
    st.integers(),
)
def test_chunks_carry_every_byte_in_order(lines: list[bytes], how: str, seed: int) -> None:
    assert b"".join(chunk(lines, dice(seed), how)) == b"".join(lines)


def test_nothing_stays_behind_before_a_silence() -> None:
    pause = Pause(1)
    chunks = list(chunk([b"abc", pause, b"def"], dice(0), "whole"))
    assert chunks == [b"abc", pause, b"def"]


def test_chunks_are_sometimes_a_byte_and_sometimes_many_lines() -> None:
    sizes = [len(c) for c in chunk([b"x" * 60 + b"\n"] * 2000, dice(3), "random")]
    assert min(sizes) == 1
    assert max(sizes) > 1000


def test_a_very_long_line_travels_in_large_chunks() -> None:
    assert len(list(chunk([b"x" * (4 << 20)], dice(0), "random"))) < 300


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (op("a", "/s/0/value/-", "new"), {"value": ["old", "new"]}),
        (op("a", "/s/0/value/0", "new"), {"value": ["new"]}),
        (op("a", "/s/0/value/1", "new"), {"value": ["old", "new"]}),
        (op("r", "/s/0/value/0"), {"value": []}),
        (op("r", "/s/0/value"), {}),
        (op("x", "/s/0/text", "!"), {"value": ["old"], "text": "!"}),
        (op("a", "/s/one/a~1b", 1), {"value": ["old"], "a/b": 1}),
    ],
)
def test_patches_change_the_state(operation: dict, expected: dict) -> None:
    state = State([{"id": "one", "value": ["old"]}])
    assert state.apply(operation) == 0
    assert state.steps == [{"id": "one", **expected}]


def test_op_p_mends_an_unfinished_tag() -> None:
    state = State([{"id": "one", "text": "so <lang pri"}])
    state.apply(op("p", "/s/0/text", "<lang/>Hi"))
    assert state.steps[0]["text"] == "so <lang/>Hi"


def test_a_lost_patch_changes_the_state_and_is_not_sent() -> None:
    encoder = Encoder(patch=True)
    beats = [
        Start(({"id": "1", "type": "t", "v": ""},)),
        Patch((op("x", "/s/0/v", "a"),), lost=True),
    ]
    assert len(list(encoder.encode(beats))) == 1
    assert encoder.state.steps[0]["v"] == "a"


def test_whole_steps_follow_every_patch_that_touches_them() -> None:
    start = Start(({"id": "1", "type": "t", "v": ""},))
    beats = [start, Patch((op("x", "/s/0/v", "a"), op("x", "/s/0/v", "b")))]
    assert list(Encoder(patch=False).encode(beats)) == [
        b'{"id":"1","type":"t","v":""}\n',
        b'{"id":"1","type":"t","v":"ab"}\n',
    ]


def test_a_truncated_stream_ends_in_half_of_the_next_line() -> None:
    beats = [Line({"a": 1}), Cut(Ending.TRUNCATE), Line({"b": 2}), Line({"c": 3})]
    assert list(Encoder(patch=True).encode(beats)) == [b'{"a":1}\n', b'{"b"', beats[1]]


def test_magic_words_are_found_and_taken_out() -> None:
    text = "[[sim:429=3]] [[sim:fail-once]]\nHello [[sim:nothing-known]] you"
    assert in_text(text).words == {"429": "3", "fail-once": "", "nothing-known": ""}
    assert strip(text) == "Hello you"


def test_an_accounts_scenario_with_a_typo_is_refused() -> None:
    assert from_words("429=3 everywhere").words == {"429": "3", "everywhere": ""}
    with pytest.raises(ValueError, match="tea-time"):
        from_words("tea-time")


def test_every_word_is_in_the_listing() -> None:
    text = listing()
    assert all(f"`{name}`" in text for name in KNOWN)


def test_a_number_that_is_none_is_the_default() -> None:
    assert Scenario({"long": "many"}).number("long", 7) == 7


@pytest.mark.parametrize(
    ("word", "people", "faults"),
    [
        ("fail-once", "aab", [True, False, True]),
        ("fail", "aab", [True, False, True]),
        ("fail=2", "aaab", [True, True, False, True]),
        ("fail-total", "abb", [True, False, False]),
        ("fail-total=2", "aabb", [True, True, False, False]),
    ],
)
def test_faults_can_be_counted(word: str, people: str, faults: list[bool]) -> None:
    memory, scenario = Memory(), from_words(f"500 thinking {word}")
    settled = [memory.settle(scenario, who, "the text") for who in people]
    assert ["500" in s for s in settled] == faults
    assert all("thinking" in s for s in settled)


def test_other_words_are_counted_on_their_own() -> None:
    memory, scenario = Memory(), from_words("500 fail-once")
    assert "500" in memory.settle(scenario, "a", "one")
    assert "500" in memory.settle(scenario, "a", "two")


def test_only_the_newest_threads_are_kept() -> None:
    threads = Threads()
    for number in range(KEPT + 3):
        threads.keep(Thread(str(number), "space", "owner"))
    assert len(threads.known) == KEPT
    assert "2" not in threads.known
    assert str(KEPT + 2) in threads.known


def test_a_message_that_comes_again_keeps_its_place() -> None:
    thread = Thread("t", "space", "owner")
    thread.add([{"id": "1", "v": 1}, {"id": "2"}, {"id": "1", "v": 2}])
    assert thread.history() == [{"id": "1", "v": 2}, {"id": "2"}]


def test_a_lease_is_given_back_by_its_holder_only() -> None:
    thread = Thread("t", "space", "owner")
    thread.lease("first", 0)
    thread.lease("second", 0)
    thread.release("first")
    assert thread.held(1)
    assert not thread.held(10**9)
    thread.release("second")
    assert not thread.held(1)
