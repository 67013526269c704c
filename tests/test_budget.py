"""Second tries have a budget: an outage is not made worse by them."""

from hypothesis import given
from hypothesis import strategies as st

from notion_manager.budget import LEAST, SHARE, WINDOW, Budget


def test_a_few_tries_are_always_there_and_come_back_with_time() -> None:
    budget = Budget()
    assert sum(budget.spend(0.0) for _ in range(50)) == LEAST
    assert sum(budget.spend(WINDOW) for _ in range(50)) == LEAST


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 3)), max_size=200))
def test_no_more_than_the_share_and_the_least(requests: list[tuple[float, int]]) -> None:
    budget, now, tries = Budget(), 0.0, 0
    for passed, wanted in requests:
        now += passed
        budget.earn(now)
        tries += sum(budget.spend(now) for _ in range(wanted))
    assert tries <= SHARE * len(requests) + LEAST + now * LEAST / WINDOW + 1


def test_many_good_requests_save_up_no_more_than_twice_the_least() -> None:
    budget = Budget()
    for _ in range(10_000):
        budget.earn(0.0)
    assert sum(budget.spend(0.0) for _ in range(1000)) == 2 * LEAST
