"""A reply ends at so many tokens."""

from collections.abc import Iterable

import pytest
from bounding import call, kinds, plain, sequences, shown, words
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from toolkit import cuts

from notion_manager.bridge.bounds import LONGEST_WORD, Bounds
from notion_manager.tokens import count
from notion_manager.turn import Limits, Piece, Source, Stop, Text, Thinking, ToolCall, coalesce

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


BLANKS = " " * 128  # a token


@given(blocks.map(spelt), st.integers(0, 3000), st.integers(1, 5000))
@example("    " * 2593, 162, 1)
def test_a_long_reply_ends_close_to_its_limit(text: str, most: int, size: int) -> None:
    bounds = Bounds(Limits(most), count)
    said = shown(bounds, [text[at : at + size] for at in range(0, len(text), size)])
    assert text.startswith(said)
    assert honest(said) <= most
    assert bounds.stop is (Stop.LENGTH if said != text else None)
    near = 0.4 if BLANKS in said else 0.9  # long runs are counted in parts, blanks most of all
    assert said == text or honest(said) >= most * near - LONGEST_WORD


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


def test_what_is_cut_names_no_sources() -> None:
    bounds = Bounds(Limits(max_tokens=2), words)
    found = [*bounds.feed([Text("one two three four", (Source("https://a.test/"),))])]
    assert [(piece.text.strip(), piece.cites) for piece in found if isinstance(piece, Text)] == [
        ("one two", ())
    ]
