"""The conversations that accounts have made, and what becomes of them."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from .database import StoreProblem
from .errors import EdgeChallenged, Problem, UpstreamRejected
from .reports import Reports
from .store import Store, Thread
from .upstreams import Upstream
from .upstreams.notion_web.reply import LEASE

PERIOD = 1.0  # seconds between two looks
MOST = 500  # threads that are deleted in one look
AT_ONCE = 50  # threads of one account that are deleted together
PAUSE = 10.0  # seconds before what failed is tried again; doubles each time
LONGEST_PAUSE = 3600.0
logger = logging.getLogger(__name__)


class Threads:
    """Remembers conversations, and deletes those that nobody used for `retention` seconds.

    Nothing of this makes an answer fail. What could not be deleted is tried again, later each
    time, and not while its account `is_well` no more. `reports` are told of the network edge.
    """

    def __init__(
        self,
        store: Store,
        upstreams: Mapping[str, Upstream],
        retention: float,
        is_well: Callable[[str], bool],
        reports: Reports | None = None,
    ) -> None:
        self._store = store
        self._upstreams = upstreams
        self._retention = retention
        self._is_well = is_well
        self._reports = reports
        self._noted: dict[str, Thread | None] = {}  # by id; None is one that was never made
        self._running = set[str]()
        self._writing = asyncio.Lock()
        self._pauses: dict[str, tuple[float, float]] = {}  # until when, and how long
        self._swept_at = float("inf")  # as after a clock that was put back: nobody knows

    async def begin(self, account: str, thread_id: str, until: float) -> None:
        """A turn is about to be sent there, and may go on `until` then (Unix seconds).

        That is on disk now: whatever ends the process, the conversation is deleted some time.
        """
        self._running.add(thread_id)
        self._noted[thread_id] = Thread(thread_id, account, until)
        try:
            await self.save()
        except StoreProblem as problem:
            logger.warning("%s; %s", problem, problem.remedy)
        except BaseException:  # it is not sent after all
            self._running.discard(thread_id)
            raise

    def end(self, account: str, thread_id: str, until: float) -> None:
        """The turn is over, or goes on `until` then and nobody hears it."""
        self._running.discard(thread_id)
        self._noted[thread_id] = Thread(thread_id, account, until)

    def drop(self, thread_id: str) -> None:
        """The turn was refused, and its conversation never made."""
        self._running.discard(thread_id)
        self._noted[thread_id] = None

    async def keep_house(self) -> None:
        """For as long as the process runs."""
        while True:
            await asyncio.sleep(PERIOD)
            try:
                await self.sweep(time.time())
            except StoreProblem as problem:
                logger.warning("%s; %s", problem, problem.remedy)

    async def sweep(self, now: float) -> None:
        """Keep what was noted, and delete what is due. Raises StoreProblem."""
        await self.save()
        if now < self._swept_at:
            await asyncio.to_thread(self._store.bound_threads, now + LEASE, now)
        self._swept_at = now
        asked = {name: up for name, up in self._upstreams.items() if self._may_ask(name, up, now)}
        before, whose = now - self._retention, [up.identity for up in asked.values()]
        due = await asyncio.to_thread(self._store.threads, before, MOST, whose)
        due = [thread for thread in due if thread.id not in self._running]
        concerned = {thread.account for thread in due}
        for account in concerned:  # unless all goes well
            self._pause(account, now)
        try:
            gone = await delete(self._store, asked, due)
        except EdgeChallenged as problem:
            if self._reports is not None:
                await self._reports.note(problem.account, problem, now)
            return
        for account in concerned - {thread.account for thread in due if thread.id not in gone}:
            del self._pauses[account]

    def _may_ask(self, name: str, upstream: Upstream, now: float) -> bool:
        until, _ = self._pauses.get(upstream.identity, (0.0, 0.0))
        return until <= now and self._is_well(name)

    def _pause(self, account: str, now: float) -> None:
        _, last = self._pauses.get(account, (0.0, PAUSE / 2))
        pause = min(2 * last, LONGEST_PAUSE)
        self._pauses[account] = now + pause, pause

    async def save(self) -> None:
        """Keep what was noted; those who ask for it at the same time share a write.

        Raises StoreProblem. Whatever ends it, what may not have been kept is noted still.
        """
        async with self._writing:
            noted, self._noted = self._noted, {}
            if noted:
                try:
                    await asyncio.to_thread(_keep, self._store, noted)
                except BaseException:
                    self._noted = noted | self._noted
                    raise


def _keep(store: Store, noted: Mapping[str, Thread | None]) -> None:
    store.save_threads(thread for thread in noted.values() if thread is not None)
    if never := [id for id, thread in noted.items() if thread is None]:
        store.drop_threads(never)


async def delete(
    store: Store, upstreams: Mapping[str, Upstream], threads: Iterable[Thread]
) -> set[str]:
    """Delete them in Notion, and then here; the ids of those that are gone.

    Each by the account that made it, whatever that is called by now. Raises StoreProblem, and
    EdgeChallenged: no other account would do better.
    """
    of = defaultdict[str, list[str]](list)
    for thread in threads:
        of[thread.account].append(thread.id)
    gone = set[str]()
    for name, upstream in upstreams.items():
        ids = of[upstream.identity]
        for at in range(0, len(ids), AT_ONCE):
            some = ids[at : at + AT_ONCE]
            if not await _deleted(upstream, name, some):
                break
            await asyncio.to_thread(store.drop_threads, some)
            gone.update(some)
    return gone


async def _deleted(upstream: Upstream, account: str, ids: Sequence[str]) -> bool:
    """Whether they are gone. A thread that the service does not know is."""
    try:
        await upstream.forget(ids)
    except UpstreamRejected as problem:
        if len(ids) == 1:
            logger.info("a thread of %s cannot be deleted: %s", account, problem)
            return True
        return all([await _deleted(upstream, account, [id]) for id in ids])
    except EdgeChallenged as problem:
        problem.account = account
        raise
    except Problem as problem:
        logger.info("threads of %s could not be deleted now: %s", account, problem)
        return False
    return True
