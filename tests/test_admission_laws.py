"""However many take, leave and give up, no seat leaks and nobody waits for ever."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from notion_manager.admission import Place, Seat
from notion_manager.errors import ModelUnavailable, RateLimited
from notion_manager.pool import Pool
from notion_manager.standing import Standing
from tests.queueing import admission, settle, taking

steps = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "leave", "cancel", "leave then cancel", "rest", "lack"]),
        st.integers(0, 9),
        st.booleans(),
    ),
    max_size=40,
)


@given(steps)
def test_whatever_happens_seats_add_up_and_nobody_waits_for_ever(
    given_steps: list[tuple[str, int, bool]],
) -> None:
    asyncio.run(Crowd().go(given_steps))


class Crowd:
    """Those that take, leave and give up, in any order."""

    def __init__(self) -> None:
        self.pool = Pool([Standing("a"), Standing("b")], seats=1)
        self.door = admission(self.pool)
        self.tasks: list[asyncio.Task[Seat]] = []

    def held(self) -> list[asyncio.Task[Seat]]:
        return [t for t in self.tasks if t.done() and not t.cancelled() and not t.exception()]

    def leave(self, task: asyncio.Task[Seat]) -> None:
        self.tasks.remove(task)
        self.door.leave(task.result())

    async def go(self, given_steps: list[tuple[str, int, bool]]) -> None:
        for what, number, small in given_steps:
            held, waiting = self.held(), [t for t in self.tasks if not t.done()]
            if what == "take":
                where, model = Place(str(number % 3), "x", small), ("", "opus")[number % 2]
                self.tasks.append(asyncio.ensure_future(taking(self.door, where, model)))
            elif what == "rest":
                self.pool.report("a", RateLimited("x", retry_after=5), 0.0)
            elif what == "lack":
                self.pool.report("b", ModelUnavailable("x"), 0.0, "opus")
            if what.startswith("leave") and held:
                self.leave(held[number % len(held)])
            if what.endswith("cancel") and waiting:
                waiting[number % len(waiting)].cancel()
            if small:
                await settle()
        await self.drain()

    async def drain(self) -> None:
        """Once all that hold seats leave them, all that wait get theirs."""
        self.pool.join(Standing("a"))
        for _ in range(len(self.tasks) + 1):
            await settle()
            held = self.held()
            assert sum(s.busy for s in self.pool.standings.values()) == len(held) <= 2
            for task in held:
                self.leave(task)
        await settle()
        assert all(task.cancelled() for task in self.tasks)
        assert self.door.waiting == 0
        assert all(s.busy == 0 for s in self.pool.standings.values())
