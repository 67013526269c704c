"""A conversation goes on where it was, if that can be, whatever befell the request before."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from notion_manager.answers import Answer
from notion_manager.conversations import Listener
from notion_manager.errors import (
    AccountRefused,
    Denied,
    EmptyAnswer,
    NoAccount,
    Problem,
    RateLimited,
    UpstreamBroken,
    UpstreamRejected,
)
from notion_manager.gateway import Gateway
from notion_manager.places import Binding
from notion_manager.standing import Terms
from notion_manager.story import Story
from notion_manager.turn import Event, Message, Text, ToolCall, Turn
from notion_manager.upstreams import Since
from tests.placing import At, opening
from tests.scripted import DONE, HANG, Clock, Scripted, Step, gateway


@pytest.fixture(name="at")
def _at(tmp_path: Path) -> Iterator[At]:
    with opening(tmp_path) as at:
        yield at


ASKED = Turn("opus-4.6", (Message("user", (Text("hi"),)),))
MORE = replace(
    ASKED, messages=(*ASKED.messages, Message("assistant", (Text("Hi."),)), *ASKED.messages)
)
MARKED = replace(DONE, bookmark="b1")


def bound(at: At, *scripts: Sequence[Step] | Problem) -> tuple[Gateway, Scripted, Clock]:
    """A gateway that keeps conversations, over one account that plays these scripts."""
    clock, only = Clock(), Scripted(*scripts)
    gate = gateway({"only": only}, clock=clock)
    gate.conversations = at(longest=1e9, clock=clock)
    return gate, only, clock


async def asks(gate: Gateway, turn: Turn) -> Answer:
    async with gate.open(turn, "me", Story(turn, "me")) as answer:
        async for batch in answer.batches():
            answer.heed(batch)
    return answer


HI: Sequence[Step] = [[Text("Hi.")], [MARKED]]


async def test_a_refusal_in_passing_keeps_the_binding(at: At) -> None:
    gate, only, _ = bound(at, HI, RateLimited("wait", retry_after=1), HI)
    await asks(gate, ASKED)
    answer = await asks(gate, MORE)
    assert (answer.thread, [turn.bookmark for turn in only.turns]) == (
        "continued",
        ["", "b1", "b1"],
    )


async def test_a_request_that_is_refused_in_the_end_gives_it_back(at: At) -> None:
    refused = [RateLimited("wait", retry_after=1) for _ in range(3)]
    gate, only, clock = bound(at, HI, *refused, HI)
    await asks(gate, ASKED)
    with pytest.raises(RateLimited):
        await asks(gate, MORE)
    clock.now += 60
    assert ((await asks(gate, MORE)).thread, only.turns[-1].bookmark) == ("continued", "b1")


async def test_a_request_that_gets_no_seat_gives_it_back(at: At) -> None:
    gate, only, _ = bound(at, HI, HI)
    await asks(gate, ASKED)
    gate.pool.agree({"only": Terms(enabled=False)})
    with pytest.raises(NoAccount):
        await asks(gate, MORE)
    gate.pool.agree({})
    assert ((await asks(gate, MORE)).thread, only.turns[-1].bookmark) == ("continued", "b1")


@pytest.mark.parametrize(
    ("heard", "thread", "bookmark"),
    [("nothing", "continued", "b1"), ("failed", "continued", "b1"), ("more", "moved", "")],
)
async def test_what_broke_is_asked_again_where_it_has_no_answer(
    at: At, heard: Since, thread: str, bookmark: str
) -> None:
    gate, only, _ = bound(at, HI, [UpstreamBroken("cut")], HI)
    await asks(gate, ASKED)
    only.heard = heard
    assert (await asks(gate, MORE)).thread == thread
    assert [turn.bookmark for turn in only.turns] == ["", "b1", bookmark]


async def test_one_request_that_gets_no_word_is_asked_once_more_at_home(at: At) -> None:
    nothing = [EmptyAnswer("not a word")]
    gate, only, clock = bound(at, HI, *[nothing] * 2, HI)
    await asks(gate, ASKED)
    with pytest.raises(EmptyAnswer):
        await asks(gate, MORE)
    assert [turn.bookmark for turn in only.turns] == ["", "b1", ""]
    clock.now += 60
    assert ((await asks(gate, MORE)).thread, only.turns[-1].bookmark) == ("continued", "b1")


@pytest.mark.parametrize("heard", ["nothing", "failed", "more"])
async def test_after_a_request_that_failed_it_goes_on_if_nothing_was_heard(
    at: At, heard: Since
) -> None:
    gate, only, clock = bound(at, HI, *[UpstreamBroken("gone")] * 2, HI)
    await asks(gate, ASKED)
    only.heard = heard
    with pytest.raises(UpstreamBroken):
        await asks(gate, MORE)
    clock.now += 60
    thread = "continued" if heard == "nothing" else "moved"
    assert (await asks(gate, MORE)).thread == thread


async def test_the_account_that_has_it_is_asked_once_more_and_then_another(at: At) -> None:
    clock = Clock()
    home, other = Scripted(HI, *[UpstreamBroken("gone")] * 2, HI), Scripted(HI)
    gate = gateway({"home": home, "other": other}, clock=clock)
    gate.conversations = at(longest=1e9, clock=clock)
    await asks(gate, ASKED)
    answer = await asks(gate, MORE)
    assert (answer.account, answer.thread) == ("other", "moved")
    assert answer.failures == ("home upstream_error", "home upstream_error")
    assert [turn.bookmark for turn in home.turns] == ["", "b1", "b1"]


async def test_what_failed_for_one_request_is_not_gone_on_with_by_another(at: At) -> None:
    gone = [UpstreamBroken("gone")]
    clock = Clock()
    home, other = Scripted(HI, gone, gone, HI), Scripted(gone, gone)
    gate = gateway({"home": home, "other": other}, clock=clock)
    gate.pool.agree({"other": Terms(weight=9.0)})  # the next request comes to it first
    gate.conversations = at(longest=1e9, clock=clock)
    await asks(gate, ASKED)
    home.heard = "failed"
    with pytest.raises(UpstreamBroken):
        await asks(gate, MORE)
    clock.now += 100
    answer = await asks(gate, MORE)
    assert (answer.thread, answer.failures) == ("moved", ("other upstream_error",))
    assert [turn.bookmark for turn in home.turns] == ["", "b1", "b1", ""]


async def test_no_account_that_is_not_used_is_asked_what_came_of_a_question(at: At) -> None:
    gate, only, _ = bound(at)
    binding = Binding("b1", "key", only.identity, "terms", 0.0, doubted=True)
    assert await gate.homes.since(binding) == "nothing"
    gate.pool.agree({"only": Terms(enabled=False)})
    assert await gate.homes.since(binding) == "more"


@pytest.mark.parametrize("problem", [Denied("no"), AccountRefused("dead")])
async def test_a_move_after_a_request_that_failed_is_told(at: At, problem: Problem) -> None:
    clock = Clock()
    home, other = Scripted(HI, problem), Scripted(UpstreamRejected("no"), HI)
    gate = gateway({"home": home, "other": other}, clock=clock)
    gate.conversations = at(longest=1e9, clock=clock)
    await asks(gate, ASKED)
    if isinstance(problem, Denied):
        other.scripts.pop(0)
    with pytest.raises((Denied, UpstreamRejected)):
        await asks(gate, MORE)
    answer = await asks(gate, MORE)
    assert (answer.account, answer.thread) == ("other", "moved")


async def test_who_leaves_before_an_answer_may_come_back(at: At) -> None:
    gate, only, _ = bound(at, HI, [HANG], HI)
    await asks(gate, ASKED)
    only.opened.clear()
    asking = asyncio.create_task(asks(gate, MORE))
    await only.opened.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert ((await asks(gate, MORE)).thread, only.turns[-1].bookmark) == ("continued", "b1")


def heard(*batches: Sequence[Event]) -> list[str]:
    """The keys under which the conversation can go on."""
    keys: list[str] = []
    listener = Listener(Story(ASKED, "me"), lambda key, _: keys.append(key))
    for batch in batches:
        listener.heed(batch)
    return keys


def test_what_the_service_takes_back_is_not_gone_on_with() -> None:
    assert len(heard([Text("Hi."), MARKED])) == 1
    assert heard([Text("Hi."), replace(MARKED, truth=(Text("No."),))]) == []
    assert heard([Text("Hi."), DONE]) == []


def test_calls_are_heard_whole_however_they_come() -> None:
    calls = [ToolCall(str(n), "Read", json.dumps({"path": f"{n}.py"})) for n in range(2)]
    letters = [[replace(c, arguments=letter)] for c in calls for letter in c.arguments]
    assert heard(*letters, [MARKED]) == heard(calls, [MARKED])
    assert heard(calls[:1], [MARKED]) != heard(calls, [MARKED])
