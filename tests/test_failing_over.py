"""Which accounts a request goes to after one failed, and what its client is told in the end."""

import asyncio
from collections.abc import Sequence

import pytest

from notion_manager.errors import (
    AccountLeft,
    AccountRefused,
    BadRequest,
    Busy,
    Denied,
    EmptyAnswer,
    FeatureRefused,
    ModelUnavailable,
    Problem,
    RateLimited,
    StorageBroken,
    TemporarilyUnavailable,
    UpstreamBroken,
)
from notion_manager.habits import Habits
from notion_manager.seating import Wish
from notion_manager.standing import Standing
from tests.rig import until
from tests.scripted import ASK, Clock, Scripted, gateway, read, says


@pytest.mark.parametrize(
    "problem", [RateLimited("slow", retry_after=5), UpstreamBroken("gone"), AccountRefused("dead")]
)
async def test_another_account_is_asked_before_the_first_content(problem: RateLimited) -> None:
    ups = {"a": Scripted([problem]), "b": Scripted(says("yo"))}
    gate = gateway(ups)
    assert await read(gate) == ("b", "yo")
    assert gate.pool.standings["a"].reason == problem.code
    assert all(s.busy == 0 for s in gate.pool.standings.values())


async def test_one_that_leaves_before_it_is_asked_costs_no_answer() -> None:
    ups = {"a": Scripted(says("no")), "b": Scripted(says("yo"))}
    gate = gateway(ups)
    del ups["a"]
    assert await read(gate) == ("b", "yo")
    del ups["b"]
    with pytest.raises(AccountLeft):
        await read(gate)


async def test_what_was_tried_before_is_told() -> None:
    ups = {
        "a": Scripted([RateLimited("slow", retry_after=5)]),
        "b": Scripted([UpstreamBroken("gone")]),
        "c": Scripted(says("yo")),
    }
    async with gateway(ups).open(ASK) as answer:
        assert answer.failures == ("a rate_limit_exceeded", "b upstream_error")
        assert answer.waited == 0
    gate = gateway({"a": Scripted([AccountRefused("dead")])})
    with pytest.raises(AccountRefused) as caught:
        await read(gate)
    assert caught.value.failures == ("a account_unauthorized",)
    clock = Clock()
    gate = gateway({"a": Scripted([RateLimited("x", retry_after=4)], says("yo"))}, clock=clock)
    async with gate.open(ASK) as answer:
        assert (answer.failures, answer.waited) == (("a rate_limit_exceeded",), 4)


async def test_a_denial_is_shown_and_not_got_round() -> None:
    ups = {"a": Scripted([Denied("no")]), "b": Scripted(says("yo"))}
    gate = gateway(ups)
    with pytest.raises(Denied):
        await read(gate)
    assert not ups["b"].turns


async def test_a_bad_request_goes_nowhere_else_and_blames_no_account() -> None:
    ups = {"a": Scripted([BadRequest("no")]), "b": Scripted(says("yo"))}
    gate = gateway(ups)
    with pytest.raises(BadRequest):
        await read(gate)
    assert gate.pool.standings["a"].reason == ""


async def test_a_lone_account_is_asked_once_more_at_once_after_a_hiccup() -> None:
    clock = Clock()
    gate = gateway({"a": Scripted([EmptyAnswer("nothing")], says("yo"))}, clock=clock)
    assert await read(gate) == ("a", "yo")
    assert not any(clock.slept)


async def test_a_short_rest_is_waited_for() -> None:
    clock = Clock()
    gate = gateway({"a": Scripted([RateLimited("x", retry_after=4)], says("yo"))}, clock=clock)
    assert await read(gate) == ("a", "yo")
    assert sum(clock.slept) == 4


async def test_when_all_rest_for_long_the_client_hears_what_the_service_said() -> None:
    gate = gateway({"a": Scripted([RateLimited("slow down", retry_after=60)])})
    with pytest.raises(RateLimited, match="slow down"):
        await read(gate)
    with pytest.raises(Busy) as caught:
        await read(gate)
    assert caught.value.retry_after == 60


@pytest.mark.parametrize(
    "last",
    [RateLimited("slow", retry_after=50), AccountRefused("dead"), UpstreamBroken("gone")],
)
async def test_the_client_is_told_when_the_first_account_is_due_not_the_last(
    last: Problem,
) -> None:
    ups = {"a": Scripted([RateLimited("slow", retry_after=20)]), "b": Scripted([last], [last])}
    gate = gateway(ups)
    with pytest.raises(type(last)) as caught:
        await read(gate)
    assert caught.value.retry_after == 20
    with pytest.raises(Busy) as busy:
        await read(gate)
    assert busy.value.retry_after == 20


async def test_who_may_ask_again_at_once_is_told_no_time() -> None:
    ups = {"a": Scripted([ModelUnavailable("not this one")]), "b": Scripted([Denied("no")])}
    gate = gateway(ups)
    with pytest.raises(Denied) as caught:
        await read(gate)
    assert caught.value.retry_after is None
    only = gateway({"a": Scripted([ModelUnavailable("not this one")])})
    with pytest.raises(ModelUnavailable) as lacking:
        await read(only)
    assert lacking.value.retry_after is None


async def test_in_an_outage_second_tries_come_to_an_end() -> None:
    names = [f"n{number}" for number in range(40)]
    ups = {name: Scripted([UpstreamBroken("gone")], [UpstreamBroken("gone")]) for name in names}
    gate = gateway(ups, Habits(attempts=20))
    for _ in range(2):
        with pytest.raises(UpstreamBroken):
            await read(gate)
    assert sum(len(up.turns) for up in ups.values()) == 2 + 10


async def test_the_file_storage_that_fails_is_tried_once_more_and_takes_no_tries_from_outages() -> (
    None
):
    """It is the same one for every account."""
    ups = {name: Scripted(*[[StorageBroken("no room")]] * 30) for name in "abc"}
    gate = gateway(ups)
    for _ in range(20):
        with pytest.raises(StorageBroken) as caught:
            await read(gate)
        assert [failed.split()[1] for failed in caught.value.failures] == ["upstream_storage"] * 2
    for up in ups.values():
        up.scripts = [[UpstreamBroken("gone")], says("yo")]
    assert (await read(gate))[1] == "yo"


async def test_a_lone_account_may_bring_a_file_once_more() -> None:
    up = Scripted([StorageBroken("no room")], says("yo"))
    assert await read(gateway({"a": up})) == ("a", "yo")
    assert len(up.turns) == 2


async def test_every_account_that_may_do_better_is_asked_before_a_request_is_refused() -> None:
    troubles = [
        AccountRefused("dead"),
        ModelUnavailable("not this one"),
        RateLimited("slow", retry_after=600),
        FeatureRefused("spent"),
        UpstreamBroken("gone"),
    ]
    ups = {f"n{n}": Scripted([troubles[n % 5]]) for n in range(15)}
    ups["well"] = Scripted(says("yo"))
    assert await read(gateway(ups)) == ("well", "yo")
    assert [len(up.turns) for up in ups.values()] == [1] * 16


@pytest.mark.parametrize("accounts", [1, 2, 5])
async def test_after_all_were_asked_one_of_them_is_asked_once_more(accounts: int) -> None:
    ups = {f"n{n}": Scripted(*[[UpstreamBroken("gone")]] * 3) for n in range(accounts)}
    with pytest.raises(UpstreamBroken) as caught:
        await read(gateway(ups))
    assert sorted(len(up.turns) for up in ups.values()) == [1] * (accounts - 1) + [2]
    assert len(caught.value.failures) == accounts + 1


async def test_the_account_that_is_asked_once_more_need_not_be_the_last_one() -> None:
    ups = {
        "a": Scripted([UpstreamBroken("gone")], says("yo")),
        "b": Scripted([AccountRefused("dead")]),
    }
    assert await read(gateway(ups)) == ("a", "yo")


async def test_a_refusal_that_lasts_hours_is_taken_to_one_other_account() -> None:
    ups = {name: Scripted([TemporarilyUnavailable("later")]) for name in "abcde"}
    with pytest.raises(TemporarilyUnavailable):
        await read(gateway(ups))
    assert sorted(len(up.turns) for up in ups.values()) == [0, 0, 0, 1, 1]


class Still(Clock):
    """Time does not pass."""

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.Event().wait()


async def test_a_full_account_is_waited_for_where_those_with_a_seat_were_asked_enough() -> None:
    """They rest no more, since other requests went well there."""
    ups = {"a": Scripted(*[[UpstreamBroken("gone")]] * 2), "b": Scripted(says("yo"))}

    async def clear(standings: Sequence[Standing]) -> None:
        for standing in standings:
            gate.pool.join(Standing(standing.name))

    gate = gateway(ups, clock=Still(), keep=clear)
    taken = [gate.pool.pick(0.0, Wish(tried=("a",))) for _ in range(2)]
    assert taken == ["b", "b"]
    asking = asyncio.create_task(read(gate))
    await until(lambda: asking.done() or bool(gate.admission.waiting))
    gate.pool.release("b")
    assert await asking == ("b", "yo")


async def test_attempts_are_bounded() -> None:
    ups = {n: Scripted([RateLimited("x", retry_after=600)]) for n in "abcde"}
    with pytest.raises(RateLimited):
        await read(gateway(ups, Habits(attempts=3)))
    assert sum(len(u.turns) for u in ups.values()) == 3
