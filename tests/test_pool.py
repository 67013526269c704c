"""Who is picked, and what is said where nobody can be."""

import pytest

from notion_manager.allowance import Allowance, Meter
from notion_manager.errors import Busy, Full, ModelUnavailable, NoAccount, RateLimited
from notion_manager.pool import Pool
from notion_manager.seating import Wish
from notion_manager.standing import Standing, Terms


def test_the_idlest_then_the_longest_rested_is_picked() -> None:
    pool = Pool(
        [Standing("a", last_used=5), Standing("b", last_used=3), Standing("c", last_used=4)]
    )
    assert [pool.pick(10.0) for _ in range(3)] == ["b", "c", "a"]


def test_untried_comes_first() -> None:
    pool = Pool([Standing("a"), Standing("b", last_used=9)])
    assert pool.pick(10.0, Wish(tried={"a"})) == "b"


def test_a_clock_that_is_put_back_makes_those_rest_again_that_rested_then() -> None:
    pool = Pool([Standing("a", ready_at=100.0), Standing("b", last_used=9)])
    assert pool.pick(150.0) == "a"
    assert pool.pick(50.0) == "b"


def test_where_a_conversation_is_comes_before_all_if_it_can_answer() -> None:
    pool = Pool(Standing(name) for name in "abc")
    assert [pool.pick(now, Wish(home="b")) for now in range(3)] == ["b", "b", "a"]
    pool = Pool([Standing("a", models={"m": 9.0}), Standing("b")])
    assert pool.pick(1.0, Wish("m", home="a")) == "b"
    assert pool.pick(2.0, Wish(home="a", tried=["a"])) == "b"
    assert pool.pick(3.0, Wish(home="a")) == "a"


def test_an_account_has_so_many_seats_and_no_more() -> None:
    pool = Pool([Standing("a"), Standing("b")], seats=1, terms={"b": Terms(seats=2)})
    assert sorted(pool.pick(1.0) for _ in range(3)) == ["a", "b", "b"]
    with pytest.raises(Full, match="3 in all"):
        pool.pick(1.0)
    pool.release("a")
    assert pool.pick(1.0, Wish(tried={"a"})) == "a"


def test_one_that_is_disabled_is_not_picked() -> None:
    pool = Pool([Standing("a"), Standing("b")], terms={"a": Terms(enabled=False)})
    assert {pool.pick(1.0) for _ in range(2)} == {"b"}
    pool.agree({"a": Terms(enabled=False), "b": Terms(enabled=False)})
    with pytest.raises(NoAccount, match="disabled"):
        pool.pick(1.0)
    assert (pool.ready(1.0), pool.seats()) == (0, 0)


def test_a_weight_is_a_share() -> None:
    pool = Pool([Standing("a"), Standing("b")], terms={"b": Terms(weight=3.0)})
    picked = ""
    for now in range(1, 401):
        picked += pool.pick(float(now))
        pool.release(picked[-1])
    assert 280 <= picked.count("b") <= 320


def test_where_most_is_left_is_asked_first() -> None:
    pool = Pool([Standing("a"), Standing("b"), Standing("c")], seats=2)
    for name, used in zip("abc", (60, 10, 12), strict=True):
        pool.learn(name, Allowance(0.0, meters=(Meter("user", used, 100),)), 0.0)
    assert [pool.pick(1.0) for _ in range(6)] == ["b", "c", "b", "c", "a", "a"]
    unknown = Pool([Standing("a"), Standing("b")])
    unknown.learn("a", Allowance(0.0, meters=(Meter("user", 50, 100),)), 0.0)
    assert unknown.pick(1.0) == "b"


def test_a_model_that_an_account_lacks_is_asked_of_others() -> None:
    pool = Pool([Standing("a"), Standing("b")], seats=9)
    (told,) = pool.report("a", ModelUnavailable("x"), 100.0, "opus")
    assert told.models == {"opus": 700.0}
    assert {pool.pick(101.0, Wish("opus")) for _ in range(3)} == {"b"}
    assert {pool.pick(101.0, Wish("other")) for _ in range(2)} == {"a"}
    pool.report("b", ModelUnavailable("x"), 100.0, "opus")
    assert {pool.pick(102.0, Wish("opus")) for _ in range(9)} == {"a", "b"}
    assert pool.report("a", ModelUnavailable("x"), 900.0, "new")[0].models == {"new": 1500.0}
    assert pool.report("a", ModelUnavailable("x"), 900.0) == []


def test_a_model_is_not_asked_of_those_that_lack_it_while_those_that_have_it_rest() -> None:
    pool = Pool([Standing("a", ready_at=60, reason="why"), Standing("b")], seats=1)
    pool.report("b", ModelUnavailable("x"), 0.0, "opus")
    for tried in ((), ("a",), ("b",)):
        with pytest.raises(Busy, match=r"that has opus is resting \(why\)") as caught:
            pool.pick(10.0, Wish("opus", "b", tried))
        assert caught.value.retry_after == 50
    assert pool.pick(60.0, Wish("opus")) == "a"
    with pytest.raises(Full, match=r"that has opus .* 1 in all"):
        pool.pick(61.0, Wish("opus"))
    assert pool.pick(62.0, Wish("other")) == "b"
    pool.release("b")
    pool.agree({"a": Terms(enabled=False)})
    assert pool.pick(63.0, Wish("opus")) == "b"


def test_who_is_barred_gives_no_seat_and_holds_up_nobody() -> None:
    pool = Pool([Standing("a"), Standing("b")], seats=1)
    assert pool.pick(0.0, Wish(tried=("a",))) == "b"
    with pytest.raises(Full):
        pool.pick(0.0, Wish(tried=("a",), barred=("a",)))
    pool.release("b")
    assert pool.pick(0.0, Wish(tried=("a", "b"), barred=("a",))) == "b"
    pool.release("b")
    with pytest.raises(NoAccount, match="was asked"):
        pool.pick(0.0, Wish(tried=("a", "b"), barred=("a", "b")))
    pool.report("b", RateLimited("slowly", retry_after=9.0), 0.0)
    with pytest.raises(Busy) as caught:
        pool.pick(0.0, Wish(tried=("a", "b"), barred=("a",)))
    assert caught.value.retry_after == 9.0


def test_busy_says_when_and_why() -> None:
    pool = Pool([Standing("a", ready_at=50, reason="rate_limit_exceeded")])
    with pytest.raises(Busy, match="rate_limit_exceeded") as caught:
        pool.pick(20.0)
    assert caught.value.retry_after == 30
