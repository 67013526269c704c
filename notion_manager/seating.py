"""Which accounts have a free seat, in their order; the others are out of the way until they do.

Accounts that lack the same models are one group: who asks for a model passes it by as a whole.
"""

from collections.abc import Collection, Sequence
from itertools import count

from msgspec import Struct

from .ranking import Ranking
from .standing import Standing


class Wish(Struct, frozen=True):
    """Which seat: of an account that has the `model`, that of `home` before all others.

    Those that were `tried` come last, and the `barred` ones of these are not asked any more.
    """

    model: str = ""
    home: str = ""
    tried: Collection[str] = ()
    barred: Collection[str] = ()

    @property
    def wants_home(self) -> bool:
        return bool(self.home) and self.home not in self.tried


class Group:
    """Accounts that can be used. What neither rests nor is free is full."""

    def __init__(self, lacks: frozenset[str]) -> None:
        self.lacks = lacks
        self.free = Ranking()
        self.resting = Ranking()
        self.seats: dict[str, int] = {}

    @property
    def is_full(self) -> bool:
        """Whether any account is."""
        return len(self.seats) > len(self.free) + len(self.resting)

    def drop(self, name: str) -> None:
        del self.seats[name]
        self.free.drop(name)
        self.resting.drop(name)


class Seating:
    """All accounts as they are at one time, `now`, which goes on and never back."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._groups: dict[frozenset[str], Group] = {}
        self._of: dict[str, Group] = {}
        self._changes = Ranking()
        self._places: dict[str, int] = {}  # of equals, the one that came first is before the others
        self._next = count()

    def put(self, standing: Standing, load: tuple[float, ...], seats: int) -> None:
        """An account is so now, and has so many seats: none if it cannot be used."""
        name = standing.name
        if name not in self._places:
            self._places[name] = next(self._next)
        place = self._places[name]
        group = self._join(standing, seats)
        if group is None:
            return
        if standing.ready_at > self.now:
            group.resting.put(name, (standing.ready_at, place))
            group.free.drop(name)
        elif standing.busy < seats:
            group.free.put(name, (*load, place))
            group.resting.drop(name)
        else:
            group.free.drop(name)
            group.resting.drop(name)
        self._await(standing)

    def leave(self, name: str) -> None:
        self._part(name)
        self._places.pop(name, None)

    def due(self, now: float) -> Sequence[str]:
        """It is later: those that do not rest any more, or lack one model less, are to be put."""
        self.now = now
        names: list[str] = []
        while (entry := self._changes.first()) and entry[0][0] <= now:
            names.append(entry[1])
            self._changes.drop(entry[1])
        return names

    def of(self, model: str) -> Sequence[Group]:
        """Those that may be asked for a model: that have it, or all where nobody has."""
        groups = list(self._groups.values())
        return [group for group in groups if model not in group.lacks] or groups

    def rest(self) -> float:
        """Seconds until the next account that rests is due; 0 where none does."""
        dues = [first[0][0] for g in self._groups.values() if (first := g.resting.first())]
        return min(dues, default=self.now) - self.now

    def _join(self, standing: Standing, seats: int) -> Group | None:
        """The group that it is in from now on."""
        lacks = _ALL
        if standing.models:
            lacks = frozenset(m for m, until in standing.models.items() if until > self.now)
        group = self._of.get(standing.name)
        if group is None or group.lacks != lacks or not seats:
            self._part(standing.name)
            if not seats:
                return None
            group = self._groups.setdefault(lacks, Group(lacks))
            self._of[standing.name] = group
        group.seats[standing.name] = seats
        return group

    def _part(self, name: str) -> None:
        self._changes.drop(name)
        group = self._of.pop(name, None)
        if group is not None:
            group.drop(name)
            if not group.seats:
                del self._groups[group.lacks]

    def _await(self, standing: Standing) -> None:
        """Note when it is to be put again, whatever happens."""
        times = [t for t in (standing.ready_at, *standing.models.values()) if t > self.now]
        if times:
            self._changes.put(standing.name, (min(times),))
        else:
            self._changes.drop(standing.name)


_ALL = frozenset[str]()
ANY = Wish()


def first(groups: Sequence[Group], wish: Wish) -> str | None:
    """Who has a free seat and is before all others in these groups: those not tried come first."""
    found = [entry for group in groups if (entry := group.free.first(wish.tried))]
    if not found and len(wish.tried) > len(wish.barred):
        found = [entry for group in groups if (entry := group.free.first(wish.barred))]
    return min(found)[1] if found else None
