"""Requests that are being answered, and the word that each gets when there is no time left."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from ..errors import ShuttingDown


class Underway:
    """`end` lets every answer under way end now, with a last frame that says why."""

    def __init__(self) -> None:
        self._tasks = set[asyncio.Task[None]]()
        self._ended = set[asyncio.Task[None]]()

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
            raise ShuttingDown("the server stops; ask again once it is back") from None
        finally:
            self._tasks.discard(task)
            self._ended.discard(task)

    def end(self) -> None:
        for task in self._tasks - self._ended:
            self._ended.add(task)
            task.cancel()
