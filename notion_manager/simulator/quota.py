"""The three free reads of what is left, in the shapes that the service gives them."""

from .accounts import Ledger, SimAccount, SimSpace, Tally
from .shapes import Json

WINDOW_SECONDS = 6 * 3600
PERIOD_MS = 30 * 24 * 3600 * 1000


def eligibility(ledger: Ledger, account: SimAccount, space: SimSpace) -> Json:
    tally = ledger.tally(account, space)
    return {
        "isEligible": space.ai is not False and not ledger.exhausted(account, space),
        "type": "userAllowance" if space.user_limit else "unlimited",
        "spaceUsage": ledger.space_turns(space),
        "spaceLimit": space.space_limit,
        "userUsage": tally.turns,
        "userLimit": space.user_limit,
        "lastSpaceUsageAtMs": tally.last_ms,
        "researchModeUsage": tally.research,
    }


def eligibility_v2(ledger: Ledger, account: SimAccount, space: SimSpace) -> Json:
    tally = ledger.tally(account, space)
    period = {"spaceUsage": ledger.space_turns(space), "userUsage": tally.turns}
    lifetime = {"spaceUsage": tally.lifetime * 3, "userUsage": tally.lifetime}
    limits = {"spaceLimit": space.space_limit, "userLimit": space.user_limit}
    return {
        "usage": {
            "currentServicePeriod": period,
            "lifetime": lifetime,
            "lastSpaceUsageAtMs": tally.last_ms,
        },
        "limits": {"purchased": {"totalLimit": 0}, "free": limits},
        "basicCredits": _basic(space, tally, period, lifetime),
        "premiumCredits": _premium(space, tally),
        "dependencies": {},
    }


def _basic(space: SimSpace, tally: Tally, period: Json, lifetime: Json) -> Json:
    """Of a paid workspace these are lifetime figures beside a free plan's limit: a trap."""
    used = period if space.free else lifetime
    limit = space.user_limit if space.free else 525
    return {
        **used,
        "spaceLimit": space.space_limit,
        "userLimit": limit,
        "lastSpaceUsageAtMs": tally.last_ms,
    }


def _premium(space: SimSpace, tally: Tally) -> Json:
    unused = {"usageTotal": 0, "limit": 0}
    monthly = {"usageTotal": min(tally.turns, space.premium), "limit": space.premium}
    return {
        "totalCreditBalance": 0,
        "creditsInOverage": max(0, tally.turns - space.premium) if space.premium else 0,
        "servicePeriodStartMs": tally.last_ms // PERIOD_MS * PERIOD_MS,
        "perSource": {
            "monthlyAllocated": monthly,
            "monthlyCommitted": unused,
            "yearlyElastic": unused,
            "stackedTrial": unused,
        },
    }


def rate_limit_status(ledger: Ledger, account: SimAccount, space: SimSpace, now_ms: int) -> Json:
    """Free workspaces have no window; the figures of the others are scaled to 100."""
    if space.free:
        return {"status": "not_applicable"}
    tally = ledger.tally(account, space)
    left = WINDOW_SECONDS - now_ms // 1000 % WINDOW_SECONDS
    credits = {"creditType": "basic_ai_credits", "scope": "per_user"}
    limited = ledger.exhausted(account, space)
    return {
        "status": "rate_limited" if limited else "within_limit",
        "creditTier": "standard",
        "enforcement": "preview",
        "window": {**credits, "window": "6h", "used": min(100.0, tally.turns * 0.5), "limit": 100},
        "resetsInSeconds": left,
        "billingPeriodWindow": {
            **credits,
            "cadence": "billing_period",
            "used": min(100.0, tally.turns * 0.1),
            "limit": 100,
            "periodEndMs": (now_ms // PERIOD_MS + 1) * PERIOD_MS,
        },
    } | ({"retryAfterSeconds": left} if limited else {})
