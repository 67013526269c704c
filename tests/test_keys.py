from hypothesis import given
from hypothesis import strategies as st

from notion_manager.keys import Key, digest, match

KEYS = [Key("laptop", digest("nm-one"), 1), Key("ci", digest("nm-two"), 2)]


def test_a_key_is_known_by_its_digest() -> None:
    assert match(KEYS, "nm-one") == "laptop"
    assert match(KEYS, "nm-two") == "ci"


def test_no_keys_match_nothing() -> None:
    assert match([], "nm-one") is None


@given(st.text(st.characters(exclude_categories=())))
def test_what_was_never_a_key_matches_none(presented: str) -> None:
    headers = presented.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
    assert match(KEYS, headers) is None


def test_a_keys_repr_shows_no_digest() -> None:
    assert repr(KEYS[0]) == "Key(name='laptop', created_at=1, admin=False)"
