"""Schemas that would keep a validator busy for years are told from those that would not."""

import random
from typing import Any

import pytest
from hypothesis import given
from test_values import anything, schemas

from notion_manager.bridge.costs import MOST, Cost
from notion_manager.bridge.validation import MOST_COMPILED, Parts, Validator


def is_too_dear(schema: Any, value: Any) -> bool:
    return Cost(schema, schema).of(value) > MOST


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
    assert is_too_dear(doubling(keyword), [])
    assert Validator(doubling(keyword)).errors([]) == (
        "value: the schema has too many alternatives to check it",
    )
    assert not allows(doubling(keyword), {"$ref": "#"}, [])


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
    whole = {**schema, "$defs": parts}
    assert is_too_dear(whole, {"l": []}) or is_too_dear(whole, [[]])


def test_depth_multiplies_too() -> None:
    assert not is_too_dear(TREE, nested(8))
    assert is_too_dear(TREE, nested(30))


@pytest.mark.parametrize(
    "reference", ["#/nowhere", "#/$defs/1/x", "#/allOf/7", "#nobody", "elsewhere#/a", "#/allOf/x"]
)
def test_a_reference_to_nothing_costs_nothing(reference: str) -> None:
    assert not is_too_dear({"allOf": [{"$ref": reference}], "$defs": {"1": 7}}, {"a": [1]})


def test_a_schema_that_refers_to_itself_is_no_trouble() -> None:
    assert not is_too_dear({"$ref": "#"}, [])
    assert Validator({"$ref": "#"}).errors([]) == ()


@pytest.mark.no_cover
def test_a_large_value_of_a_plain_schema_is_checked() -> None:
    row = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}
    schema = {"type": "array", "items": row}
    value = [{"a": str(random.random())} for _ in range(20_000)]  # noqa: S311 - distinct texts
    assert Validator(schema).errors(value) == ()
    assert is_too_dear(schema, [{"a": 1.5 + n} for n in range(MOST)])


def test_a_value_too_deep_to_count_is_not_checked() -> None:
    value: Any = []
    for _ in range(5000):
        value = [value]
    assert is_too_dear({"items": {"$ref": "#"}}, value)


def unevaluated(depth: int, keyword: str, within: str) -> dict[str, Any]:
    made: dict[str, Any] = {within: {"a": True}} if within == "properties" else {within: [True]}
    for _ in range(depth):
        made = {"anyOf": [made, False], keyword: False}
    return made


@pytest.mark.parametrize(
    ("keyword", "within", "value"),
    [("unevaluatedProperties", "properties", {"a": 1}), ("unevaluatedItems", "prefixItems", [1])],
)
def test_what_is_left_over_is_looked_for_again_at_each_level(
    keyword: str, within: str, value: Any
) -> None:
    """A validator took seconds for eighteen levels, and twice that for each one more."""
    assert not is_too_dear(unevaluated(4, keyword, within), value)
    assert is_too_dear(unevaluated(18, keyword, within), value)
    assert Validator(unevaluated(40, keyword, within)).errors(value) != ()


def test_long_lists_in_a_schema_are_gone_through_for_each_value() -> None:
    options = [{"a": number} for number in range(2000)]
    assert is_too_dear({"items": {"enum": options}}, [{"a": -1 - n} for n in range(1000)])
    assert is_too_dear(
        {"items": {"enum": [n + 0.5 for n in range(2000)]}}, [-1 - n for n in range(1000)]
    )
    assert not is_too_dear({"items": {"enum": [str(n) for n in range(20_000)]}}, ["x", "y"] * 500)
    named = {"required": [f"k{n}" for n in range(5000)]}
    assert is_too_dear({"items": named}, [{} for _ in range(2000)])


def test_many_errors_are_told_by_the_first_alone() -> None:
    """All of them would be made first, each with a copy of the value: a gigabyte of them."""
    many = Validator({"required": [f"k{n}" for n in range(1000)]})
    (told,) = many.errors({"big": "x" * 100_000})
    assert told == 'value: "k0" is a required property'
    assert len(many.errors({"small": 1})) == 5


def allows(whole: dict[str, Any], part: dict[str, Any], value: Any) -> bool:
    validator = Parts(whole).validator(part)
    assert validator is not None
    return validator.allows(value)


def test_a_part_is_valid_by_the_whole_it_stands_in() -> None:
    whole = {"$defs": {"n": {"type": "integer"}}, "type": "object", "required": ["q"]}
    parts = Parts(whole)
    part = parts.validator({"anyOf": [{"$ref": "#/$defs/n"}, {"$ref": "#"}]})
    assert part is not None
    assert [part.allows(value) for value in (3, {"q": 1}, {}, "x")] == [True, True, False, False]
    assert not part.allows("\ud800")
    assert parts.validator({"$ref": "#/$defs/none"}) is None
    assert allows({"$defs": [], "$schema": "x"}, {"type": "integer"}, 1)


def test_a_part_obeys_the_draft_that_the_whole_names() -> None:
    draft = "http://json-schema.org/draft-04/schema#"
    above = {"minimum": 3, "exclusiveMinimum": True}
    assert not allows({"$schema": draft}, above, 3)
    whole = {"$schema": draft, "definitions": {"n": {"type": "integer"}}}
    assert not allows(whole, {**above, "allOf": [{"$ref": "#/definitions/n"}]}, 3)


def test_so_many_parts_are_compiled_and_no_more() -> None:
    """Then a value is read by its type: nobody waits for a schema that is mostly references."""
    whole = {"$defs": {f"d{n}": {"type": "integer"} for n in range(MOST_COMPILED // 10)}}
    parts = Parts(whole)
    made = [parts.validator({"$ref": f"#/$defs/d{n}"}) for n in range(9)]
    assert [one is not None for one in made] == [True] * 4 + [False] * 5
    plain = {"type": "integer"}
    free = Parts(whole)
    assert all(free.validator({**plain, "minimum": n}) for n in range(256))
    assert free.validator(plain) is free.validator(plain)


@given(schemas, anything)
def test_no_schema_is_too_odd_to_be_counted(schema: Any, value: Any) -> None:
    assert not is_too_dear(schema, value)
