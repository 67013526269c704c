"""Schemas that would keep a validator busy for years are told from those that would not."""

import random
from typing import Any

import pytest
from hypothesis import given
from test_values import anything, schemas

from notion_manager.bridge.costs import MOST, Cost
from notion_manager.bridge.validation import Validator

TREE: dict[str, Any] = {
    "anyOf": [
        {"properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}, "required": ["z"]},
        {"properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}, "required": ["y"]},
    ]
}


def doubling(keyword: str, depth: int = 40) -> dict[str, Any]:
    """Each part asks for the next one twice."""
    parts: dict[str, Any] = {
        f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]}
        for n in range(depth)
    }
    return {"$defs": {**parts, f"d{depth}": {"type": "string"}}, "$ref": "#/$defs/d0"}


def nested(depth: int) -> Any:
    return {"l": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "allOf"])
def test_alternatives_that_multiply_are_not_tried(keyword: str) -> None:
    assert Cost(doubling(keyword)).is_too_high([])
    assert Validator(doubling(keyword)).errors([]) == (
        "value: the schema has too many alternatives to check it",
    )
    assert not Validator(doubling(keyword)).allows("a", [])


@pytest.mark.parametrize(
    "schema",
    [
        {"if": {"$ref": "#/$defs/a"}, "else": {"$ref": "#/$defs/a"}},
        {"dependentSchemas": {"l": {"$ref": "#/$defs/a"}, "r": {"$ref": "#/$defs/a"}}},
        {"allOf": [{"$ref": "#n"}, {"$ref": "#n"}]},
        {"allOf": [{"$ref": "part"}, {"$ref": "part"}]},
        {"allOf": [{"$dynamicRef": "#n"}, {"$ref": "#/$defs/list/oneOf/0"}]},
        {"patternProperties": {"l": {"$ref": "#/$defs/a"}, "^l": {"$ref": "#/$defs/a"}}},
        {"contains": {"$ref": "#/$defs/a"}, "items": {"$ref": "#/$defs/a"}},
        {"prefixItems": [{"$ref": "#/$defs/a"}], "unevaluatedItems": {"$ref": "#/$defs/a"}},
        {"propertyNames": {"$ref": "#/$defs/a"}, "additionalProperties": {"$ref": "#/$defs/a"}},
    ],
)
def test_every_way_to_refer_is_followed(schema: dict[str, Any]) -> None:
    parts = {
        "a": {"$ref": "#/$defs/dear"},
        "b": {"$anchor": "n", "$dynamicAnchor": "n", "$ref": "#/$defs/dear"},
        "c": {"$id": "part", "$ref": "#/$defs/dear"},
        "list": {"oneOf": [{"$ref": "#/$defs/dear"}]},
        "dear": doubling("anyOf", 17)["$defs"]["d0"],
        **doubling("anyOf", 17)["$defs"],
    }
    cost = Cost({**schema, "$defs": parts})
    assert cost.is_too_high({"l": []}) or cost.is_too_high([[]])


def test_depth_multiplies_too() -> None:
    assert not Cost(TREE).is_too_high(nested(8))
    assert Cost(TREE).is_too_high(nested(30))


@pytest.mark.parametrize(
    "reference", ["#/nowhere", "#/$defs/1/x", "#/allOf/7", "#nobody", "elsewhere#/a", "#/allOf/x"]
)
def test_a_reference_to_nothing_costs_nothing(reference: str) -> None:
    assert not Cost({"allOf": [{"$ref": reference}], "$defs": {"1": 7}}).is_too_high({"a": [1]})


def test_a_schema_that_refers_to_itself_is_no_trouble() -> None:
    assert not Cost({"$ref": "#"}).is_too_high([])
    assert Validator({"$ref": "#"}).errors([]) == ()


def test_a_large_value_of_a_plain_schema_is_checked() -> None:
    row = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}
    schema = {"type": "array", "items": row}
    value = [{"a": str(random.random())} for _ in range(20_000)]  # noqa: S311 - distinct texts
    assert Validator(schema).errors(value) == ()
    assert Cost(schema).is_too_high([{"a": 1.5 + n} for n in range(MOST)])


def test_a_value_too_deep_to_count_is_not_checked() -> None:
    value: Any = []
    for _ in range(5000):
        value = [value]
    assert Cost({"items": {"$ref": "#"}}).is_too_high(value)


@given(schemas, anything)
def test_no_schema_is_too_odd_to_be_counted(schema: Any, value: Any) -> None:
    assert not Cost(schema).is_too_high(value)
