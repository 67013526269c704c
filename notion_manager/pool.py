"""Who answers next. Pure policy: no clock, no lock, no network; `now` is an argument."""

from collections.abc import Callable, Collection, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from .errors import (
    AccountRefused,
    Busy,
    Denied,
    EdgeChallenged,
    Full,
    NoAccount,
    Problem,
    QuotaExhausted,
    RateLimited,
    TemporarilyUnavailable,
    UpstreamBroken,
    WorkspaceRefused,
)

LIMIT_REST = 45.0  # seconds, where the service names no time
STICKY_REST = 1800.0  # doubles with each strike
SEATS = 2  # answers of one account at once
DENIALS = 3  # in a row, with a rest before each but the first
LONGEST_REST = 6 * 3600.0  # a rest is a guess, and has an end
RESTS: dict[type[Problem], float] = {
    QuotaExhausted: 1800.0,  # until the allowance is worth another look
    Denied: 300.0,
    EdgeChallenged: 300.0,
    UpstreamBroken: 30.0,
}


class Terms(Struct, frozen=True):
    """How its owner lets an account be used. `seats` 0 leaves it to the pool.

    One of `weight` 2 gets twice as many requests as one of 1.
    """

    enabled: bool = True
    weight: float = 1.0
    seats: int = 0


class Standing(Struct, frozen=True):
    """How one account is doing. Times are Unix seconds; `reason` is empty while all is well.

    One that is `careful` was denied once, and gives one answer at a time until a person looked.
    """

    name: str
    busy: int = 0
    strikes: int = 0
    ready_at: float = 0.0
    retired: bool = False
    reason: str = ""
    since: float = 0.0
    last_used: float = 0.0
    careful: bool = False


def after(
    standing: Standing, problem: Problem | None, now: float, longest: float = LONGEST_REST
) -> Standing:
    """The standing that follows from how a request ended. `longest` is in seconds.

    A good answer clears the record, but lifts no rest: it began before what caused the rest.
    """
    if problem is None:
        if standing.retired or standing.ready_at > now or not standing.reason:
            return standing
        return replace(standing, strikes=0, ready_at=0.0, reason="", since=0.0)
    struck = replace(
        standing,
        strikes=standing.strikes + 1,
        reason=problem.code,
        since=now,
        careful=standing.careful or isinstance(problem, Denied),
    )
    match problem:
        case AccountRefused() | WorkspaceRefused():
            return replace(struck, retired=True)
        case Denied() if standing.reason == problem.code and struck.strikes >= DENIALS:
            return replace(struck, retired=True)  # it rested before each, and that did not help
        case UpstreamBroken() if struck.strikes == 1:
            return struck  # one immediate retry smooths most hiccups
        case _:
            rest = _rest(problem, struck.strikes)
            return standing if rest is None else replace(struck, ready_at=now + min(rest, longest))


def _rest(problem: Problem, strikes: int) -> float | None:
    """Seconds of rest; None where the problem says nothing about the account."""
    if isinstance(problem, RateLimited):
        return problem.retry_after or LIMIT_REST
    if isinstance(problem, TemporarilyUnavailable):
        return STICKY_REST * 2.0 ** min(strikes - 1, 10)
    return next((rest for kind, rest in RESTS.items() if isinstance(problem, kind)), None)


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
        self._longest_rest = longest_rest
        self._seats = seats
        self._had: dict[str, float] = {}  # requests, by weight
        self._level = 0.0  # what the one had that was picked last
        self._tell: Callable[[], None] = lambda: None
        self.terms = dict(terms)
        self.standings = {s.name: replace(s, busy=0) for s in standings}

    def watch(self, tell: Callable[[], None]) -> None:
        """`tell` is called whenever there may be room again."""
        self._tell = tell

    def pick(self, now: float, tried: Collection[str] = ()) -> str:
        """Take a seat where one is free: untried first, then idlest, then longest rested.

        Raises Full where all that are well have no seat, Busy with the seconds until one is well
        again, or NoAccount.
        """
        ready = [s for s in self.standings.values() if self._ready(s, now)]
        if not ready:
            raise self._refusal(now)
        free = [s for s in ready if s.busy < self._limit(s)]
        if not free:
            raise Full(f"every account gives as many answers as it may: {self.seats()} in all")
        best = free[0]
        if len(free) > 1:
            best = min(free, key=lambda s: (s.name in tried, *self._load(s)))
        self._count(best)
        self.standings[best.name] = replace(best, busy=best.busy + 1, last_used=now)
        return best.name

    def join(self, standing: Standing) -> None:
        """Take an account in, or begin anew with one that was renewed."""
        known = self.standings.get(standing.name)
        self.standings[standing.name] = replace(standing, busy=known.busy if known else 0)
        self._tell()

    def agree(self, terms: Mapping[str, Terms]) -> None:
        """From now on these are the terms."""
        self.terms = dict(terms)
        self._tell()

    def leave(self, name: str) -> None:
        """Pick it no more. What it is answering goes on."""
        self.standings.pop(name, None)

    def release(self, name: str) -> None:
        standing = self.standings.get(name)
        if standing is not None:
            self.standings[name] = replace(standing, busy=max(standing.busy - 1, 0))
        self._tell()

    def report(self, name: str, problem: Problem | None, now: float) -> list[Standing]:
        """Note how a request ended; gives the standings that changed thereby.

        An edge challenge concerns the network address, so every account rests. Of an account that
        has left, nothing is noted.
        """
        if name not in self.standings:
            return []
        names = list(self.standings) if isinstance(problem, EdgeChallenged) else [name]
        changed: list[Standing] = []
        for each in names:
            old = self.standings[each]
            new = after(old, problem, now, self._longest_rest)
            self.standings[each] = new
            if new != old:
                changed.append(new)
        return changed

    def ready(self, now: float) -> int:
        """How many accounts are well enough to be picked."""
        return sum(self._ready(s, now) for s in self.standings.values())

    def seats(self) -> int:
        """How many answers there may be at once, if all are well that can be."""
        return sum(self._limit(s) for s in self.standings.values() if self._usable(s))

    def rest(self, now: float) -> float:
        """Seconds until the next account that rests is due; 0 where none does."""
        dues = [s.ready_at - now for s in self.standings.values() if self._usable(s)]
        return min((due for due in dues if due > 0), default=0.0)

    def _terms(self, standing: Standing) -> Terms:
        return self.terms.get(standing.name, _USUAL)

    def _limit(self, standing: Standing) -> int:
        return 1 if standing.careful else self._terms(standing).seats or self._seats

    def _load(self, standing: Standing) -> tuple[float, float, float]:
        share = self._had.get(standing.name, 0.0)
        return standing.busy / self._terms(standing).weight, share, standing.last_used

    def _count(self, standing: Standing) -> None:
        """What one had, by its weight. One that rested does not make up for that in a burst."""
        had = self._had.get(standing.name, 0.0)
        self._level = max(self._level, had)
        self._had[standing.name] = max(had, self._level) + 1 / self._terms(standing).weight

    def _usable(self, standing: Standing) -> bool:
        return not standing.retired and self._terms(standing).enabled

    def _ready(self, standing: Standing, now: float) -> bool:
        return standing.ready_at <= now and self._usable(standing)

    def _refusal(self, now: float) -> Problem:
        if not self.standings:
            return NoAccount("no account is configured; add one with `notion-manager accounts add`")
        resting = [s for s in self.standings.values() if self._usable(s)]
        if not resting:
            reasons = ", ".join(sorted({s.reason or "disabled" for s in self.standings.values()}))
            return NoAccount(
                f"no account can be used ({reasons}); see `notion-manager accounts list`"
            )
        due = min(resting, key=lambda s: s.ready_at)
        wait = due.ready_at - now
        return Busy(
            f"every account is resting ({due.reason}); the next is due in {wait:.0f} s",
            retry_after=wait,
        )


_USUAL = Terms()
