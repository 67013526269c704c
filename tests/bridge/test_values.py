"""Arguments as models write them, and what they stand for."""

import json
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from toolkit import TODO, schema

from notion_manager.bridge.shapes import Shape
from notion_manager.bridge.values import Kind, Parameters

ANY = {"type": ["string", "integer", "boolean", "array", "object", "null"]}
PROPERTIES: dict[str, Any] = {
    "text": {"type": "string"},
    "note": {"type": ["string", "null"]},
    "also": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "mode": {"enum": ["fast", "very slow", "Fast"]},
    "same": {"const": "x"},
    "count": {"type": "integer", "minimum": 0},
    "ratio": {"type": "number"},
    "on": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "numbers": {"type": "array", "items": {"type": "integer"}},
    "todos": {"type": "array", "items": TODO},
    "either": {"type": ["string", "integer"]},
    "version": {"type": ["string", "number"]},
    "any": ANY,
    "free": {},
    "referred": {"$ref": "#/$defs/name"},
    "tree": {"$ref": "#/$defs/tree"},
    "all": {"allOf": [{"type": "string"}, {"maxLength": 5}]},
    "maybe": {"type": ["integer", "null"]},
    "lists": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
    "open": {"anyOf": [{"enum": ["auto"]}, {"type": "string"}]},
    "anchored": {"$ref": "#name"},
    "spaced": {"$ref": "#/$defs/a%20name"},
    "dynamic": {"$dynamicRef": "#name"},
}
DEFS = {
    "a name": {"type": "string", "$anchor": "name"},
    "name": {"type": "string"},
    "tree": {
        "type": "object",
        "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
    },
}
SCHEMA = {**schema(("text", "note"), **PROPERTIES), "$defs": DEFS}
PARAMETERS = Parameters(SCHEMA)
plain = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["", "null", "1", '"x"', "[1]", "{}", "true", "\n", "```\n1\n```", "None"]
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3),
    max_leaves=6,
)
todo = st.fixed_dictionaries(
    {"content": plain, "status": st.sampled_from(["pending", "completed"])},
    optional={"activeForm": plain},
)
trees = st.recursive(
    st.just({}),
    lambda inner: st.lists(inner, max_size=2).map(lambda kids: {"kids": kids}),
    max_leaves=4,
)
INSTANCES: dict[str, st.SearchStrategy[Any]] = {
    "text": plain,
    "note": st.none() | plain.filter(lambda text: text != "null"),
    "also": st.none() | plain.filter(lambda text: text != "null"),
    "mode": st.sampled_from(["fast", "very slow", "Fast"]),
    "same": st.just("x"),
    "count": st.integers(min_value=0),
    "ratio": st.integers() | numbers,
    "on": st.booleans(),
    "tags": st.lists(plain, max_size=4),
    "numbers": st.lists(st.integers(), max_size=4),
    "todos": st.lists(todo, max_size=3),
    "either": plain | st.integers(),
    "version": plain | numbers,
    "any": anything,
    "free": anything,
    "referred": plain,
    "tree": trees,
    "all": plain.map(lambda text: text[:5]),
    "maybe": st.none() | st.integers(),
    "lists": st.lists(st.lists(st.integers(), max_size=2), max_size=2),
    "open": plain,
    "anchored": plain,
    "spaced": plain,
    "dynamic": plain,
}
FREE_SHAPES = {key: Shape(value, {"$defs": DEFS}) for key, value in PROPERTIES.items()}
TEXTS = {"text", "referred", "all", "open", "anchored", "spaced", "dynamic"}
required = {"text": INSTANCES["text"], "note": INSTANCES["note"]}
instances = st.fixed_dictionaries(
    required, optional={k: v for k, v in INSTANCES.items() if k not in required}
)


def read(key: str, text: str) -> Any:
    return json.loads(PARAMETERS.read(key, text))


def test_text_goes_straight_through() -> None:
    kinds = {key: PARAMETERS.kind(key) for key in PROPERTIES}
    assert {key for key, kind in kinds.items() if kind is Kind.TEXT} == TEXTS
    assert {key for key, kind in kinds.items() if kind is Kind.TEXT_OR_NULL} == {"note", "also"}


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("count", " 3 ", 3),
        ("count", "3.0", 3),
        ("count", '"3"', 3),
        ("count", "1" * 50, int("1" * 50)),
        ("count", "three", "three"),
        ("count", "-1", -1),
        ("count", "3.5", 3.5),
        ("ratio", "1e999", "1e999"),
        ("ratio", "NaN", "NaN"),
        ("ratio", "2", 2),
        ("on", "True", True),
        ("on", '"false"', False),
        ("on", "yes", "yes"),
        ("maybe", "None", None),
        ("maybe", "", None),
        ("mode", "fast", "fast"),
        ("mode", " very slow\n", "very slow"),
        ("mode", "VERY SLOW", "very slow"),
        ("mode", "FAST", "FAST"),
        ("mode", "quick", "quick"),
        ("tags", '["a"]', ["a"]),
        ("tags", "a", ["a"]),
        ("tags", '"a"', ["a"]),
        ("tags", '"[\\"a\\"]"', ["a"]),
        ("tags", '```json\n["a", "b"]\n```', ["a", "b"]),
        ("tags", "['a', 'b',]", ["a", "b"]),
        ("tags", '["bash","-lc","echo \\"hi\\"",]', '["bash","-lc","echo \\"hi\\"",]'),
        ("tags", '["a","b', '["a","b'),
        ("tags", "null", None),
        ("tags", "", ""),
        ("tags", "None", "None"),
        ("numbers", "[1,2],[3]", "[1,2],[3]"),
        ("lists", "[1,2],[3]", "[1,2],[3]"),
        ("open", "AUTO", "AUTO"),
        ("open", " auto\n", " auto\n"),
        ("open", '"hello"', '"hello"'),
        ("anchored", '{"a":1}', '{"a":1}'),
        ("spaced", '"hello"', '"hello"'),
        ("dynamic", '"hello"', '"hello"'),
        ("tags", '{"item": ["a"]}', ["a"]),
        ("tags", '{"0": "a", "1": "b"}', ["a", "b"]),
        ("numbers", '["1", 2.0]', [1, 2]),
        ("numbers", "7", [7]),
        ("todos", '[{"content":"a\nb"}]', [{"content": "a\nb"}]),
        ("todos", "[" * 5000, "[" * 5000),
        ("either", "7", 7),
        ("either", '"7"', "7"),
        ("either", "seven", "seven"),
        ("version", "1.10", "1.10"),
        ("version", "1.5", 1.5),
        ("version", "1e999", "1e999"),
        ("numbers", "[10,20},30,40]", "[10,20},30,40]"),
        ("numbers", "[1], 2, 3]", "[1], 2, 3]"),
        ("numbers", "[1,2](3)[4]", "[1,2](3)[4]"),
        ("tags", '["ab", ]"cd", "ef"]', '["ab", ]"cd", "ef"]'),
        ("tags", "- a\n- b", "- a\n- b"),
        ("tags", 'a","b', 'a","b'),
        ("tags", '{"x":"y"}', {"x": "y"}),
        ("either", "[7]", "[7]"),
        ("free", '{"a": 1}', {"a": 1}),
        ("free", "words", "words"),
        ("free", "[1", "[1"),
        ("unknown", "1", 1),
        ("tree", '{"kids": [{"kids": "{}"}]}', {"kids": [{"kids": [{}]}]}),
    ],
)  # fmt: skip
def test_a_text_stands_for_what_the_schema_wants_if_it_can(key: str, text: str, value: Any) -> None:
    assert read(key, text) == value


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("text", "text"),
        ("Text", "text"),
        ("te-xt", "text"),
        ("tex", "text"),
        ("texts", "text"),
        ("tixt", "text"),
        ("txet", None),
        ("o", None),
        ("__proto__", None),
        ("else", None),
    ],
)
def test_a_name_means_one_parameter_or_none(written: str, key: str | None) -> None:
    assert PARAMETERS.key(written) == key


CONTENT = {"properties": {"content": {"type": "string"}}, "required": ["content"]}
LINK = {"properties": {"link": {"type": "string"}}, "required": ["link"]}


@pytest.mark.parametrize(
    "given_schema",
    [
        {"type": "object", "oneOf": [CONTENT, LINK]},
        {"anyOf": [CONTENT, LINK], "unevaluatedProperties": False},
        {"anyOf": [CONTENT], "additionalProperties": False},
        {"allOf": [{"$ref": "#/$defs/c"}], "$defs": {"c": {"oneOf": [CONTENT, LINK]}}},
        {"if": LINK, "then": LINK, "else": CONTENT},
        {"dependentSchemas": {"link": CONTENT}},
        {"patternProperties": {"^c": {"type": "string"}}, "additionalProperties": False},
    ],
)
def test_a_text_of_an_alternative_is_text(given_schema: dict[str, Any]) -> None:
    parameters = Parameters(given_schema)
    assert parameters.key("content") == "content"
    assert parameters.kind("content") is Kind.TEXT
    assert json.loads(parameters.whole('{"content": "123"}')) == {"content": "123"}


def test_members_that_a_pattern_names_have_its_type_or_that_of_others() -> None:
    numbers = {"patternProperties": {"^n": {"type": "integer"}}}
    assert json.loads(Parameters({**numbers, "additionalProperties": False}).read("n1", '"3"')) == 3
    either = Parameters({**numbers, "additionalProperties": {"type": "string"}})
    assert json.loads(either.read("n1", "3")) == 3
    assert json.loads(either.read("x", "three")) == "three"


@pytest.mark.parametrize("levels", range(30))
def test_a_kind_does_not_depend_on_what_was_read_before(levels: int) -> None:
    text = {"anyOf": [{"anyOf": [{"type": "string"}]}]}
    deep: dict[str, Any] = {"$ref": "#/$defs/s"}
    for _ in range(levels):
        deep = {"type": "object", "properties": {"x": deep}}
    both = Parameters({"properties": {"a": deep, "p": {"$ref": "#/$defs/s"}}, "$defs": {"s": text}})
    both.read("a", '{"x":{}}')
    assert both.kind("p") is Kind.TEXT


def test_a_reference_may_name_a_part_beside_it() -> None:
    part = {"$id": "http://x.test/part.json", "type": "string"}
    beside = {
        "$id": "http://x.test/all.json",
        "properties": {"a": {"$ref": "part.json"}},
        "$defs": {"p": part},
    }
    assert Parameters(beside).kind("a") is Kind.TEXT
    assert Parameters(beside).errors('{"a": 1}') != ()


def test_of_very_many_members_no_name_is_guessed() -> None:
    one = Parameters(schema((), text={"type": "string"}))
    many = {f"k{n}": n for n in range(300)} | {"Text": "a", "text": "b", "__proto__": 1}
    assert json.loads(one.whole(json.dumps(many))) == {"text": "b"}


def test_what_may_still_be_to_come() -> None:
    two = Parameters(schema(("a", "b"), a={}, b={"type": ["string", "null"]}, c={}))
    assert [two.may_lack(keys) for keys in ((), ("b",), ("a",), ("a", "b"))] == [
        True, True, False, False,
    ]  # fmt: skip
    assert not Parameters(schema(())).may_lack(())
    assert Parameters({}).may_lack(())


def test_other_names_are_taken_where_the_schema_takes_them() -> None:
    free = Parameters({"properties": {"a_b": {}, "aB": {}, "constructor": {}}})
    assert free.key("other") == "other"
    assert free.key("ab") == "ab"
    assert free.key("prototype") is None
    assert free.key("constructor") == "constructor"


@given(st.sampled_from(list(PROPERTIES)).flatmap(lambda k: st.tuples(st.just(k), INSTANCES[k])))
def test_what_is_written_reads_back(made: tuple[str, Any]) -> None:
    key, value = made
    text = PARAMETERS.write(key, value)
    if PARAMETERS.kind(key) is Kind.TEXT_OR_NULL:
        assert text == ("null" if value is None else value)
    elif PARAMETERS.kind(key) is Kind.TEXT:
        assert text == value
    else:
        assert read(key, text) == value


def test_nothing_and_the_word_for_it_are_written_alike_where_a_text_may_be_missing() -> None:
    assert [PARAMETERS.write("note", value) for value in (None, "null", "x")] == [
        "null",
        "null",
        "x",
    ]
    assert PARAMETERS.write("text", "null") == "null"


KEYWORDS = (
    "type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf", "properties", "items", "required",
    "additionalProperties", "$defs", "a", "pattern", "not",
)  # fmt: skip
hostile = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    | st.sampled_from(["#", "#/$defs/a", "http://x.test/", "string", "integer"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(KEYWORDS), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
schemas = st.dictionaries(
    st.sampled_from(
        ["type", "properties", "$defs", "allOf", "$ref", "required", "additionalProperties"]
    ),
    hostile,
    max_size=5,
)


@example({"type": "integer"}, "a", '{""0')
@given(
    schemas,
    st.sampled_from(["a", "type", "x"]),
    st.text(max_size=20) | st.sampled_from(["[1,]", "{", '{"a":1', "null", "'a'"]),
)
def test_any_schema_will_do(given_schema: Mapping[str, Any], key: str, text: str) -> None:
    parameters = Parameters(given_schema)
    parameters.kind(key)
    json.loads(parameters.read(key, text))
    assert isinstance(json.loads(parameters.whole(text)), dict)
    parameters.errors(text)
    parameters.omitted(())
    parameters.key(text)
    value = json.loads(parameters.read(key, text))
    parameters.write(key, value)


@given(instances)
def test_arguments_that_fit_have_no_errors_and_are_not_changed(value: Any) -> None:
    text = json.dumps(value)
    assert PARAMETERS.errors(text) == ()
    assert json.loads(PARAMETERS.whole(text)) == value


@given(
    st.dictionaries(
        st.sampled_from(list(PROPERTIES)),
        st.none() | st.integers() | st.text(max_size=3) | st.lists(st.text(max_size=2), max_size=2),
    )
)
def test_another_validator_finds_the_same(value: Any) -> None:
    theirs = jsonschema.Draft202012Validator(SCHEMA).is_valid(value)
    assert (PARAMETERS.errors(json.dumps(value)) == ()) is theirs


def test_all_arguments_at_once() -> None:
    assert json.loads(
        PARAMETERS.whole('```\n{"Text": "a", "count": "3", "elsewhere": 1}\n```')
    ) == {"text": "a", "count": 3}
    assert json.loads(PARAMETERS.whole("[1]")) == {"*": "[1]"}
    assert json.loads(PARAMETERS.whole('{"text": "a')) == {"*": '{"text": "a'}
    assert PARAMETERS.whole(" \n") == "{}"


def test_a_null_that_was_left_out_is_put_in() -> None:
    assert PARAMETERS.omitted({"text"}) == ["note"]
    assert PARAMETERS.omitted({"text", "note"}) == []
    assert PARAMETERS.omitted(()) == ["note"]


def test_errors_say_where_and_are_few() -> None:
    assert PARAMETERS.errors("{") != ()
    (first, *rest) = PARAMETERS.errors(
        json.dumps({"text": "t", "note": None, "numbers": list("abcdefghij")})
    )
    assert first.startswith("numbers.0: ")
    assert len(rest) == 4
    assert all(
        len(e) < 260
        for e in PARAMETERS.errors(json.dumps({"text": "t", "note": None, "count": "x" * 999}))
    )
    assert Parameters({"type": 7}).errors("{}") == ()


def test_what_is_long_and_never_ends_is_a_text() -> None:
    big = '["' + "x" * 10**6
    assert read("tags", big) == big
    assert PARAMETERS.errors("[" * 10**5) != ()
