"""The first of many, however often their order changes."""

from hypothesis import given
from hypothesis import strategies as st

from notion_manager.ranking import SLACK, Ranking

names = st.sampled_from("abcdef")
changes = st.lists(st.tuples(names, st.integers(0, 3)), max_size=300)


@given(changes, st.sets(names), st.sets(names))
def test_the_lowest_that_is_not_passed_over_is_the_first(
    changed: list[tuple[str, int]], gone: set[str], passed: set[str]
) -> None:
    ranking, ranks = Ranking(), dict[str, tuple[float, ...]]()
    for name, rank in changed:
        ranks[name] = (float(rank), float(ord(name)))
        ranking.put(name, ranks[name])
    for name in gone:
        ranking.drop(name)
        ranks.pop(name, None)
    assert len(ranking) == len(ranks)
    left = [(rank, name) for name, rank in ranks.items() if name not in passed]
    for _ in range(2):  # a look changes nothing
        assert ranking.first(passed) == min(left, default=None)


def test_a_rank_that_changes_all_the_time_takes_no_room() -> None:
    ranking = Ranking()
    for number in range(10_000):
        ranking.put("a", (float(-number),))
    assert ranking.first() == ((-9999.0,), "a")
    assert len(ranking._heap) <= SLACK + 2
