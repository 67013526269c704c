"""Names that are misspelled, however many there are."""

from hypothesis import given
from hypothesis import strategies as st

from notion_manager.bridge.spelling import MOST, SHORTEST, Names

words = st.text(alphabet="abc", max_size=6)


def a_letter_apart(a: str, b: str) -> bool:
    """By definition: one letter is put in, taken out or changed."""
    short, long = sorted((a, b), key=len)
    if len(short) < SHORTEST or len(long) - len(short) > 1:
        return False
    if len(short) == len(long):
        return sum(x != y for x, y in zip(a, b, strict=True)) == 1
    return any(long[:place] + long[place + 1 :] == short for place in range(len(long)))


@given(st.lists(words, max_size=6), words)
def test_the_one_name_a_letter_apart_is_meant(names: list[str], written: str) -> None:
    near = {name for name in names if a_letter_apart(name, written)} - {written}
    if written not in names:  # which is found before it comes to this
        assert Names(names).near(written) == (near.pop() if len(near) == 1 else None)


def test_of_very_many_none_is_guessed() -> None:
    assert Names(f"name{number:03d}" for number in range(MOST)).near("nam255") == "name255"
    assert Names(f"name{number:03d}" for number in range(MOST + 1)).near("nam255") is None
