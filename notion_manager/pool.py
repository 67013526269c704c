"""Who answers next. Pure policy: no clock, no lock, no network; `now` is an argument."""

from collections.abc import Callable, Collection, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from .allowance import Allowance
from .errors import (
    AccountRefused,
    AiDisabled,
    Busy,
    Denied,
    EdgeChallenged,
    Full,
    ModelUnavailable,
    NoAccount,
    Problem,
    QuotaExhausted,
    RateLimited,
    TemporarilyUnavailable,
    UpstreamBroken,
    WorkspaceRefused,
)
from .models import RESEARCH
from .ranking import Ranking

LIMIT_REST = 45.0  # seconds, where the service names no time
STICKY_REST = 1800.0  # doubles with each strike
STEPS = 10  # of headroom: accounts that have about as much left take turns
MANY = 50  # accounts, of which not all are looked at each time
SEATS = 2  # answers of one account at once
EVIDENCE = 200  # characters
MODEL_REST = 600.0
DENIALS = 3  # in a row, with a rest before each but the first
LONGEST_REST = 6 * 3600.0  # a rest is a guess, and has an end
RESTS: dict[type[Problem], float] = {
    QuotaExhausted: 1800.0,  # until the allowance is worth another look
    Denied: 300.0,
    EdgeChallenged: 300.0,
    UpstreamBroken: 30.0,
    WorkspaceRefused: 60.0,
}


_SCOPES = {
    AccountRefused.code: "login",
    WorkspaceRefused.code: "workspace",
    AiDisabled.code: "workspace",
    QuotaExhausted.code: "workspace",
    EdgeChallenged.code: "edge",
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
    `models` are those that it was found to lack, and until when they are not asked of it.
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
    evidence: str = ""
    models: Mapping[str, float] = {}

    @property
    def scope(self) -> str:
        """What the reason concerns: account, workspace, login, or `edge`: all of this machine."""
        return _SCOPES.get(self.reason, "account") if self.reason else ""


def after(
    standing: Standing,
    problem: Problem | None,
    now: float,
    longest: float = LONGEST_REST,
    model: str = "",
) -> Standing:
    """The standing that follows from how a request of a `model` ended. `longest` is in seconds.

    A good answer clears the record, but lifts no rest: it began before what caused the rest.
    """
    if problem is None:
        is_over = standing.reason and not standing.retired and standing.ready_at <= now
        return _cleared(standing) if is_over else standing
    if isinstance(problem, ModelUnavailable):
        return _lacking(standing, model, now)
    struck = replace(
        standing,
        strikes=standing.strikes + 1,
        reason=problem.code,
        since=now,
        evidence=str(problem)[:EVIDENCE],
        careful=standing.careful or isinstance(problem, Denied),
    )
    match problem:
        case AccountRefused() | WorkspaceRefused() if not _is_doubtful(standing, problem):
            return replace(struck, retired=True)
        case Denied() if standing.reason == problem.code and struck.strikes >= DENIALS:
            return replace(struck, retired=True)  # it rested before each, and that did not help
        case UpstreamBroken() if struck.strikes == 1:
            return struck  # one immediate retry smooths most hiccups
        case _:
            rest = _rest(problem, struck.strikes)
            return standing if rest is None else replace(struck, ready_at=now + min(rest, longest))


def taught(
    standing: Standing, allowance: Allowance, now: float, longest: float = LONGEST_REST
) -> Standing:
    """The standing that follows from what is left: a rest for want of it ends, or begins.

    What is left for research concerns the models of research alone.
    """
    standing = replace(standing, models=_researching(standing, allowance, now + longest))
    spent = standing.reason == QuotaExhausted.code
    if standing.retired:
        return standing
    if allowance.eligible:
        return _cleared(standing) if spent else standing
    if standing.ready_at > now and not spent:
        return standing  # it rests for another reason; there is time to look again
    rest = min(max(allowance.resets_at - now, 0.0) or RESTS[QuotaExhausted], longest)
    return replace(
        standing,
        ready_at=now + rest,
        reason=QuotaExhausted.code,
        since=standing.since if spent else now,
        evidence=allowance.why,
    )


def _lacking(standing: Standing, model: str, now: float) -> Standing:
    """It is well, but does not have that model."""
    if not model:
        return standing
    known = {name: until for name, until in standing.models.items() if until > now}
    return replace(standing, models=known | {model: now + MODEL_REST})


def _researching(standing: Standing, allowance: Allowance, until: float) -> Mapping[str, float]:
    spent = any(meter.kind == "research" and meter.left == 0 for meter in allowance.meters)
    known = {name: time for name, time in standing.models.items() if name not in RESEARCH}
    if not spent:
        return known if len(known) < len(standing.models) else standing.models
    return known | dict.fromkeys(sorted(RESEARCH), until)


def _is_doubtful(standing: Standing, problem: Problem) -> bool:
    """Whether it is the first time that an account was refused a workspace which it has."""
    listed = isinstance(problem, WorkspaceRefused) and problem.listed
    return listed and standing.reason != problem.code


def _cleared(standing: Standing) -> Standing:
    return replace(standing, strikes=0, ready_at=0.0, reason="", since=0.0, evidence="")


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
        *,
        many: int = MANY,
    ) -> None:
        self._many = many
        self._ranking: Ranking | None = None  # made when it is needed, and after all changed
        self._longest_rest = longest_rest
        self._seats = seats
        self._had: dict[str, float] = {}  # requests, by weight
        self._level = 0.0  # what the one had that was picked last
        self._tell: Callable[[], None] = lambda: None
        self.terms = dict(terms)
        self.allowances: dict[str, Allowance] = {}
        self._logins: dict[str, str] = {}
        self.standings = {s.name: replace(s, busy=0) for s in standings}

    def watch(self, tell: Callable[[], None]) -> None:
        """`tell` is called whenever there may be room again."""
        self._tell = tell

    def pick(self, now: float, tried: Collection[str] = (), model: str = "", home: str = "") -> str:
        """Take a free seat: `home`'s if it has one, an untried one, where most is left, the idlest.

        One that lacks the `model` is asked only where all lack it. Raises Full where all that are
        well have no seat, Busy with the seconds until one is well
        again, or NoAccount.
        """
        at_home = self.standings.get(home)
        if at_home is not None and home not in tried and self._may_take(at_home, now, model):
            return self._taken(at_home, now)
        if len(self.standings) > self._many and (name := self._first(now, tried, model)):
            return self._taken(self.standings[name], now)
        ready = [s for s in self.standings.values() if self._ready(s, now)]
        if not ready:
            raise self._refusal(now)
        ready = [s for s in ready if s.models.get(model, 0.0) <= now] or ready
        free = [s for s in ready if s.busy < self.limit(s)]
        if not free:
            raise Full(f"every account gives as many answers as it may: {self.seats()} in all")
        if len(free) == 1:
            return self._taken(free[0], now)
        return self._taken(min(free, key=lambda s: (s.name in tried, *self.load(s))), now)

    def _may_take(self, standing: Standing, now: float, model: str) -> bool:
        has = standing.models.get(model, 0.0) <= now
        return has and self._ready(standing, now) and standing.busy < self.limit(standing)

    def _taken(self, standing: Standing, now: float) -> str:
        if len(self.standings) > 1:
            self._count(standing)
        self._put(replace(standing, busy=standing.busy + 1, last_used=now))
        return standing.name

    def _put(self, standing: Standing) -> None:
        self.standings[standing.name] = standing
        if self._ranking is not None:
            self._ranking.put(standing.name, self.load(standing))

    def _first(self, now: float, tried: Collection[str], model: str) -> str | None:
        """The first of all, if it is found soon."""
        if self._ranking is None:
            self._ranking = Ranking()
            for standing in self.standings.values():
                self._ranking.put(standing.name, self.load(standing))

        def will_do(name: str) -> bool:
            return name not in tried and self._may_take(self.standings[name], now, model)

        return self._ranking.first(will_do)

    def join(self, standing: Standing, login: str = "") -> None:
        """Take an account in, or begin anew with one that was renewed.

        Accounts of one `login` stand and fall with its token.
        """
        self._logins[standing.name] = login or standing.name
        known = self.standings.get(standing.name)
        self._put(replace(standing, busy=known.busy if known else 0))
        self._tell()

    def agree(self, terms: Mapping[str, Terms]) -> None:
        """From now on these are the terms."""
        self.terms = dict(terms)
        self._ranking = None
        self._tell()

    def recall(self, allowances: Mapping[str, Allowance]) -> None:
        """What was left of accounts when they were last looked at."""
        self.allowances.update(allowances)
        self._ranking = None

    def leave(self, name: str) -> None:
        """Pick it no more. What it is answering goes on."""
        self.standings.pop(name, None)
        self.allowances.pop(name, None)
        if self._ranking is not None:
            self._ranking.drop(name)

    def release(self, name: str) -> None:
        standing = self.standings.get(name)
        if standing is not None:
            self._put(replace(standing, busy=max(standing.busy - 1, 0)))
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
        changed: list[Standing] = []
        for each in self._concerned(name, problem):
            old = self.standings[each]
            new = after(old, problem, now, self._longest_rest, model)
            self._put(new)
            if new != old:
                changed.append(new)
        return changed

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
        new = taught(old, allowance, now, self._longest_rest)
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

    def ready(self, now: float) -> int:
        """How many accounts are well enough to be picked."""
        return sum(self._ready(s, now) for s in self.standings.values())

    def seats(self) -> int:
        """How many answers there may be at once, if all are well that can be."""
        return sum(self.limit(s) for s in self.standings.values() if self._usable(s))

    def rest(self, now: float) -> float:
        """Seconds until the next account that rests is due; 0 where none does."""
        dues = [s.ready_at - now for s in self.standings.values() if self._usable(s)]
        return min((due for due in dues if due > 0), default=0.0)

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
