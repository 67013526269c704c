"""A request goes round the accounts once, and comes back to one of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.errors import (
    AccountRefused,
    BadRequest,
    Denied,
    EmptyAnswer,
    Problem,
    QuotaExhausted,
    RateLimited,
    TemporarilyUnavailable,
    UpstreamBroken,
)
from notion_manager.tries import Tries

ELSEWHERE = (AccountRefused, EmptyAnswer, QuotaExhausted, RateLimited, UpstreamBroken)
NAMES = [f"a{number}" for number in range(5)]


def asked(tries: Tries, name: str, problem: Problem) -> None:
    tries.ask(name)
    tries.fail(name, problem)


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(ELSEWHERE)), max_size=40))
def test_each_is_asked_once_and_one_of_them_once_more(
    offered: list[tuple[str, type[Problem]]],
) -> None:
    tries = Tries()
    given_to: list[str] = []
    for name, kind in offered:
        if tries.may_ask(name):
            asked(tries, name, kind("as planned"))
            given_to.append(name)
    assert set(given_to) == {name for name, _ in offered}
    assert len(given_to) <= len(set(given_to)) + 1
    assert set(tries.names) == set(given_to)
    assert [failure.split()[0] for failure in tries.failures] == given_to


def test_one_that_was_told_anew_was_asked_once_more() -> None:
    tries = Tries()
    tries.ask("a")
    tries.tell_anew()
    tries.fail("a", EmptyAnswer("nothing"))
    asked(tries, "b", EmptyAnswer("nothing"))
    assert (tries.may_ask("a"), tries.may_ask("b")) == (False, False)


@pytest.mark.parametrize(
    ("problem", "again"),
    [
        (UpstreamBroken("gone"), True),
        (EmptyAnswer("nothing"), True),
        (RateLimited("slow"), True),
        (AccountRefused("dead"), False),
        (QuotaExhausted("spent"), False),
    ],
)
def test_only_what_may_have_passed_is_asked_again(problem: Problem, *, again: bool) -> None:
    tries = Tries()
    asked(tries, "a", problem)
    asked(tries, "b", AccountRefused("dead"))
    assert tries.may_ask("a") is again
    assert not tries.may_ask("b")
    assert tries.may_ask("c")


def test_what_failed_is_told_and_the_last_of_it_is_what_was_said() -> None:
    tries, last = Tries(), RateLimited("slow")
    asked(tries, "a", UpstreamBroken("gone"))
    asked(tries, "b", last)
    assert tries.said is last
    assert last.failures == ("a upstream_error", "b rate_limit_exceeded")
    tries.ask("c")
    assert tries.said is None


def test_that_others_may_not_be_asked_is_told_with_what_failed() -> None:
    tries, last = Tries(), UpstreamBroken("gone")
    asked(tries, "a", last)
    tries.give_up("retry_budget")
    assert last.failures == ("a upstream_error", "others retry_budget")
    assert not tries.go_on(last)


def test_it_goes_on_only_where_another_account_may_do_better() -> None:
    tries = Tries()
    assert tries.go_on(UpstreamBroken("gone"))
    assert not tries.go_on(Denied("no"))
    assert not tries.go_on(BadRequest("what"))
    assert not tries.go_on(ValueError())
    tries.give_up()
    assert not tries.go_on(UpstreamBroken("gone"))


def test_a_refusal_that_lasts_hours_is_taken_to_one_other_account() -> None:
    tries = Tries()
    for name, problem, goes_on in (
        ("a", TemporarilyUnavailable("later"), True),
        ("b", AccountRefused("dead"), True),
        ("c", TemporarilyUnavailable("later"), False),
    ):
        asked(tries, name, problem)
        assert tries.go_on(problem) is goes_on
