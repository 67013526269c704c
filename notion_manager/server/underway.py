"""Requests that are being served, and what becomes of them and of new ones when all stops."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress

from ..errors import ShuttingDown

WORDS = "the server is stopping; try again once it is back"


class Underway:
    """Once `stopping`, who comes is refused, and who is served may finish."""

    def __init__(self) -> None:
        self.stopping = False
        self._served = 0
        self._idle = asyncio.Event()
        self._tasks = set[asyncio.Task[None]]()
        self._ended = set[asyncio.Task[None]]()

    @contextmanager
    def request(self) -> Generator[None]:
        """Around what is done for one request. Raises ShuttingDown for one that comes too late."""
        if self.stopping:
            raise ShuttingDown(WORDS)
        self._served += 1
        try:
            yield
        finally:
            self._served -= 1
            if self.stopping and not self._served:
                self._idle.set()

    @contextmanager
    def answer(self) -> Generator[None]:
        """Around what the current task does for one answer. Raises ShuttingDown, where it is ended.

        A client that leaves cancels it as well, and then nobody is there to be told.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("an answer is given by a task")
        self._tasks.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if task not in self._ended:
                raise
            task.uncancel()
            raise ShuttingDown(WORDS) from None
        finally:
            self._tasks.discard(task)
            self._ended.discard(task)

    async def drain(self, seconds: float) -> None:
        """Refuse new requests; those that are served may take so many seconds.

        Then answers under way end, each with a last frame that says why.
        """
        self.stopping = True
        if self._served:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), seconds)
        for task in self._tasks:
            self._ended.add(task)
            task.cancel()
