import re
import time

from hypothesis import given
from hypothesis import strategies as st

from notion_manager.bridge.marks import SLACK, SLIPS, WORDS, Marks, choose, unfinished

heads = st.text(max_size=40)
numbered = st.tuples(st.sampled_from(WORDS), st.integers(90, 2000))
texts = st.lists(
    st.text(alphabet="_abrme vioy17", max_size=60)
    | numbered.map(lambda pair: f"_{pair[0]}{pair[1]}")
)


@given(heads, texts)
def test_no_text_has_the_word(head: str, said: list[str]) -> None:
    suffix = choose(head, said).suffix
    assert not any(suffix in text for text in said)


@given(heads, texts, texts)
def test_a_growing_conversation_keeps_its_word_until_a_text_has_it(
    head: str, said: list[str], more: list[str]
) -> None:
    before, after = choose(head, said), choose(head, [*said, *more])
    assert after.word == before.word or any(before.suffix in text for text in more)


def test_conversations_begin_with_different_words() -> None:
    assert (
        len({choose(f"conversation {number}", []).word for number in range(200)}) > len(WORDS) / 2
    )


def test_who_does_not_know_the_salt_does_not_know_the_word() -> None:
    words = {choose("Fix the bug.", [], bytes([salt])).word for salt in range(200)}
    assert len(words) > len(WORDS) / 2


def test_a_page_that_lists_the_words_knows_none() -> None:
    """There are too many combinations for one page: 120,600."""
    taken = {choose("x", [], number.to_bytes(2)).word for number in range(400)}
    assert len(taken) > 390
    assert all(re.fullmatch(r"[a-z]{4,7}[1-9]\d\d", word) for word in taken)


def test_a_text_with_all_words_of_a_number_leaves_another() -> None:
    first = choose("x", []).word
    planted = [" ".join(f"_{word}{first[-3:]}" for word in WORDS)]
    suffix = choose("x", planted).suffix
    assert int(suffix[-3:]) == int(first[-3:]) + 1
    assert suffix not in planted[0]


def test_words_are_few_letters() -> None:
    assert len(set(WORDS)) == len(WORDS)
    assert all(word.isalpha() and word.islower() and len(word) <= 7 for word in WORDS)


MARKS = Marks("amber")
letters = st.text(alphabet="</>argcmbel_ x", max_size=60)
endings = st.sampled_from(
    [
        "",
        "<",
        "</arg_amb",
        "</call_amber  ",
        "<arg_amber",
        "</arg_amber" + 9 * " ",
        "</arg>",
        "</arg> </ca",
        "</parameter>" + 8 * " ",
        "</parameter>" + 9 * " ",
        "</argument>  </call_amber ",
        "</parameter></arg_am",
    ]
)


@given(letters, endings)
def test_only_what_can_still_become_an_end_is_held(text: str, ending: str) -> None:
    text += ending
    at = MARKS.held(text, 0)
    assert at == min((i for i in range(len(text)) if becomes_an_end(text[i:])), default=len(text))


@given(st.text(alphabet="</>argcmblARGCL_ ", max_size=30), endings)
def test_tags_count_in_whatever_case(text: str, ending: str) -> None:
    for said in (text + ending, (text + ending).upper(), (text + ending).title()):
        ends = [found.span() for found in MARKS.end.finditer(said)]
        assert ends == [found.span() for found in MARKS.end.finditer(said.lower())]
        assert MARKS.held(said, 0) == MARKS.held(said.lower(), 0)


def test_letters_of_other_alphabets_are_no_case_of_ours() -> None:
    for letter, other in (("s", "\u017f"), ("k", "\u212a")):
        marks = Marks(f"{letter}ea1")
        assert marks.end.search(f"</arg_{letter.upper()}EA1>") is not None
        assert marks.end.search(f"</arg_{other}ea1>") is None


BLANKS = ["", *(" " * n for n in range(1, SLACK + 1))]
OWN = {f"</{tag}{blanks}>" for tag in ("arg_amber", "call_amber") for blanks in BLANKS}
BEGUN = {"<arg_amber ", "<call_amber "}
CLOSED = {end for end in OWN if "call" in end}
SLIPPED = {f"{slip}{b}{tag}" for slip in SLIPS for b in BLANKS for tag in (*CLOSED, *BEGUN)}


def becomes_an_end(tail: str) -> bool:
    return any(end.startswith(tail) and end != tail for end in OWN | BEGUN | SLIPPED)


@given(letters, st.sampled_from(["", "<call", "<call_amber", "x<call_"]))
def test_only_what_can_still_become_the_marker_is_held(text: str, ending: str) -> None:
    text += ending
    tails = [i for i in range(len(text)) if "<call_ambe".startswith(text[i:])]
    assert unfinished(text, 0, "<call_amber") == min(tails, default=len(text))


def test_a_text_that_lists_the_words_is_looked_through_once() -> None:
    listed = " ".join(f"_{word}{number}" for number in range(100, 1100) for word in WORDS)
    began = time.process_time()
    marks = choose("hi", [listed])
    assert time.process_time() - began < 8
    assert marks.suffix not in listed
    assert choose("hi", [listed]).word == marks.word


@given(st.text(alphabet="_ambervioletdune0123456789 ", max_size=200), st.text(max_size=3))
def test_the_word_is_the_first_that_no_text_has(text: str, head: str) -> None:
    free = choose(head, [])
    marks = choose(head, [text, f"_{free.word}", f"_{free.word}7"])
    assert marks.word != free.word
    assert marks.suffix not in text
