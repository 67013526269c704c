"""A queue before a pool, and those that wait in it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from notion_manager.admission import Admission, Place, Rules, Seat
from notion_manager.pool import Pool
from notion_manager.seating import Wish
from notion_manager.standing import Standing
from tests.scripted import Clock

HERE = Place("key", "talk")


def place(asker: str = "key", conversation: str = "talk", *, small: bool = False) -> Place:
    return Place(asker, conversation, small)


async def never(seconds: float) -> None:
    """Time stands still."""
    await asyncio.Event().wait()


def admission(pool: Pool, rules: Rules = Rules(), clock: Clock | None = None) -> Admission:
    if clock is None:
        return Admission(pool, rules, clock=lambda: 0.0, timer=lambda: 0.0, sleep=never)
    return Admission(pool, rules, clock=clock, timer=clock, sleep=clock.sleep)


def one(seats: int = 1) -> Pool:
    return Pool([Standing("a")], seats=seats)


async def taking(door: Admission, where: Place = HERE, model: str = "") -> Seat:
    return await door.take(lambda: where, Wish(model))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@asynccontextmanager
async def waiting(
    door: Admission, *places: Place, model: str = ""
) -> AsyncGenerator[list[asyncio.Task[Seat]]]:
    """Those that wait, in the order in which they came."""
    tasks: list[asyncio.Task[Seat]] = []
    for where in places:
        tasks.append(asyncio.ensure_future(taking(door, where, model)))
        await settle()
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
