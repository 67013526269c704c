"""Which of a few names a model meant that misspelled it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property

MOST = 256  # names, beyond which none is guessed
SHORTEST = 3  # letters of a name that can be misspelled: short ones are all alike
_WHOLE, _SHORTER = -1, -2
Key = tuple[int, str]


class Names:
    """Finds a name by how it is written, more or less, in time that does not depend on how many."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(dict.fromkeys(names))

    def folded(self, written: str) -> str | None:
        """The name that alone is written so, but for its case, hyphens and underscores."""
        return self._by_fold.get(fold(written))

    def near(self, written: str) -> str | None:
        """The one name from which it differs by a letter more, less or other."""
        if len(self._names) > MOST or len(written) < SHORTEST:
            return None
        found = set[str]().union(*(self._by_key.get(key, ()) for key in _sought(written)))
        return found.pop() if len(found) == 1 else None

    @cached_property
    def _by_fold(self) -> dict[str, str]:
        alike = Counter(map(fold, self._names))
        return {fold(name): name for name in self._names if alike[fold(name)] == 1}

    @cached_property
    def _by_key(self) -> dict[Key, set[str]]:
        found = defaultdict[Key, set[str]](set)
        for name in self._names:
            for key in _kept(name) if len(name) >= SHORTEST else ():
                found[key].add(name)
        return dict(found)


def fold(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _kept(name: str) -> Iterator[Key]:
    """Where it is found: as it is, without a letter, and without the one at a place."""
    yield _WHOLE, name
    for place, rest in _without_one(name):
        yield _SHORTER, rest
        yield place, rest


def _sought(written: str) -> Iterator[Key]:
    """Where those are that have a letter more, less or other."""
    yield _SHORTER, written
    for place, rest in _without_one(written):
        yield _WHOLE, rest
        yield place, rest


def _without_one(name: str) -> Iterator[Key]:
    return ((place, name[:place] + name[place + 1 :]) for place in range(len(name)))
