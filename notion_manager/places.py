"""Places where conversations can go on, by the key of what was said there."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MOST = 5000  # places that are kept, of those that were put last
ALIKE = 8  # of one key: conversations that said the same up to there


class Binding(NamedTuple):
    """`bookmark` is the upstream's own; it goes on there on the same `terms` only.

    `identity` is that of the account, which another of the same alias does not have. It is
    `doubted` once a question was sent there and no answer began: it may have been heard.
    """

    bookmark: str
    key: str
    identity: str
    terms: str
    used_at: float
    doubted: bool = False


class Places:
    """The oldest of too many are forgotten."""

    def __init__(self) -> None:
        self._by_key = OrderedDict[str, list[Binding]]()  # its first is found at once, always
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Binding]:
        for bindings in self._by_key.values():
            yield from bindings

    def put(self, binding: Binding) -> None:
        """As the newest. What is there already is not put twice."""
        there: Sequence[Binding] = self._by_key.pop(binding.key, ())
        others = [each for each in there if each.bookmark != binding.bookmark][1 - ALIKE :]
        self._by_key[binding.key] = [*others, binding]
        self._count += 1 + len(others) - len(there)
        if self._count > MOST:
            self._drop(next(iter(self._by_key)), 0)

    def take(self, key: str) -> Binding | None:
        """The newest of that key."""
        return self._drop(key, -1) if key in self._by_key else None

    def _drop(self, key: str, index: int) -> Binding:
        bindings = self._by_key[key]
        binding = bindings.pop(index)
        if not bindings:
            del self._by_key[key]
        self._count -= 1
        return binding
