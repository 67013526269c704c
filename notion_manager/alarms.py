"""Alarms of the running event loop that mostly never ring: all of them share one of its timers.

A timer of the loop's own costs more than the rest of a short answer's waiting; here most alarms
cost an entry in a dictionary, since they are called off long before the earliest is due.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Alarm:
    """One of `Alarms`. It rings once, unless it is called off before."""

    __slots__ = ("due", "ring")

    def __init__(self, due: float, ring: Callable[[], None]) -> None:
        self.due = due
        self.ring = ring


def _nothing() -> None:
    """What an alarm does that is over: whoever set it may hold it, and need not live on for it."""


class Alarms:
    """Set and called off in constant time; ringing looks at all that are set."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._set: dict[Alarm, None] = {}
        self._timer: asyncio.Handle | None = None
        self._due = 0.0  # when the timer ends; uvloop gives one that is over at once no `when`

    def set(self, seconds: float, ring: Callable[[], None]) -> Alarm:
        """Ring in so many seconds."""
        alarm = Alarm(self._loop.time() + seconds, ring)
        self._set[alarm] = None
        if self._timer is None or alarm.due < self._due:
            self._wind(alarm.due)
        return alarm

    def cancel(self, alarm: Alarm) -> None:
        """Call it off; no matter if it rang already. What it would do is let go of."""
        self._set.pop(alarm, None)
        alarm.ring = _nothing

    def within(self, seconds: float) -> "Within":
        """A block that may take so many seconds, as `asyncio.timeout` has it."""
        return Within(self, seconds)

    def _wind(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = self._loop.time()
        try:
            for alarm in [each for each in self._set if each.due <= now]:
                ring = alarm.ring  # nothing, where one before called it off
                self.cancel(alarm)
                ring()
        finally:
            if self._set:
                self._wind(min(each.due for each in self._set))


class Within:
    """Cancels what its block waits for when the time is over, and raises TimeoutError instead."""

    def __init__(self, alarms: Alarms, seconds: float) -> None:
        self._alarms = alarms
        self._seconds = seconds
        self._over = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be given a time")
        self._task = task
        self._cancelling = task.cancelling()
        self._alarm = self._alarms.set(self._seconds, self._end)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._alarms.cancel(self._alarm)
        alone = self._over and self._task.uncancel() <= self._cancelling  # nobody else cancelled
        if alone and isinstance(raised, asyncio.CancelledError):
            raise TimeoutError from raised

    def _end(self) -> None:
        self._over = True
        self._task.cancel()
