"""Names in an order that changes while one looks for the first that will do."""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count

MOST = 32  # that are looked at
Entry = tuple[tuple[float, ...], int, str]


class Ranking:
    """The first is found without a look at all others, as long as few before it will not do."""

    def __init__(self) -> None:
        self._heap: list[Entry] = []
        self._known: dict[str, Entry] = {}
        self._places: dict[str, int] = {}  # of equals, the one that came first is before the others
        self._next = count()

    def put(self, name: str, rank: tuple[float, ...]) -> None:
        """From now on it ranks so; the lowest is the first."""
        if name not in self._places:
            self._places[name] = next(self._next)
        place = self._places[name]
        self._known[name] = entry = (rank, place, name)
        heappush(self._heap, entry)
        if len(self._heap) > 2 * len(self._known) + MOST:
            self._heap = list(self._known.values())
            heapify(self._heap)

    def drop(self, name: str) -> None:
        self._known.pop(name, None)
        self._places.pop(name, None)

    def first(self, will_do: Callable[[str], bool]) -> str | None:
        """None where none of the first few will do."""
        seen: list[Entry] = []
        found: str | None = None
        while self._heap and len(seen) < MOST and found is None:
            entry = heappop(self._heap)
            if self._known.get(entry[2]) is entry:
                seen.append(entry)
                found = entry[2] if will_do(entry[2]) else None
        for entry in seen:
            heappush(self._heap, entry)
        return found
