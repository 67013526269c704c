"""How accounts are doing, kept in the store: at once, or else as soon as that can be."""

import asyncio
import logging
from collections.abc import Sequence

from .database import StoreProblem
from .journal import Journal
from .pool import Pool
from .standing import Standing
from .store import Store

logger = logging.getLogger(__name__)


class Keeper:
    """Nothing of this makes an answer fail. What cannot be kept now is owed, and kept later.

    It is what the pool has by then: who owes something knows better than the store.
    """

    def __init__(self, store: Store, pool: Pool, journal: Journal) -> None:
        self._store = store
        self._pool = pool
        self._journal = journal
        self._owed = set[str]()
        self._saving = set[str]()
        self._writing = asyncio.Lock()

    async def keep(self, standings: Sequence[Standing]) -> None:
        """Those of some accounts changed."""
        self._journal.changed(standings)
        self._owed.update(standing.name for standing in standings)
        await self.catch_up()

    def note_all(self) -> None:
        """They may have changed because of what is stored."""
        self._journal.changed(self._pool.standings.values())

    def owes(self, name: str) -> bool:
        """Whether the store has not heard yet how an account is doing."""
        return name in self._owed or name in self._saving

    async def catch_up(self) -> None:
        """Keep what is owed."""
        try:
            await self._save()
        except StoreProblem as problem:
            logger.warning("%s; %s", problem, problem.remedy)

    async def _save(self) -> None:
        async with self._writing:
            self._saving, self._owed = self._owed, set[str]()
            known = self._pool.standings
            standings = [known[name] for name in self._saving if name in known]
            try:
                if standings:
                    await asyncio.to_thread(self._store.save_standings, *standings)
            except BaseException:
                self._owed |= self._saving
                raise
            finally:
                self._saving = set[str]()
