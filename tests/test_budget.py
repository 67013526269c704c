"""Second tries have a budget: an outage is not made worse by them."""

from hypothesis import given
from hypothesis import strategies as st

from notion_manager.budget import LEAST, SHARE, WINDOW, Budget


def test_a_few_tries_are_always_there_and_come_back_with_time() -> None:
    budget = Budget()
    assert sum(budget.spend(0.0) for _ in range(50)) == LEAST
    assert not budget.spend(WINDOW - 1.0)
    assert sum(budget.spend(float(WINDOW)) for _ in range(50)) == LEAST


def test_a_clock_that_is_put_back_takes_no_tries_away() -> None:
    budget = Budget()
    assert sum(budget.spend(7200.0) for _ in range(50)) == LEAST
    assert sum(budget.spend(3600.0) for _ in range(50)) == LEAST
    assert not budget.spend(3601.0)
    assert budget.spend(3600.0 + WINDOW)


def test_many_requests_allow_many_tries_at_once() -> None:
    budget = Budget()
    for _ in range(1000):
        budget.earn(5.0)
    assert sum(budget.spend(6.0) for _ in range(1000)) == 1000 * SHARE


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 3), st.integers(0, 3)), max_size=200))
def test_in_no_window_there_are_more_than_the_share_or_the_least(
    steps: list[tuple[float, int, int]],
) -> None:
    budget, now = Budget(), 0.0
    requests: list[int] = []
    tries: list[int] = []
    for passed, came, wanted in steps:
        now += passed
        for _ in range(came):
            budget.earn(now)
            requests.append(int(now))
        for _ in range(wanted):
            least = max(LEAST, SHARE * sum(at > int(now) - WINDOW for at in requests))
            may = sum(at > int(now) - WINDOW for at in tries) < least
            assert budget.spend(now) is may
            tries += [int(now)] * may
