"""Where a reply ends that goes on."""

import time
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from toolkit import cuts

from notion_manager.bridge.bounds import LONGEST_WORD, Bounds
from notion_manager.tokens import count
from notion_manager.turn import (
    Done,
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
    assert bounds.feed([Text("c"), CALL]) == bounds.finish() == bounds.say("d") == []


def test_without_limits_pieces_pass_as_they_are() -> None:
    pieces: list[Piece] = [Text(""), CALL, Thinking("x", "sig")]
    assert Bounds(Limits(), words).feed(pieces) == pieces


def call(number: int, arguments: str) -> ToolCall:
    return ToolCall(str(number), "f", arguments)


few = st.text(alphabet="abc", max_size=8)
kinds = st.one_of(
    st.builds(Text, few), st.builds(Thinking, few), st.builds(call, st.integers(0, 1), few)
)


def plain(pieces: Iterable[Piece]) -> list[Piece]:
    said = coalesce(p for p in pieces if p != Text(""))
    return [p for p in said if not isinstance(p, Done)]


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


prose = st.text(alphabet="ab cé🙂\n", max_size=80)
blocks = st.lists(
    st.tuples(
        st.sampled_from(
            ["the ", "word\n", "1234567", "    ", "é🙂", "=", "日本語", "\ud83d", '{"a":']
        ),
        st.integers(1, 900),
    ),
    max_size=8,
)


def spelt(runs: Iterable[tuple[str, int]]) -> str:
    return "".join(block * times for block, times in runs)


def honest(text: str) -> int:
    """Tokens, of half a surrogate pair too."""
    return count(text.encode(errors="replace").decode())


@given(prose, st.integers(1, 40), st.lists(st.integers(0, 80), max_size=8))
def test_no_more_tokens_are_shown_than_may_be(text: str, most: int, places: list[int]) -> None:
    bounds = Bounds(Limits(most), count)
    said = shown(bounds, cuts(text, places))
    assert text.startswith(said)
    assert count(said) <= most
    assert (bounds.stop is Stop.LENGTH) is (said != text)


@given(blocks.map(spelt), st.integers(0, 3000), st.integers(1, 5000))
def test_a_long_reply_ends_close_to_its_limit(text: str, most: int, size: int) -> None:
    bounds = Bounds(Limits(most), count)
    said = shown(bounds, [text[at : at + size] for at in range(0, len(text), size)])
    assert text.startswith(said)
    assert honest(said) <= most
    assert bounds.stop is (Stop.LENGTH if said != text else None)
    assert (
        said == text or honest(said) >= most * 0.9 - LONGEST_WORD
    )  # long runs are counted in parts


@given(
    st.text(alphabet="ab \n", max_size=30),
    st.integers(1, 800),
    st.integers(0, 9000),
    st.lists(st.integers(0, 24_000), max_size=12),
)
@example("a ", 2050, 2048, [4096])
@example("ab ", 1400, 1367, [4095, 4097])
def test_where_a_limit_falls_does_not_depend_on_the_pieces(
    text: str, times: int, most: int, places: list[int]
) -> None:
    text *= times
    said = shown(Bounds(Limits(most), words), [text])
    assert shown(Bounds(Limits(most), words), cuts(text, places)) == said


LONG = (
    "An internationalization of antidisestablishmentarianism\n\n\n    def foo():\n        return 12345678",
    "Größe überraschend 東京都 の 天気 は 🙂👍🏽 straßenbahn " + "東京都の天気は" * 20,
    "a" * 150 + " " * 30 + "\n\n x " + "0123456789" * 20,
    ' name="file_path">    0123456789 "_' + "-" * 80 + "\n\n\n\tx  \n  y",
    "e\u0301" * 60
    + " Cafe\u0301 re\u0301sume\u0301 👩\u200d👩\u200d👧 family 🏳️\u200d🌈"
    + "_" * 70,
    "end.\n" + " " * 90 + "\n" + "\t" * 140 + "x\u3000" * 40,
)


@given(st.sampled_from(LONG), st.integers(1, 80), st.lists(st.integers(0, 300), max_size=9))
def test_nor_does_it_with_a_real_tokenizer(text: str, most: int, places: list[int]) -> None:
    """To which half a word is more than all of it."""
    said = shown(Bounds(Limits(most), count), [text])
    assert shown(Bounds(Limits(most), count), cuts(text, places)) == said
    assert shown(Bounds(Limits(most), count), list(text)) == said


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
    shown_ = bounds.feed([Text("one two "), piece, Text("six")]) + bounds.finish()
    assert coalesce(shown_) == coalesce([Text("one two "), left])
    assert bounds.stop is Stop.LENGTH


def test_a_word_that_is_too_much_at_the_end_of_its_kind_lets_nothing_follow() -> None:
    bounds = Bounds(Limits(1), words)
    said = [*bounds.feed([Text("a b")]), *bounds.feed([Thinking("c")]), *bounds.finish()]
    assert (plain(said), bounds.stop) == ([Text("a ")], Stop.LENGTH)


def within(pieces: Iterable[Piece], most: int) -> list[Piece]:
    """What a limit leaves of them where each character is a token."""
    left: list[Piece] = []
    for piece in pieces:
        text = piece.arguments if isinstance(piece, ToolCall) else piece.text
        if len(text) > most:
            key = "arguments" if isinstance(piece, ToolCall) else "text"
            return [*left, replace(piece, **{key: text[:most]})] if most else left
        left.append(piece)
        most -= len(text)
    return left


some = st.text(alphabet="ab c\n", min_size=1, max_size=30)
spoken = st.one_of(
    st.builds(Text, some), st.builds(Thinking, some), st.builds(call, st.integers(0, 1), some)
)


def lettered(piece: Piece) -> Iterable[Piece]:
    """The same, letter by letter."""
    key = "arguments" if isinstance(piece, ToolCall) else "text"
    return (replace(piece, **{key: letter}) for letter in getattr(piece, key))


@given(st.lists(spoken, max_size=8), st.integers(0, 40))
def test_no_word_begins_in_one_kind_and_ends_in_another(pieces: list[Piece], most: int) -> None:
    whole, cut = Bounds(Limits(most), words), Bounds(Limits(most), words)
    left = plain([*whole.feed(plain(pieces)), *whole.finish()])
    letters_ = [shown for piece in pieces for p in lettered(piece) for shown in cut.feed([p])]
    assert plain([*letters_, *cut.finish()]) == left
    assert cut.stop is whole.stop


@given(st.lists(kinds, max_size=8), sequences, st.integers(0, 20))
@example([Text("aa"), call(0, "")], ["aab"], 1)
def test_after_a_limit_nothing_is_shown_of_any_kind(
    pieces: list[Piece], stop: list[str], most: int
) -> None:
    free, bounds = Bounds(Limits(stop=tuple(stop)), len), Bounds(Limits(most, tuple(stop)), len)
    whole = [*free.feed(pieces), *free.finish()]
    left = [*bounds.feed(pieces), *bounds.finish()]
    assert plain(left) == plain(within(whole, most))
    if plain(left) == plain(whole):
        assert (bounds.stop, bounds.sequence) == (free.stop, free.sequence)
    else:
        assert (bounds.stop, bounds.sequence) == (Stop.LENGTH, "")
        assert bounds.feed([call(2, "")]) == bounds.finish() == []


def test_a_signature_near_the_limit_is_not_lost() -> None:
    pieces: list[Piece] = [Thinking("hello there friend"), Thinking("", "SIG"), Text("ok")]
    for most in (4, 16, 40):
        bounds = Bounds(Limits(most), words)
        assert coalesce([*bounds.feed(pieces), *bounds.finish()]) == [
            Thinking("hello there friend", "SIG"),
            Text("ok"),
        ]
    bounds = Bounds(Limits(2), words)
    cut = [*bounds.feed([Thinking("one two three", "SIG")]), *bounds.finish()]
    assert coalesce(cut) == [Thinking("one two ")]


@given(some, some, st.integers(0, 30))
def test_no_word_begins_in_one_answer_and_ends_in_the_next(a: str, b: str, most: int) -> None:
    def read(*answers: Iterable[str]) -> tuple[list[Piece], Stop | None]:
        bounds = Bounds(Limits(most), words)
        said = [p for one in answers for p in _all_of(bounds, one)]
        return plain(said), bounds.stop

    assert read([a], [b]) == read(list(a), list(b))


def _all_of(bounds: Bounds, texts: Iterable[str]) -> list[Piece]:
    return [*(p for text in texts for p in bounds.feed([Text(text)])), *bounds.finish()]


@pytest.mark.parametrize(
    ("text", "most", "left"),
    [
        ("abe\u0301\u0302c", 4, "ab"),
        ("abe\u0301\u0302c", 5, "abe\u0301\u0302"),
        ("ab👩\u200d🚀c", 3, "ab"),
        ("ab👩\u200d🚀c", 4, "ab"),
        ("ab\ud83d\ude00c", 3, "ab"),
        ("e" + "\u0301" * 40, 20, "e" + "\u0301" * 19),
    ],
)
def test_what_reads_as_one_character_is_not_cut_in_two(text: str, most: int, left: str) -> None:
    assert shown(Bounds(Limits(most), len), [text]) == left


def test_nothing_is_counted_before_it_must_be() -> None:
    def never(text: str) -> int:
        raise AssertionError(text)

    bounds = Bounds(Limits(18), never)
    assert shown(bounds, ["abc", "é", "🙂"]) == "abcé🙂"
    with pytest.raises(AssertionError):
        bounds.feed([Thinking("x")])


def test_all_kinds_of_pieces_are_counted_together() -> None:
    bounds = Bounds(Limits(3), words)
    pieces = [Thinking("one"), Text(" two"), ToolCall("1", "f", " three"), Text(" x")]
    assert bounds.feed(pieces) + bounds.finish() == [
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
    assert 19_600 <= sum(map(count, said.splitlines(keepends=True))) <= 20_000
    assert counted < 8 * len(text)


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


def test_what_is_cut_names_no_sources() -> None:
    bounds = Bounds(Limits(max_tokens=2), words)
    found = [*bounds.feed([Text("one two three four", (Source("https://a.test/"),))])]
    assert [(piece.text.strip(), piece.cites) for piece in found if isinstance(piece, Text)] == [
        ("one two", ())
    ]
