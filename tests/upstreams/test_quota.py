"""Three reads that contradict each other, and the one thing they come to."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.allowance import Meter
from notion_manager.errors import UpstreamBroken
from notion_manager.upstreams.notion_web.quota import merged

NOW = 1_000_000.0
FREE = {
    "isEligible": True, "type": "userAllowance", "spaceUsage": 23, "spaceLimit": 200,
    "userUsage": 23, "userLimit": 75, "researchModeUsage": 1,
}  # fmt: skip
PAID = {"isEligible": True, "type": "unlimited", "userUsage": 40, "userLimit": 0, "spaceLimit": 0}
FREE_2 = {
    "usage": {"currentServicePeriod": {"spaceUsage": 120, "userUsage": 40}},
    "limits": {"purchased": {"totalLimit": 0}, "free": {"spaceLimit": 0, "userLimit": 75}},
    "basicCredits": {"userUsage": 40, "userLimit": 75},
}
PAID_2 = {
    "usage": {"currentServicePeriod": {"spaceUsage": 900, "userUsage": 800},
              "lifetime": {"userUsage": 90_000}},
    "limits": {"free": {"spaceLimit": 0, "userLimit": 525}},
    "basicCredits": {"spaceUsage": 90_000, "userUsage": 90_000, "userLimit": 525},
    "premiumCredits": {
        "totalCreditBalance": 0,
        "perSource": {"monthlyAllocated": {"usageTotal": 12, "limit": 100},
                      "stackedTrial": {"usageTotal": 0, "limit": 0}},
    },
}  # fmt: skip
WINDOWS = {
    "status": "within_limit",
    "window": {"window": "6h", "used": 42.5, "limit": 100},
    "resetsInSeconds": 12600,
    "billingPeriodWindow": {"used": 18.0, "limit": 100, "periodEndMs": 1788000000000},
}


def read(first: object, second: object, status: object = None) -> Any:
    return merged(
        json.dumps(first).encode(),
        json.dumps(second).encode(),
        None if status is None else json.dumps(status).encode(),
        NOW,
    )


def test_a_free_plan_counts_answers_by_the_figures_of_the_period() -> None:
    found = read(FREE, FREE_2, {"status": "not_applicable"})
    assert (found.eligible, found.paid) == (True, False)
    research = Meter("research", 1, 3, binds=False)
    assert found.meters == (Meter("user", 40, 75), Meter("workspace", 120, 200), research)


def test_researches_that_nobody_counts_are_no_meter() -> None:
    uncounted = {key: value for key, value in FREE.items() if key != "researchModeUsage"}
    assert read(uncounted, FREE_2).meters == (Meter("user", 40, 75), Meter("workspace", 120, 200))


def test_a_paid_plan_has_windows_and_what_it_used_in_a_life_does_not_count() -> None:
    found = read(PAID, PAID_2, WINDOWS)
    assert (found.eligible, found.paid) == (True, True)
    assert found.meters == (
        Meter("window", 42.5, 100, NOW + 12600),
        Meter("period", 18, 100, 1788000000),
        Meter("premium", 12, 100, binds=False),
    )
    assert round(found.headroom, 3) == 0.575


def test_premium_is_what_was_bought_or_else_what_is_allocated() -> None:
    bought = {**PAID_2, "premiumCredits": {**PAID_2["premiumCredits"], "totalCreditBalance": 30}}
    assert read(PAID, bought).meters == (Meter("premium", 12, 42, binds=False),)


def test_premium_that_nobody_has_is_no_meter() -> None:
    none = {**PAID_2, "premiumCredits": {"totalCreditBalance": 0, "perSource": {}}}
    assert read(PAID, none).meters == ()


def test_not_eligible_is_the_services_own_word() -> None:
    spent = read({**FREE, "isEligible": False, "userUsage": 78}, FREE_2)
    assert (spent.eligible, spent.headroom) == (False, 0)
    over = read({**FREE, "userUsage": 78}, FREE_2)
    assert (over.eligible, over.headroom) == (True, 0)


@pytest.mark.parametrize(
    ("times", "until"),
    [
        ({"retryAfterSeconds": 60, "resetsInSeconds": 900}, 60),
        ({"resetsInSeconds": 900}, 900),
        ({}, 0),
    ],
)
def test_a_window_that_is_used_up_says_until_when(times: dict[str, int], until: int) -> None:
    limited = read(PAID, PAID_2, {"status": "rate_limited", **times})
    assert not limited.eligible
    assert limited.until == (NOW + until if until else 0)


@pytest.mark.parametrize(
    ("first", "second"),
    [(b"", b"{}"), (b"[]", b"{}"), (b'{"isEligible":1}', b"{}"), (b'{"isEligible":true}', b"x")],
)
def test_what_is_no_answer_says_so(first: bytes, second: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        merged(first, second, None, NOW)


@pytest.mark.parametrize("far", [10**12, 10**14])
def test_a_reset_that_no_calendar_has_is_none(far: int) -> None:
    window = {"used": 100, "limit": 100}
    status = {
        "status": "rate_limited",
        "window": window,
        "resetsInSeconds": far,
        "billingPeriodWindow": {**window, "periodEndMs": far * 1000},
    }
    found = read(PAID, PAID_2, status)
    assert found.resets_at == 0
    assert [meter.resets_at for meter in found.meters] == [0, 0, 0]


def test_windows_that_make_no_sense_are_none() -> None:
    assert merged(json.dumps(PAID).encode(), json.dumps(PAID_2).encode(), b"<html>", NOW).eligible


keys = st.sampled_from([*FREE, *PAID_2, *WINDOWS, "userUsage", "limit", "used", "perSource"])
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**20), 10**20)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(*[st.dictionaries(keys, anything)] * 3)
def test_whatever_shape_they_have_there_is_an_allowance(
    first: Any, second: Any, third: Any
) -> None:
    found = read({**first, "isEligible": True}, second, third)
    assert 0 <= found.headroom <= 1
    assert all(meter.limit > 0 and meter.used >= 0 for meter in found.meters)
