"""The keys that open the server, as the store holds them now."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from ..database import StoreProblem
from ..keys import ENVIRONMENT, Key, digest
from ..secret import Secret
from ..store import Store

FRESH = 1.0  # seconds: how soon a key added or removed elsewhere takes effect
logger = logging.getLogger(__name__)


class Keyring:
    """Asked for at most once in `FRESH` seconds, and read where anything in the store has changed.

    `extra` is a key of this process alone.
    """

    def __init__(self, store: Store, extra: Secret, clock: Callable[[], float]) -> None:
        self._store = store
        self._extra = (Key(ENVIRONMENT, digest(extra.reveal()), 0),) if extra else ()
        self._clock = clock
        self._known: Sequence[Key] = self._extra
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()
        self._version: int | None = None

    async def current(self) -> Sequence[Key]:
        """The keys; those known before, where the store cannot be read just now."""
        if self._is_stale():
            async with self._looking:
                if self._is_stale():  # nobody else has looked in the meantime
                    await self._look()
        return self._known

    def _is_stale(self) -> bool:
        return self._clock() - self._looked_at > FRESH

    async def _look(self) -> None:
        try:
            version = self._store.version()
            if version != self._version:
                stored = await asyncio.to_thread(self._store.keys)
                self._known, self._version = (*stored, *self._extra), version
        except StoreProblem as problem:
            logger.warning("%s; %s", problem, problem.remedy)
        self._looked_at = self._clock()
