"""The way to a seat: free ones at once, else a queue that is short and fair."""

import asyncio

import pytest

from notion_manager.admission import GUESS, MEASURED, Admission, Rules, Seat
from notion_manager.errors import (
    AccountRefused,
    Busy,
    Denied,
    ModelUnavailable,
    NoAccount,
    RateLimited,
)
from notion_manager.pool import Pool
from notion_manager.standing import Standing, Terms
from tests.queueing import HERE, admission, one, place, settle, taking, waiting
from tests.scripted import Clock


async def test_a_free_seat_is_taken_at_once() -> None:
    door = admission(one(2))
    assert [(await taking(door)).name for _ in range(2)] == ["a", "a"]


async def test_a_seat_goes_to_whoever_waits() -> None:
    door = admission(one())
    first = await taking(door)
    async with waiting(door, HERE) as (second,):
        assert not second.done()
        door.leave(first)
        assert (await second).name == "a"
        assert door.waiting == 0


@pytest.mark.parametrize("jump", [-7200.0, 7200.0])
async def test_whoever_waits_does_not_mind_that_the_clock_is_set(jump: float) -> None:
    time, timer = Clock(), Clock()
    time.now = 1e6

    async def sleep(seconds: float) -> None:
        await timer.sleep(seconds)
        time.now += jump + seconds

    door = Admission(one(), Rules(patience=30.0), clock=time, timer=timer, sleep=sleep)
    seat = await taking(door)
    with pytest.raises(Busy) as caught:
        await taking(door)
    assert timer.slept == [30.0]
    door.leave(seat)
    seat = await taking(door)
    with pytest.raises(Busy) as again:
        await taking(door)
    assert caught.value.retry_after == GUESS
    assert again.value.retry_after == GUESS + MEASURED * (30.0 - GUESS)


async def test_each_key_and_each_conversation_has_its_turn() -> None:
    pool = one()
    door = admission(pool)
    seat = await taking(door)
    busy = [place("one", "agents") for _ in range(3)]
    places = [*busy, place("one", "agents", small=True), place("one", "chat"), place("two", "x")]
    order: list[int] = []
    async with waiting(door, *places) as tasks:
        for _ in places:
            door.leave(seat)
            await settle()
            (now,) = [n for n, task in enumerate(tasks) if task.done() and n not in order]
            order.append(now)
            seat = tasks[now].result()
    assert order == [0, 5, 4, 3, 1, 2]


async def test_who_comes_later_does_not_push_in() -> None:
    pool = one()
    door = admission(pool)
    seat = await taking(door)
    async with waiting(door, HERE, place("other")) as (first, other):
        pool.release(seat.name)
        assert await first
        late = asyncio.ensure_future(taking(door))
        await settle()
        pool.release("a")
        await settle()
        assert other.done()
        assert not late.done()
        late.cancel()


def few_have_opus(*, seats: int = 1) -> Pool:
    """One account has it, the other does not."""
    pool = Pool([Standing("has"), Standing("lacks")], seats=seats)
    pool.report("lacks", ModelUnavailable("not on this plan"), 0.0, "opus")
    return pool


async def test_who_waits_for_a_model_holds_up_nobody_who_wants_another() -> None:
    door = admission(few_have_opus())
    seat = await taking(door, model="opus")
    async with waiting(door, HERE, HERE, model="opus") as (first, second):
        assert (await taking(door, HERE, "sonnet")).name == "lacks"
        async with waiting(door, HERE, place("other"), model="sonnet") as (third, fourth):
            door.leave(Seat("lacks", 0.0))
            assert (await third).name == "lacks"
            assert (door.waiting, first.done(), fourth.done()) == (3, False, False)
            door.leave(seat)
            assert (await fourth).name == "has"  # it is the other key's turn
            door.leave(seat)
            assert (await first).name == "has"
            assert not second.done()


async def test_a_seat_that_comes_free_is_for_those_who_wait() -> None:
    """Even where they waited for a model, and a newcomer asks for any."""
    pool = few_have_opus()
    door = admission(pool)
    seats = [await taking(door, model=model) for model in ("opus", "")]
    async with waiting(door, HERE, model="opus") as (first,), waiting(door, HERE) as (second,):
        door.leave(seats[0])
        assert (await first).name == "has"
        door.leave(seats[1])
        assert (await second).name == "lacks"


async def test_a_full_queue_turns_away_and_says_when_to_come_back() -> None:
    pool = one()
    door = admission(pool, Rules(most=1))
    await taking(door)
    async with waiting(door, HERE):
        with pytest.raises(Busy, match="1 requests wait") as caught:
            await taking(door)
        assert caught.value.retry_after == 20  # two answers, each as long as one is thought to take
    with pytest.raises(Busy):
        await taking(admission(one(), Rules(most=0), Clock())) and await taking(
            admission(Pool([Standing("a", ready_at=5000.0)]), Rules(most=0), Clock())
        )


async def test_without_a_queue_what_is_full_is_told_at_once() -> None:
    door = admission(one(), Rules(most=0))
    await taking(door)
    with pytest.raises(Busy, match="as many answers") as caught:
        await taking(door)
    assert caught.value.retry_after == 10  # as long as an answer is thought to take


async def test_patience_has_an_end() -> None:
    clock = Clock()
    door = admission(one(), Rules(patience=30), clock)
    await taking(door)
    with pytest.raises(Busy, match="free for 30 s") as caught:
        await taking(door)
    assert sum(clock.slept) == 30
    assert door.waiting == 0
    assert caught.value.retry_after == 10  # nobody else waits


async def test_how_long_answers_take_is_learned() -> None:
    clock = Clock()
    door = admission(one(), Rules(most=0), clock)
    for _ in range(40):
        seat = await taking(door)
        clock.now += 100
        door.leave(seat)
    await taking(door)
    full = admission(one(), Rules(patience=0), clock)
    await taking(full)
    with pytest.raises(Busy) as guessed:
        await taking(full)
    assert guessed.value.retry_after == 10


@pytest.mark.parametrize("served", [False, True])
async def test_who_is_cancelled_while_he_waits_takes_no_seat(*, served: bool) -> None:
    pool = one()
    door = admission(pool)
    seat = await taking(door)
    async with waiting(door, HERE, HERE) as (first, second):
        if served:
            door.leave(seat)  # the seat is his, and he is gone before he hears of it
        first.cancel()
        await settle()
        assert second.done() is served
        if not served:
            door.leave(seat)
        assert (await second).name == "a"
    assert (pool.standings["a"].busy, door.waiting) == (1, 0)


async def test_a_short_rest_is_waited_for_and_a_long_one_told() -> None:
    clock = Clock()
    pool = one()
    pool.report("a", RateLimited("x", retry_after=4), clock.now)
    door = admission(pool, clock=clock)
    assert (await taking(door)).name == "a"
    assert clock.slept == [4]
    pool.report("a", RateLimited("x", retry_after=60), clock.now)
    with pytest.raises(Busy, match="resting") as caught:
        await taking(door)
    assert caught.value.retry_after == 60


class Ticking(Clock):
    """Time passes whenever one looks."""

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.mark.parametrize("rest", range(1, 9))
async def test_a_rest_that_ends_while_one_looks_is_not_missed(rest: int) -> None:
    clock = Ticking()
    pool = Pool([Standing("a", ready_at=clock.now + rest)])
    assert (await taking(admission(pool, clock=clock))).name == "a"
    assert clock.now < 1020


async def test_those_that_wait_hear_when_there_is_nothing_to_wait_for() -> None:
    pool = one()
    door = admission(pool)
    seat = await taking(door)
    async with waiting(door, HERE, place("other")) as tasks:
        pool.report("a", RateLimited("x", retry_after=60), 0.0)
        door.leave(seat)
        for task in tasks:
            with pytest.raises(Busy, match="resting"):
                await task
    pool.report("a", AccountRefused("dead"), 100.0)
    with pytest.raises(NoAccount):
        await taking(door)


async def test_a_short_rest_that_begins_meanwhile_is_waited_for() -> None:
    pool = one()
    door = admission(pool)
    seat = await taking(door)
    async with waiting(door, HERE) as (task,):
        pool.report("a", RateLimited("x", retry_after=5), 0.0)
        door.leave(seat)
        await settle()
        assert not task.done()
        pool.join(Standing("b"))
        assert (await task).name == "b"


async def test_terms_that_change_let_in_those_that_wait() -> None:
    pool = one()
    door = admission(pool)
    await taking(door)
    async with waiting(door, HERE) as (task,):
        pool.agree({"a": Terms(seats=2)})
        assert (await task).name == "a"


async def test_who_was_denied_gives_one_answer_at_a_time() -> None:
    pool = Pool([Standing("a")], seats=3)
    pool.report("a", Denied("no"), 0.0)
    assert pool.seats() == 1
    pool.report("a", None, 1000.0)
    assert pool.seats() == 1
    pool.join(Standing("a"))
    assert pool.seats() == 3
