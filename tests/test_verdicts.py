"""Every reason not to choose an account has its words, and nobody is left out."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.allowance import Allowance
from notion_manager.errors import Problem
from notion_manager.pool import Pool
from notion_manager.seating import Wish
from notion_manager.standing import Standing, Terms
from notion_manager.verdicts import Course, Verdict, of_now, of_request, verdict_of

NOW = 1_795_000_000.0
WELL = Standing("one")
TIRED = Standing("one", ready_at=NOW + 60, reason="rate_limited", since=NOW - 1, evidence="429")
DEAD = Standing("one", retired=True, reason="account_unauthorized", since=NOW - 5, evidence="401")
LACKS = Standing("one", models={"opus": NOW + 30, "old": NOW - 30})


@pytest.mark.parametrize(
    ("standing", "terms", "model", "said"),
    [
        (WELL, Terms(), "", Verdict("one", "ready", seats=2)),
        (WELL, Terms(enabled=False), "",
         Verdict("one", "disabled", 0, "disabled", "account", evidence="by `accounts set`", seats=2)),
        (TIRED, Terms(), "", Verdict(
            "one", "resting", 0, "rate_limited", "account", NOW - 1, NOW + 60, "429", seats=2)),
        (DEAD, Terms(), "", Verdict(
            "one", "retired", 0, "account_unauthorized", "login", NOW - 5, 0, "401", seats=2)),
        (LACKS, Terms(), "opus", Verdict(
            "one", "lacking", 0, "model_not_available", "model", 0, NOW + 30, "opus", seats=2)),
        (LACKS, Terms(), "old", Verdict("one", "ready", seats=2)),
        (LACKS, Terms(), "", Verdict(
            "one", "ready", 0, "model_not_available", "model", 0, NOW + 30, "opus", seats=2)),
        (Standing("one", busy=2), Terms(), "", Verdict(
            "one", "full", 0, "full", "account", evidence="gives 2 answers of 2", busy=2, seats=2)),
    ],
)  # fmt: skip
def test_each_reason_has_its_words(
    standing: Standing, terms: Terms, model: str, said: Verdict
) -> None:
    assert verdict_of(standing, terms, 2, NOW, model) == said


standings = st.builds(
    Standing,
    st.just(""),
    busy=st.integers(0, 3),
    ready_at=st.sampled_from([0.0, NOW - 1, NOW + 9]),
    retired=st.booleans(),
    reason=st.sampled_from(["", "rate_limited"]),
    last_used=st.sampled_from([0.0, NOW - 9, NOW - 5]),
    careful=st.booleans(),
    models=st.sampled_from([{}, {"m": NOW + 5}, {"m": NOW - 5}]),
)


@given(
    st.lists(standings, min_size=1, max_size=5),
    st.lists(st.builds(Terms, st.booleans(), st.sampled_from([1.0, 2.0])), min_size=5, max_size=5),
    st.lists(st.sampled_from([None, 0.0, 0.5]), min_size=5, max_size=5),
    st.sampled_from(["", "m"]),
)
def test_the_first_place_is_what_the_pool_picks(
    known: list[Standing], agreed: list[Terms], left: list[float | None], model: str
) -> None:
    """And where there is no first place, all that the pool can pick lacks the model."""
    pool = Pool([Standing(f"a{n}") for n in range(len(known))], terms=dict(
        zip((f"a{n}" for n in range(5)), agreed, strict=True)
    ))  # fmt: skip
    for number, standing in enumerate(known):
        fields = {f: getattr(standing, f) for f in standing.__struct_fields__}
        pool.standings[f"a{number}"] = Standing(**fields | {"name": f"a{number}"})
        if left[number] is not None:
            pool.allowances[f"a{number}"] = Allowance(NOW, eligible=bool(left[number]))
    told = of_now(pool, NOW, model)
    assert {v.account for v in told} == set(pool.standings)
    ready = [v.account for v in told if v.verdict == "ready"]
    assert [v.place for v in told if v.place] == list(range(1, len(ready) + 1))
    try:
        picked = pool.pick(NOW, Wish(model))
    except Problem:
        assert not ready
    else:
        verdicts: Mapping[str, str] = {v.account: v.verdict for v in told}
        assert picked == (ready[0] if ready else picked)
        assert verdicts[picked] in ("ready", "lacking")


def test_what_is_left_is_told_where_it_is_known() -> None:
    pool = Pool([WELL, Standing("two")])
    pool.recall({"two": Allowance(NOW, eligible=False)})
    assert {v.account: v.headroom for v in of_now(pool, NOW)} == {"one": None, "two": 0.0}


def test_those_that_had_to_do_with_a_request_come_first() -> None:
    course = Course(NOW, "opus", "three", {"two": "upstream_error", "three": "rate_limited"})
    pool = Pool([WELL, Standing("two"), Standing("three"), Standing("four")])
    told = of_request(course, pool, [*pool.standings.values(), TIRED])
    assert [(v.account, v.verdict, v.reason, v.evidence) for v in told] == [
        ("three", "answered", "rate_limited", ""),
        ("two", "failed", "upstream_error", ""),
        ("one", "ready", "", "another was preferred"),
        ("four", "ready", "", "another was preferred"),
        ("one", "resting", "rate_limited", "429"),
    ]
    (alone,) = of_request(Course(NOW, "", "one", {}), pool, [WELL])
    assert (alone.verdict, alone.scope) == ("answered", "")
