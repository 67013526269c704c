"""Who is next among those that wait, so that nobody waits for one who asks a lot."""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
Path = Sequence[Hashable]


class Lanes(Generic[T]):
    """Items in lanes within lanes. At each level every lane has its turn; in one, who came first.

    Items are told apart by what they are, not by what they equal.
    """

    def __init__(self) -> None:
        self._inner: dict[Hashable, Lanes[T]] = {}
        self._items: deque[T] = deque()

    def __bool__(self) -> bool:
        return bool(self._items or self._inner)

    def first(self, will_do: Callable[[T], bool]) -> T | None:
        """Whose turn it is; a lane in which nobody will do leaves its turn to the next."""
        for item in self._items:
            if will_do(item):
                return item
        for lane in self._inner.values():
            found = lane.first(will_do)
            if found is not None:
                return found
        return None

    def add(self, path: Path, item: T) -> None:
        if not path:
            self._items.append(item)
            return
        self._inner.setdefault(path[0], Lanes()).add(path[1:], item)

    def take(self, path: Path, item: T) -> None:
        """It had its turn: its lanes go behind the others."""
        self._remove(path, item, behind=True)

    def discard(self, path: Path, item: T) -> None:
        """It waits no more; the lanes stay where they are."""
        self._remove(path, item, behind=False)

    def _remove(self, path: Path, item: T, *, behind: bool) -> None:
        if not path:
            self._items = deque(one for one in self._items if one is not item)
            return
        lane = self._inner.get(path[0])
        if lane is None:
            return
        lane._remove(path[1:], item, behind=behind)  # noqa: SLF001 - its own kind
        if behind or not lane:
            del self._inner[path[0]]
        if behind and lane:
            self._inner[path[0]] = lane
