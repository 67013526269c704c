"""Schemas that would take forever to read or to check by, and what is done instead."""

import json
import time
from typing import Any

import pytest
from toolkit import schema

from notion_manager.bridge.validation import Validator
from notion_manager.bridge.values import Kind, Parameters


def test_long_and_slow_things_are_quick_and_harmless() -> None:
    slow = Parameters(
        schema(
            (),
            a={"type": "string", "pattern": "^(a+)+$"},
            b={"pattern": "(?=(a+)+$)b"},
            c={"$ref": "http://127.0.0.1:9/x"},
        )
    )
    slow.errors(json.dumps({"a": "a" * 40 + "!"}))
    far = Parameters(schema((), b={"pattern": "^(?=(a+)+$)"}))
    far.errors(json.dumps({"b": "a" * 40 + "!"}))
    far.errors(json.dumps({"b": 1}))
    loop = Parameters({"properties": {"a": {"$ref": "#/properties/a"}}})
    assert loop.kind("a") is Kind.OTHER
    assert json.loads(loop.read("a", "[1]")) == [1]
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"properties": {"a": deep}, "anyOf": [deep, deep]}
    Parameters(deep).read("a", '{"a":1}')
    assert (
        Parameters({"properties": {"r": {"type": "number", "minimum": "x"}}}).read("r", "1e999")
        == '"1e999"'
    )
    wide: dict[str, Any] = {"type": "string"}
    for level in range(60):
        wide = {
            "anyOf": [
                {"properties": {f"k{level}": wide}},
                {"properties": {f"x{level}": wide}},
                wide,
                wide,
            ]
        }
    assert Parameters(wide).key("k59") == "k59"
    assert Parameters(wide).key("nobody") == "nobody"


def multiplied(levels: int) -> dict[str, Any]:
    """Each part has eight references to the next: a kilobyte that stands for 8**levels parts."""
    defs: dict[str, Any] = {
        f"e{n}": {"anyOf": [{"$ref": f"#/$defs/e{n - 1}"} for _ in range(8)]}
        for n in range(1, levels)
    }
    defs["e0"] = {"enum": ["a"]}
    return {"properties": {"a": {"$ref": f"#/$defs/e{levels - 1}"}}, "$defs": defs}


def branching() -> dict[str, Any]:
    leaf = {"properties": {f"k{n}": {} for n in range(8000)}}
    middle = [{"anyOf": [{"$ref": "#/$defs/b"} for _ in range(64)]} for _ in range(64)]
    return {"anyOf": middle, "$defs": {"b": leaf}}


def test_schemas_that_multiply_take_neither_time_nor_memory() -> None:
    began = time.process_time()
    assert Parameters(multiplied(11)).read("a", "A") == '"a"'
    assert Parameters(branching()).key("k1") == "k1"
    assert Parameters(branching()).key("unheard") == "unheard"
    wide = {
        "properties": {
            "a": {
                "type": "array",
                "items": {"properties": {"x": {"allOf": [{} for _ in range(5000)]}}},
            }
        }
    }
    assert len(json.loads(Parameters(wide).read("a", json.dumps([{"x": 1}] * 5000)))) == 5000
    far = {"items": {"$ref": "#/$defs/" + "%41" * 3000}, "$defs": {"A" * 3000: {"type": "integer"}}}
    assert Validator(far).errors(list(range(20_000))) == ()
    ahead = Validator({"pattern": "(?=a).*" + "(.*a)" * 8 + "$"})
    assert "too many alternatives" in ahead.errors("a" * 100_000 + "b")[0]
    assert ahead.errors("ab" * 9) != ()
    keys = Validator({"patternProperties": {"(?=a)b": {}, "^c": {"type": "integer"}}})
    assert keys.errors({"c": 1}) == ()
    assert time.process_time() - began < 12


@pytest.mark.no_cover
def test_what_is_too_much_to_check_is_read_by_its_type() -> None:
    either = Parameters(
        {
            "properties": {
                "a": {
                    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}]
                }
            }
        }
    )
    many = json.dumps(list(range(120_000)))
    assert len(json.loads(either.read("a", many))) == 120_000
    assert (
        json.loads(
            Parameters(
                {"properties": {"l": {"type": "array", "items": {"type": "integer"}}}}
            ).whole(json.dumps({"l": list(range(120_000))}))
        )["l"][-1]
        == 119_999
    )
