"""Turns with stop sequences and limits, over upstreams that know none."""

import pytest
from msgspec.structs import replace

from notion_manager.errors import RateLimited, UpstreamBroken
from notion_manager.turn import Limits, Stop, Text, Thinking
from tests.bridged import ASK, opened, over, read, texts
from tests.scripted import DONE, Clock, Scripted, gateway, says


async def test_a_stop_sequence_ends_the_answer() -> None:
    turn = replace(ASK, tools=(), limits=Limits(stop=("END",)))
    gate, upstream = over([[Text("one E")], [Text("ND two")], "hang"])
    reply = await read(gate, turn)
    assert (texts(reply), reply.done.stop, reply.done.sequence) == (["one "], Stop.SEQUENCE, "END")
    assert upstream.closed.is_set()


COUNTING = ["one", " two", " three", " four", " five", " six", " seven", " eight"]


@pytest.mark.parametrize("stop", [(), ("zzz",)])
@pytest.mark.parametrize("batches", [COUNTING, ["".join(COUNTING)]])
async def test_an_answer_has_so_many_tokens(batches: list[str], stop: tuple[str, ...]) -> None:
    turn = replace(ASK, tools=(), limits=Limits(5, stop))
    gate, upstream = over([*([Text(text)] for text in batches), "hang"])
    reply = await read(gate, turn)
    assert texts(reply) == ["one two three four five"]
    assert reply.done.stop is Stop.LENGTH
    assert reply.done.usage.output <= 5
    assert upstream.closed.is_set()


@pytest.mark.parametrize("most", range(1, 9))
async def test_an_answer_with_a_small_limit_begins_with_its_first_content(most: int) -> None:
    """Its first words may still be waited for, as near the limit each waits for its end."""
    turn = replace(ASK, tools=(), limits=Limits(most))
    gate, _ = over([*([Text(letter)] for letter in "one two three"), [DONE]])
    async with opened(gate, turn) as answer:
        assert answer.first


async def test_a_failure_while_the_first_word_is_waited_for_frees_the_account() -> None:
    gate, upstream = over([[Text("o")], UpstreamBroken("gone")])
    with pytest.raises(UpstreamBroken):
        await read(gate, replace(ASK, tools=(), limits=Limits(1)))
    assert upstream.closed.is_set()
    assert gate.pool.standings["a"].busy == 0


async def test_an_answer_within_its_limit_is_left_alone() -> None:
    turn = replace(ASK, tools=(), limits=Limits(max_tokens=9))
    gate, _ = over([[Thinking("hm")], [], [Text("one two three four five")], [DONE]])
    reply = await read(gate, turn)
    assert texts(reply) == ["one two three four five"]
    assert reply.done == DONE


@pytest.mark.parametrize("limits", [Limits(), Limits(max_tokens=100), Limits(stop=("END",))])
async def test_an_answer_tells_what_it_took(limits: Limits) -> None:
    """Nearly every Messages request has a limit: its answer must not say less for that."""
    slow = Scripted([RateLimited("slow", retry_after=4)], says("yo"))
    gate = gateway({"a": slow}, clock=Clock())
    async with opened(gate, replace(ASK, tools=(), limits=limits)) as answer:
        assert (answer.failures, answer.waited) == (("a rate_limit_exceeded",), 4)
