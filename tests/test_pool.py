"""The pool's policy, by example and by law."""

from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from notion_manager.allowance import Allowance, Meter
from notion_manager.errors import (
    AccountRefused,
    AiDisabled,
    BadRequest,
    Busy,
    Denied,
    EdgeChallenged,
    EmptyAnswer,
    Full,
    ModelUnavailable,
    NoAccount,
    Problem,
    QuotaExhausted,
    RateLimited,
    TemporarilyUnavailable,
    UpstreamBroken,
    WorkspaceRefused,
)
from notion_manager.pool import RESTS, Pool, Standing, Terms, after

FRESH = Standing("a")


@pytest.mark.parametrize(
    ("problem", "rest"),
    [
        (RateLimited("x", retry_after=7), 7),
        (RateLimited("x"), 45),
        (QuotaExhausted("x"), 1800),
        (Denied("x"), 300),
        (EdgeChallenged("x"), 300),
        (TemporarilyUnavailable("x"), 1800),
        (UpstreamBroken("x"), 0),
        (EmptyAnswer("x"), 0),
    ],
)
def test_a_problem_rests_the_account_it_concerns(problem: Problem, rest: float) -> None:
    standing = after(FRESH, problem, 100.0)
    assert max(0.0, standing.ready_at - 100.0) == rest
    assert (standing.reason, standing.since, standing.strikes) == (problem.code, 100.0, 1)
    assert standing.careful is isinstance(problem, Denied)


@pytest.mark.parametrize(
    ("standing", "well"),
    [
        (FRESH, True),
        (Standing("a", ready_at=100.0), True),
        (Standing("a", ready_at=100.1), False),
        (Standing("a", retired=True), False),
        (Standing("b"), False),
    ],
)
def test_the_service_is_asked_for_those_that_are_well(standing: Standing, *, well: bool) -> None:
    assert Pool([standing]).is_well("a", 100.0) is well


@pytest.mark.parametrize("problem", [BadRequest("x"), ModelUnavailable("x"), NoAccount("x")])
def test_what_says_nothing_of_the_account_changes_nothing(problem: Problem) -> None:
    assert after(FRESH, problem, 100.0) == FRESH


@pytest.mark.parametrize("problem", [AccountRefused("x"), AiDisabled("x")])
def test_a_dead_token_or_workspace_retires_the_account(problem: Problem) -> None:
    assert after(FRESH, problem, 100.0).retired


def test_a_second_breakdown_rests_and_a_good_answer_clears_the_record() -> None:
    once = after(FRESH, UpstreamBroken("x"), 100.0)
    twice = after(once, UpstreamBroken("x"), 100.0)
    assert twice.ready_at == 130.0
    assert after(twice, None, 140.0) == FRESH


def test_a_sticky_refusal_doubles_up_to_a_bound() -> None:
    standing = FRESH
    rests: list[float] = []
    for _ in range(7):
        standing = after(standing, TemporarilyUnavailable("x"), 0.0)
        rests.append(standing.ready_at)
    assert rests[:3] == [1800, 3600, 7200]
    assert rests[-1] == 6 * 3600


def test_the_idlest_then_the_longest_rested_is_picked() -> None:
    pool = Pool(
        [Standing("a", last_used=5), Standing("b", last_used=3), Standing("c", last_used=4)]
    )
    assert [pool.pick(10.0) for _ in range(3)] == ["b", "c", "a"]


def test_untried_comes_first() -> None:
    pool = Pool([Standing("a"), Standing("b", last_used=9)])
    assert pool.pick(10.0, tried={"a"}) == "b"


def test_where_a_conversation_is_comes_before_all_if_it_can_answer() -> None:
    pool = Pool(Standing(name) for name in "abc")
    assert [pool.pick(now, home="b") for now in range(3)] == ["b", "b", "a"]
    pool = Pool([Standing("a", models={"m": 9.0}), Standing("b")])
    assert pool.pick(1.0, model="m", home="a") == "b"
    assert pool.pick(2.0, ["a"], home="a") == "b"
    assert pool.pick(3.0, home="a") == "a"


def test_an_account_has_so_many_seats_and_no_more() -> None:
    pool = Pool([Standing("a"), Standing("b")], seats=1, terms={"b": Terms(seats=2)})
    assert sorted(pool.pick(1.0) for _ in range(3)) == ["a", "b", "b"]
    with pytest.raises(Full, match="3 in all"):
        pool.pick(1.0)
    pool.release("a")
    assert pool.pick(1.0, tried={"a"}) == "a"


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
    assert {pool.pick(101.0, model="opus") for _ in range(3)} == {"b"}
    assert {pool.pick(101.0, model="other") for _ in range(2)} == {"a"}
    pool.report("b", ModelUnavailable("x"), 100.0, "opus")
    assert {pool.pick(102.0, model="opus") for _ in range(9)} == {"a", "b"}
    assert pool.report("a", ModelUnavailable("x"), 900.0, "new")[0].models == {"new": 1500.0}
    assert pool.report("a", ModelUnavailable("x"), 900.0) == []


def test_a_dead_token_retires_all_accounts_of_its_login() -> None:
    pool = Pool([])
    for name, login in (("a", "one"), ("b", "one"), ("c", "two")):
        pool.join(Standing(name), login)
    assert {s.name for s in pool.report("a", AccountRefused("dead"), 0.0)} == {"a", "b"}
    assert [pool.is_usable(name) for name in "abcd"] == [False, False, True, False]


@pytest.mark.parametrize(
    ("problem", "scope"),
    [
        (RateLimited("x"), "account"),
        (AccountRefused("x"), "login"),
        (AiDisabled("x"), "workspace"),
        (EdgeChallenged("x"), "edge"),
    ],
)
def test_a_reason_has_a_scope_and_evidence(problem: Problem, scope: str) -> None:
    standing = after(FRESH, problem, 100.0)
    assert (standing.scope, standing.evidence) == (scope, "x")
    assert FRESH.scope == ""


def test_an_edge_challenge_rests_every_account() -> None:
    pool = Pool([Standing("a"), Standing("b")])
    changed = pool.report(pool.pick(0.0), EdgeChallenged("x"), 0.0)
    assert {s.name for s in changed} == {"a", "b"}
    with pytest.raises(Busy):
        pool.pick(1.0)


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
    assert after(FRESH, RateLimited("x", retry_after=10**9), 0.0).ready_at == 6 * 3600
    pool = Pool([Standing("a")], longest_rest=10.0)
    pool.report(pool.pick(0.0), TemporarilyUnavailable("x"), 0.0)
    assert pool.standings["a"].ready_at == 10.0


@pytest.mark.parametrize("problem", [RateLimited("x", retry_after=60), AccountRefused("x")])
def test_a_good_answer_that_began_before_lifts_no_rest(problem: Problem) -> None:
    struck = after(FRESH, problem, 100.0)
    assert after(struck, None, 101.0) == struck


class Seats(RuleBasedStateMachine):
    """The pool never picks a retired or resting account, and seats add up."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool(Standing(n) for n in "abc")
        self.now = 0.0
        self.held: list[str] = []

    @rule(seconds=st.floats(0, 4000))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(home=st.sampled_from(["", "a", "b", "gone"]))
    def pick(self, home: str) -> None:
        before = dict(self.pool.standings)
        try:
            name = self.pool.pick(self.now, home=home)
        except Full:
            ready = [s for s in before.values() if s.ready_at <= self.now and not s.retired]
            assert ready
            assert all(s.busy == 2 for s in ready)
            return
        except (Busy, NoAccount):
            assert not any(s.ready_at <= self.now and not s.retired for s in before.values())
            assert self.pool.ready(self.now) == 0
            return
        assert before[name].busy < 2
        assert before[name].ready_at <= self.now
        assert not before[name].retired
        own = before.get(home)
        if own and not own.retired and own.ready_at <= self.now and own.busy < 2:
            assert name == home
        self.held.append(name)

    @precondition(lambda self: self.held)
    @rule(
        how=st.sampled_from(
            [
                None,
                RateLimited("x", retry_after=5),
                UpstreamBroken("y"),
                BadRequest("z"),
                AccountRefused("w"),
                EdgeChallenged("v"),
            ]
        )
    )
    def give_back(self, how: Problem | None) -> None:
        name = self.held.pop()
        self.pool.report(name, how, self.now)
        self.pool.release(name)

    @invariant()
    def seats_add_up(self) -> None:
        for name, standing in self.pool.standings.items():
            assert standing.busy == self.held.count(name) <= 2


TestSeats = Seats.TestCase

NAMES = [f"n{number}" for number in range(40)]
names = st.sampled_from(NAMES)


class Alike(RuleBasedStateMachine):
    """A pool that keeps a ranking picks as one does that looks at all accounts each time."""

    def __init__(self) -> None:
        super().__init__()
        self.pools = [Pool(map(Standing, NAMES), many=many) for many in (0, 1000)]
        self.now = 0.0
        self.held: list[str] = []

    def both(self, act: Callable[[Pool], object]) -> object:
        told = [_outcome(act, pool) for pool in self.pools]
        assert told[0] == told[1]
        return told[0]

    @rule(seconds=st.floats(0, 4000))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(
        tried=st.lists(names, max_size=3),
        model=st.sampled_from(["", "m"]),
        home=names | st.just(""),
        times=st.integers(1, 30),
    )
    def pick(self, tried: list[str], model: str, home: str, times: int) -> None:
        for _ in range(times):
            name = self.both(lambda pool: pool.pick(self.now, tried, model, home))
            if isinstance(name, str):
                self.held.append(name)

    @precondition(lambda self: self.held)
    @rule(
        problem=st.sampled_from(
            [
                None,
                RateLimited("x"),
                ModelUnavailable("y"),
                AccountRefused("z"),
                UpstreamBroken("w"),
            ]
        ),
        data=st.data(),
    )
    def give_back(self, problem: Problem | None, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.held))
        self.held.remove(name)
        self.both(lambda pool: pool.report(name, problem, self.now, "m"))
        self.both(lambda pool: pool.release(name))

    @rule(name=names, left=st.integers(0, 10))
    def learn(self, name: str, left: int) -> None:
        room = Allowance(self.now, meters=(Meter("user", 10 - left, 10),))
        self.both(lambda pool: pool.learn(name, room, self.now))

    @rule(name=names, weight=st.sampled_from([0.5, 1.0, 2.0]), enabled=st.booleans())
    def agree(self, name: str, weight: float, enabled: bool) -> None:
        terms = {name: Terms(enabled=enabled, weight=weight)}
        self.both(lambda pool: pool.agree(terms))

    @rule(name=names)
    def leave_and_come_back(self, name: str) -> None:
        self.held = [each for each in self.held if each != name]
        self.both(lambda pool: pool.leave(name))
        self.both(lambda pool: pool.join(Standing(name)))


def _outcome(act: Callable[[Pool], object], pool: Pool) -> object:
    try:
        return act(pool)
    except Problem as problem:
        return type(problem)


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


def test_a_renewed_account_begins_anew_and_is_as_busy_as_it_was() -> None:
    pool = Pool([Standing("a", retired=True, reason="account_unauthorized", strikes=3)])
    pool.join(Standing("a"))
    assert pool.pick(1.0) == "a"
    pool.join(Standing("a"))
    assert pool.standings["a"].busy == 1


def test_an_account_that_is_denied_again_and_again_is_used_no_more() -> None:
    """Whoever goes on asking a service that refuses makes it worse: a person has to look."""
    denied = Denied("no (trust-rule-denied)")
    first = after(Standing("a"), denied, 0.0)
    second = after(first, denied, 300.0)
    third = after(second, denied, 600.0)
    assert [s.retired for s in (first, second, third)] == [False, False, True]
    assert third.reason == "upstream_denied"
    between = after(after(first, UpstreamBroken("x"), 300.0), denied, 600.0)
    assert not between.retired
    assert not after(after(second, None, 900.0), denied, 901.0).retired


def test_a_workspace_that_is_refused_and_listed_is_asked_once_more() -> None:
    refused = WorkspaceRefused("403")
    refused.listed = True
    once = after(FRESH, refused, 100.0)
    assert (once.retired, once.ready_at) == (False, 100.0 + RESTS[WorkspaceRefused])
    assert after(once, refused, 200.0).retired
    assert after(once, None, 200.0) == FRESH
