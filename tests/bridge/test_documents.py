"""The JSON that was asked for, wherever the model put it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_values import anything
from toolkit import cuts, schema

from notion_manager.bridge.documents import NONE, Opening, correction, find, instructions
from notion_manager.bridge.validation import BadSchema
from notion_manager.turn import JsonOutput

PERSON = schema(("name",), name={"type": "string"}, age={"type": "integer"})
OUTPUT = JsonOutput(PERSON)
ADA = '{"name": "Ada", "age": 36}'


@pytest.mark.parametrize(
    "text",
    [
        ADA,
        f"\ufeff {ADA}\n",
        f"```json\n{ADA}\n```",
        f"~~~\n{ADA}\n~~~",
        f"Here it is:\n\n{ADA}\n\nAnything else?",
        f"Like {{this}} or [1], so:\n```\n{ADA}\n```\nDone.",
        f'{{"name": 7}} is wrong, {ADA} is right.',
        f"A brace {{ in prose, {ADA} behind it",
    ],
)
def test_the_document_is_found_as_it_was_written(text: str) -> None:
    assert find(OUTPUT, text).text == ADA
    assert find(OUTPUT, text).errors == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"name": "Ada", "age": "36"}', {"name": "Ada", "age": 36}),
        ("{'name': 'Ada',}", {"name": "Ada"}),
        ('Sure: {"name": "A\nda"}', {"name": "A\nda"}),
    ],
)
def test_a_slip_is_mended(text: str, value: Any) -> None:
    found = find(OUTPUT, text)
    assert (json.loads(found.text), found.errors) == (value, ())


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("I would rather not.", "no valid JSON"),
        ("", "no JSON"),
        ("  \n", "no JSON"),
        ('{"age": 1}', "name"),
        ('{"name": NaN}', "no valid JSON"),
        ('{"name": "x", "age": 1e999}', "no valid JSON"),
        ("[" * 200 + "]" * 200, "no valid JSON"),
    ],
)
def test_what_is_wrong_is_said(text: str, error: str) -> None:
    (first, *_) = find(OUTPUT, text).errors
    assert error in first


def test_any_object_will_do_without_a_schema() -> None:
    assert find(JsonOutput(), 'Well: {"a": 1}').text == '{"a": 1}'
    assert find(JsonOutput(), 'Use {} here: {"a": 1}').text == '{"a": 1}'
    assert find(JsonOutput({"type": "array"}), 'As in [1]: ["a", "b"]').text == '["a", "b"]'
    assert find(JsonOutput(), "[1]").errors != ()


def test_a_scalar_is_a_document_where_the_schema_says_so() -> None:
    assert find(JsonOutput({"type": "integer"}), " 7 ").text == "7"


@pytest.mark.parametrize(
    ("text", "schema_", "by_itself"),
    [
        ('So {"name": "x"} it goes.\n\n{"name": "Ada Lovelace", "age": 3', PERSON, False),
        ("As in [1], it is [3, 4, 5", {"type": "array"}, False),
        ("12", {"type": "integer"}, False),
        ('f(){} {"name": ', {"type": "object"}, True),
        ("f(){} {\n", {"type": "object"}, True),
    ],
)
def test_where_the_document_broke_off_none_is_given(
    text: str, schema_: dict[str, Any], *, by_itself: bool
) -> None:
    assert find(JsonOutput(schema_), text, by_itself=by_itself).errors != ()


def test_what_is_over_before_an_object_hides_nothing() -> None:
    opening = Opening()
    assert opening.feed('Like [1] or {b: 2}, so: {"a": 1}') == '{"a": 1}'


def test_a_document_is_found_behind_many_blocks_of_code() -> None:
    assert find(JsonOutput(), "f() {} " * 40 + '{"a": 1}').text == '{"a": 1}'


@pytest.mark.parametrize(
    "text",
    [
        '{ // the user\n "user": {"name": "Ada"}}',
        '{\'user\': {"name": "Ada"}}',
        '{user: {"name": "Ada"}, ok: true}',
        '["note", {"a": 1}]',
        '[1, {"a": 1}]',
        '[\n// x\n{"a":1}]',
    ],
)
def test_a_part_of_what_goes_on_is_not_let_through(text: str) -> None:
    for pieces in ([text], list(text)):
        opening = Opening()
        assert "".join(opening.feed(piece) for piece in pieces) == ""
        assert opening.hidden


@pytest.mark.parametrize(
    "text",
    [
        '{ // two persons\n "p": {"name": "A"}, "q": {"name": "B"',
        '{"p": {"name": "A"}, "q": {"na',
        '{\'p\': {"name": "A"}, \'q',
        '[null, {"name": "A"}, {"name": ',
        '```json\n{\n  # first\n  "p": {"name": "A"},\n  "q": {"na',
        '{ /* two */ p: {"name": "A"}, q: {',
    ],
)
def test_a_part_of_what_broke_off_is_no_document(text: str) -> None:
    assert find(OUTPUT, text).errors != ()


def test_a_schema_that_is_none_is_the_clients_fault() -> None:
    with pytest.raises(BadSchema):
        find(JsonOutput({"type": "nothing"}), "{}")


prose = st.text(alphabet="abc .\n", max_size=20)


@given(anything, prose, prose, st.sampled_from(["", "```json\n", "~~~\n"]))
def test_prose_and_fences_around_do_not_matter(
    value: Any, before: str, after: str, fence: str
) -> None:
    text = json.dumps({"v": value}, ensure_ascii=False, indent=1)
    end = f"\n{fence[:3]}" if fence else ""
    found = find(JsonOutput(schema(("v",), v={})), f"{before}\n{fence}{text}{end}\n{after}")
    assert json.loads(found.text) == {"v": value}
    assert found.errors == ()


@given(st.text(alphabet='{}[]":,\\ab1 \n`', max_size=60))
def test_whatever_is_found_without_errors_is_as_it_should_be(text: str) -> None:
    found = find(JsonOutput(), text)
    assert found.errors or isinstance(json.loads(found.text), dict)


def streamed(texts: list[str]) -> tuple[str, bool]:
    opening = Opening()
    return "".join(opening.feed(text) for text in texts), opening.closed


@given(anything, prose, st.text(max_size=10), st.lists(st.integers(0, 300), max_size=8))
def test_an_object_streams_as_it_is(value: Any, before: str, after: str, places: list[int]) -> None:
    document = json.dumps({"v": value})
    text = before + document + after
    assert streamed([text]) == (document, True)
    assert streamed(list(text)) == (document, True)
    assert streamed(cuts(text, places)) == (document, True)


def test_an_object_without_its_end_stays_open() -> None:
    assert streamed(["no ", "object"]) == ("", False)
    assert streamed(['x {"a": "}', '\\"}', "{"]) == ('{"a": "}\\"}{', False)


@pytest.mark.no_cover
def test_a_megabyte_is_read_once() -> None:
    big = json.dumps({"v": "{" * 10**6})
    assert streamed([big[i : i + 7] for i in range(0, len(big), 7)]) == (big, True)
    assert find(JsonOutput(), "{" * 10**5).errors


def test_the_prompt_says_what_to_write() -> None:
    said = instructions(OUTPUT, "{\n  name: string\n}")
    assert "one JSON value of this type:\n\n{\n  name: string\n}" in said
    assert json.dumps(PERSON, separators=(",", ":")) in said
    assert "JSON schema" not in instructions(JsonOutput(), "{}")
    assert "JSON schema" not in instructions(JsonOutput(schema((), a={"enum": ["x" * 7000]})), "{}")
    assert correction(["name: missing"]).startswith(
        "Your last message is not the JSON that was asked for:\n- name: missing\n"
    )


@pytest.mark.parametrize(
    "text", [f"[{ADA} is without its end", f'{{"wrapper": {ADA}, "more": ', f"So: [[{ADA}], 1"]
)
def test_what_lies_within_a_value_that_broke_off_is_no_document(text: str) -> None:
    assert find(OUTPUT, text).errors != ()
    assert find(JsonOutput(), text).errors != ()


@pytest.mark.parametrize("text", ['[{"a": 1}, {"b": 2}]', '```json\n[\n  {"a": 1}\n]\n```'])
def test_members_of_a_list_are_no_object(text: str) -> None:
    for pieces in ([text], list(text)):
        opening = Opening()
        assert "".join(map(opening.feed, pieces)) == ""
        assert opening.errors() == (NONE,)
    assert find(JsonOutput(), text).errors != ()


AGE = schema(("age",), age={"type": "integer"})
TWO = (
    '{"age": 3}\n\nThe record on file said {"age": 300} before.',
    '```json\n{"age": 3}\n```\nor\n```\n{"age": 300}\n```',
    'For example {"age": 300}. Answer: {"age": "three"}',
    '{"age": null}\n(Had it been known: {"age": 300})',
)


@pytest.mark.parametrize("text", TWO)
def test_where_another_value_may_be_meant_none_is_given(text: str) -> None:
    assert find(JsonOutput(AGE), text).errors != ()


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"age": 3}\n```\nBefore it was {"age": 300}.',
        '{"age": 3} or, again: {"age":3}',
        'f() {} as in [12] and [3]: {"age": 3}',
        'Not {"a": 1} but {"age": 3}',
        'f { return the_age_of(somebody); } {"age": 3}',
    ],
)
def test_what_is_plainly_meant_is_given(text: str) -> None:
    assert find(JsonOutput(AGE), text) == find(JsonOutput(AGE), '{"age": 3}')
