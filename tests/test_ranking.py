"""The first of many that will do, however often their order changes."""

from hypothesis import given
from hypothesis import strategies as st

from notion_manager.ranking import MOST, Ranking

names = st.sampled_from("abcdef")
changes = st.lists(st.tuples(names, st.integers(0, 3)), max_size=300)


@given(changes, st.sets(names), st.sets(names))
def test_the_lowest_is_the_first_and_of_equals_the_eldest(
    changed: list[tuple[str, int]], gone: set[str], unfit: set[str]
) -> None:
    ranking, ranks = Ranking(), dict[str, int]()
    for name, rank in changed:
        ranking.put(name, (float(rank),))
        ranks[name] = rank
    for name in gone:
        ranking.drop(name)
    left = [name for name in ranks if name not in gone | unfit]
    expected = min(left, key=lambda name: ranks[name], default=None)
    for _ in range(2):  # a look changes nothing
        assert ranking.first(lambda name: name not in unfit) == expected


def test_only_the_first_few_are_looked_at() -> None:
    ranking = Ranking()
    for number in range(MOST + 1):
        ranking.put(str(number), (float(number),))
    looked: list[str] = []
    assert ranking.first(lambda name: bool(looked.append(name))) is None
    assert looked == [str(number) for number in range(MOST)]


def test_a_rank_that_changes_all_the_time_takes_no_room() -> None:
    ranking = Ranking()
    for number in range(10_000):
        ranking.put("a", (float(-number),))
    asked: list[str] = []
    assert ranking.first(lambda name: not asked.append(name)) == "a"
    assert asked == ["a"]
