"""What follows from how requests end, by example and by law."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from notion_manager.errors import (
    AccountRefused,
    AiDisabled,
    BadRequest,
    Denied,
    EdgeChallenged,
    EmptyAnswer,
    ModelUnavailable,
    NoAccount,
    Problem,
    QuotaExhausted,
    RateLimited,
    StorageBroken,
    StorageTimeout,
    TemporarilyUnavailable,
    UpstreamBroken,
    WorkspaceRefused,
)
from notion_manager.standing import RESTS, Standing, after

FRESH = Standing("a")


@pytest.mark.parametrize(
    ("problem", "rest"),
    [
        (RateLimited("x", retry_after=7), 7),
        (RateLimited("x", retry_after=0), 1),
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
    "problem",
    [
        BadRequest("x"),
        ModelUnavailable("x"),
        NoAccount("x"),
        StorageBroken("x"),
        StorageTimeout("x"),
    ],
)
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
        now = standing.ready_at
        standing = after(standing, TemporarilyUnavailable("x"), now)
        rests.append(standing.ready_at - now)
    assert rests[:3] == [1800, 3600, 7200]
    assert rests[-1] == 6 * 3600


def test_a_first_sticky_refusal_is_the_first_whatever_broke_before() -> None:
    standing = FRESH
    for _ in range(5):
        standing = after(standing, UpstreamBroken("x"), standing.ready_at)
    refused = after(standing, TemporarilyUnavailable("x"), standing.ready_at)
    assert refused.ready_at == standing.ready_at + 1800


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


@pytest.mark.parametrize("problem", [RateLimited("x", retry_after=60), AccountRefused("x")])
def test_a_good_answer_that_began_before_lifts_no_rest(problem: Problem) -> None:
    struck = after(FRESH, problem, 100.0)
    assert after(struck, None, 101.0) == struck


AILMENTS = st.sampled_from(
    [
        RateLimited("x", retry_after=0),
        RateLimited("x", retry_after=3600),
        RateLimited("x"),
        QuotaExhausted("x"),
        Denied("x"),
        EdgeChallenged("x"),
        TemporarilyUnavailable("x"),
        UpstreamBroken("x"),
        EmptyAnswer("x"),
        WorkspaceRefused("x"),
        AccountRefused("x"),
        BadRequest("x"),
    ]
)


@given(AILMENTS, st.lists(st.tuples(AILMENTS, st.integers(0, 30)), max_size=6))
def test_what_fails_during_a_rest_began_before_it(
    cause: Problem, later: list[tuple[Problem, int]]
) -> None:
    """It may lengthen the rest, never shorten it, and is no further strike."""
    now, standing = 100.0, after(FRESH, cause, 100.0)
    for problem, seconds in later:
        now += seconds
        before, standing = standing, after(standing, problem, now)
        assert standing.ready_at >= before.ready_at
        assert standing.careful >= before.careful
        if before.retired:
            assert standing == replace(before, careful=standing.careful)
        elif before.ready_at > now:
            assert standing.strikes == before.strikes
            told = (standing.reason, standing.evidence, standing.since)
            worse = standing.ready_at > before.ready_at or standing.retired
            kept = (before.reason, before.evidence, before.since)
            assert told == ((problem.code, "x", now) if worse else kept)
            dead = isinstance(problem, (AccountRefused, WorkspaceRefused))
            assert standing.retired is dead


@pytest.mark.parametrize(
    ("cause", "rest"),
    [(EdgeChallenged("x"), 300), (Denied("x"), 300), (RateLimited("x", retry_after=3600), 3600)],
)
def test_answers_that_are_cut_off_do_not_shorten_a_rest(cause: Problem, rest: float) -> None:
    struck = after(FRESH, cause, 0.0)
    cut = after(after(struck, UpstreamBroken("cut"), 1.0), UpstreamBroken("cut"), 2.0)
    assert cut == struck
    assert cut.ready_at == rest


def test_an_account_that_is_denied_again_and_again_is_used_no_more() -> None:
    """Whoever goes on asking a service that refuses makes it worse: a person has to look."""
    denied = Denied("no (trust-rule-denied)")
    first = after(Standing("a"), denied, 0.0)
    second = after(first, denied, 300.0)
    third = after(second, denied, 600.0)
    assert [s.retired for s in (first, second, third)] == [False, False, True]
    assert third.reason == "upstream_denied"
    at_once = after(after(first, denied, 1.0), denied, 2.0)
    assert (at_once.retired, at_once.strikes, at_once.ready_at) == (False, 1, 302.0)
    between = after(after(first, UpstreamBroken("x"), 300.0), denied, 600.0)
    assert not between.retired
    assert not after(between, denied, 900.0).retired
    assert not after(after(second, None, 900.0), denied, 901.0).retired


def test_a_workspace_that_is_refused_and_listed_is_asked_once_more() -> None:
    refused = WorkspaceRefused("403")
    refused.listed = True
    at_once = after(after(FRESH, refused, 100.0), refused, 101.0)
    assert not at_once.retired
    once = after(FRESH, refused, 100.0)
    assert (once.retired, once.ready_at) == (False, 100.0 + RESTS[WorkspaceRefused])
    assert after(once, refused, 200.0).retired
    assert after(once, None, 200.0) == FRESH
