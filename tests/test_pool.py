"""The pool's policy, by example and by law."""

from collections.abc import Collection

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from notion_manager.allowance import Allowance, Meter
from notion_manager.errors import (
    AccountRefused,
    BadRequest,
    Busy,
    Denied,
    EdgeChallenged,
    Full,
    ModelUnavailable,
    NoAccount,
    Problem,
    QuotaExhausted,
    RateLimited,
    TemporarilyUnavailable,
    UpstreamBroken,
)
from notion_manager.pool import Pool
from notion_manager.seating import Wish
from notion_manager.standing import RESTS, Standing, Terms, after


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


def test_the_time_until_the_next_is_due() -> None:
    rests = [Standing("a", ready_at=50), Standing("b", ready_at=30), Standing("c")]
    assert Pool(rests).rest(20.0) == 10
    assert Pool(rests).rest(60.0) == 0


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
    assert caught.value.retry_after == 1000.0
    assert (pool.is_paused(1009.0), pool.is_paused(1010.0)) == (True, False)
    pool.report("a", RateLimited("slowly"), 1010.0)
    assert pool.pick(1010.0, Wish("opus")) == "b"


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


class Seats(RuleBasedStateMachine):
    """The pool never picks a retired or resting account, and seats add up."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool(Standing(n) for n in "abc")
        self.now = 0.0
        self.challenged = -1e9
        self.held: list[str] = []

    @rule(seconds=st.floats(0, 4000))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(home=st.sampled_from(["", "a", "b", "gone"]))
    def pick(self, home: str) -> None:
        before = dict(self.pool.standings)
        try:
            name = self.pool.pick(self.now, Wish(home=home))
        except Full:
            ready = [s for s in before.values() if s.ready_at <= self.now and not s.retired]
            assert ready
            assert all(s.busy >= self.pool.limit(s) for s in ready)
            return
        except (Busy, NoAccount):
            assert not any(s.ready_at <= self.now and not s.retired for s in before.values())
            assert self.pool.ready(self.now) == 0
            return
        assert before[name].busy < self.pool.limit(before[name])
        assert before[name].ready_at <= self.now
        assert not before[name].retired
        own = before.get(home)
        if own and not own.retired and own.ready_at <= self.now and own.busy < self.pool.limit(own):
            assert name == home
        self.held.append(name)

    @precondition(lambda self: self.held)
    @rule(
        how=st.sampled_from(
            [
                None,
                RateLimited("x", retry_after=5),
                RateLimited("x", retry_after=3600),
                UpstreamBroken("y"),
                BadRequest("z"),
                AccountRefused("w"),
                EdgeChallenged("v"),
                QuotaExhausted("u"),
                Denied("t"),
            ]
        )
    )
    def give_back(self, how: Problem | None) -> None:
        name = self.held.pop()
        before = self.pool.standings[name]
        self.pool.report(name, how, self.now)
        self.pool.release(name)
        if before.ready_at > self.now:  # whatever fails during a rest
            assert self.pool.standings[name].ready_at >= before.ready_at
        if isinstance(how, EdgeChallenged):
            self.challenged = self.now

    @rule(name=st.sampled_from("abc"), renewed=st.booleans(), left=st.integers(0, 1))
    def renew_or_look(self, name: str, left: int, *, renewed: bool) -> None:
        if renewed:
            self.pool.join(Standing(name))
        else:
            self.pool.learn(name, Allowance(self.now, eligible=bool(left)), self.now)

    @invariant()
    def nobody_answers_for_a_while_after_an_edge_challenge(self) -> None:
        if self.now < self.challenged + RESTS[EdgeChallenged]:
            assert self.pool.ready(self.now) == 0

    @invariant()
    def seats_add_up(self) -> None:
        for name, standing in self.pool.standings.items():
            assert standing.busy == self.held.count(name) <= 2


TestSeats = Seats.TestCase

NAMES = [f"n{number}" for number in range(40)]
names = st.sampled_from(NAMES)
models = st.sampled_from(["", "m", "n"])


Outcome = str | tuple[type[Problem], float | None]


def picked(pool: Pool, now: float, tried: Collection[str], model: str, home: str) -> Outcome:
    try:
        return pool.pick(now, Wish(model, home, tried))
    except Problem as refusal:
        return type(refusal), refusal.retry_after


def scanned(pool: Pool, now: float, tried: Collection[str], model: str, home: str) -> Outcome:
    """What a look at all accounts comes to."""
    usable = [s for s in pool.standings.values() if pool.is_usable(s.name)]
    have = [s for s in usable if s.models.get(model, 0.0) <= now]
    asked = have or usable
    ready = [s for s in asked if s.ready_at <= now]
    free = [s for s in ready if s.busy < pool.limit(s)]
    if home not in tried and any(s.name == home for s in free if s in have):
        return home
    if free:
        return min(free, key=lambda s: (s.name in tried, *pool.load(s))).name
    if not asked:
        return NoAccount, None
    return (Full, None) if ready else (Busy, min(s.ready_at for s in asked) - now)


class Alike(RuleBasedStateMachine):
    """The pool keeps its accounts in order, and picks as one that looks at all each time."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool(map(Standing, NAMES))
        self.now = 0.0
        self.held: list[str] = []

    @rule(seconds=st.floats(0, 4000))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def put_the_clock_back(self) -> None:
        self.now = max(0.0, self.now - 100)

    @rule(
        tried=st.lists(names, max_size=3),
        model=models,
        home=names | st.just(""),
        times=st.integers(1, 30),
    )
    def pick(self, tried: list[str], model: str, home: str, times: int) -> None:
        for _ in range(times):
            expected = scanned(self.pool, self.now, tried, model, home)
            assert picked(self.pool, self.now, tried, model, home) == expected
            if isinstance(expected, str):
                self.held.append(expected)

    @precondition(lambda self: self.held)
    @rule(
        problem=st.sampled_from(
            [
                None,
                RateLimited("x"),
                ModelUnavailable("y"),
                AccountRefused("z"),
                UpstreamBroken("w"),
                Denied("v"),
                EdgeChallenged("u"),
            ]
        ),
        model=models,
        data=st.data(),
    )
    def give_back(self, problem: Problem | None, model: str, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.held))
        self.held.remove(name)
        self.pool.report(name, problem, self.now, model)
        self.pool.release(name)

    @rule(some=st.sets(names), model=models)
    def lack(self, some: set[str], model: str) -> None:
        for name in some:
            self.pool.report(name, ModelUnavailable("y"), self.now, model)

    @rule(name=names, left=st.integers(0, 10))
    def learn(self, name: str, left: int) -> None:
        room = Allowance(self.now, meters=(Meter("user", 10 - left, 10),))
        self.pool.learn(name, room, self.now)

    @rule(name=names, weight=st.sampled_from([0.5, 1.0, 2.0]), enabled=st.booleans())
    def agree(self, name: str, weight: float, enabled: bool) -> None:
        self.pool.agree({name: Terms(enabled=enabled, weight=weight)})

    @rule(name=names)
    def leave_and_come_back(self, name: str) -> None:
        self.pool.leave(name)
        self.pool.join(Standing(name))

    @invariant()
    def rests_are_known(self) -> None:
        standings = [s for s in self.pool.standings.values() if self.pool.is_usable(s.name)]
        dues = [s.ready_at - self.now for s in standings if s.ready_at > self.now]
        assert self.pool.rest(self.now) == min(dues, default=0.0)

    def teardown(self) -> None:
        for name in self.held:
            self.pool.release(name)
        assert all(standing.busy == 0 for standing in self.pool.standings.values())


TestAlike = Alike.TestCase


def test_accounts_come_and_go_while_others_answer() -> None:
    pool = Pool([Standing("a")])
    assert pool.pick(1.0) == "a"
    pool.join(Standing("b"))
    assert pool.pick(2.0) == "b"
    pool.leave("a")
    pool.leave("a")
    assert pool.report("a", RateLimited("slow down"), 3.0) == []
    pool.release("a")
    assert set(pool.standings) == {"b"}
    pool.join(Standing("a"))
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
