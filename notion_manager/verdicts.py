"""Why an account is chosen or not: with the reason, its scope, since, until and the evidence."""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from .errors import ModelUnavailable, Problem
from .pool import Pool
from .standing import Standing, Terms

ORDER = ("answered", "failed")


class Verdict(Struct, frozen=True):
    """`verdict` is ready, full, lacking (the model), resting, retired or disabled.

    Of a request that is over it may be answered or failed. `place` counts from 1 in the order of
    choice, and is 0 for one that is not to be had. Times are Unix seconds; `until` is 0 where only
    a person ends it.
    """

    account: str
    verdict: str
    place: int = 0
    reason: str = ""
    scope: str = ""
    since: float = 0.0
    until: float = 0.0
    evidence: str = ""
    busy: int = 0
    seats: int = 0
    headroom: float | None = None
    """The share of its allowance that is left, where it is known."""


def verdict_of(
    standing: Standing, terms: Terms, seats: int, now: float, model: str = ""
) -> Verdict:
    """Of one account that may give so many answers at once. Without a model any lack is told."""
    ready = Verdict(standing.name, "ready", busy=standing.busy, seats=seats)
    held = replace(
        ready,
        reason=standing.reason,
        scope=standing.scope,
        since=standing.since,
        evidence=standing.evidence,
    )
    lacks = {name: until for name, until in standing.models.items() if until > now}
    if not terms.enabled:
        return _kept(ready, "disabled", "by `accounts set`")
    if standing.retired:
        return replace(held, verdict="retired")
    if standing.ready_at > now:
        return replace(held, verdict="resting", until=standing.ready_at)
    if model in lacks:
        return _lacking(replace(ready, verdict="lacking"), {model: lacks[model]})
    if standing.busy >= seats:
        return _kept(ready, "full", f"gives {standing.busy} answers of {seats}")
    return _lacking(ready, lacks) if lacks and not model and not standing.reason else held


def _kept(verdict: Verdict, word: str, evidence: str) -> Verdict:
    return replace(verdict, verdict=word, reason=word, scope="account", evidence=evidence)


def _refusing(verdict: Verdict, said: Problem) -> Verdict:
    return Verdict(
        verdict.account,
        "lacking",
        reason=said.code,
        scope="model",
        evidence=str(said),
        busy=verdict.busy,
        seats=verdict.seats,
    )


def _lacking(verdict: Verdict, models: Mapping[str, float]) -> Verdict:
    return replace(
        verdict,
        reason=ModelUnavailable.code,
        scope="model",
        until=max(models.values()),
        evidence=", ".join(models),
    )


def of_now(
    pool: Pool, now: float, model: str = "", refusals: Mapping[str, Problem] = {}
) -> list[Verdict]:
    """Of all accounts, as a request of that model would find them now: the first choice first.

    `refusals` are what those would say that do not have it.
    """
    found = [
        (pool.load(standing), _of_pool(pool, standing, now, model, refusals))
        for standing in pool.standings.values()
    ]
    ready = [v for _, v in sorted(found, key=lambda each: each[0]) if v.verdict == "ready"]
    ranked = [replace(v, place=place) for place, v in enumerate(ready, 1)]
    return ranked + [v for _, v in found if v.verdict != "ready"]


def _of_pool(
    pool: Pool, standing: Standing, now: float, model: str, refusals: Mapping[str, Problem]
) -> Verdict:
    known = pool.allowances.get(standing.name)
    verdict = verdict_of(standing, pool.terms_of(standing), pool.limit(standing), now, model)
    said = refusals.get(standing.name)
    if said is not None and verdict.verdict in ("ready", "full"):
        verdict = _refusing(verdict, said)
    return replace(verdict, headroom=round(known.headroom, 4) if known else None)


class Course(Struct, frozen=True):
    """How a request went: who answered it, if any did, and who failed before with what code.

    `said` is what those who failed said, where it is known.
    """

    at: float
    model: str
    answered: str
    failed: Mapping[str, str]
    said: Mapping[str, str] = {}


def of_request(course: Course, pool: Pool, standings: Iterable[Standing]) -> list[Verdict]:
    """Of the accounts as the request found them: those that had to do with it come first.

    `pool` has their terms as they are now.
    """
    found: list[Verdict] = []
    for standing in standings:
        terms, seats = pool.terms_of(standing), pool.limit(standing)
        verdict = verdict_of(standing, terms, seats, course.at, course.model)
        found.append(_with_its_part(verdict, course))
    return sorted(found, key=lambda v: ORDER.index(v.verdict) if v.verdict in ORDER else len(ORDER))


def _with_its_part(verdict: Verdict, course: Course) -> Verdict:
    name = verdict.account
    if name == course.answered or name in course.failed:
        word = "answered" if name == course.answered else "failed"
        code = course.failed.get(name, "")
        return Verdict(
            name,
            word,
            reason=code,
            scope="request" if code else "",
            since=course.at,
            evidence=course.said.get(name, ""),
        )
    if verdict.verdict == "ready" and not verdict.evidence:
        return replace(verdict, evidence="another was preferred")
    return verdict
