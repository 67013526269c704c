"""Whatever accounts and clocks do, the pool picks as it should."""

from collections.abc import Collection

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
    UpstreamBroken,
)
from notion_manager.pool import Pool
from notion_manager.seating import Wish
from notion_manager.standing import RESTS, Standing, Terms


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
        self.pool.rest(self.now)  # it sees that now

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
