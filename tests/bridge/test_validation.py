"""Values against schemas: patterns, formats and depth."""

from typing import Any

import pytest

from notion_manager.bridge.validation import BadSchema, Parts, Validator


def test_patterns_that_look_ahead_are_checked_too() -> None:
    ahead = Validator({"type": "string", "pattern": "^(?=.*a)b"})
    assert ahead.errors("ba") == ()
    assert ahead.errors("bc") != ()
    with pytest.raises(BadSchema, match="regex"):
        Validator({"pattern": "("})
    long = Validator({"enum": ["x" * 999]}).errors("y")
    assert len(long[0]) < 260


@pytest.mark.parametrize(
    ("form", "right", "wrong"),
    [
        ("date", "2024-02-29", "29 February"),
        ("date-time", "2024-02-29T10:00:00", "2024-02-29"),
        ("date-time", "2024-02-29t10:00:00.5z", "2024-02-30T10:00:00Z"),
        ("time", "10:00:00+02:00", "ten"),
        ("time", "10:00", "25:00"),
        ("duration", "P1DT2H", "a day"),
        ("email", "a@b.test", "a at b"),
        ("uuid", "00000000-0000-4000-8000-000000000000", "none"),
        ("ipv4", "127.0.0.1", "127.0.0"),
    ],
)
def test_a_format_that_is_asked_for_is_kept(form: str, right: str, wrong: str) -> None:
    validator = Validator({"properties": {"a": {"type": "string", "format": form}}})
    assert validator.errors({"a": right}) == ()
    (told,) = validator.errors({"a": wrong})
    assert told == f'a: "{wrong}" is not a "{form}"'


@pytest.mark.parametrize("form", ["uri", "regex", "int32", "of-nobody"])
def test_a_format_that_people_write_freely_is_not_checked(form: str) -> None:
    assert Validator({"type": "string", "format": form}).errors("exämple.test/(") == ()


def test_what_is_too_deep_is_no_value() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert Validator({"type": "string"}).errors(deep) != ()
    part = Parts({}).validator({"type": "string"})
    assert part is not None
    assert part.allows(deep) is False
