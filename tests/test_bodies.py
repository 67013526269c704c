"""Large bodies are read as small ones are, only otherwise."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_manager import bodies
from notion_manager.bodies import loads


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """What counts as large is a dozen bytes here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "LARGE", 12)
        patch.setattr(bodies, "SLICE", 8)
        patch.setattr(bodies, "_HEAD", 30)
        yield


base64 = st.text(alphabet="AZaz09+/=", min_size=8, max_size=60)
texts = st.one_of(
    base64,
    st.tuples(st.sampled_from(["data:image/png;base64,", "a, b", "é,", "\\,", "\0,"]), base64).map(
        "".join
    ),
    st.text(max_size=20),
    st.sampled_from(["\0", "\x000", "\\u0000"]),
)
values = st.recursive(
    texts | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_a_body_is_read_as_ever(value: Any) -> None:
    try:
        body = orjson.dumps(value)
    except (TypeError, ValueError):  # numbers that JSON of this kind has not
        return
    assert loads(body) == value


def outcome(read: Callable[[bytes], Any], body: bytes) -> tuple[Any, str]:
    try:
        return read(body), ""
    except orjson.JSONDecodeError as exc:
        return None, str(exc)


@given(values, st.integers(0, 200), st.sampled_from([b"", b'"', b"A" * 30, b",", b"\xff", b"\\"]))
def test_what_is_no_json_is_told_in_the_same_words(value: Any, at: int, damage: bytes) -> None:
    try:
        whole = orjson.dumps(value)
    except (TypeError, ValueError):
        return
    body = whole[:at] + damage + whole[at + 1 :]
    assert outcome(loads, body) == outcome(orjson.loads, body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "%b"}' % (b"A" * 40),
        b'["%b", {"b": "data:x/y;base64,%b"}]' % (b"B" * 40, b"C" * 40),
        b'{"%b": 1}' % (b"K" * 40),
        b'"%b"' % (b"R" * 40),
        b'["%b", "\\u00000"]' % (b"M" * 40),
        b'["%b' % (b"Q" * 40),
        b'["x" %b "y"]' % (b"O" * 40),
        b'["%b", x]' % (b"E" * 40),
        b'["a\\n,%b"]' % (b"H" * 40),
    ],
)
def test_every_place_of_a_long_string_is_known(body: bytes) -> None:
    assert outcome(loads, body) == outcome(orjson.loads, body)
