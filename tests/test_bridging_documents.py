"""Documents that are asked for, over upstreams that only know text."""

import json

import pytest
from msgspec.structs import replace

from notion_manager.errors import Unformed, WrongDocument
from notion_manager.turn import (
    JsonOutput,
    Stop,
    Text,
    ToolChoice,
    fold,
)
from tests.bridged import AGE, ASK, CALL, READ, block, calls, opened, over, read, texts
from tests.scripted import says


async def test_a_document_is_found_checked_and_given_alone() -> None:
    turn = replace(ASK, tools=(), output=JsonOutput(AGE, strict=True))
    gate, upstream = over(says("Here you are:\n```json\n", '{"age": 7}', "\n```\n"))
    assert texts(await read(gate, turn)) == ['{"age": 7}']
    assert "age" in repr(upstream.turns[0].messages[-1])


async def test_a_wrong_document_is_asked_for_again_and_never_given() -> None:
    turn = replace(ASK, tools=(), output=JsonOutput(AGE))
    gate, upstream = over(says('{"age": "old"}'), says('{"age": 7}'))
    reply = await read(gate, turn)
    assert (texts(reply), reply.done.reasks, len(upstream.turns)) == (['{"age": 7}'], 1, 2)
    gate, _ = over(says("I cannot."), says("I cannot."))
    with pytest.raises(WrongDocument, match="not the JSON"):
        await read(gate, turn)


async def test_any_object_streams_as_it_is_written() -> None:
    turn = replace(ASK, tools=(), output=JsonOutput())
    gate, _ = over([[Text('Sure: {"a":')], "hang"])
    async with opened(gate, turn) as answer:
        assert answer.first == [Text('{"a":')]
    gate, _ = over(says('Sure: {"a": 1} Enjoy!'))
    assert texts(await read(gate, turn)) == ['{"a": 1}']
    gate, _ = over(says('{"a": '))
    with pytest.raises(WrongDocument):
        await read(gate, turn)


@pytest.mark.parametrize(
    "slip", ['{"age": 7,}', '{"age": 7', "{'age': 7}", '{"age": 7 // years\n}', '{"age": None}']
)
async def test_an_object_that_nobody_saw_yet_is_mended_or_asked_for_again(slip: str) -> None:
    turn = replace(ASK, tools=(), output=JsonOutput())
    gate, upstream = over(says(slip), says('{"age": 7}'))
    async with opened(gate, turn, live=False) as answer:
        reply = fold([event async for batch in answer.batches() for event in batch])
    assert json.loads("".join(texts(reply))) in ({"age": 7}, {"age": None})
    assert len(upstream.turns) <= 2


async def test_an_object_that_is_no_json_is_no_answer() -> None:
    turn = replace(ASK, tools=(), output=JsonOutput())
    gate, _ = over(says("{age: seven}"), says("{age: seven}"))
    with pytest.raises(WrongDocument, match="not the JSON"):
        await read(gate, turn)
    gate, _ = over(says('{"age": seven}'))
    with pytest.raises(WrongDocument, match="not the JSON"):
        await read(gate, turn)


async def test_a_wrong_call_behind_a_document_does_not_count() -> None:
    turn = replace(ASK, output=JsonOutput())
    unknown = block(turn, name="Nope")
    gate, upstream = over(says(f'{{"a": 1}}\n\n{unknown}'))
    reply = await read(gate, turn)
    assert reply.parts == (Text('{"a": 1}'),)
    assert (reply.done.stop, len(upstream.turns)) == (Stop.END, 1)
    gate, upstream = over(says(f'{{"a": 1}}\n\n{block(turn, path="a.py")}'))
    reply = await read(gate, turn)
    assert (texts(reply), len(calls(reply))) == (['{"a": 1}'], 1)
    checked = replace(ASK, output=JsonOutput(AGE))
    gate, upstream = over(says(f'{{"age": 7}}\n{unknown}'))
    assert texts(await read(gate, checked)) == ['{"age": 7}']
    assert len(upstream.turns) == 1


async def test_a_call_that_must_come_leaves_no_room_for_a_document() -> None:
    turn = replace(ASK, output=JsonOutput(), tool_choice=ToolChoice("required"))
    gate, _ = over(says(f'{{"a": 1}}\n\n{block(turn, path="a.py")}'))
    assert calls(await read(gate, turn)) == [("Read", {"path": "a.py"})]


async def test_a_required_call_of_another_tool_twice_is_an_error() -> None:
    turn = replace(ASK, tools=(READ, replace(READ, name="Write")))
    turn = replace(turn, tool_choice=ToolChoice("required", "Read"))
    wrong = says(block(turn, name="Write", path="a"))
    gate, upstream = over(wrong, wrong)
    with pytest.raises(Unformed, match="another tool") as raised:
        await read(gate, turn)
    first, second = upstream.turns
    assert (raised.value.reasks, raised.value.account) == (1, "a")
    asked = repr(second.messages[-1])
    assert "only this tool can be called now:" in asked
    assert "Write" not in asked.partition("only this tool")[2].partition("Write the corrected")[0]
    assert len(first.messages) < len(second.messages)


async def test_a_call_that_is_wanted_is_enough() -> None:
    turn = replace(ASK, tools=(READ, replace(READ, name="Write")))
    turn = replace(turn, tool_choice=ToolChoice("required", "Read"))
    both = f"{block(turn, name='Write', path='a')}\n{block(turn, path='a')}"
    gate, upstream = over(says(both))
    assert calls(await read(gate, turn)) == [("Read", {"path": "a"})]
    assert len(upstream.turns) == 1


async def test_what_follows_a_call_that_is_not_allowed_is_the_answer() -> None:
    """An agent that has its history told in short forbids tools, and must get all of it."""
    turn = replace(ASK, tool_choice=ToolChoice("none"))
    rest = "Then I mended it. " * 40
    gate, upstream = over(says(f"I read the file:\n{CALL}\n## Next\n{rest}"))
    (text,) = texts(await read(gate, turn))
    assert text.startswith("I read the file:\n## Next\nThen")
    assert text.rstrip().endswith(rest.rstrip())
    assert len(upstream.turns) == 1


async def test_one_call_is_enough_where_only_one_is_allowed() -> None:
    turn = replace(ASK, tool_choice=ToolChoice(parallel=False))
    gate, upstream = over(says(f"{block(turn, name='Nope')}\n{block(turn, path='a.py')}"))
    reply = await read(gate, turn)
    assert (calls(reply), len(upstream.turns)) == ([("Read", {"path": "a.py"})], 1)


async def test_a_call_that_was_cut_is_the_end_whatever_was_wrong_before() -> None:
    cut = CALL[: CALL.index(".py")]
    gate, upstream = over(says(f"{block(ASK, name='Nope')}\n{cut}"))
    reply = await read(gate, ASK)
    assert (reply.done.stop, len(upstream.turns)) == (Stop.LENGTH, 1)


async def test_calls_come_before_the_document() -> None:
    turn = replace(ASK, output=JsonOutput(AGE, strict=True))
    gate, _ = over(says(block(turn, path="a.py")))
    assert calls(await read(gate, turn)) == [("Read", {"path": "a.py"})]
