"""Why a request was, or would be, answered by the account that it was: all that is known of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from .errors import Problem
from .journal import Journal, Request
from .logs import RequestRecord
from .models import Model, Naming, choose, wanted_of
from .pool import Pool
from .standing import Standing
from .verdicts import Course, Verdict, of_now, of_request


class Explanation(Struct, frozen=True, omit_defaults=True):
    """`at` is when the accounts were so, in Unix seconds; `request` is one that is over."""

    at: float
    accounts: tuple[Verdict, ...]
    request: RequestRecord | None = None


class Offers(Struct, frozen=True):
    """The models that accounts are known to have, by their names, and what names mean."""

    naming: Naming
    lists: Mapping[str, tuple[Model, ...]]

    def refusals(self, asked: str) -> Iterable[tuple[str, Problem]]:
        """The accounts that do not have what is asked for, and what they would say."""
        said: dict[tuple[Model, ...], Problem | None] = {}  # most accounts have the same list
        for name, models in self.lists.items():
            if models not in said:
                said[models] = self._refusal(asked, models)
            if (problem := said[models]) is not None:
                yield name, problem

    def _refusal(self, asked: str, models: Sequence[Model]) -> Problem | None:
        try:
            choose(asked, models, self.naming)
        except Problem as problem:
            return problem
        return None


def now(pool: Pool, at: float, asked: str, offers: Offers) -> Explanation:
    """How a request of that model would be served now; of any, if none is asked for."""
    if not asked:
        return Explanation(at, tuple(of_now(pool, at)))
    wanted, refusals = wanted_of(asked, offers.naming), dict(offers.refusals(asked))
    return Explanation(at, tuple(of_now(pool, at, wanted, refusals)))


def past(journal: Journal, pool: Pool, id: str, naming: Naming) -> Explanation | None:
    """How one was served; None where it is not known. `pool` has the accounts of today."""
    found = journal.request(id)
    if found is None:
        return None
    course = course_of(found, naming)
    standings, later = journal.standings(course.at), journal.standings(found.ended)
    course = replace(course, said=_said(course, later))
    names = dict.fromkeys((*pool.standings, *standings, *course.failed, course.answered))
    known = [standings.get(name, Standing(name)) for name in names if name]
    return Explanation(course.at, tuple(of_request(course, pool, known)), found.record)


def _said(course: Course, later: Mapping[str, Standing]) -> Mapping[str, str]:
    """What was held against accounts in the end, where it was for what they did here."""
    known = {name: later[name] for name in course.failed if name in later}
    return {n: s.evidence for n, s in known.items() if s.reason == course.failed[n]}


def course_of(request: Request, naming: Naming) -> Course:
    """Who had to do with a request, from its record."""
    record = request.record
    failed = dict(_tried(record.tried.split(", "))) if record.tried else {}
    if record.problem and record.account:
        failed.setdefault(record.account, record.problem)
    answered = "" if record.problem else record.account
    return Course(request.began, wanted_of(record.asked, naming), answered, failed)


def _tried(told: Iterable[str]) -> Iterable[tuple[str, str]]:
    """As a record spells them: `home upstream_error`."""
    for each in told:
        name, _, code = each.rpartition(" ")
        yield name, code


def spelled(explanation: Explanation) -> Any:
    """As JSON."""
    return msgspec.to_builtins(explanation)
