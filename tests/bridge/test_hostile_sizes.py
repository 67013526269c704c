"""Whatever a request or an answer says, nobody else waits for it: all takes its time but once."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from toolkit import MARKS, OFFER, fed, schema

from notion_manager.bridge.calls import Policy
from notion_manager.bridge.documents import Opening
from notion_manager.bridge.history import rendered
from notion_manager.bridge.offer import Offer
from notion_manager.bridge.parser import Parser
from notion_manager.bridge.schemas import SPRAWL, signature, type_of
from notion_manager.bridge.validation import BadSchema, Validator
from notion_manager.turn import Message, Text, Tool, ToolCall, ToolResult

TEXT = {"type": "string"}


def takes(work: Callable[[], object]) -> float:
    """Seconds of the processor's time."""
    began = time.process_time()
    work()
    return time.process_time() - began


def calls_with_results(number: int) -> list[Message]:
    return [
        message
        for n in map(str, range(number))
        for message in (
            Message("assistant", (ToolCall(n, "Read", "{}"),)),
            Message("user", (ToolResult(n, (Text("x"),)),)),
        )
    ]


@pytest.mark.no_cover
def test_a_history_of_many_calls_one_by_one() -> None:
    long = calls_with_results(20_000)
    assert takes(lambda: rendered(long, MARKS, OFFER)) < 10


def answered(tools: list[Tool], text: str) -> float:
    return takes(lambda: fed(Parser(MARKS, Offer(tools), Policy(), str), [text]))


MANY = [Tool(f"tool_number_{n}", "", schema()) for n in range(2000)]


@pytest.mark.parametrize(
    "block",
    [
        '<call_amber name="x">\n</call_amber>\n',
        '<tool_call>{"name":"x","arguments":{}}</tool_call>\n',
    ],
)
def test_an_answer_that_calls_nobody_a_thousand_times(block: str) -> None:
    assert answered(MANY, block * 8_000) < 6


def test_a_call_with_very_many_arguments_that_nobody_knows() -> None:
    wide = Tool("R", "", schema((), **{f"param{n:05d}": TEXT for n in range(250)}))
    unknown = '<arg_amber name="qaramxxxxx">1</arg_amber>\n' * 200
    call = f'<call_amber name="R">\n{unknown}</call_amber>\n'
    assert answered([wide], call * 60) < 6
    assert answered([wide], f'<call_amber name="R">\n{unknown * 60}</call_amber>\n') < 2


@pytest.mark.parametrize("part", [{"type": "integer"}, {"$ref": "#/$defs/d0"}])
def test_many_arguments_of_a_schema_with_many_definitions(part: dict[str, Any]) -> None:
    definitions = {f"d{n}": {"properties": {"a": TEXT}} for n in range(17_000)}
    parameters = schema((), **{f"param{n}": dict(part) for n in range(250)})
    values = "".join(f'<arg_amber name="param{n}">{n}</arg_amber>\n' for n in range(250))
    tool = Tool("R", "", {**parameters, "$defs": definitions})
    assert answered([tool], f'<call_amber name="R">\n{values}</call_amber>\n') < 6


def nested(levels: int) -> dict[str, Any]:
    """Each level has a name, and is referred to twice besides."""
    inner: dict[str, Any] = TEXT
    for level in range(levels):
        beside = {f"r{n}": {"$ref": f"#l{level - 1}"} for n in range(2) if level}
        members = {"inner": inner, **beside, "x" * 200: TEXT}
        inner = {"type": "object", "$anchor": f"l{level}", "properties": members}
    return inner


@pytest.mark.parametrize("levels", [40, 300])
def test_a_schema_whose_parts_are_told_again_and_again_is_given_as_it_is(levels: int) -> None:
    deep = nested(levels)
    written = json.dumps(deep, separators=(",", ":"))
    assert len(signature("Deep", deep)) < (SPRAWL + 1) * len(written)
    assert len(type_of(deep)) < (SPRAWL + 1) * len(written)
    if levels > 100:
        assert signature("Deep", deep) == f"Deep json-schema {written}"
        assert type_of(deep) == f"json-schema {written}"


@pytest.mark.parametrize(
    "pattern",
    [r"(?i)^\p{L}{200}$|N", r"^[\p{L}\p{N} ]{1,100}$", r"^.{0,5000}$", r"(?=a)\p{L}{200}"],
)
def test_a_schema_of_patterns_that_are_slow_to_compile(pattern: str) -> None:
    few = {"properties": {"a": {"type": "string", "pattern": pattern}}}
    Validator(few)
    many = {f"p{n}": {"type": "string", "pattern": f"{pattern}|{n}"} for n in range(300)}

    def refused() -> None:
        with pytest.raises(BadSchema, match="regex"):
            Validator(schema((), **many))

    assert takes(refused) < 3
    plain = {f"p{n}": {"type": "string", "pattern": rf"^\w{{1,{n + 1}}}$"} for n in range(300)}
    assert Validator(schema((), **plain)).errors({"p3": "abcde"}) != ()


LAPSE = '<tool_call>{"name": "Read", "arguments": {"file_path": "a"}}</tool_call>'
WRITE = '<call_amber name="Write">\n<arg_amber name="content">x</arg_amber>'


@pytest.mark.parametrize("blank", [" ", "\n"])
def test_blanks_behind_a_call_in_another_form(blank: str) -> None:
    text = LAPSE + blank * 200_000
    pieces = [text[at : at + 16] for at in range(0, len(text), 16)]
    assert takes(lambda: fed(Parser(MARKS, OFFER, Policy(), str), pieces)) < 6


def test_ends_of_nothing_within_a_call() -> None:
    text = WRITE + "</arg_amber>\n" * 40_000
    assert takes(lambda: fed(Parser(MARKS, OFFER, Policy(), str), [text])) < 6


@pytest.mark.parametrize(
    "text", ["word " * 200_000, "[1] " * 125_000 + "{}", "{#" * 100_000 + "{}"]
)
def test_what_stands_before_an_object(text: str) -> None:
    def read(size: int) -> None:
        opening = Opening()
        for at in range(0, len(text), size):
            opening.feed(text[at : at + size])

    assert takes(lambda: read(8)) < 6
    assert takes(lambda: read(len(text))) < 6


@pytest.mark.parametrize("stray", ["`" * 5000, "~" * 5000, "</call>" * 2000, " " * 5000])
def test_what_may_be_meant_as_an_end_and_is_none(stray: str) -> None:
    begun = '<call_amber name="Read">\n<arg_amber name="file_path">a</arg_amber>\n'
    assert takes(lambda: fed(Parser(MARKS, OFFER, Policy(), str), [f"{begun}{stray}x"])) < 4
