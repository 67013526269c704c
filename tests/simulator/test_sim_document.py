"""The simulated model writes the JSON that a prompt asks for, as well as it can be made up."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from notion_manager.simulator.document import document

NOTICE = "This is simulated."
TEXT = {"type": "string"}
TREE = {
    "type": "object",
    "properties": {"name": TEXT, "inner": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]}},
    "required": ["name", "inner"],
}


def asked(schema: object) -> str:
    return (
        f"Answer with one JSON value of this type:\n\n{{ … }}\n\nIts JSON schema is:\n\n"
        f"{json.dumps(schema)}\n\nWrite the JSON alone."
    )


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": TEXT, "b": {"type": "integer"}}, "required": ["a"]},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 3},
        {"type": "integer", "minimum": 7, "exclusiveMaximum": 9, "multipleOf": 4},
        {"type": "number", "exclusiveMinimum": 1.5, "maximum": 2.5},
        {"type": "number", "exclusiveMaximum": -3},
        {"type": "integer", "maximum": 0},
        {"type": ["string", "null"], "minLength": 40, "maxLength": 41},
        {"type": "string", "maxLength": 5},
        {"enum": ["red", "green"]},
        {"const": None},
        {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}},
        {"allOf": [{"type": "object", "properties": {"a": TEXT}}, {"required": ["a"]}]},
        {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}}},
        {"$ref": "#/$defs/tree", "$defs": {"tree": TREE}},
        True,
    ],
    ids=str,
)
def test_what_is_written_fits_the_schema(schema: Any) -> None:
    written = json.loads(document(asked(schema), NOTICE))
    assert not list(Draft202012Validator(schema).iter_errors(written))


def test_texts_say_that_they_are_simulated() -> None:
    written = document(asked({"type": "object", "properties": {"said": TEXT}}), NOTICE)
    assert json.loads(written) == {"said": NOTICE}


def test_without_a_schema_it_is_an_object() -> None:
    prompt = "Answer with one JSON value of this type:\n\n{[key: string]: any}"
    assert json.loads(document(prompt, NOTICE)) == {"answer": NOTICE}


def test_who_asks_for_no_json_gets_none() -> None:
    assert document("What is a JSON schema?\n\n{}", NOTICE) == ""
