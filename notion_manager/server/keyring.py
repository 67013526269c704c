"""The keys that open the server, as the store holds them now."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from ..keys import ENVIRONMENT, Key, digest
from ..secret import Secret
from ..store import Store, StoreProblem

FRESH = 1.0  # seconds: how soon a key added or removed elsewhere takes effect
logger = logging.getLogger(__name__)


class Keyring:
    """Looked up anew at most once in `FRESH` seconds. `extra` is a key of this process alone."""

    def __init__(self, store: Store, extra: Secret, clock: Callable[[], float]) -> None:
        self._store = store
        self._extra = (Key(ENVIRONMENT, digest(extra.reveal()), 0),) if extra else ()
        self._clock = clock
        self._read_at = float("-inf")
        self._known: Sequence[Key] = self._extra

    async def current(self) -> Sequence[Key]:
        """The keys; those known before, where the store cannot be read just now."""
        if self._clock() - self._read_at > FRESH:
            try:
                stored = await asyncio.to_thread(self._store.keys)
            except StoreProblem as problem:
                logger.warning("%s; %s", problem, problem.remedy)
            else:
                self._known = (*stored, *self._extra)
            self._read_at = self._clock()
        return self._known
