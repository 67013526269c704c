"""Turns with tools and limits, over upstreams that only know text."""

import json

import pytest
from msgspec.structs import replace

from notion_manager.errors import BadRequest, Unformed, UpstreamBroken
from notion_manager.gateway import Gateway
from notion_manager.turn import (
    Done,
    Event,
    JsonOutput,
    Message,
    Stop,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
    Usage,
    coalesce,
    fold,
)
from tests.bridged import ASK, CALL, READ, STRICT, block, calls, opened, over, read, texts
from tests.scripted import DONE, says


async def test_a_plain_turn_goes_as_it_is() -> None:
    gate, upstream = over(says("Hel", "lo"))
    plain = replace(ASK, tools=())
    assert texts(await read(gate, plain)) == ["Hello"]
    assert upstream.turns[0].messages == plain.messages


async def test_tools_become_words_and_words_become_calls() -> None:
    gate, upstream = over([[Thinking("hm")], *([Text(c)] for c in f"Sure.\n\n{CALL}"), [DONE]])
    reply = await read(gate)
    assert reply.parts[:2] == (Thinking("hm"), Text("Sure."))
    assert calls(reply) == [("Read", {"path": "a.py"})]
    assert reply.done.stop is Stop.TOOL
    assert reply.done.usage == DONE.usage
    assert upstream.turns[0].tools == ()
    assert "### Read\n\nReads a file." in upstream.turns[0].system


async def test_a_call_begins_before_its_end_is_written() -> None:
    gate, _ = over([[Text(CALL[: CALL.index("a.py") + 2])], "hang"])
    async with opened(gate, ASK) as answer:
        assert [p.arguments for p in answer.first if isinstance(p, ToolCall)] == ["", '{"path":"a.']


async def test_ids_are_never_the_same() -> None:
    gate, _ = over(says(CALL + CALL), says(CALL))
    replies = [await read(gate), await read(gate)]
    ids = [p.id for reply in replies for p in reply.parts if isinstance(p, ToolCall)]
    assert len(set(ids)) == 3


async def test_earlier_calls_are_told_in_words() -> None:
    gate, upstream = over(says("Done."))
    history = (
        *ASK.messages,
        Message("assistant", (ToolCall("1", "Read", '{"path":"a.py"}'),)),
        Message("user", (ToolResult("1", (Text("x = 1"),)),)),
    )
    await read(gate, replace(ASK, messages=history))
    sent = upstream.turns[0].messages
    assert sent[1].parts == (Text(CALL),)
    assert "x = 1" in repr(sent[2].parts)


async def test_what_follows_a_call_is_not_waited_for() -> None:
    gate, upstream = over([[Text(CALL)], [Text("word " * 60)], "hang"])
    reply = await read(gate)
    assert upstream.closed.is_set()
    assert (len(reply.parts), reply.done.stop) == (1, Stop.TOOL)
    assert reply.done.usage.estimated


async def test_an_answer_with_the_one_call_that_is_allowed_is_heard_to_its_end() -> None:
    """Its figures are then the service's own, and the conversation can go on where it is."""
    done = replace(DONE, bookmark="there")
    gate, _ = over([[Text(CALL)], [Text("\nI wait.")], [done]])
    reply = await read(gate, replace(ASK, tool_choice=ToolChoice(parallel=False)))
    assert (calls(reply), texts(reply)) == ([("Read", {"path": "a.py"})], [])
    assert (reply.done.usage, reply.done.bookmark) == (DONE.usage, "there")


async def test_an_unknown_tool_is_asked_about_once() -> None:
    gate, upstream = over(says("Hm.\n" + block(ASK, "Delete", path="a")), says(CALL))
    reply = await read(gate)
    assert (texts(reply), calls(reply)) == (["Hm."], [("Read", {"path": "a.py"})])
    assert reply.done.reasks == 1
    assert reply.done.usage == Usage(20, 4)
    said, asked = upstream.turns[1].messages[-2:]
    assert said == Message("assistant", (Text("Hm.\n" + block(ASK, "Delete", path="a")),))
    assert "Delete" in repr(asked)
    assert all(standing.busy == 0 for standing in gate.pool.standings.values())


async def test_it_is_asked_no_third_time() -> None:
    wrong = block(ASK, "Delete", path="a")
    gate, upstream = over(says(wrong), says(wrong))
    reply = await read(gate)
    assert texts(reply) == ['(The model called "Delete", a tool that is not offered.)']
    assert (reply.done.stop, len(upstream.turns)) == (Stop.END, 2)


async def test_where_it_cannot_be_asked_again_the_first_answer_stands() -> None:
    wrong = "Hm.\n" + block(ASK, "Delete", path="a")
    gate, _ = over(
        says(wrong), [UpstreamBroken("gone")], [UpstreamBroken("gone")], [UpstreamBroken("gone")]
    )
    reply = await read(gate)
    assert texts(reply) == ['Hm.\n\n(The model called "Delete", a tool that is not offered.)']
    assert reply.done.reasks == 0


async def test_calls_of_the_second_answer_are_numbered_on() -> None:
    other = block(ASK, path="b.py")
    gate, _ = over(says(CALL + "\n" + block(ASK, "Delete", path="a")), says(other))
    reply = await read(gate)
    ids = [p.id for p in reply.parts if isinstance(p, ToolCall)]
    assert len(set(ids)) == len(ids) == 2


async def test_a_second_answer_that_fails_leaves_the_first_one() -> None:
    unknown = block(ASK, "Delete", path="a")
    broken = UpstreamBroken("cut")
    gate, _ = over(says(f"{CALL}\n{unknown}"), [[Thinking("")], broken])
    reply = await read(gate)
    assert (calls(reply), reply.done.stop) == ([("Read", {"path": "a.py"})], Stop.TOOL)
    assert reply.done.reasks == 1
    gate, _ = over(says(f"So:\n{unknown}"), *[[broken]] * 5)
    assert "not offered" in "".join(texts(await read(gate)))
    gate, _ = over(says(unknown), [[Text("Well, ")], [Text("so.")], broken])
    with pytest.raises(UpstreamBroken):
        await read(gate)


async def test_strict_arguments_are_valid_or_the_call_is_not_made() -> None:
    turn = replace(ASK, tools=(STRICT,))
    gate, upstream = over(says(block(turn, where="x")), says(CALL))
    assert calls(await read(gate, turn)) == [("Read", {"path": "a.py"})]
    assert "path" in repr(upstream.turns[1].messages[-1])
    gate, _ = over(says(block(turn, where="x")), says(block(turn, where="x")))
    (said,) = texts(await read(gate, turn))
    assert said.startswith("(The model's call of Read did not fit its parameters:")


async def test_a_required_call_comes_or_the_client_is_told() -> None:
    turn = replace(ASK, tool_choice=ToolChoice("required"))
    gate, upstream = over(says("No."), says(CALL))
    reply = await read(gate, turn)
    assert (texts(reply), calls(reply)) == (["No."], [("Read", {"path": "a.py"})])
    assert "at least one call" in repr(upstream.turns[0].messages[-1])
    gate, _ = over(says("No."), says("No."))
    with pytest.raises(Unformed, match="no call where one is required"):
        await read(gate, turn)
    assert gate.pool.standings["a"].strikes == 0


async def test_a_named_tool_is_the_only_one() -> None:
    other = Tool("List", "", {"type": "object", "properties": {}})
    turn = replace(ASK, tools=(READ, other), tool_choice=ToolChoice("required", "Read"))
    gate, upstream = over(says(block(turn, "List")), says(block(turn, path="a.py")))
    assert calls(await read(gate, turn)) == [("Read", {"path": "a.py"})]
    assert "a call to Read" in repr(upstream.turns[0].messages[-1])


async def test_none_means_none() -> None:
    turn = replace(ASK, tool_choice=ToolChoice("none"))
    gate, upstream = over(says("Well.\n" + CALL))
    reply = await read(gate, turn)
    assert (texts(reply), calls(reply), reply.done.stop) == (["Well."], [], Stop.END)
    assert "Reads a file." not in upstream.turns[0].system
    gate, _ = over(says(CALL), says("In words."))
    assert texts(await read(gate, turn)) == ["In words."]
    gate, _ = over(says(CALL), says(CALL))
    with pytest.raises(Unformed, match="none is allowed"):
        await read(gate, turn)


async def test_a_result_of_the_models_own_making_is_no_answer() -> None:
    result = CALL.split("\n")[0].replace("<call_", "<result_") + "\nall good\n"
    gate, upstream = over(says(result), says("In words."))
    assert texts(await read(gate)) == ["In words."]
    assert "a result that you wrote yourself" in repr(upstream.turns[1].messages[-1])
    gate, _ = over(says("Well.\n" + result))
    assert texts(await read(gate)) == ["Well."]
    gate, _ = over(says(result), says(result))
    with pytest.raises(Unformed, match="its own making"):
        await read(gate)


async def test_one_call_at_a_time() -> None:
    turn = replace(ASK, tool_choice=ToolChoice(parallel=False))
    gate, upstream = over([[Text(CALL + "\n")], [Text(CALL)], "hang"])
    assert len(calls(await read(gate, turn))) == 1
    assert upstream.closed.is_set()


async def test_a_call_that_was_cut_stays_open() -> None:
    gate, upstream = over(says(CALL[: CALL.index(".py")]))
    reply = await read(gate)
    (call,) = reply.parts
    assert isinstance(call, ToolCall)
    assert call.arguments == '{"path":"a'
    assert (reply.done.stop, len(upstream.turns)) == (Stop.LENGTH, 1)


@pytest.mark.parametrize(
    ("written", "arguments", "stop"),
    [
        (CALL, '{"path":"a.py"}', Stop.TOOL),
        (CALL.rpartition("\n")[0], '{"path":"a.py"', Stop.LENGTH),
        (CALL[: CALL.index(".py")], '{"path":"a', Stop.LENGTH),
    ],
)
async def test_no_call_goes_on_behind_a_thought(written: str, arguments: str, stop: Stop) -> None:
    gate, _ = over([[Text(written), Thinking("hm")], [Text("I have found it."), DONE]])
    reply = await read(gate)
    (call, *rest) = reply.parts
    assert isinstance(call, ToolCall)
    assert call.arguments == arguments
    assert rest == [Thinking("hm")]
    assert reply.done.stop is stop


async def test_what_the_service_says_it_said_is_read_anew() -> None:
    done = replace(DONE, truth=(Text(f"Better.\n{CALL}"),))
    gate, _ = over([[Text("Worse.")], [done]])
    reply = await read(gate)
    assert (texts(reply), calls(reply)) == (["Better."], [("Read", {"path": "a.py"})])


async def streamed(gate: Gateway, turn: Turn = ASK) -> list[Event]:
    events: list[Event] = []
    async with opened(gate, turn) as answer:
        async for batch in answer.batches():
            events += batch
    return coalesce(events)


@pytest.mark.parametrize("at", range(0, len(CALL), 7))
async def test_a_call_that_the_stream_lost_the_end_of_is_gone_on_with(at: int) -> None:
    truth = replace(DONE, truth=(Text(f"Look.\n\n{CALL}\n{OTHER}"),))
    gate, _ = over([[Text(f"Look.\n\n{CALL[:at]}"), truth]])
    *pieces, done = await streamed(gate)
    assert isinstance(done, Done)
    assert pieces[0] == Text("Look.")
    called = [json.loads(p.arguments)["path"] for p in pieces[1:] if isinstance(p, ToolCall)]
    assert called == ["a.py", "b.py"]
    assert done.stop is Stop.TOOL


OTHER = block(ASK, path="b.py")


@pytest.mark.parametrize(
    ("live", "held"),
    [
        (CALL, "No call."),
        (CALL, OTHER),
        (CALL.replace("a.py", "apy"), CALL),
        (f"{CALL}\n{OTHER}", CALL),
        (f"{CALL}\n{OTHER}", f"{OTHER}\n{CALL}"),
        (CALL, CALL.replace("Read", "Write")),
    ],
)
async def test_a_call_that_the_service_takes_back_fails_the_stream_and_not_the_whole(
    live: str, held: str
) -> None:
    turn = replace(ASK, tools=(READ, replace(READ, name="Write")))
    script = [[Text(live)], [replace(DONE, truth=(Text(held),))]]
    gate, upstream = over(script)
    with pytest.raises(UpstreamBroken, match="changed its answer"):
        await streamed(gate, turn)
    assert len(upstream.turns) == 1
    gate, _ = over(script)
    async with opened(gate, turn, live=False) as answer:
        whole = fold([event async for batch in answer.batches() for event in batch])
    wanted, _ = over(says(held))
    assert calls(whole) == calls(await read(wanted, turn))


async def test_a_call_is_not_gone_on_with_behind_a_thought() -> None:
    truth = replace(DONE, truth=(Text(CALL),))
    gate, _ = over([[Text(CALL[: CALL.index(".py")]), Thinking("hm"), truth]])
    with pytest.raises(UpstreamBroken):
        await streamed(gate)


async def test_a_fault_that_only_the_stream_had_is_none() -> None:
    """The tag of the call lost its name on the way: nothing was sent, and nothing is asked again."""
    truth = replace(DONE, truth=(Text(CALL),))
    gate, upstream = over([[Text(CALL.replace('"Read"', '"ead"')), truth]])
    *pieces, done = await streamed(gate)
    assert [p.name for p in pieces if isinstance(p, ToolCall)] == ["Read"]
    assert isinstance(done, Done)
    assert (done.reasks, len(upstream.turns)) == (0, 1)


async def test_a_document_that_the_service_takes_back_fails_the_stream() -> None:
    turn = replace(ASK, tools=(), output=JsonOutput())
    gate, _ = over([[Text('{"a": 1')], [replace(DONE, truth=(Text('{"b": 1}'),))]])
    with pytest.raises(UpstreamBroken):
        await streamed(gate, turn)
    gate, _ = over([[Text('{"a": 1')], [replace(DONE, truth=(Text('Sure: {"a": 12}'),))]])
    text, done = await streamed(gate, turn)
    assert text == Text('{"a": 12}')
    assert isinstance(done, Done)


@pytest.mark.parametrize(
    "turn",
    [
        replace(ASK, tools=(replace(STRICT, schema={"type": 7}),)),
        replace(ASK, output=JsonOutput({"type": "nothing"})),
    ],
)
async def test_a_promise_that_cannot_be_checked_is_refused(turn: Turn) -> None:
    gate, upstream = over()
    with pytest.raises(BadRequest, match="schema"):
        await read(gate, turn)
    assert not upstream.turns


async def test_a_problem_after_a_call_reaches_the_pool() -> None:
    gate, _ = over([[Text(CALL)], UpstreamBroken("gone")])
    with pytest.raises(UpstreamBroken):
        await read(gate)
    assert gate.pool.standings["a"].strikes == 1


async def test_how_a_model_strays_is_told_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "notion_manager.bridging")
    gate, _ = over(says(CALL.rpartition("\n")[0]), says(CALL))
    await read(gate)
    await read(gate)
    assert [record.getMessage() for record in caplog.records] == [
        "how the model called: no closing tag x1"
    ]


def test_a_done_says_how_often_it_was_asked() -> None:
    assert Done(Stop.END).reasks == 0
