"""What becomes of a pool's accounts: they rest, are retired, leave and come back."""

import pytest

from notion_manager.allowance import Allowance
from notion_manager.errors import (
    AccountRefused,
    Busy,
    EdgeChallenged,
    ModelUnavailable,
    NoAccount,
    QuotaExhausted,
    RateLimited,
    TemporarilyUnavailable,
)
from notion_manager.pool import Pool
from notion_manager.seating import Wish
from notion_manager.standing import Standing, after


@pytest.mark.parametrize(
    ("standing", "well"),
    [
        (Standing("a"), True),
        (Standing("a", ready_at=100.0), True),
        (Standing("a", ready_at=100.1), False),
        (Standing("a", retired=True), False),
        (Standing("b"), False),
    ],
)
def test_the_service_is_asked_for_those_that_are_well(standing: Standing, *, well: bool) -> None:
    assert Pool([standing]).is_well("a", 100.0) is well


def test_the_time_until_the_next_is_due() -> None:
    rests = [Standing("a", ready_at=50), Standing("b", ready_at=30), Standing("c")]
    assert Pool(rests).rest(20.0) == 10
    assert Pool(rests).rest(60.0) == 0


def test_a_dead_token_retires_all_accounts_of_its_login() -> None:
    pool = Pool([])
    for name, login in (("a", "one"), ("b", "one"), ("c", "two")):
        pool.join(Standing(name), login)
    assert {s.name for s in pool.report("a", AccountRefused("dead"), 0.0)} == {"a", "b"}
    assert [pool.is_usable(name) for name in "abcd"] == [False, False, True, False]


def test_an_edge_challenge_rests_every_account() -> None:
    pool = Pool([Standing("a"), Standing("b")])
    changed = pool.report(pool.pick(0.0), EdgeChallenged("x"), 0.0)
    assert {s.name for s in changed} == {"a", "b"}
    with pytest.raises(Busy):
        pool.pick(1.0)


def test_whoever_joins_after_an_edge_challenge_rests_as_the_others_do() -> None:
    """Whether it is new, renewed, or has room again: the challenge concerns the address."""
    pool = Pool([Standing("a"), Standing("b", ready_at=9000.0, reason=QuotaExhausted.code)])
    pool.report(pool.pick(0.0), EdgeChallenged("a browser, please"), 0.0)
    pool.join(Standing("a"))
    pool.join(Standing("new"))
    pool.join(Standing("gone", retired=True))
    pool.learn("b", Allowance(10.0), 10.0)
    for name in ("a", "b", "new"):
        rests = pool.standings[name]
        assert (rests.ready_at, rests.scope, rests.since) == (300.0, "edge", 0.0)
        assert rests.evidence == "a browser, please"
    assert (pool.ready(299.0), pool.ready(300.0)) == (0, 3)
    assert (pool.is_paused(299.0), pool.is_paused(300.0)) == (True, False)
    pool.report(pool.pick(300.0), None, 301.0)
    pool.join(Standing("later"))
    assert pool.standings["later"] == Standing("later")


def test_the_rest_after_an_edge_challenge_outlives_the_process() -> None:
    """Accounts that were added while it was down are taken in before or after those that rest."""
    before = Pool([Standing("b")])
    (rests,) = before.report(before.pick(0.0), EdgeChallenged("a browser, please"), 0.0)
    pool = Pool([])
    for standing in (Standing("a"), rests, Standing("c"), Standing("d", retired=True)):
        pool.join(standing)
    assert (pool.is_paused(299.0), pool.is_paused(300.0)) == (True, False)
    for name in "abc":
        assert (pool.standings[name].ready_at, pool.standings[name].scope) == (300.0, "edge")
    assert pool.standings["d"] == Standing("d", retired=True)


def test_no_rest_is_longer_for_a_clock_that_was_put_back() -> None:
    pool = Pool([Standing("a"), Standing("b")], longest_rest=1000.0)
    pool.report(pool.pick(90_000.0), EdgeChallenged("a browser, please"), 90_000.0)
    pool.report("b", ModelUnavailable("not on this plan"), 90_000.0, "opus")
    with pytest.raises(Busy) as caught:
        pool.pick(10.0)
    assert caught.value.retry_after == 300.0
    assert (pool.is_paused(309.0), pool.is_paused(310.0)) == (True, False)
    assert pool.standings["a"].since == 10.0
    pool.report("a", RateLimited("slowly", retry_after=900.0), 310.0)
    with pytest.raises(Busy):
        pool.pick(609.0, Wish("opus"))
    assert pool.pick(610.0, Wish("opus")) == "b"


def test_nobody_left_says_why() -> None:
    with pytest.raises(NoAccount, match="account_unauthorized"):
        Pool([Standing("a", retired=True, reason="account_unauthorized")]).pick(0.0)


def test_a_seat_of_an_earlier_process_is_not_taken() -> None:
    assert Pool([Standing("a", busy=3)]).standings["a"].busy == 0


def test_a_rest_has_an_end_however_long_the_service_says() -> None:
    assert after(Standing("a"), RateLimited("x", retry_after=10**9), 0.0).ready_at == 6 * 3600
    pool = Pool([Standing("a")], longest_rest=10.0)
    pool.report(pool.pick(0.0), TemporarilyUnavailable("x"), 0.0)
    assert pool.standings["a"].ready_at == 10.0


def test_accounts_come_and_go_while_others_answer() -> None:
    pool = Pool([Standing("a")])
    assert pool.pick(1.0) == "a"
    pool.join(Standing("b"))
    assert pool.pick(2.0) == "b"
    pool.leave("a")
    pool.leave("a")
    assert pool.report("a", RateLimited("slow down"), 3.0) == []
    pool.release("a")
    pool.release("a")
    assert set(pool.standings) == {"b"}
    pool.join(Standing("a"))
    assert pool.standings["a"].busy == 0
    pool.release("a")
    assert pool.standings["a"].busy == 0


def test_one_that_comes_back_is_as_busy_as_it_was_but_for_what_is_over() -> None:
    pool = Pool([Standing("a"), Standing("b")], seats=3)
    for _ in range(6):
        pool.pick(1.0)
    pool.leave("a")
    pool.release("a")
    pool.join(Standing("a"))
    assert [pool.standings[name].busy for name in "ab"] == [2, 3]
    pool.leave("a")
    pool.release("a")
    pool.release("a")
    pool.join(Standing("a"))
    assert pool.standings["a"].busy == 0


def test_a_renewed_account_begins_anew_and_is_as_busy_as_it_was() -> None:
    pool = Pool([Standing("a", retired=True, reason="account_unauthorized", strikes=3)])
    pool.join(Standing("a"))
    assert pool.pick(1.0) == "a"
    pool.join(Standing("a"))
    assert pool.standings["a"].busy == 1
