"""How an account is doing, and what follows from how its requests end: pure policy."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from .allowance import Allowance
from .errors import (
    AccountRefused,
    AiDisabled,
    Denied,
    EdgeChallenged,
    ModelUnavailable,
    Problem,
    QuotaExhausted,
    RateLimited,
    StorageBroken,
    TemporarilyUnavailable,
    UpstreamBroken,
    WorkspaceRefused,
)
from .models import RESEARCH

LIMIT_REST = 45.0  # seconds, where the service names no time
LEAST_REST = 1.0  # where it names a time that is over: no client is told less either
STICKY_REST = 1800.0  # doubles with each strike
EVIDENCE = 200  # characters
MODEL_REST = 600.0
DENIALS = 3  # in a row, with a rest before each but the first
COUNTED = (Denied, TemporarilyUnavailable)
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

    A good answer clears the record, but lifts no rest: it began before what caused the rest. So did
    what fails during one: that may make the rest longer, but is no further strike.
    """
    if problem is None:
        is_over = standing.reason and not standing.retired and standing.ready_at <= now
        return _cleared(standing) if is_over else standing
    if isinstance(problem, ModelUnavailable):
        return _lacking(standing, model, now)
    if isinstance(problem, Denied):
        standing = replace(standing, careful=True)
    if standing.retired:
        return standing
    rests = standing.ready_at > now
    strikes = standing.strikes if rests else _strikes(standing, problem)
    struck = replace(
        standing, strikes=strikes, reason=problem.code, since=now, evidence=str(problem)[:EVIDENCE]
    )
    if _is_final(standing, problem, strikes, now):
        return replace(struck, retired=True)
    rest = _rest(problem, strikes)
    if rest is None:
        return standing
    until = now + min(rest, longest)
    return standing if rests and until <= standing.ready_at else replace(struck, ready_at=until)


def bounded(standing: Standing, now: float, longest: float = LONGEST_REST) -> Standing:
    """Without a rest that is longer than one may be: the clock was put back, or was wrong.

    One that begins later than now is no longer than it was meant to be.
    """
    meant = standing.ready_at - standing.since if standing.since > now else longest
    ready_at = min(standing.ready_at, now + min(meant, longest))
    models = {
        name: min(until, now + _most(name, longest)) for name, until in standing.models.items()
    }
    return replace(standing, ready_at=ready_at, since=min(standing.since, now), models=models)


def _most(model: str, longest: float) -> float:
    """Seconds for which a model may not be asked for."""
    return longest if model in RESEARCH else min(MODEL_REST, longest)


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


def _is_final(standing: Standing, problem: Problem, strikes: int, now: float) -> bool:
    """Whether no rest will help. One is doubtful where the account has the workspace after all."""
    rests = standing.ready_at > now
    match problem:
        case WorkspaceRefused(listed=True):
            return standing.reason == problem.code and not rests
        case AccountRefused() | WorkspaceRefused():
            return True
        case Denied():
            return strikes >= DENIALS and not rests  # it rested before each
        case _:
            return False


def _strikes(standing: Standing, problem: Problem) -> int:
    """With this one. What weighs more with each in a row counts from the first of its kind."""
    anew = isinstance(problem, COUNTED) and standing.reason != problem.code
    return 1 if anew else standing.strikes + 1


def _cleared(standing: Standing) -> Standing:
    return replace(standing, strikes=0, ready_at=0.0, reason="", since=0.0, evidence="")


def _rest(problem: Problem, strikes: int) -> float | None:
    """Seconds of rest; None where the problem says nothing about the account."""
    if isinstance(problem, StorageBroken):
        return None
    if isinstance(problem, UpstreamBroken) and strikes <= 1:
        return 0.0  # one immediate retry smooths most hiccups
    if isinstance(problem, RateLimited):
        named = problem.retry_after
        return LIMIT_REST if named is None else max(named, LEAST_REST)
    if isinstance(problem, TemporarilyUnavailable):
        return STICKY_REST * 2.0 ** min(max(strikes - 1, 0), 10)
    return next((rest for kind, rest in RESTS.items() if isinstance(problem, kind)), None)
