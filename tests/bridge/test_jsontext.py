"""JSON as models write it."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_values import anything

from notion_manager.bridge.jsontext import Balance, NotJson, depth, dumps, loads, readings, unfenced


def read(text: str, *, free_text: bool = False) -> list[Any]:
    return list(readings(text, free_text=free_text))


@given(anything)
def test_what_is_json_is_what_it_says(value: Any) -> None:
    assert read(dumps(value), free_text=True) == [value]
    assert read(f"```json\n{json.dumps(value, indent=2)}\n```") == [value]


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[Infinity]",
        "1e999",
        "-1e999",
        "[" * 101 + "]" * 101,
        "[" * 10**6,
        "",
        "x",
        "1" * 5000,
    ],
)
def test_what_no_client_could_read_is_no_json(text: str) -> None:
    with pytest.raises(NotJson):
        loads(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, 2',
        '{"age": 3',
        '["a", "b',
        "[1,",
        '{"a": 1]',
        '{"a": [1, 2}',
        "[1,2],[3]",
        "[1,] [2]",
        "[1,/* 2 */3]",
    ],
)
def test_what_broke_off_is_not_mended(text: str) -> None:
    """The number may have had another digit, the list another member."""
    assert read(text) == []
    assert read(f"```\n{text}\n```") == []


@pytest.mark.parametrize(
    "text",
    [
        "```\n" + " " * 100_000 + "x",
        "[" + ",".join(map(str, range(30_000))) + ",]",
        "[" + ",".join(f"'{n}'" for n in range(30_000)) + ",]",
    ],
    ids=lambda text: text[:9],
)
@pytest.mark.no_cover
def test_long_texts_are_read_in_linear_time(text: str) -> None:
    read("[1,]")  # loads what is loaded when it is needed
    began = time.process_time()
    read(text)
    assert time.process_time() - began < 5


def test_the_deepest_that_is_read() -> None:
    assert depth(loads("[" * 100 + "]" * 100)) == 100
    assert depth({"a": [1, {"b": []}]}) == 4
    assert depth(7) == 0


def test_a_value_ends_where_its_brackets_do_however_it_is_cut() -> None:
    """Not in a string, nor behind what is escaped there; outside of one nothing is."""
    value = r'{"a\"b]}": ["\\"]}'
    for cut in range(1, len(value)):
        balance = Balance()
        assert balance.feed(value[:cut]) is None
        assert balance.feed(value[cut:] + "}") == len(value) - cut
    assert Balance().feed(r"[\]]") == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('["a\nb\tc"]', ["a\nb\tc"]),
        ("['a', 'b']", ["a", "b"]),
        ('["a", "b",]', ["a", "b"]),
        ("{'a': True, 'b': None,}", {"a": True, "b": None}),
        ("{a: 1}", {"a": 1}),
    ],
)
def test_a_slip_is_mended(text: str, value: Any) -> None:
    assert read(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "words",
        "[NaN]",
        "[1e999]",
        "{",
        "[]]",
        '["it\'s" "odd]',
        "[01]",
        '{"a": undefined}',
        "",
        "```\n```",
        "{}x{",
    ],
)
def test_nothing_is_made_up(text: str) -> None:
    for value in read(text):
        for leaf in json.dumps(value).replace("[", " ").replace("]", " ").split(","):
            assert leaf.strip(' {}":a') in text


@pytest.mark.parametrize(
    "text",
    [
        '{"a": null, "b": 1E400}',
        '{"null": 1, b: 1e999}',
        "{'a': None, 'b': 1e}",
        "[true, 1e, null]",
        "[1, 01]",
        "[1, -, 1]",
    ],
)
def test_no_word_of_another_place_says_that_it_was_written_here(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[+1, 2.,]", [1, 2.0]),
        ("[true, 'null', null, 1,]", [True, "null", None, 1]),
        ('{a: 1, "b": {c: [1, 1]},}', {"a": 1, "b": {"c": [1, 1]}}),
        ("{'1': \"1\", 'x y': [],}", {"1": "1", "x y": []}),
    ],
)
def test_words_mean_what_they_say(text: str, value: Any) -> None:
    assert read(text) == [value]


def test_what_the_repair_cannot_read_is_left() -> None:
    assert read("[\ud800") == read("[1, " + "1" * 5000 + ",]") == []


def test_code_is_not_mended() -> None:
    assert read('{"a": "x\\y",}', free_text=True) == []
    assert read('{"a": "' + "x" * 400 + '",}', free_text=True) == []
    assert read('{"a": "x",}', free_text=True) == [{"a": "x"}]


@given(st.text(alphabet="[]{}\":,'\\ab1 tnu\n", max_size=60))
def test_strings_of_a_mended_text_stand_in_it(text: str) -> None:
    for value in read(text):
        for leaf in strings(value):
            assert leaf in text or "\\" in text or '"' in text


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [s for inner in value.values() for s in strings(inner)]
    if isinstance(value, list):
        return [s for inner in value for s in strings(inner)]
    return [value] if isinstance(value, str) else []


def test_half_a_surrogate_pair_becomes_a_mark() -> None:
    assert dumps("\ud800x") == '"\ufffdx"'
    assert dumps({"é": 10**60}) == '{"é":' + "1" + "0" * 60 + "}"


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("```\n1\n```", "1"),
        ("~~~json\n1\n~~~", "1"),
        ("\ufeff 1 ", "1"),
        ("```1```", "```1```"),
        ("```\n1", "```\n1"),
    ],
)
def test_one_fence_is_taken_off(text: str, inner: str) -> None:
    assert unfenced(text) == inner
