"""Which characters of a text a source is told to stand behind."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.translators.citing import Citing
from notion_manager.turn import Source, Text

A, B = Source("https://a.test/x_(y)", "A page"), Source("https://b.test/")


def spans(*pieces: Text) -> list[str]:
    """What each citation stands behind."""
    text, citing = "".join(piece.text for piece in pieces), Citing()
    cited = [each for piece in pieces for each in citing.feed(piece)]
    return [text[each["start_index"] : each["end_index"]] for each in cited]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([Text("One."), Text("", (A,))], ["One."]),
        ([Text(" One. ", (A,)), Text(" Two. \n", (B,))], ["One.", "Two."]),
        ([Text("Title\n\n- One."), Text("", (A, B))], ["- One."] * 2),
        ([Text("One\n"), Text("Two", (A,))], ["Two"]),
        ([Text("One", (A,)), Text("\n\nTwo", (B,)), Text(" three", (A,))], ["One", "Two", "three"]),
        ([Text("", (A,))], [""]),
        ([Text("One", (A,)), Text("", (B,))], ["One", "One"]),
        ([Text(f"Yes {A.link}", (A,)), Text(f" {B.link}", (B,))], [A.link, B.link]),
        ([Text(f"Yes {A.link}", (A,)), Text("", (A,))], [A.link] * 2),
        ([Text(f"Yes {A.link}", (A,)), Text(" ", (A,))], [A.link, f"Yes {A.link}"]),
        ([Text("橋 is 😀.", (A,)), Text(" 橋", (B,))], ["橋 is 😀.", "橋"]),
    ],
)
def test_a_source_stands_behind_its_link_or_what_was_said_since_the_last(
    pieces: Sequence[Text], expected: Sequence[str]
) -> None:
    assert spans(*pieces) == expected


def test_a_link_is_one_whatever_its_address() -> None:
    assert A.link == "([A page](https://a.test/x_%28y%29))"
    assert B.link == "([https://b.test/](https://b.test/))"


@given(st.text(alphabet="ab \n", max_size=30), st.lists(st.integers(0, 30), max_size=4))
def test_how_the_text_is_cut_matters_not(text: str, cuts: list[int]) -> None:
    ends = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [Text(text[a:b]) for a, b in pairwise(ends)]
    assert spans(*pieces, Text("", (A,))) == spans(Text(text, (A,)))
