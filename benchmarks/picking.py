"""Choosing among a thousand accounts in one process, in every state that many may be in at once.

Run it by itself after a change to the pool; `run.py` shows it too.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count

from figure import Figure, table, times

from notion_manager.errors import Problem
from notion_manager.pool import Pool
from notion_manager.seating import Wish
from notion_manager.standing import Standing, Terms

TITLE = "an account picked and given back"
ACCOUNTS = 1000
NOW = 1e9
LATER = 1e12
PICKS = 500
GOAL = "at most 50"


def _pool(unlike: Callable[[str], Standing], number: int, of: int = ACCOUNTS) -> Pool:
    """Accounts of which the first few, which are chosen first, are not like the others."""
    names = [f"a{n}" for n in range(of)]
    return Pool([unlike(name) if n < number else Standing(name) for n, name in enumerate(names)])


def _resting(name: str) -> Standing:
    return Standing(name, ready_at=LATER, reason="rate_limit_exceeded")


def _lacking(name: str) -> Standing:
    return Standing(name, models={"opus": LATER})


def _disabled() -> Pool:
    pool = _pool(Standing, 0)
    pool.agree({f"a{n}": Terms(enabled=False) for n in range(40)})
    return pool


def _taken(seats: int) -> Pool:
    pool = _pool(Standing, 0)
    for _ in range(seats):
        pool.pick(NOW)
    return pool


POOLS: Mapping[str, Callable[[], Pool]] = {
    "one account": lambda: _pool(Standing, 0, 1),
    "a thousand, all well": lambda: _pool(Standing, 0),
    "40 of them resting": lambda: _pool(_resting, 40),
    "40 disabled": _disabled,
    "40 lacking the model": lambda: _pool(_lacking, 40),
    "half of them resting": lambda: _pool(_resting, ACCOUNTS // 2),
    "half lacking the model": lambda: _pool(_lacking, ACCOUNTS // 2),
    "1,990 of 2,000 seats taken": lambda: _taken(1990),
    "refused, all seats taken": lambda: _taken(2000),
    "refused, all resting": lambda: _pool(_resting, ACCOUNTS),
}


def _picked(pool: Pool, clock: Iterator[int]) -> float:
    """Microseconds of CPU for one, as a request does it."""
    began = time.process_time()
    for _ in range(PICKS):
        now = NOW + next(clock)
        try:
            name = pool.pick(now, Wish("opus"))
        except Problem:
            continue
        pool.report(name, None, now, "opus")
        pool.release(name)
    return (time.process_time() - began) / PICKS * 1e6


def _figure(label: str, pool: Pool) -> Figure:
    clock = count()
    _picked(pool, clock)
    return Figure(f"{label}, µs", *times(lambda: _picked(pool, clock)), GOAL)


def figures() -> Sequence[Figure]:
    return [_figure(label, make()) for label, make in POOLS.items()]


if __name__ == "__main__":
    print(table(TITLE, figures()))
