"""What later requests may refer to by id: a bounded memory, apart for each caller."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from ..wire import dumps

ENTRIES = 4096
SIZE = 64 << 20  # bytes of JSON


class Memory:
    """The newest entries that fit; what does not fit any more is forgotten, oldest first."""

    def __init__(self, entries: int = ENTRIES, size: int = SIZE) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[Mapping[str, Any], int]] = OrderedDict()
        self._entries = entries
        self._room = size

    def put(self, owner: str, id: str, item: Mapping[str, Any]) -> None:
        self._forget((owner, id))
        size = len(dumps(item))
        self._kept[owner, id] = (item, size)
        self._room -= size
        while self._kept and (self._room < 0 or len(self._kept) > self._entries):
            self._forget(next(iter(self._kept)))

    def get(self, owner: str, id: str) -> Mapping[str, Any] | None:
        """The item, unless it was never there, forgotten, or somebody else's."""
        kept = self._kept.get((owner, id))
        return kept[0] if kept else None

    def _forget(self, key: tuple[str, str]) -> None:
        _, size = self._kept.pop(key, ({}, 0))
        self._room += size
