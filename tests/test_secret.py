"""A secret is only seen by those who ask for it by name."""

import copy
import json

import pytest

from notion_manager.secret import Secret


def test_no_way_of_printing_shows_it() -> None:
    secret = Secret("v03:planted")
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>20}",
        repr([secret]),
        f"{secret}",
    ]
    assert not any("planted" in text for text in shown)
    assert "planted" in secret.reveal()


def test_json_refuses_it() -> None:
    with pytest.raises(TypeError) as caught:
        json.dumps({"token": Secret("v03:planted")})
    assert "planted" not in str(caught.value)


def test_equal_secrets_are_equal_and_hash_alike() -> None:
    assert Secret("a") == Secret("a") == copy.copy(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")
