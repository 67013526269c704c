"""The service's three free reads of an allowance, merged into one.

They contradict each other. `getAIUsageEligibility` decides whether there is an answer at all;
`getAIUsageEligibilityV2` has the figures of the running period, while its `basicCredits` may count
a whole life against one period's limit; `getCreditRateLimitStatus` has the windows of paid plans,
scaled to 100. A limit of 0 is none.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from ...allowance import Allowance, Kind, Meter
from ...errors import UpstreamBroken
from .loose import object_of, text_of

READS = ("getAIUsageEligibility", "getAIUsageEligibilityV2", "getCreditRateLimitStatus")
RESEARCHES = 3  # of a free workspace
_SOURCES = ("monthlyAllocated", "monthlyCommitted", "yearlyElastic", "stackedTrial")


def merged(eligibility: bytes, second: bytes, status: bytes | None, now: float) -> Allowance:
    """Of 200 answers to the three reads, in the order of `READS`.

    Raises UpstreamBroken where the first two are not what they should be; the last one may be
    missing, or make no sense.
    """
    first, more = _read(eligibility, READS[0]), _read(second, READS[1])
    if not isinstance(first.get("isEligible"), bool):
        raise UpstreamBroken(f"Notion's answer to {READS[0]} does not say whether AI may be used")
    windows = _windows_of(status)
    premium = list(_premium(object_of(more.get("premiumCredits"))))
    paid = text_of(first.get("type")) == "unlimited" or bool(premium)
    limited = text_of(windows.get("status")) == "rate_limited"
    research = [] if paid else list(_research(first))
    meters = [*_counted(first, more, paid=paid), *_windows(windows, now), *premium, *research]
    return Allowance(
        read_at=now,
        eligible=first["isEligible"] and not limited,
        paid=paid,
        meters=tuple(meters),
        until=_until(windows, now) if limited else 0.0,
    )


def _read(body: bytes, name: str) -> Mapping[str, Any]:
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise UpstreamBroken(f"Notion's answer to {name} is not JSON") from exc
    if not isinstance(answer, dict):
        raise UpstreamBroken(f"Notion's answer to {name} is not an object")
    return object_of(answer)


def _windows_of(status: bytes | None) -> Mapping[str, Any]:
    try:
        return _read(status or b"{}", READS[2])
    except UpstreamBroken:
        return {}


def _counted(first: Mapping[str, Any], more: Mapping[str, Any], *, paid: bool) -> Iterator[Meter]:
    """Answers of the running period, against the limits of plans that count them."""
    period = object_of(object_of(more.get("usage")).get("currentServicePeriod"))
    free = object_of(object_of(more.get("limits")).get("free"))
    names: tuple[tuple[Kind, str], ...] = (("user", "user"), ("workspace", "space"))
    for kind, name in names:
        limit = _number(first.get(f"{name}Limit"))
        limit = limit or (0.0 if paid else _number(free.get(f"{name}Limit")))
        used = max(_number(first.get(f"{name}Usage")), _number(period.get(f"{name}Usage")))
        if limit > 0:
            yield Meter(kind, used, limit)


def _windows(status: Mapping[str, Any], now: float) -> Iterator[Meter]:
    """The rolling window and the billing period of paid plans."""
    window = object_of(status.get("window"))
    if (limit := _number(window.get("limit"))) > 0:
        resets = _number(status.get("resetsInSeconds"))
        yield Meter("window", _number(window.get("used")), limit, _date(now + resets, resets))
    period = object_of(status.get("billingPeriodWindow"))
    if (limit := _number(period.get("limit"))) > 0:
        ends = _number(period.get("periodEndMs")) / 1000
        yield Meter("period", _number(period.get("used")), limit, _date(ends, ends))


def _premium(credits: Mapping[str, Any]) -> Iterator[Meter]:
    """What is paid for beyond the plan. Without it the plan still answers."""
    balance = _number(credits.get("totalCreditBalance"))
    sources = object_of(credits.get("perSource"))
    limits = sum(_number(object_of(sources.get(name)).get("limit")) for name in _SOURCES)
    used = sum(_number(object_of(sources.get(name)).get("usageTotal")) for name in _SOURCES)
    if balance > 0:
        yield Meter("premium", used, used + balance, binds=False)
    elif limits > 0:
        yield Meter("premium", used, limits, binds=False)


def _research(first: Mapping[str, Any]) -> Iterator[Meter]:
    """Of which free workspaces get a few. Chats go on without."""
    if "researchModeUsage" in first:
        used = _number(first["researchModeUsage"])
        yield Meter("research", used, RESEARCHES, binds=False)


def _until(status: Mapping[str, Any], now: float) -> float:
    wait = _number(status.get("retryAfterSeconds")) or _number(status.get("resetsInSeconds"))
    return _date(now + wait, wait)


def _date(at: float, told: float) -> float:
    """Unix seconds of what was told; 0 where nothing was, or what no calendar has."""
    return at if told and at < _LAST else 0.0


def _number(value: Any) -> float:
    """A figure of at least 0; 0 where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value < _MOST else 0.0


_MOST = 1e15
_LAST = 32_503_680_000.0  # in the year 3000
