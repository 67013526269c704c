"""Who gets the seat, what is remembered of it, and what is settled before it is taken."""

from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from msgspec.structs import replace

from notion_manager.catalogues import Shelved
from notion_manager.errors import (
    AccountRefused,
    BadRequest,
    Busy,
    Denied,
    EmptyAnswer,
    ModelUnavailable,
    Problem,
    RateLimited,
    UpstreamBroken,
    WorkspaceRefused,
)
from notion_manager.gateway import Gateway
from notion_manager.habits import Habits
from notion_manager.pool import Pool
from notion_manager.standing import Standing
from notion_manager.turn import Message, Text, Turn
from tests.scripted import ASK, DONE, MODELS, Clock, Scripted, gateway, read, says

# Who


async def test_an_untried_account_is_asked_before_one_that_just_failed_however_idle() -> None:
    ups = {"a": Scripted([UpstreamBroken("gone")], says("no")), "b": Scripted(says("yo"))}
    gate = gateway(ups)
    assert [gate.pool.pick(0.0), gate.pool.pick(0.0)] == ["a", "b"]
    gate.pool.release("a")  # so that b is the busier one
    assert await read(gate) == ("b", "yo")
    assert len(ups["a"].turns) == 1


def test_the_idlest_is_picked_even_if_it_was_used_last() -> None:
    pool = Pool([Standing("a"), Standing("b")])
    assert [pool.pick(1.0), pool.pick(2.0)] == ["a", "b"]
    pool.release("b")
    assert pool.pick(3.0) == "b"


@pytest.mark.parametrize("waits", [(300.0, 120.0), (120.0, 300.0)])
async def test_of_two_that_rest_the_one_due_first_is_told(waits: tuple[float, float]) -> None:
    scripts = [Scripted([RateLimited("slow", retry_after=wait)]) for wait in waits]
    gate = gateway(dict(zip("ab", scripts, strict=True)))
    with pytest.raises(RateLimited):
        await read(gate)
    with pytest.raises(Busy, match="120 s") as caught:
        await read(gate)
    assert caught.value.retry_after == 120


async def test_a_model_of_accounts_that_rest_is_to_be_asked_for_later() -> None:
    """The account that lacks it speaks for itself alone, and is not asked for it again."""
    ups = {"a": Scripted([ModelUnavailable("not here")]), "b": Scripted()}
    gate = gateway(ups)
    gate.pool.report("b", RateLimited("slow", retry_after=90), 1000.0)
    for failed in (("a model_not_available",), ()):
        with pytest.raises(Busy, match=r"has opus-4\.6 is resting") as caught:
            await read(gate)
        assert (caught.value.retry_after, caught.value.failures) == (90, failed)
    gate.pool.report("b", AccountRefused("dead"), 1000.0)
    ups["a"].scripts.append([ModelUnavailable("not here")])
    with pytest.raises(ModelUnavailable):
        await read(gate)


# What is remembered


async def _kept(*scripts: list[object]) -> tuple[Gateway, list[Standing]]:
    """A gateway of one account, asked once, and what it wanted kept."""
    kept: list[Standing] = []

    async def keep(standings: Sequence[Standing]) -> None:
        kept.extend(standings)

    gate = gateway({"a": Scripted(*scripts)}, Habits(attempts=2), clock=Clock(), keep=keep)
    with suppress(Problem):
        await read(gate)
    return gate, kept


async def test_a_good_answer_clears_the_strikes_and_that_is_kept() -> None:
    gate, kept = await _kept([EmptyAnswer("nothing")], says("yo"))
    standing = gate.pool.standings["a"]
    assert (standing.strikes, standing.reason, standing.since) == (0, "", 0.0)
    assert [(s.strikes, s.reason) for s in kept] == [(1, "upstream_empty"), (0, "")]


async def test_a_good_answer_that_changes_nothing_is_not_kept() -> None:
    assert (await _kept(says("yo")))[1] == []


@pytest.mark.parametrize("problem", [AccountRefused("dead"), Denied("no")])
async def test_a_renewed_account_has_denials_held_against_it_but_no_old_token(
    problem: Problem,
) -> None:
    ups = {"a": Scripted([[Text("So")], problem])}
    gate = gateway(ups)
    with suppress(Problem):
        async with gate.open(ASK) as answer:
            before, ups["a"] = ups["a"], Scripted(says("yo"))  # it has another token
            ups["a"].identity = before.identity
            gate.pool.join(Standing("a"))
            async for _ in answer.batches():
                pass
    standing = gate.pool.standings["a"]
    assert (standing.busy, standing.retired) == (0, False)
    assert standing.reason == ("" if isinstance(problem, AccountRefused) else problem.code)


@pytest.mark.parametrize("problem", [WorkspaceRefused("no"), Denied("no"), None])
async def test_nothing_is_held_against_another_account_under_an_old_name(
    problem: Problem | None,
) -> None:
    ups = {"a": Scripted([[Text("So")], problem or [DONE]])}
    gate = gateway(ups)
    own = Standing("a", strikes=1, reason="upstream_error", last_used=1000.0)
    with suppress(Problem):
        async with gate.open(ASK) as answer:
            ups["a"] = Scripted(says("yo"))
            gate.pool.leave("a")
            gate.pool.join(own)
            async for _ in answer.batches():
                pass
    assert gate.pool.standings["a"] == own


async def test_a_fault_of_the_request_is_not_kept() -> None:
    assert (await _kept([BadRequest("no")]))[1] == []


async def test_a_rest_is_kept_once() -> None:
    kept = (await _kept([Denied("no")]))[1]
    assert [(s.name, s.reason, s.ready_at) for s in kept] == [("a", "upstream_denied", 1300.0)]


async def _limited(meanwhile: Callable[[Pool], object]) -> float | None:
    """How long a client is told to wait by a limit without a time, in the middle of an answer."""
    gate = gateway({"a": Scripted([[Text("yo")], RateLimited("slow")])})
    try:
        async with gate.open(ASK) as answer:
            meanwhile(gate.pool)
            _ = [batch async for batch in answer.batches()]
    except RateLimited as limit:
        return limit.retry_after
    raise AssertionError


async def test_a_limit_without_a_time_tells_how_long_the_account_rests() -> None:
    """Even if it rests for something else, or is not there any more."""
    assert await _limited(lambda pool: None) == 45
    assert await _limited(lambda pool: pool.report("a", Denied("no"), 1000.0)) == 300
    assert await _limited(lambda pool: pool.leave("a")) is None


# What is settled


@pytest.mark.parametrize(
    ("name", "own", "sent"),
    [
        ("opus-4.6-high", "low", "high"),
        ("opus-4.6:low", "high", "low"),
        ("opus-4.6", "high", "high"),
        ("opus-4.6", "", ""),
    ],
)
async def test_an_effort_in_the_models_name_beats_the_requests_own(
    name: str, own: str, sent: str
) -> None:
    ups = {"a": Scripted(says("yo"))}
    await read(gateway(ups), replace(ASK, model=name, effort=own))
    assert ups["a"].turns[0].effort == sent


async def test_system_text_with_an_empty_question_is_asked() -> None:
    ups = {"a": Scripted(says("yo"))}
    empty = (Message("user", (Text(""),)),)
    assert await read(gateway(ups), Turn("opus-4.6", empty, system="Greet.")) == ("a", "yo")


async def test_a_blank_beside_a_word_is_asked() -> None:
    ups = {"a": Scripted(says("yo"))}
    mixed = (Message("user", (Text(""), Text("hi"))),)
    assert await read(gateway(ups), Turn("opus-4.6", mixed)) == ("a", "yo")


@pytest.mark.parametrize("order", ["ab", "ba"])
async def test_an_entry_that_can_be_used_wins_in_whichever_order(order: str) -> None:
    refused = tuple(replace(model, refusal="not on this plan") for model in MODELS)
    lists = {"a": Shelved(refused, 1000.0), "b": Shelved(MODELS, 1000.0)}
    ups = {name: Scripted() for name in order}
    gate = gateway(ups, shelf={name: lists[name] for name in order})
    assert await gate.catalogues.all(1.0) == list(MODELS)
