"""Values of another type than they should be, where only one can be meant."""

import json
from typing import Any

import pytest
from hypothesis import given
from test_values import FREE_SHAPES, INSTANCES, PROPERTIES, anything, schemas

from notion_manager.bridge.coercion import coerced
from notion_manager.bridge.shapes import Shape


def shape(schema: Any) -> Shape:
    return Shape(schema, schema)


INTEGERS = {"type": "array", "items": {"type": "integer"}}


@pytest.mark.parametrize(
    ("schema", "value", "meant"),
    [
        ({"type": "integer"}, "3", 3),
        ({"type": "integer"}, "3.0", 3),
        ({"type": "integer"}, "3.5", "3.5"),
        ({"type": "integer"}, 3.0, 3.0),
        ({"type": "integer"}, 3.5, 3.5),
        ({"type": "integer"}, "1e999", "1e999"),
        ({"type": "integer"}, True, True),
        ({"type": "number"}, " 2.5 ", 2.5),
        ({"type": "boolean"}, "True", True),
        ({"type": "boolean"}, "no", "no"),
        ({"type": "boolean"}, 1, 1),
        ({"type": ["integer", "null"]}, "None", None),
        ({"type": ["boolean", "null"]}, "", None),
        (INTEGERS, "7", [7]),
        (INTEGERS, "[1]", [1]),
        (INTEGERS, "[", "["),
        (INTEGERS, ' "a", "b"', ' "a", "b"'),
        (INTEGERS, "```\n[1,\n```", "```\n[1,\n```"),
        (INTEGERS, {"item": [1, "2"]}, [1, 2]),
        (INTEGERS, {"0": "1", "1": 2}, [1, 2]),
        (INTEGERS, {"a": 1, "b": 2}, {"a": 1, "b": 2}),
        ({"type": "integer"}, {"value": 3}, 3),
        ({"type": "string"}, 7, 7),
        ({"type": "object", "properties": {"a": INTEGERS}}, '{"a": "1"}', {"a": [1]}),
        ({"type": "object", "additionalProperties": False}, {"a": 1}, {"a": 1}),
        ({"type": "array", "items": {}}, [], []),
    ],
)
def test_a_value_becomes_what_it_must_mean(schema: Any, value: Any, meant: Any) -> None:
    assert coerced(value, shape(schema)) == meant


@pytest.mark.parametrize(
    ("schema", "value", "text"),
    [
        ({"type": "integer"}, 1e3, "1000"),
        ({"type": "integer"}, -0.0, "0"),
        ({"type": ["integer", "null"]}, 3.0, "3"),
        ({"type": "array", "items": {"type": "integer"}}, [2.0, 2.5], "[2, 2.5]"),
        ({"type": "integer"}, 1e22, "1e+22"),
        ({"type": "number"}, 3.0, "3.0"),
        ({"type": "string"}, 3.0, "3.0"),
        ({}, 3.0, "3.0"),
    ],
)
def test_a_whole_number_has_no_fraction_where_only_such_may_stand(
    schema: Any, value: Any, text: str
) -> None:
    """Many clients read an integer from its digits alone."""
    assert json.dumps(coerced(value, shape(schema))) == text


@pytest.mark.parametrize("key", list(PROPERTIES))
def test_what_fits_is_not_touched(key: str) -> None:
    @given(INSTANCES[key])
    def fits(value: Any) -> None:
        assert coerced(value, FREE_SHAPES[key]) == value

    fits()


@given(schemas, anything)
def test_once_is_enough(schema: Any, value: Any) -> None:
    once = coerced(value, shape(schema))
    assert coerced(once, shape(schema)) == once


def test_what_is_deep_is_left_at_some_depth() -> None:
    tree = {"type": "array", "items": {"$ref": "#"}}
    value: Any = []
    for _ in range(90):
        value = [value]
    assert coerced(value, shape(tree)) == value
