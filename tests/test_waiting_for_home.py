"""Conversations wait for the account that has them, and not for long."""

import asyncio

import pytest

from notion_manager.admission import Admission, Rules, Seat
from notion_manager.errors import RateLimited
from notion_manager.pool import Pool
from notion_manager.seating import Wish
from notion_manager.standing import Standing
from tests.queueing import HERE, admission, place, settle, taking
from tests.scripted import Clock


async def at_home(door: Admission, home: str = "a") -> Seat:
    return await door.take(lambda: HERE, Wish(home=home))


HOMELY = Rules(home_wait=5.0)


async def test_a_conversation_waits_for_the_account_that_has_it() -> None:
    door = admission(Pool([Standing("a"), Standing("b")], seats=1), HOMELY)
    first = await at_home(door)
    second = asyncio.ensure_future(at_home(door))
    await settle()
    assert not second.done()
    assert (await taking(door, place("other"))).name == "b"  # which holds up nobody else
    door.leave(first)
    assert (await second).name == "a"
    assert door.waiting == 0


async def test_it_moves_once_it_has_waited_long_enough() -> None:
    clock = Clock()
    door = admission(Pool([Standing("a"), Standing("b")], seats=1), HOMELY, clock)
    await at_home(door)
    seat = await at_home(door)
    assert (seat.name, seat.waited) == ("b", 5.0)


async def test_a_wait_for_home_is_no_longer_than_any_other() -> None:
    clock = Clock()
    rules = Rules(patience=3.0, home_wait=5.0)
    door = admission(Pool([Standing("a"), Standing("b")], seats=1), rules, clock)
    await at_home(door)
    assert (await at_home(door)).waited == 3.0


async def test_it_does_not_wait_for_an_account_that_comes_to_rest() -> None:
    door = admission(Pool([Standing("a"), Standing("b")], seats=1), HOMELY)
    first = await at_home(door)
    second = asyncio.ensure_future(at_home(door))
    await settle()
    door.pool.report("a", RateLimited("slow down", retry_after=60.0), 0.0)
    door.leave(first)
    assert (await second).name == "b"


@pytest.mark.parametrize("rules", [Rules(), Rules(most=0, home_wait=5.0)])
async def test_it_moves_at_once_where_nobody_may_wait(rules: Rules) -> None:
    door = admission(Pool([Standing("a"), Standing("b")], seats=1), rules)
    await at_home(door)
    assert (await at_home(door)).name == "b"


async def test_it_goes_elsewhere_at_once_where_home_was_asked_or_is_gone() -> None:
    door = admission(Pool([Standing("a"), Standing("b")], seats=1), HOMELY)
    await at_home(door)
    assert (await door.take(lambda: HERE, Wish(home="a", tried=["a"]))).name == "b"
    door = admission(Pool([Standing("b")], seats=1), HOMELY)
    assert (await at_home(door, "gone")).name == "b"
