"""What each account offers, kept at hand so that no request waits for a list it has seen."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from .errors import EdgeChallenged, Problem
from .models import Model
from .reports import Reports
from .upstreams import Upstream, found

logger = logging.getLogger(__name__)
FRESH = 600.0  # seconds
AT_ONCE = 4  # lists that are fetched before any request needs them

Keep = Callable[[str, Sequence[Model]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Shelved:
    models: tuple[Model, ...]
    fetched_at: float


class Catalogues:
    """The models of every account. A stale list is served while a new one is fetched.

    `keep` is told of each list fetched, so that the next start has one at once; `reports` of the
    network edge, and lists that nobody waits for are not fetched after that.
    """

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        shelf: Mapping[str, Shelved],
        *,
        keep: Keep,
        clock: Callable[[], float],
        reports: Reports | None = None,
    ) -> None:
        self._upstreams = upstreams
        self._shelf = dict(shelf)
        self._keep = keep
        self._clock = clock
        self._reports = reports
        self._saving: set[asyncio.Future[None]] = set()
        self._fetching: dict[Upstream, asyncio.Task[tuple[Model, ...]]] = {}
        self._ahead: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def of(self, name: str) -> tuple[Model, ...]:
        """The models of one account; raises the Problem of a fetch only if there is no old list."""
        shelved = self._shelf.get(name)
        if shelved is None:
            return await asyncio.shield(self._fetch(name))
        if not 0 <= self._clock() - shelved.fetched_at <= FRESH:  # the clock may be put back
            self._fetch(name)
        return shelved.models

    async def all(self, patience: float) -> list[Model]:
        """Every model that some account in use offers, once; waits `patience` seconds at most."""
        names = [name for name in self._upstreams if self._is_used(name)]
        missing = [self._fetch_ahead(name) for name in names if name not in self._shelf]
        if missing:
            await asyncio.wait(missing, timeout=patience)
        merged: dict[str, Model] = {}
        for shelved in filter(None, map(self._shelf.get, names)):
            for model in shelved.models:
                known = merged.get(model.id)
                if known is None or (known.refusal and not model.refusal):
                    merged[model.id] = model
        return list(merged.values())

    def at_hand(self) -> Mapping[str, tuple[Model, ...]]:
        """By the accounts that have them, however old."""
        return {name: shelved.models for name, shelved in self._shelf.items()}

    def forget(self, name: str) -> None:
        """Its models are not offered any more."""
        self._shelf.pop(name, None)

    def renew(self, name: str) -> None:
        """Fetch one list anew, in the background: it was found to be out of date."""
        if name in self._upstreams:
            self._fetch(name)

    def refresh(self) -> None:
        """Fetch every list anew, in the background, a few at a time."""
        for name in self._upstreams:
            self._fetch_ahead(name)

    async def close(self) -> None:
        """Stop fetching; what was fetched is kept first."""
        tasks: list[asyncio.Task[object]] = [*self._ahead.values(), *self._fetching.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*self._saving)

    def _fetch_ahead(self, name: str) -> asyncio.Task[None]:
        """In its turn, unless a request fetches it before."""
        task = self._ahead.get(name)
        if task is None:
            task = asyncio.create_task(self._fetched_ahead(name, self._clock()))
            self._ahead[name] = task
            task.add_done_callback(lambda _: self._ahead.pop(name))
        return task

    async def _fetched_ahead(self, name: str, asked_at: float) -> None:
        async with self._turns:
            if name in self._upstreams and self._should_fetch(name, asked_at):
                await asyncio.wait([self._fetch(name)])

    def _is_used(self, name: str) -> bool:
        return self._reports is None or self._reports.may_use(name)

    def _should_fetch(self, name: str, asked_at: float) -> bool:
        now = self._clock()
        if self._reports is not None and not self._reports.may_ask(name, now):
            return False
        shelved = self._shelf.get(name)
        return shelved is None or not asked_at <= shelved.fetched_at <= now

    def _fetch(self, name: str) -> asyncio.Task[tuple[Model, ...]]:
        """One fetch at a time for each account and its token, whoever asks."""
        upstream = found(self._upstreams, name)
        task = self._fetching.get(upstream)
        if task is None:
            task = asyncio.create_task(self._fetched(name, upstream))
            self._fetching[upstream] = task
            task.add_done_callback(lambda done: self._finished(name, upstream, done))
        return task

    async def _fetched(self, name: str, upstream: Upstream) -> tuple[Model, ...]:
        models = await self._read(name, upstream)
        if upstream is not self._upstreams.get(name):
            return models  # it left or was renewed meanwhile
        old = self._shelf.get(name)
        if models or old is None:  # an empty list never wipes one that was good
            self._shelf[name] = Shelved(models, self._clock())
            saving = asyncio.ensure_future(self._keep(name, models))
            self._saving.add(saving)
            saving.add_done_callback(self._saving.discard)
        return self._shelf[name].models

    async def _read(self, name: str, upstream: Upstream) -> tuple[Model, ...]:
        try:
            return tuple(await upstream.models())
        except EdgeChallenged as problem:
            if self._reports is not None:
                await self._reports.note(name, problem, self._clock())
            raise

    def _finished(
        self, name: str, upstream: Upstream, task: asyncio.Task[tuple[Model, ...]]
    ) -> None:
        """Whoever waited was told; with an old list on the shelf nobody needs to be."""
        del self._fetching[upstream]
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            logger.log(
                _level(problem), "the models of %s could not be read", name, exc_info=problem
            )


def _level(problem: BaseException) -> int:
    return logging.INFO if isinstance(problem, Problem) else logging.ERROR
