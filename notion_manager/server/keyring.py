"""The keys that open the server, as the store holds them now."""

from collections.abc import Callable, Sequence

from ..keys import Key, digest
from ..secret import Secret
from ..store import Store

FRESH = 1.0  # seconds: how soon a key added or removed elsewhere takes effect
ENVIRONMENT = "environment"


class Keyring:
    """Looked up anew at most once in `FRESH` seconds. `extra` is a key of this process alone."""

    def __init__(self, store: Store, extra: Secret, clock: Callable[[], float]) -> None:
        self._store = store
        self._extra = (Key(ENVIRONMENT, digest(extra.reveal()), 0),) if extra else ()
        self._clock = clock
        self._read_at = float("-inf")
        self._known: Sequence[Key] = ()

    def __call__(self) -> Sequence[Key]:
        if self._clock() - self._read_at > FRESH:
            self._known = (*self._store.keys(), *self._extra)
            self._read_at = self._clock()
        return self._known
