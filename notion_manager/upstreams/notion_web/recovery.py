"""What the stream of a turn no longer tells is read from its thread, for free."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ...errors import Problem, RateLimited, UpstreamBroken
from .account import Account
from .calls import Calls
from .records import NEWEST, Thread, ask_records, failed, read_thread, read_turn

SYNC = "syncRecordValuesMain"
PAUSES = (0.25, 0.5, 1.0, 2.0, 2.0)  # seconds before the thread is looked at again; then 5 each
PAUSE = 5.0
DOUBTS = 3  # looks after which a turn that the thread does not know of is given up


class Recovery(Struct, frozen=True):
    """One account's way of reading its own threads, for `patience` seconds at most."""

    calls: Calls
    account: Account
    patience: float

    async def steps(self, thread_id: str, trace: str) -> Sequence[Mapping[str, Any]]:
        """The saved steps of the turn `trace` in their order, once it is over.

        Empty where it was not saved, does not end in time, or cannot be read.
        """
        try:
            async with asyncio.timeout(self.patience):
                return await self._awaited(thread_id, trace)
        except (TimeoutError, Problem):
            return ()

    async def thread(self, thread_id: str) -> Thread:
        """As it is now. Raises Problem."""
        return read_thread(await self._read("thread", [thread_id]), thread_id)

    async def settled(self, thread_id: str) -> Thread:
        """The same: but what has just failed may still be on its way out. Raises Problem."""
        thread = await self.thread(thread_id)
        if not thread.running:
            return thread
        await asyncio.sleep(PAUSES[0])
        return await self.thread(thread_id)

    async def _awaited(self, thread_id: str, trace: str) -> Sequence[Mapping[str, Any]]:
        doubts = 0
        for pause in _pauses():
            await asyncio.sleep(pause)
            try:
                thread = await self.thread(thread_id)
                if thread.ended == trace:
                    return await self._saved(thread, trace)
            except (UpstreamBroken, RateLimited):
                continue  # it may pass
            doubts += thread.running != trace
            if doubts == DOUBTS:
                break
        return ()

    async def _saved(self, thread: Thread, trace: str) -> Sequence[Mapping[str, Any]]:
        messages = thread.messages[-NEWEST:]
        found = read_turn(await self._read("thread_message", messages), messages, trace)
        return found if thread.completed or failed(found) else ()

    async def _read(self, table: str, ids: Sequence[str]) -> bytes:
        return await self.calls.read(SYNC, ask_records(table, ids, self.account))


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSE
