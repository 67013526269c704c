"""Names in an order that changes all the time, while the first of them is known."""

from collections.abc import Collection
from heapq import heapify, heappop, heappush

SLACK = 32  # entries that are out of date, beyond one for each name
Entry = tuple[tuple[float, ...], str]


class Ranking:
    """Whatever comes and goes, nobody looks at all names to find the first."""

    def __init__(self) -> None:
        self._heap: list[Entry] = []
        self._known: dict[str, Entry] = {}

    def __len__(self) -> int:
        return len(self._known)

    def put(self, name: str, rank: tuple[float, ...]) -> None:
        """From now on it ranks so; the lowest is the first."""
        self._known[name] = entry = (rank, name)
        heappush(self._heap, entry)
        if len(self._heap) > 2 * len(self._known) + SLACK:
            self._heap = list(self._known.values())
            heapify(self._heap)

    def drop(self, name: str) -> None:
        self._known.pop(name, None)

    def first(self, passed: Collection[str] = ()) -> Entry | None:
        """The lowest rank, and whose it is; but for a few that are passed over."""
        heap, known = self._heap, self._known
        seen: list[Entry] = []
        while heap:
            entry = heap[0]
            if known.get(entry[1]) is not entry:
                heappop(heap)
            elif passed and entry[1] in passed:
                seen.append(heappop(heap))
            else:
                break
        found = heap[0] if heap else None
        for entry in seen:
            heappush(heap, entry)
        return found
