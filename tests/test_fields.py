"""The cursor over JSON: what is wrong is named by its path."""

from collections.abc import Callable

import pytest

from notion_manager.errors import BadRequest
from notion_manager.fields import Node

ROOT = Node({"a": {"b": [{"c": 1}]}, "t": "x", "n": None, "i": 3, "f": 1.5, "y": True, "w": 2.0})


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (ROOT["t"].integer, "t: expected a whole number, got a string"),
        (ROOT["f"].integer, "f: expected a whole number, got a number"),
        (ROOT["y"].integer, "y: expected a whole number, got a boolean"),
        (lambda: ROOT["i"].integer(least=4), "i: must be at least 4; got 3"),
        (ROOT["i"].text, "i: expected a string, got a number"),
        (ROOT["n"].text, "n: required; expected a string"),
        (ROOT["none"].object, "none: required; expected an object"),
        (ROOT["t"].flag, "t: expected a boolean, got a string"),
        (lambda: list(ROOT["t"].each()), "t: expected a list, got a string"),
        (lambda: ROOT["t"].one_of(["y", "z"]), "t: expected one of y, z; got 'x'"),
        (next(ROOT["a"]["b"].each())["c"].text, "a.b[0].c: expected a string, got a num"),
        (lambda: Node(float("inf"), "x").integer(), "x: expected a whole number"),
    ],
)
def test_an_error_names_the_path_and_the_type(read: Callable[[], object], message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read()
    assert str(caught.value).startswith(message)


def test_null_and_absent_are_one() -> None:
    assert ROOT["n"].missing
    assert ROOT["none"].missing
    assert ROOT["n"].text("d") == "d"
    assert ROOT["n"].integer() is None
    assert ROOT["n"].flag(default=True)
    assert list(ROOT["n"].each()) == []
    assert ROOT["n"].one_of(["y"], "y") == "y"


def test_values_come_through() -> None:
    assert ROOT["t"].text() == "x"
    assert ROOT["t"].is_text()
    assert not ROOT["i"].is_text()
    assert (ROOT["i"].integer(), ROOT["w"].integer()) == (3, 2)
    assert ROOT["y"].flag()
    assert ROOT["a"].object() == {"b": [{"c": 1}]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[1]", "must be a JSON object, not a list"),
        (b"null", "must be a JSON object, not null"),
    ],
)
def test_a_body_that_is_no_object_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        Node.parse(body)


def test_a_body_is_read_once() -> None:
    assert Node.parse(b'{"a": 1}')["a"].integer() == 1
