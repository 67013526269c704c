"""What the model is shown of a schema: short, and all there is to it."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_values import schemas
from toolkit import TODO, schema

from notion_manager.bridge.schemas import signature, type_of

REQUESTS = Path(__file__).parents[1] / "golden" / "requests"
TEXT = {"type": "string"}
EDIT = schema(
    ("file_path", "old_string", "new_string"),
    file_path={"type": "string", "description": "The absolute path to the file to modify"},
    old_string={"type": "string", "description": "The text to replace"},
    new_string={"type": "string", "description": "The text to replace it with"},
    replace_all={"type": "boolean", "description": "Replace all occurrences", "default": False},
)


def test_a_tool_is_a_block_of_its_parameters() -> None:
    assert signature("Edit", {"$schema": "x", **EDIT}) == (
        "Edit {\n"
        "  file_path: string  // The absolute path to the file to modify\n"
        "  old_string: string  // The text to replace\n"
        "  new_string: string  // The text to replace it with\n"
        "  replace_all?: bool  // Replace all occurrences; default false\n"
        "}"
    )


def test_lists_of_objects_are_spelled_where_they_stand() -> None:
    assert signature("TodoWrite", schema(("todos",), todos={"type": "array", "items": TODO})) == (
        "TodoWrite {\n"
        "  todos: {\n"
        "    content: string\n"
        '    status: "pending" | "in_progress" | "completed"\n'
        "    activeForm?: string\n"
        "  }[]\n"
        "}"
    )


@pytest.mark.parametrize(
    ("given_schema", "said"),
    [
        ({"type": "object", "properties": {}}, "T {}"),
        ({}, "T {}"),
        ({"type": "object"}, "T {\n  [key: string]: any\n}"),
        ({"type": "object", "description": "Anything."}, "T {\n  [key: string]: any\n}"),
        ({"oneOf": [schema((), a=TEXT), schema((), b=TEXT)]}, 'T json-schema {"oneOf":['),
        (schema(("x",)), "T {\n  x: any\n}"),
        ({"properties": {"a": TEXT}, "additionalProperties": True}, "T {\n  a?: string\n  [key: string]: any\n}"),
        ({"properties": {"a": TEXT}, "additionalProperties": {"type": "integer"}}, "  [key: string]: int\n}"),
        ({"type": "string"}, 'T json-schema {"type":"string"}'),
    ],
)  # fmt: skip
def test_a_tool_of_any_kind_is_shown(given_schema: dict[str, Any], said: str) -> None:
    assert said in signature("T", given_schema)


@pytest.mark.parametrize(
    ("member", "line"),
    [
        (TEXT, "a?: string"),
        ({}, "a?: any"),
        (True, "a?: any"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, "a?: int  // min 1; max 9"),
        ({"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5}, "a?: number  // more than 0; multiple of 0.5"),
        ({"type": "string", "minLength": 1, "pattern": "^a", "format": "uri"}, 'a?: string  // minLen 1; pattern "^a"; format "uri"'),
        ({"type": "array", "items": TEXT, "minItems": 2, "uniqueItems": True}, "a?: string[]  // minItems 2; unique"),
        ({"type": "array", "items": {"type": ["string", "null"]}}, "a?: (string | null)[]"),
        ({"type": "array"}, "a?: any[]"),
        ({"type": ["integer", "null"]}, "a?: int | null"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "a?: {[key: string]: int}"),
        ({"type": "object", "properties": {}}, "a?: {}"),
        ({"enum": ["x y", 1, None]}, 'a?: "x y" | 1 | null'),
        ({"const": "x"}, 'a?: "x"'),
        ({"anyOf": [TEXT, {"type": "null"}], "description": "D"}, "a?: string | null  // D"),
        ({"anyOf": [TEXT], "minLength": 3}, 'a?: json-schema {"anyOf":[{"type":"string"}],"minLength":3}\n'),
        ({"anyOf": [{"type": "string", "description": "x"}, {"type": "null"}]}, "a?: json-schema {"),
        ({"type": "string", "not": {"const": "x"}}, 'a?: json-schema {"type":"string","not":{"const":"x"}}'),
        ({"enum": ["x"], "anyOf": [TEXT]}, "a?: json-schema {"),
        ({"type": "array", "prefixItems": [TEXT]}, "a?: json-schema {"),
        ({"type": "thing"}, 'a?: json-schema {"type":"thing"}'),
        ({"type": 7}, 'a?: json-schema {"type":7}'),
        ({"items": TEXT}, 'a?: json-schema {"items":{"type":"string"}}'),
        ({"description": "Any."}, "a?: any  // Any."),
        ({"$ref": "http://x.test/"}, 'a?: json-schema {"$ref":"http://x.test/"}'),
        ({"$ref": "#/nowhere"}, 'a?: json-schema {"$ref":"#/nowhere"}'),
        ({"$ref": 7}, 'a?: json-schema {"$ref":7}'),
        ({"description": "one\ntwo", "type": "string"}, "  // one\n  // two\n  a?: string"),
        ({"description": "one\n\ntwo", "type": "string", "default": "x"}, '  // one\n  //\n  // two\n  // default "x"\n  a?: string'),
        (schema((), b={"type": "string", "description": "D"}), "  a?: {\n    b?: string  // D\n  }"),
        ({"type": "array", "items": {"type": "string", "pattern": "^/", "description": "D"}}, 'a?: string[]  // each: D; pattern "^/"'),
        ({"type": "array", "items": {"enum": ["x"], "description": "D"}, "description": "All"}, 'a?: "x"[]  // All; each: D'),
        ({"type": "array", "items": {"type": "array", "items": {"type": "string", "minLength": 1}}}, "a?: string[][]  // each: each: minLen 1"),
        ({"type": "array", "items": {"type": "string", "description": "one\ntwo"}, "maxItems": 2}, "  // maxItems 2\n  // each: one\n  // two\n  a?: string[]"),
        ({"type": "array", "items": schema((), b=TEXT) | {"description": "D"}}, "  // each: D\n  a?: {\n    b?: string\n  }[]"),
        ({"type": "object", "additionalProperties": {"type": "string", "format": "uri"}}, 'a?: {[key: string]: string}  // each: format "uri"'),
        ({"anyOf": [{"type": "array", "items": {"type": "string", "description": "D"}}, {"type": "null"}]}, "a?: json-schema {"),
        ({"type": "string", "nullable": True, "deprecated": True, "readOnly": False}, "a?: string  // nullable; deprecated"),
        ({"type": "array", "uniqueItems": False, "minItems": 1}, "a?: any[]  // minItems 1"),
    ],
)  # fmt: skip
def test_a_parameter_is_said_in_few_words(member: Any, line: str) -> None:
    assert line in signature("T", {"type": "object", "properties": {"a": member}})


@pytest.mark.parametrize(
    ("member", "line"),
    [
        ({"type": "number", "title": "Degrees Celsius"}, 'a?: number  // title "Degrees Celsius"'),
        ({"type": "number", "title": "T", "description": "D", "minimum": 1}, 'a?: number  // D; title "T"; min 1'),
        ({"type": "array", "items": {"type": "string", "title": "Tag"}}, 'a?: string[]  // each: title "Tag"'),
        ({"oneOf": [{"const": 1, "title": "Low"}, {"const": 2, "title": "High"}]},
         'a?: json-schema {"oneOf":[{"const":1,"title":"Low"},{"const":2,"title":"High"}]}'),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "Age"}, 'a?: int | null  // title "Age"'),
        ({"$ref": "#/$defs/b"}, "a?: {\n    c?: int\n  }"),
        ({"$ref": "#/$defs/b", "title": "The one"}, '// title "The one"\n  a?: {'),
        ({"anyOf": [{"$ref": "#/$defs/b"}, {"type": "null"}]}, "} | null\n"),
        ({"type": "number", "title": 7}, "a?: number\n"),
        ({"type": "number", "title": ""}, "a?: number\n"),
    ],
)  # fmt: skip
def test_a_title_is_told_where_it_is_more_than_the_name(member: Any, line: str) -> None:
    defs = {"b": {"title": "B", "properties": {"c": {"title": "C", "type": "integer"}}}}
    assert line in signature("T", {"properties": {"a": member}, "$defs": defs})


@pytest.mark.parametrize("title", ["City Name", "city-name", "CityName"])
def test_a_title_that_spells_the_name_again_is_left_out(title: str) -> None:
    """Libraries make one for each parameter, and for each class."""
    properties = {"city_name": {"type": "string", "title": title}}
    said = signature("Weather", {"title": "WeatherArguments", "properties": properties})
    assert said == "Weather {\n  city_name?: string\n}"
    assert type_of({"title": "Weather", "properties": properties}) == "{\n  city_name?: string\n}"


def test_what_is_given_in_full_says_its_title_itself() -> None:
    union = {"title": "A Pet", "oneOf": [{"const": 1, "title": "Cat"}, {"const": 2}]}
    members = {"a": union, "b": {"type": "array", "items": union}, "c": {"$ref": "#/$defs/pet"}}
    said = signature("T", {"properties": members, "$defs": {"pet": union}})
    assert said.count("A Pet") == said.count("Cat") == len(members)
    twice = {"d": {"$ref": "#/$defs/pet"}, "e": {"$ref": "#/$defs/pet"}}
    assert signature("T", {"properties": twice, "$defs": {"pet": union}}).count("A Pet") == 1
    assert type_of(union).count("A Pet") == 1
    told = {"a": {**union, "description": "Which one."}}
    assert signature("T", {"properties": told}).endswith("  // Which one.\n}")


def test_the_title_of_all_is_told_where_it_is_no_class() -> None:
    said = '// title "Of a city"\nWeather {\n  a?: string\n}'
    assert signature("Weather", {"title": "Of a city", "properties": {"a": TEXT}}) == said


def test_the_title_of_what_has_a_name_is_told_with_it() -> None:
    both = {"x": {"$ref": "#/$defs/a"}, "y": {"$ref": "#/$defs/a"}}
    named = signature("T", {"properties": both, "$defs": {"a": {**NAMED, "title": "One more"}}})
    assert named.startswith('// One.; title "One more"\ntype a = {')
    again = signature("T", {"properties": both, "$defs": {"a": {**NAMED, "title": "A"}}})
    assert again.startswith("// One.\ntype a = {")


def test_names_that_are_no_words_are_quoted() -> None:
    assert signature("T", schema((), **{"-n": TEXT})) == 'T {\n  "-n"?: string\n}'


NAMED = {
    "type": "object",
    "properties": {"name": TEXT},
    "required": ["name"],
    "description": "One.",
}


def test_what_is_referred_to_once_stands_where_it_is() -> None:
    defs = {"a": NAMED}
    assert signature("T", {**schema((), x={"$ref": "#/$defs/a"}), "$defs": defs}) == (
        "T {\n  // One.\n  x?: {\n    name: string\n  }\n}"
    )


def test_what_is_referred_to_twice_has_a_name() -> None:
    both = schema(
        (), x={"$ref": "#/$defs/a"}, y={"$ref": "#/$defs/a"}, z={"$ref": "#/definitions/a"}
    )
    said = signature("T", {**both, "$defs": {"a": NAMED}, "definitions": {"a": TEXT}})
    assert said == (
        "// One.\ntype a = {\n    name: string\n  }\nT {\n  x?: a\n  y?: a\n  z?: string\n}"
    )


def test_what_refers_to_itself_has_a_name() -> None:
    tree = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}}}
    assert type_of(tree) == ("type Root = {\n    kids?: Root[]\n  }\n{\n  kids?: Root[]\n}")
    assert type_of({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}).endswith("a")


def test_names_of_types_differ() -> None:
    twice = {
        f"x{n}": {"$ref": f"#/{where}/a"} for where in ("$defs", "definitions") for n in range(4)
    }
    pairs = schema(
        (),
        **twice,
        **{f"y{k}": v for k, v in twice.items()},
        u={"$ref": "#/$defs/a"},
        v={"$ref": "#/$defs/a"},
    )
    said = signature(
        "T", {**pairs, "$defs": {"a": TEXT}, "definitions": {"a": {"type": "integer"}}}
    )
    assert "type a = " in said
    assert "type a1 = " in said


def test_a_schema_in_full_has_what_it_refers_to() -> None:
    member = {"not": {"$ref": "#/$defs/a"}}
    defs = {"a": {"items": {"$ref": "#/$defs/b"}, "not": {"$ref": "#/$defs/a"}}, "b": TEXT}
    said = signature("T", {**schema((), x=member, y=member), "$defs": defs})
    assert said == (
        '#/$defs/a = json-schema {"items":{"$ref":"#/$defs/b"},"not":{"$ref":"#/$defs/a"}}\n'
        '#/$defs/b = json-schema {"type":"string"}\n'
        'T {\n  x?: json-schema {"not":{"$ref":"#/$defs/a"}}\n'
        '  y?: json-schema {"not":{"$ref":"#/$defs/a"}}\n}'
    )


def test_all_of_one_is_that_one() -> None:
    """So the first version of pydantic wrote every reference."""
    member = {"allOf": [{"$ref": "#/$defs/a"}], "description": "Mine.", "default": {}}
    other = {"allOf": [{"type": "integer", "minimum": 1}]}
    said = signature("T", {**schema((), x=member, y=other), "$defs": {"a": NAMED}})
    assert said == (
        "T {\n  // Mine.\n  // One.\n  // default {}\n  x?: {\n    name: string\n  }\n"
        "  y?: int  // min 1\n}"
    )


def test_a_tool_says_what_its_parameters_are_together() -> None:
    said = signature("T", {**schema((), a=TEXT), "description": "D", "minProperties": 1})
    assert said == "// D; minProperties 1\nT {\n  a?: string\n}"


def test_what_is_said_of_elements_that_are_referred_to_once_stands_with_the_list() -> None:
    words = {"type": "array", "items": {"$ref": "#/$defs/word"}}
    said = signature(
        "T", {**schema((), x=words), "$defs": {"word": {"type": "string", "maxLength": 9}}}
    )
    assert said == "T {\n  x?: string[]  // each: maxLen 9\n}"


def test_what_is_said_of_a_named_type_stands_with_it() -> None:
    words = {"type": "array", "items": {"$ref": "#/$defs/word"}, "description": "Some."}
    said = signature(
        "T",
        {
            **schema((), x=words, y={"$ref": "#/$defs/word", "description": "Mine."}),
            "$defs": {"word": {"type": "string", "maxLength": 9, "description": "A word."}},
        },
    )
    assert said == (
        "// A word.; maxLen 9\ntype word = string\n"
        "T {\n  x?: word[]  // Some.\n  y?: word  // Mine.\n}"
    )


def test_a_document_says_what_it_is() -> None:
    assert type_of({"type": "array", "items": TEXT, "minItems": 1}) == "// minItems 1\nstring[]"


@given(schemas)
def test_any_schema_is_shown_and_always_the_same(made: dict[str, Any]) -> None:
    said = signature("NAME", made)
    assert said == signature("NAME", made)
    assert any(line.startswith("NAME ") for line in said.split("\n"))
    type_of(made)


members = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.sampled_from([TEXT, EDIT, {"enum": ["one", "two"]}]),
    max_size=5,
)


@given(members)
def test_every_parameter_is_named(made: dict[str, Any]) -> None:
    said = signature("NAME", {"type": "object", "properties": made})
    for key in made:
        assert f"{key if key.isidentifier() else json.dumps(key, ensure_ascii=False)}?: " in said


def test_hostile_schemas_are_shown_in_no_time() -> None:
    deep: dict[str, Any] = TEXT
    for _ in range(100):
        deep = schema((), a=deep)
    assert "json-schema" in signature("T", deep)
    for _ in range(20_000):
        deep = {"properties": {"a": deep}}
    assert "nested too deeply" in signature("T", deep)
    many = schema((), **{f"k{n}": {"$ref": "#/properties/k0"} for n in range(10_000)})
    assert signature("T", many).count("\n") > 10_000
    lists: Any = TEXT
    for _ in range(600):
        lists = {"type": "array", "items": {"anyOf": [lists, {"type": "null"}]}}
    assert "json-schema" in signature("T", schema((), a=lists))
    alike = {f"d{n}": {"a": {"type": "object"}} for n in range(5000)}
    twice = {f"{x}{n}": {"$ref": f"#/$defs/d{n}/a"} for n in range(5000) for x in "xy"}
    assert "type a4999 = " in signature("T", {**schema((), **twice), "$defs": alike})
    twice_each: Any = TEXT
    for _ in range(30):
        twice_each = {"type": ["array", "array"], "items": twice_each}
    assert len(signature("T", schema((), a=twice_each))) < 1000
    spelled = (
        "".join(f"%{ord(c):02x}" if n >> i & 1 else c for i, c in enumerate("abcdefgh"))
        for n in range(256)
    )
    body = {"type": "object", "properties": {f"p{n}": TEXT for n in range(50)}}
    refs = {f"k{n}": {"$ref": f"#/$defs/{name}"} for n, name in enumerate(spelled)}
    assert signature("T", {**schema((), **refs), "$defs": {"abcdefgh": body}}).count("p49") == 1
    raws = {key: {"not": ref} for key, ref in refs.items()}
    assert signature("T", {**schema((), **raws), "$defs": {"abcdefgh": body}}).count("p49") == 1
    assert 'json-schema {"type":["string",7]}' in signature(
        "T", schema((), a={"type": ["string", 7]})
    )
    needed = schema([f"k{n}" for n in range(20_000)], **{f"k{n}": TEXT for n in range(20_000)})
    assert signature("T", needed).count("\n") == 20_001


def test_the_tools_of_real_clients_become_shorter() -> None:
    short = long = 0
    for file in REQUESTS.glob("*.json"):
        body = json.loads(file.read_text()).get("body")
        for tool in body.get("tools", []) if isinstance(body, dict) else []:
            inner = tool.get("function", tool)
            found = inner.get("input_schema") or inner.get("parameters")
            if found:
                short += len(signature(inner.get("name", "T"), found))
                long += len(json.dumps(found, separators=(",", ":")))
    assert 0 < short < 0.8 * long


parts = st.recursive(
    st.just(TEXT),
    lambda inner: st.one_of(
        st.builds(lambda of: {"type": "array", "items": of}, inner),
        st.builds(lambda of: {"type": "object", "additionalProperties": of}, inner),
        st.builds(lambda of: {"allOf": [of]}, inner),
        st.builds(lambda of: {"anyOf": [of, {"type": "null"}]}, inner),
        st.builds(lambda of: schema((), a=of), inner),
        st.builds(lambda a, b: {"type": "array", "items": schema((), a=a, b=b)}, inner, inner),
    ),
    max_leaves=6,
)


def _marked(part: Any, marks: list[str]) -> Any:
    """With a description of its own in each part that has room for one."""
    if isinstance(part, list):
        return [_marked(each, marks) for each in cast("list[Any]", part)]
    if not isinstance(part, dict):
        return part
    table = cast("dict[str, Any]", part)
    if "anyOf" in table:
        return {"anyOf": _marked(table["anyOf"], marks)}
    marks.append(f"mark {len(marks)}.")
    said = {"description": marks[-1]}
    members = {k: _marked(v, marks) for k, v in table.get("properties", {}).items()}
    inner = {k: _marked(v, marks) for k, v in table.items() if k != "properties"}
    return {**inner, **({"properties": members} if members else {}), **said}


@given(parts)
def test_whatever_a_schema_says_is_shown(made: dict[str, Any]) -> None:
    marks: list[str] = []
    whole = _marked(schema((), x=made), marks)
    for said in (signature("T", whole), type_of(whole)):
        assert [mark for mark in marks if mark not in said] == []
