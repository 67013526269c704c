"""What is left of each account, found out with free reads: when it matters, and at a pace."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence

from .allowance import Allowance
from .errors import AccountRefused, EdgeChallenged, Problem, QuotaExhausted, WorkspaceRefused
from .pool import Pool
from .reports import Reports, is_past
from .standing import Standing
from .upstreams import Upstream, found, is_same

logger = logging.getLogger(__name__)
FRESH = 600.0  # seconds, after which an account that answered is looked at again
IDLE = 3600.0  # seconds between two looks at one that answers nothing
SPENT = 300.0  # seconds between two looks at one whose allowance is used up
PACE = 2.0  # seconds between two looks, whatever the accounts
SPREAD = 0.2  # the share by which a wait varies, so that many daemons do not look at once

FATAL = (AccountRefused, WorkspaceRefused, EdgeChallenged)
"""What a look may find out that an answer would run into as well."""

Keep = Callable[[str, Allowance], Awaitable[None]]
KeepStandings = Callable[[Sequence[Standing]], Awaitable[None]]


class Oracle:
    """Tells the pool what is left. One look at an account at a time, whoever asks for it."""

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        pool: Pool,
        keep: Keep,
        keep_standings: KeepStandings,
        clock: Callable[[], float],
    ) -> None:
        self._upstreams = upstreams
        self._pool = pool
        self._keep = keep
        self._keep_standings = keep_standings
        self._reports = Reports(pool, keep_standings)
        self._clock = clock
        self._looking: dict[str, asyncio.Task[Allowance]] = {}
        self._saving: set[asyncio.Future[None]] = set()
        self._failed: dict[str, float] = {}  # when a look at it last failed

    async def look(self, name: str) -> Allowance:
        """What is left of one account now. Raises Problem."""
        task = self._looking.get(name)
        if task is None:
            task = asyncio.create_task(self._looked(name, found(self._upstreams, name)))
            self._looking[name] = task
            task.add_done_callback(lambda done: self._finished(name, done))
        return await asyncio.shield(task)

    async def keep_looking(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """For as long as the daemon runs: at each account when it is due, one by one."""
        while True:
            await sleep(PACE * random.uniform(1, 1 + SPREAD))  # noqa: S311 - no secret
            due = self.due(self._clock())
            if due:
                try:
                    await self.look(due)
                except Problem as problem:
                    logger.info("what is left of %s could not be read: %s", due, problem.code)

    def due(self, now: float) -> str:
        """The account that has waited longest for a look, if any should have one; else empty.

        None should after an edge challenge: it would meet the edge as well.
        """
        if self._pool.is_paused(now):
            return ""
        waits = {name: self._overdue(name, now) for name in self._upstreams}
        worst = max(waits, key=lambda name: waits[name], default="")
        return worst if worst and waits[worst] > 0 else ""

    async def close(self) -> None:
        """End looks; what they found is kept first."""
        tasks = list(self._looking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*self._saving)

    def _overdue(self, name: str, now: float) -> float:
        """Seconds beyond the time at which it should have been looked at."""
        standing = self._pool.standings.get(name)
        if standing is None or not self._pool.is_usable(name):
            return 0.0
        known = self._pool.allowances.get(name)
        looks = (known.read_at if known else 0.0, self._failed.get(name, 0.0))
        seen = max((at for at in looks if at <= now), default=0.0)  # the clock may be put back
        if not seen:
            return now
        used_since = standing.last_used > seen
        told = known is not None and not known.eligible
        spent = told or standing.reason == QuotaExhausted.code
        return now - seen - (SPENT if spent else FRESH if used_since else IDLE)

    async def _looked(self, name: str, upstream: Upstream) -> Allowance:
        try:
            allowance = await upstream.allowance()
        except FATAL as problem:
            if not is_past(problem, upstream, self._upstreams.get(name)):
                await self._reports.note(name, problem, self._clock())
            raise
        if is_same(upstream, self._upstreams.get(name)):
            told = self._pool.learn(name, allowance, self._clock())
            known = self._pool.allowances[name]
            saving = asyncio.ensure_future(self._kept(name, known, told))
            self._saving.add(saving)
            saving.add_done_callback(self._saving.discard)
            await asyncio.shield(saving)
        return allowance

    async def _kept(self, name: str, known: Allowance, told: Standing | None) -> None:
        if told is not None:
            await self._keep_standings([told])
        await self._keep(name, known)

    def _finished(self, name: str, task: asyncio.Task[Allowance]) -> None:
        """Whoever waited was told."""
        del self._looking[name]
        if task.cancelled():
            return
        problem = task.exception()
        if problem is None:
            self._failed.pop(name, None)
            return
        self._failed[name] = self._clock()
        if not isinstance(problem, Problem):
            logger.error("a look at %s failed", name, exc_info=problem)
