"""Looks at what is left: when they matter, one at a time, and at a pace."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest
from msgspec.structs import replace

from notion_manager.allowance import Allowance, Meter
from notion_manager.errors import (
    AccountLeft,
    AccountRefused,
    EdgeChallenged,
    Problem,
    QuotaExhausted,
    UpstreamBroken,
    WorkspaceRefused,
)
from notion_manager.oracle import FRESH, IDLE, SPENT, Oracle
from notion_manager.pool import Pool
from notion_manager.standing import Standing, Terms
from tests.scripted import Clock, Scripted

ROOM = Allowance(1000.0, meters=(Meter("user", 10, 75),))
SPENT_NOW = Allowance(1000.0, eligible=False, meters=(Meter("user", 78, 75),))


class Bench:
    """An oracle over accounts that say what they are told to say."""

    def __init__(self, *names: str) -> None:
        self.clock = Clock()
        self.upstreams = {name: Scripted() for name in names}
        self.pool = Pool([Standing(name) for name in names])
        self.kept: list[tuple[str, object]] = []
        self.keeping = asyncio.Event()
        self.oracle = Oracle(
            self.upstreams, self.pool, self.keep, self.keep_standings, clock=self.clock
        )

    async def keep(self, name: str, allowance: Allowance) -> None:
        for _ in range(9):
            await asyncio.sleep(0)
        self.kept.append((name, allowance))

    async def keep_standings(self, standings: Sequence[Standing]) -> None:
        self.keeping.set()
        self.kept += [(standing.name, standing.reason) for standing in standings]

    def says(self, name: str, left: Allowance | Problem) -> None:
        self.upstreams[name].left = left

    async def looks(self, times: int) -> Sequence[str]:
        """The accounts that it looks at in so many rounds."""
        seen: list[str] = []
        for name, upstream in self.upstreams.items():
            upstream.looked = lambda name=name: seen.append(name)
        left = times

        async def sleep(seconds: float) -> None:
            nonlocal left
            if not left:
                raise asyncio.CancelledError
            left -= 1
            self.clock.now += seconds

        with pytest.raises(asyncio.CancelledError):
            await self.oracle.keep_looking(sleep)
        return seen


async def test_a_look_is_kept_and_told_to_the_pool() -> None:
    bench = Bench("a")
    bench.says("a", ROOM)
    assert await bench.oracle.look("a") == ROOM
    assert bench.pool.allowances == {"a": ROOM}
    assert bench.kept == [("a", ROOM)]


async def test_a_look_that_finds_nothing_left_rests_the_account_and_room_ends_the_rest() -> None:
    bench = Bench("a")
    bench.says("a", SPENT_NOW)
    await bench.oracle.look("a")
    standing = bench.pool.standings["a"]
    assert (standing.reason, standing.evidence) == (
        "insufficient_quota",
        "not eligible: 78 of 75 (user)",
    )
    assert bench.pool.ready(1001.0) == 0
    bench.says("a", ROOM)
    await bench.oracle.look("a")
    assert bench.pool.standings["a"] == Standing("a")
    assert [what for _, what in bench.kept if isinstance(what, str)] == ["insufficient_quota", ""]


async def test_all_that_a_look_found_is_kept_before_the_end() -> None:
    bench = Bench("a")
    bench.says("a", SPENT_NOW)
    look = asyncio.ensure_future(bench.oracle.look("a"))
    await bench.keeping.wait()
    await bench.oracle.close()
    assert bench.kept == [("a", "insufficient_quota"), ("a", SPENT_NOW)]
    with pytest.raises(asyncio.CancelledError):
        await look


async def test_all_who_ask_at_once_share_one_look() -> None:
    bench = Bench("a")
    bench.says("a", ROOM)
    seen: list[str] = []
    bench.upstreams["a"].looked = lambda: seen.append("a")
    await asyncio.gather(*(bench.oracle.look("a") for _ in range(5)))
    assert seen == ["a"]


async def test_one_that_is_cancelled_spoils_no_look_of_another() -> None:
    bench = Bench("a")
    bench.says("a", ROOM)
    first = asyncio.ensure_future(bench.oracle.look("a"))
    second = asyncio.ensure_future(bench.oracle.look("a"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == ROOM


async def test_each_is_looked_at_once_and_again_when_it_is_due() -> None:
    bench = Bench("a", "b")
    for name in "ab":
        bench.says(name, ROOM)
    assert sorted(await bench.looks(5)) == ["a", "b"]
    now = bench.clock.now
    for name in "ab":
        bench.pool.allowances[name] = replace(ROOM, read_at=now)
    assert bench.oracle.due(now + FRESH + 1) == ""
    assert bench.oracle.due(now + IDLE + 1) in ("a", "b")
    bench.pool.standings["b"] = replace(bench.pool.standings["b"], last_used=now + 1)
    assert bench.oracle.due(now + FRESH + 1) == "b"


async def test_a_look_that_is_dated_later_than_now_is_as_good_as_none() -> None:
    """The clock was put back."""
    bench = Bench("a", "b")
    bench.pool.recall({"a": replace(ROOM, read_at=1000.0), "b": replace(ROOM, read_at=9000.0)})
    assert bench.oracle.due(1000.0) == "b"
    bench.says("b", UpstreamBroken("gone"))
    with pytest.raises(UpstreamBroken):
        await bench.oracle.look("b")
    assert bench.oracle.due(bench.clock.now + 1) == ""


async def test_one_that_is_spent_is_looked_at_soonest() -> None:
    bench = Bench("a")
    bench.pool.learn("a", SPENT_NOW, 1000.0)
    assert bench.oracle.due(1000.0 + SPENT - 1) == ""
    assert bench.oracle.due(1000.0 + SPENT + 1) == "a"


async def test_one_that_an_answer_found_to_be_spent_is_looked_at_as_soon() -> None:
    """Whether or not a look at it has failed since."""
    bench = Bench("a")
    bench.pool.recall({"a": ROOM})
    bench.pool.report("a", QuotaExhausted("no more"), 1100.0)
    assert bench.oracle.due(1000.0 + SPENT + 1) == "a"
    bench.says("a", UpstreamBroken("gone"))
    with pytest.raises(UpstreamBroken):
        await bench.oracle.look("a")
    assert bench.oracle.due(bench.clock.now + SPENT + 1) == "a"


async def test_a_look_that_fails_is_not_repeated_at_once() -> None:
    bench = Bench("a")
    bench.says("a", UpstreamBroken("gone"))
    assert await bench.looks(5) == ["a"]
    assert bench.oracle.due(bench.clock.now + IDLE + 1) == "a"
    bench.says("a", ROOM)
    await bench.oracle.look("a")
    assert bench.pool.allowances["a"] == ROOM


async def test_a_dead_token_is_found_by_a_look_and_no_more_are_made(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench("a")
    bench.says("a", AccountRefused("dead"))
    assert await bench.looks(5) == ["a"]
    assert bench.pool.standings["a"].retired
    assert bench.kept == [("a", "account_unauthorized")]
    assert "a is used no more, account_unauthorized" in caplog.text
    assert bench.oracle.due(1e9) == ""


async def test_after_an_edge_challenge_none_is_looked_at_for_a_while() -> None:
    bench = Bench("a", "b", "c")
    for name in "abc":
        bench.says(name, EdgeChallenged("a browser, please"))
    assert len(await bench.looks(5)) == 1
    paused = bench.pool.standings["a"].ready_at
    assert bench.oracle.due(paused - 1) == ""
    assert bench.oracle.due(paused + 1) in ("a", "b", "c")


async def test_who_may_not_be_used_or_has_left_is_not_looked_at() -> None:
    bench = Bench("a", "b")
    bench.pool.agree({"a": Terms(enabled=False)})
    bench.pool.leave("b")
    assert bench.oracle.due(1e9) == ""


async def test_a_look_at_one_that_left_is_refused() -> None:
    with pytest.raises(AccountLeft, match="ghost"):
        await Bench("a").oracle.look("ghost")


async def test_what_is_found_of_one_that_left_meanwhile_is_dropped() -> None:
    bench = Bench("a")
    bench.says("a", ROOM)
    bench.upstreams["a"].looked = lambda: bench.upstreams.pop("a")
    assert await bench.oracle.look("a") == ROOM
    assert (bench.pool.allowances, bench.kept) == ({}, [])


async def test_what_is_left_of_one_is_not_told_of_another_under_its_name() -> None:
    bench = Bench("a")
    for left in (SPENT_NOW, WorkspaceRefused("no")):
        asked = Scripted()
        asked.left = left
        asked.looked = lambda: bench.upstreams.update(a=Scripted())
        bench.upstreams["a"] = asked
        with suppress(WorkspaceRefused):
            await bench.oracle.look("a")
    assert (bench.pool.standings, bench.pool.allowances) == ({"a": Standing("a")}, {})
    assert bench.kept == []


async def test_a_token_that_was_renewed_while_it_was_refused_retires_nobody() -> None:
    bench = Bench("a")
    bench.says("a", AccountRefused("dead"))
    bench.upstreams["a"].looked = lambda: bench.upstreams.update(a=Scripted())
    with pytest.raises(AccountRefused):
        await bench.oracle.look("a")
    assert bench.pool.standings["a"] == Standing("a")


async def test_a_fault_of_ours_stops_no_look() -> None:
    bench = Bench("a")

    def fail() -> None:
        raise ZeroDivisionError

    bench.upstreams["a"].looked = fail
    with pytest.raises(ZeroDivisionError):
        await bench.oracle.look("a")
    await bench.oracle.close()


async def test_a_look_goes_on_if_whoever_asked_for_it_waits_no_more() -> None:
    """So a rest for want of allowance ends, though the look came too late to prevent it."""
    bench, may = Bench("a"), asyncio.Event()
    bench.says("a", ROOM)
    bench.upstreams["a"].looking = may.wait
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bench.oracle.look("a"), 0.01)
    bench.pool.report("a", QuotaExhausted("x"), bench.clock.now)
    assert bench.pool.standings["a"].reason == "insufficient_quota"
    may.set()
    await bench.oracle.look("a")
    assert bench.pool.standings["a"].reason == ""


async def test_closing_ends_a_look_that_is_under_way() -> None:
    bench = Bench("a")
    gate = asyncio.Event()
    bench.upstreams["a"].looking = gate.wait
    task = asyncio.ensure_future(bench.oracle.look("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await bench.oracle.close()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_rest_for_another_reason_is_left_alone() -> None:
    pool = Pool([Standing("a", ready_at=5000.0, reason="upstream_denied", careful=True)])
    assert pool.learn("a", SPENT_NOW, 1000.0) is None
    assert pool.learn("a", ROOM, 1000.0) is None
    assert pool.learn("ghost", ROOM, 1000.0) is None
    retired = Pool([Standing("a", retired=True, reason="account_unauthorized")])
    assert retired.learn("a", ROOM, 1000.0) is None


def test_a_rest_lasts_until_the_reset_that_was_told() -> None:
    pool = Pool([Standing("a")])
    told = pool.learn("a", replace(SPENT_NOW, until=1500.0), 1000.0)
    assert told is not None
    assert (told.ready_at, told.since) == (1500.0, 1000.0)
    again = pool.learn("a", replace(SPENT_NOW, until=1500.0), 1100.0)
    assert again is None
    assert pool.report("a", QuotaExhausted("x"), 1100.0)[0].since == 1100.0
