"""The conversations that accounts have made, and what becomes of them."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from .errors import Problem, UpstreamRejected
from .store import Store, StoreProblem, Thread
from .upstreams import Upstream

PERIOD = 1.0  # seconds between two looks
MOST = 500  # threads that are deleted in one look
AT_ONCE = 50  # threads of one account that are deleted together
logger = logging.getLogger(__name__)


class Threads:
    """Remembers conversations, and deletes those that nobody used for `retention` seconds.

    Nothing of this makes an answer wait or fail: what could not be deleted is tried again.
    """

    def __init__(self, store: Store, upstreams: Mapping[str, Upstream], retention: float) -> None:
        self._store = store
        self._upstreams = upstreams
        self._retention = retention
        self._made: list[Thread] = []

    def note(self, account: str, thread_id: str, until: float) -> None:
        """A conversation that was used just now, or goes on `until` then (Unix seconds)."""
        self._made.append(Thread(thread_id, account, until))

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
        due = await asyncio.to_thread(self._store.threads, now - self._retention, MOST)
        await delete(self._store, self._upstreams, due)

    async def save(self) -> None:
        """Keep what was noted. Raises StoreProblem."""
        made, self._made = self._made, []
        if made:
            await asyncio.to_thread(self._store.save_threads, made)


async def delete(store: Store, upstreams: Mapping[str, Upstream], threads: Sequence[Thread]) -> int:
    """Delete them in Notion, and then here; how many are gone. Raises StoreProblem."""
    of = defaultdict[str, list[str]](list)
    for thread in threads:
        of[thread.account].append(thread.id)
    gone = 0
    for account, ids in of.items():
        if upstream := upstreams.get(account):
            for at in range(0, len(ids), AT_ONCE):
                some = ids[at : at + AT_ONCE]
                if not await _deleted(upstream, account, some):
                    break
                await asyncio.to_thread(store.drop_threads, some)
                gone += len(some)
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
    except Problem as problem:
        logger.info("threads of %s could not be deleted now: %s", account, problem)
        return False
    return True
