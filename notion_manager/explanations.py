"""Why a request was, or would be, answered by the account that it was: all that is known of it."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from .journal import Journal, Request
from .logs import RequestRecord
from .pool import Pool
from .standing import Standing
from .verdicts import Course, Verdict, of_now, of_request


class Explanation(Struct, frozen=True, omit_defaults=True):
    """`at` is when the accounts were so, in Unix seconds; `request` is one that is over."""

    at: float
    accounts: tuple[Verdict, ...]
    request: RequestRecord | None = None


def now(pool: Pool, at: float, model: str = "") -> Explanation:
    """How a request of that model would be served now."""
    return Explanation(at, tuple(of_now(pool, at, model)))


def past(journal: Journal, pool: Pool, id: str) -> Explanation | None:
    """How one was served; None where it is not known. `pool` has the accounts of today."""
    found = journal.request(id)
    if found is None:
        return None
    course = course_of(found)
    standings, later = journal.standings(course.at), journal.standings(found.ended)
    course = replace(course, said=_said(course, later))
    names = dict.fromkeys((*pool.standings, *standings, *course.failed, course.answered))
    known = [standings.get(name, Standing(name)) for name in names if name]
    return Explanation(course.at, tuple(of_request(course, pool, known)), found.record)


def _said(course: Course, later: Mapping[str, Standing]) -> Mapping[str, str]:
    """What was held against accounts in the end, where it was for what they did here."""
    known = {name: later[name] for name in course.failed if name in later}
    return {n: s.evidence for n, s in known.items() if s.reason == course.failed[n]}


def course_of(request: Request) -> Course:
    """Who had to do with a request, from its record."""
    record = request.record
    failed = dict(_tried(record.tried.split(", "))) if record.tried else {}
    if record.problem and record.account:
        failed.setdefault(record.account, record.problem)
    answered = "" if record.problem else record.account
    return Course(request.began, record.asked, answered, failed)


def _tried(told: Iterable[str]) -> Iterable[tuple[str, str]]:
    """As a record spells them: `home upstream_error`."""
    for each in told:
        name, _, code = each.rpartition(" ")
        yield name, code


def spelled(explanation: Explanation) -> Any:
    """As JSON."""
    return msgspec.to_builtins(explanation)
