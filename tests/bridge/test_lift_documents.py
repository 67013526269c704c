"""Documents in answers that may call as well."""

import json

import pytest
from lifting import ASK, GOOD, READ, answer, calls
from msgspec.structs import replace
from test_lift_laws import AGE, HI

from notion_manager.bridge import Lift, lower
from notion_manager.errors import WrongDocument
from notion_manager.turn import JsonOutput, Stop, Text, Turn


@pytest.mark.parametrize("output", [JsonOutput(AGE, strict=True), JsonOutput(AGE), JsonOutput()])
@pytest.mark.parametrize(
    "prose", ["Let me check.\n", "Let me {check}.\n", "Let me {} check.\n", '{"age": "x"}\n', ""]
)
def test_what_is_said_before_a_call_need_be_no_document(output: JsonOutput, prose: str) -> None:
    found = answer(replace(ASK, output=output), prose + GOOD)
    assert calls(found) == [("Read", READ)]
    assert found.done is not None
    assert found.done.stop is Stop.TOOL
    assert not found.again


def test_a_document_may_be_given_beside_a_call() -> None:
    found = answer(replace(ASK, output=JsonOutput(AGE, strict=True)), '{"age": 3}\n' + GOOD)
    assert (found.text, calls(found)) == ('{"age": 3}', [("Read", READ)])


@pytest.mark.parametrize(
    "said", [("So: { ", '"a": 1} Enjoy! {"b": 2}', "{}"), ("{a} {", ' "a"', ": 1}", ' {"b": 2}')]
)
def test_an_object_is_let_through_and_nothing_else(said: tuple[str, ...]) -> None:
    lowered = lower(replace(ASK, tools=(), output=JsonOutput()))
    assert lowered is not None
    lift = Lift(lowered, len, str)
    pieces = lift.feed([Text(text) for text in said])
    assert json.loads("".join(p.text for p in pieces if isinstance(p, Text))) == {"a": 1}
    assert lift.over


def test_an_answer_that_is_no_document_fails_where_nothing_is_called() -> None:
    found = answer(replace(ASK, output=JsonOutput(AGE)), "Three.", "Three!")
    assert found.problem is WrongDocument


def test_a_hidden_document_is_given_when_all_is_there() -> None:
    turn = Turn("m", (HI,), output=JsonOutput())
    said = '{\'user\': {"name": "Ada"}}'
    assert json.loads(answer(turn, list(map(Text, said))).text) == {"user": {"name": "Ada"}}
