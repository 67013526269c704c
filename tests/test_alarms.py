"""Alarms on one timer of the loop."""

import asyncio
import gc
import weakref

import pytest

from notion_manager.alarms import Alarms

SOON, LATER, NEVER = 0.01, 0.03, 60.0


async def test_alarms_ring_in_the_order_they_are_due_and_once() -> None:
    rung: list[str] = []
    over = asyncio.Event()
    alarms = Alarms()
    alarms.set(NEVER, lambda: rung.append("never"))
    alarms.set(0.2, lambda: rung.append("second"))  # far from the first: the machine may be busy
    alarms.set(SOON, lambda: rung.append("first"))
    alarms.set(0.3, over.set)
    await over.wait()
    assert rung == ["first", "second"]


async def test_an_alarm_that_is_called_off_never_rings() -> None:
    rung: list[str] = []
    over = asyncio.Event()
    alarms = Alarms()
    off = alarms.set(SOON, lambda: rung.append("off"))
    alarms.set(LATER, over.set)
    alarms.cancel(off)
    alarms.cancel(off)
    await over.wait()
    assert not rung


async def test_an_alarm_may_call_off_another_that_is_due() -> None:
    alarms = Alarms()
    rung: list[str] = []
    alarms.set(0.0, lambda: alarms.cancel(second))
    second = alarms.set(0.0, lambda: rung.append("second"))
    over = asyncio.Event()
    alarms.set(SOON, over.set)
    await over.wait()
    assert not rung


async def test_an_alarm_may_set_another_and_one_that_fails_holds_up_none() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, said: told.append(said["exception"]))
    over = asyncio.Event()
    alarms = Alarms()

    def fail() -> None:
        alarms.set(SOON, over.set)
        raise ValueError("of the alarm")

    alarms.set(0.0, fail)
    alarms.set(0.0, lambda: told.append("second"))
    await over.wait()
    assert str(told[0]) == "of the alarm"
    assert told[1:] == ["second"]


async def test_a_block_that_takes_too_long_is_a_timeout() -> None:
    alarms = Alarms()
    with pytest.raises(TimeoutError), alarms.within(SOON):
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_block_that_is_quick_enough_is_left_alone_afterwards() -> None:
    alarms = Alarms()
    with alarms.within(SOON):
        pass
    over = asyncio.Event()
    alarms.set(LATER, over.set)
    await over.wait()


async def test_whoever_else_cancels_is_heard() -> None:
    alarms = Alarms()

    async def wait() -> None:
        with alarms.within(SOON):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    alarms.set(SOON, task.cancel)  # at the same moment as the time is over
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_block_at_its_end_is_not_lost() -> None:
    alarms = Alarms()

    async def fail() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("own") from None

    with pytest.raises(ValueError, match="own"), alarms.within(SOON):
        await fail()


async def test_an_alarm_that_sets_a_later_one_delays_no_other() -> None:
    alarms = Alarms()
    over = asyncio.Event()
    alarms.set(SOON, lambda: alarms.set(NEVER, over.set) and None)
    alarms.set(LATER, over.set)
    async with asyncio.timeout(NEVER / 10):
        await over.wait()


async def test_an_alarm_that_is_over_keeps_nobody_alive() -> None:
    class Owner:
        def __init__(self, alarms: Alarms, seconds: float) -> None:
            self.alarms = alarms
            self.alarm = alarms.set(seconds, self.ring)

        def ring(self) -> None:
            over.set()

    alarms, over = Alarms(), asyncio.Event()
    rung, off = Owner(alarms, SOON), Owner(alarms, NEVER)
    alarms.cancel(off.alarm)
    await over.wait()
    seen = [weakref.ref(rung), weakref.ref(off)]
    gc.disable()
    try:
        del rung, off
        assert [each() for each in seen] == [None, None]
    finally:
        gc.enable()


def test_the_faster_loop_knows_when_an_alarm_that_is_due_rings() -> None:
    """Its handle for what is due at once does not say when."""
    uvloop = pytest.importorskip("uvloop")

    async def main() -> list[str]:
        rung: list[str] = []
        over = asyncio.Event()
        alarms = Alarms()
        alarms.set(0.0, lambda: rung.append("at once"))
        alarms.set(SOON, over.set)
        alarms.set(0.0001, lambda: rung.append("nearly"))
        await over.wait()
        return rung

    assert uvloop.run(main()) == ["at once", "nearly"]
