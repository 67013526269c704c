"""Who answers next. Pure policy: no clock, no lock, no network; `now` is an argument."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from .allowance import Allowance
from .errors import AccountRefused, Busy, EdgeChallenged, Full, NoAccount, Problem
from .seating import ANY, Group, Seating, Wish, first
from .standing import LONGEST_REST, Standing, Terms, after, bounded, taught

STEPS = 10  # of headroom: accounts that have about as much left take turns
SEATS = 2  # answers of one account at once


class Pool:
    """The standings, and the one rule for choosing among them.

    `pick` and `release` come in pairs; `report` says how the time between them went. `terms` are
    those of accounts that have any of their own.
    """

    def __init__(
        self,
        standings: Iterable[Standing],
        longest_rest: float = LONGEST_REST,
        seats: int = SEATS,
        terms: Mapping[str, Terms] = {},
    ) -> None:
        self._seating = Seating(0.0)
        self.longest_rest = longest_rest
        self._seats = seats
        self._had: dict[str, float] = {}  # requests, by weight
        self._level = 0.0  # what the one had that was picked last
        self._tell: Callable[[], None] = lambda: None
        self.terms = dict(terms)
        self.allowances: dict[str, Allowance] = {}
        self._logins: dict[str, str] = {}
        self._left: dict[str, int] = {}  # how busy those are that left: they may come back
        self._edge = Standing("")  # how this machine's address stands with the network edge
        self.standings = {s.name: replace(s, busy=0) for s in standings}
        self._stale = dict.fromkeys(self.standings)  # those that changed since somebody was picked

    def watch(self, tell: Callable[[], None]) -> None:
        """`tell` is called whenever there may be room again."""
        self._tell = tell

    def pick(self, now: float, wish: Wish = ANY) -> str:
        """Take a free seat: the wish says of whom; where most is left, then of the idlest.

        One that lacks the model is asked only where all that can be used lack it. Of the others,
        raises Full where those that are well have no seat, Busy with the seconds until one is well
        again; NoAccount where none can be used.
        """
        home = self._home(now, wish)
        if home is not None and home.busy < self.limit(home):
            return self._taken(home, now)
        groups = self._at(now).of(wish.model)
        name = first(groups, wish)
        if name is None:
            raise self._refusal(groups, now, wish.model)
        return self._taken(self.standings[name], now)

    def home_is_full(self, now: float, wish: Wish) -> bool:
        """Whether the account at home could answer but for its seats, which are all taken."""
        home = self._home(now, wish)
        return home is not None and home.busy >= self.limit(home)

    def _home(self, now: float, wish: Wish) -> Standing | None:
        """The account at home, if it could answer and had a seat."""
        home = self.standings.get(wish.home) if wish.wants_home else None
        if home is None or home.models.get(wish.model, 0.0) > now or not self._ready(home, now):
            return None
        return home

    def _taken(self, standing: Standing, now: float) -> str:
        if len(self.standings) > 1:
            self._count(standing)
        self._put(replace(standing, busy=standing.busy + 1, last_used=now))
        return standing.name

    def _put(self, standing: Standing) -> None:
        self.standings[standing.name] = standing
        self._stale[standing.name] = None

    def _at(self, now: float) -> Seating:
        """Who has a free seat now. A clock that was put back makes all of it anew."""
        if now < self._seating.now:
            self._seating = Seating(now)
            self._edge = bounded(self._edge, now, self.longest_rest)
            for standing in self.standings.values():
                self._put(bounded(standing, now, self.longest_rest))
        for name in self._seating.due(now):
            self._stale[name] = None
        for name in self._stale:
            standing = self.standings[name]
            seats = self.limit(standing) if self._usable(standing) else 0
            self._seating.put(standing, self.load(standing), seats)
        self._stale.clear()
        return self._seating

    def join(self, standing: Standing, login: str = "") -> None:
        """Take an account in, or begin anew with one that was renewed.

        Accounts of one `login` stand and fall with its token. All rest after an edge challenge.
        """
        self._logins[standing.name] = login or standing.name
        if standing.scope == "edge" and standing.ready_at > self._edge.ready_at:
            self._edge = replace(standing, name="")  # as an earlier process met it
            for each in self.standings.values():
                self._put(self._paused(each))
        known = self.standings.get(standing.name)
        busy = known.busy if known else self._left.pop(standing.name, 0)
        self._put(replace(self._paused(standing), busy=busy))
        self._tell()

    def agree(self, terms: Mapping[str, Terms]) -> None:
        """From now on these are the terms."""
        self.terms = dict(terms)
        self._stale = dict.fromkeys(self.standings)
        self._tell()

    def recall(self, allowances: Mapping[str, Allowance]) -> None:
        """What was left of accounts when they were last looked at."""
        self.allowances.update(allowances)
        self._stale = dict.fromkeys(self.standings)

    def leave(self, name: str) -> None:
        """Pick it no more. What it is answering goes on."""
        standing = self.standings.pop(name, None)
        if standing is not None and standing.busy:
            self._left[name] = standing.busy
        self.allowances.pop(name, None)
        self._stale.pop(name, None)
        self._seating.leave(name)

    def release(self, name: str) -> None:
        standing = self.standings.get(name)
        if standing is not None:
            self._put(replace(standing, busy=max(standing.busy - 1, 0)))
        elif (busy := self._left.pop(name, 0) - 1) > 0:
            self._left[name] = busy
        self._tell()

    def report(
        self, name: str, problem: Problem | None, now: float, model: str = ""
    ) -> list[Standing]:
        """Note how a request of a `model` ended; gives the standings that changed thereby.

        An edge challenge concerns the network address, so every account rests; a dead token all
        that share it. Of an account that has left, nothing is noted.
        """
        if name not in self.standings:
            return []
        if problem is None or isinstance(problem, EdgeChallenged):
            self._edge = after(self._edge, problem, now, self.longest_rest)
        changed: list[Standing] = []
        for each in self._concerned(name, problem):
            old = self.standings[each]
            new = after(old, problem, now, self.longest_rest, model)
            self._put(new)
            if new != old:
                changed.append(new)
        return changed

    def _paused(self, standing: Standing) -> Standing:
        """With the rest after an edge challenge, if it has none that is longer."""
        edge = self._edge
        if standing.retired or standing.ready_at >= edge.ready_at:
            return standing
        return replace(
            standing,
            ready_at=edge.ready_at,
            reason=edge.reason,
            since=edge.since,
            evidence=edge.evidence,
        )

    def _concerned(self, name: str, problem: Problem | None) -> list[str]:
        if isinstance(problem, EdgeChallenged):
            return list(self.standings)
        login = self._logins.get(name)
        if isinstance(problem, AccountRefused) and login is not None:
            return [each for each in self.standings if self._logins.get(each) == login]
        return [name]

    def learn(self, name: str, allowance: Allowance, now: float) -> Standing | None:
        """What is left of an account; gives its standing if that changed thereby."""
        self.allowances[name] = allowance.since(self.allowances.get(name))
        old = self.standings.get(name)
        if old is None:
            return None
        new = taught(old, allowance, now, self.longest_rest)
        if self.is_paused(now):
            new = self._paused(new)
        self._put(new)
        self._tell()
        return new if new != old else None

    def is_usable(self, name: str) -> bool:
        """Whether its owner and the service let it be used at all, now or later."""
        standing = self.standings.get(name)
        return standing is not None and self._usable(standing)

    def is_well(self, name: str, now: float) -> bool:
        """Whether the service may be asked for it now: it neither rests nor is retired."""
        standing = self.standings.get(name)
        return standing is not None and not standing.retired and standing.ready_at <= now

    def is_paused(self, now: float) -> bool:
        """Whether the network edge was met lately, and nothing is to be sent for any account."""
        return self._edge.ready_at > now

    def ready(self, now: float) -> int:
        """How many accounts are well enough to be picked."""
        return sum(self._ready(s, now) for s in self.standings.values())

    def seats(self) -> int:
        """How many answers there may be at once, if all are well that can be."""
        return sum(self.limit(s) for s in self.standings.values() if self._usable(s))

    def rest(self, now: float) -> float:
        """Seconds until the next account that rests is due; 0 where none does."""
        return self._at(now).rest()

    def terms_of(self, standing: Standing) -> Terms:
        return self.terms.get(standing.name, _USUAL)

    def limit(self, standing: Standing) -> int:
        """How many answers the account may give at once."""
        return 1 if standing.careful else self.terms_of(standing).seats or self._seats

    def load(self, standing: Standing) -> tuple[float, ...]:
        """What is least for the account that is picked first."""
        known = self.allowances.get(standing.name)
        left = round(known.headroom * STEPS) if known else STEPS
        had = self._had.get(standing.name, 0.0)
        return -left, standing.busy / self.terms_of(standing).weight, had, standing.last_used

    def _count(self, standing: Standing) -> None:
        """What one had, by its weight. One that rested does not make up for that in a burst."""
        had = self._had.get(standing.name, 0.0)
        self._level = max(self._level, had)
        self._had[standing.name] = max(had, self._level) + 1 / self.terms_of(standing).weight

    def _usable(self, standing: Standing) -> bool:
        return not standing.retired and self.terms_of(standing).enabled

    def _ready(self, standing: Standing, now: float) -> bool:
        well = standing.ready_at <= now and not standing.retired
        return well and (not self.terms or self.terms_of(standing).enabled)

    def _refusal(self, groups: Sequence[Group], now: float, model: str) -> Problem:
        """Why none of those that may be asked for the model can be picked now."""
        if not self.standings:
            return NoAccount("no account is configured; add one with `notion-manager accounts add`")
        if not groups:
            reasons = ", ".join(sorted({s.reason or "disabled" for s in self.standings.values()}))
            return NoAccount(
                f"no account can be used ({reasons}); see `notion-manager accounts list`"
            )
        all_are_asked = groups == self._at(now).of("")
        every = "every account" if all_are_asked else f"every account that has {model}"
        if any(group.is_full for group in groups):
            seats = sum(sum(group.seats.values()) for group in groups)
            return Full(f"{every} gives as many answers as it may: {seats} in all")
        resting = [entry for group in groups if (entry := group.resting.first())]
        if not resting:
            return NoAccount("every account was asked, and none can do better")
        until, name = min(resting)
        wait = until[0] - now
        reason = self.standings[name].reason
        return Busy(
            f"{every} is resting ({reason}); the next is due in {wait:.0f} s", retry_after=wait
        )


_USUAL = Terms()
