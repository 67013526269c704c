"""How accounts stand, in rows of a list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..allowance import Allowance, Meter
from ..standing import Standing, Terms
from ..store import Store
from ..upstreams.notion_web.account import Account
from ..verdicts import Verdict, verdict_of
from .enrol import masked
from .tables import Row, moment

COLUMNS = ("alias", "workspace", "plan", "standing", "left", "last_check")
WHY = ("alias", "standing", "reason", "scope", "since", "until", "evidence")
WIDTH = 10  # characters of a bar


@dataclass(frozen=True, slots=True)
class Known:
    """All that a store holds of its accounts. `seen`: when their models were last read."""

    accounts: Sequence[Account]
    standings: Mapping[str, Standing]
    terms: Mapping[str, Terms]
    allowances: Mapping[str, Allowance]
    seen: Mapping[str, float]

    @classmethod
    def of(cls, store: Store) -> "Known":
        return cls(
            store.accounts(),
            {standing.name: standing for standing in store.standings()},
            store.terms(),
            store.allowances(),
            {alias: shelved.fetched_at for alias, shelved in store.catalogues().items()},
        )


def described(known: Known, now: float) -> list[Row]:
    """A row for each account."""
    rows: list[Row] = []
    for account in known.accounts:
        name = account.alias
        standing, agreed = known.standings.get(name, Standing(name)), known.terms.get(name, Terms())
        allowance, seen = known.allowances.get(name), known.seen.get(name)
        rows.append(
            {
                "alias": name,
                "workspace": account.space_name,
                "plan": account.plan or "free",
                "standing": _standing(standing, agreed, now),
                "left": _left(allowance, now),
                "last_check": moment(seen),
                "workspace_id": account.space_id,
                "email": masked(account.email),
                "last_check_at": seen,
                "weight": agreed.weight,
                "concurrency": 1 if standing.careful else agreed.seats or None,
                **why(verdict_of(standing, agreed, 1, now)),
                "allowance": _figures(allowance, now),
            }
        )
    return rows


def _standing(standing: Standing, terms: Terms, now: float) -> str:
    if not terms.enabled:
        return "disabled"
    if standing.retired:
        return f"retired: {standing.reason}"
    if standing.ready_at > now:
        return f"resting until {moment(standing.ready_at)}: {standing.reason}"
    return "ready, one at a time" if standing.careful else "ready"


def why(verdict: Verdict) -> Row:
    """The part of a row that says why."""
    until = moment(verdict.until) if verdict.until else ""
    return {
        "reason": verdict.reason,
        "scope": verdict.scope,
        "since": moment(verdict.since) if verdict.since else "",
        "until": "accounts check" if verdict.verdict == "retired" else until,
        "evidence": verdict.evidence,
    }


def _left(allowance: Allowance | None, now: float) -> str:
    if allowance is None:
        return "unknown"
    binding = [meter for meter in allowance.meters if meter.binds]
    if not binding:
        return "not metered" if allowance.eligible else "nothing"
    first = min(binding, key=lambda meter: meter.left)
    full = round(allowance.headroom * WIDTH)
    bar = "#" * full + "." * (WIDTH - full)
    said = [f"{bar} {allowance.headroom:.0%}", *_times(first, allowance, now)]
    return ", ".join(said)


def _times(meter: Meter, allowance: Allowance, now: float) -> list[str]:
    said: list[str] = []
    if resets := allowance.resets_at or meter.resets_at:
        said.append(f"resets {moment(resets)}")
    if ends := meter.ends(now):
        said.append(f"used up by {moment(ends)}")
    return said


def _figures(allowance: Allowance | None, now: float) -> dict[str, Any] | None:
    if allowance is None:
        return None
    return {
        "read_at": allowance.read_at,
        "eligible": allowance.eligible,
        "paid": allowance.paid,
        "headroom": round(allowance.headroom, 4),
        "meters": [
            {
                "kind": meter.kind,
                "used": meter.used,
                "limit": meter.limit,
                "left": round(meter.left, 4),
                "resets_at": meter.resets_at or None,
                "used_up_at": meter.ends(now) or None,
                "binds": meter.binds,
            }
            for meter in allowance.meters
        ],
    }
