"""Who is next among those that wait."""

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from notion_manager.lanes import Lanes

unfit = st.sets(st.integers(0, 11), max_size=6)
names = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy")), max_size=12)


def served(
    lanes: Lanes[object], paths: dict[object, tuple[str, ...]], unfit: Collection[object] = ()
) -> list[object]:
    """All that can be served, each taken as its turn comes."""
    order: list[object] = []
    while (item := lanes.first(lambda one: one not in unfit)) is not None:
        lanes.take(paths[item], item)
        order.append(item)
    return order


def filled(
    given_paths: list[tuple[str, ...]],
) -> tuple[Lanes[object], dict[object, tuple[str, ...]]]:
    lanes: Lanes[object] = Lanes()
    paths: dict[object, tuple[str, ...]] = dict(enumerate(given_paths))
    for item, path in paths.items():
        lanes.add(path, item)
    return lanes, paths


def test_every_asker_gets_a_turn_and_then_every_conversation() -> None:
    paths = [("a", "x")] * 4 + [("a", "y")] + [("b", "x")]
    assert served(*filled(paths)) == [0, 5, 4, 1, 2, 3]


def test_who_cannot_be_served_keeps_his_turn_and_holds_up_nobody() -> None:
    lanes, paths = filled([("a", "x"), ("a", "x"), ("a", "y"), ("b", "x")])
    assert served(lanes, paths, {0}) == [1, 3, 2]
    assert served(lanes, paths) == [0]


def test_who_left_before_is_no_trouble_to_those_who_wait() -> None:
    lanes, paths = filled([("a", "x"), ("b", "x")])
    lanes.discard(("a", "x"), 0)
    lanes.discard(("a", "x"), 0)
    assert served(lanes, paths) == [1]


@given(names, unfit)
def test_all_are_served_once_and_in_a_lane_in_their_order(
    given_paths: list[tuple[str, str]], unfit: set[int]
) -> None:
    """All but those that cannot be served: they wait on."""
    lanes, paths = filled([*given_paths])
    order = served(lanes, paths, unfit)
    assert set(order) == set(paths) - unfit
    for path in set(given_paths):
        mine = [item for item in order if paths[item] == path]
        assert mine == [item for item in paths if paths[item] == path and item not in unfit]
    assert set(served(lanes, paths)) == set(paths) & unfit


@given(names, unfit)
def test_nobody_is_passed_twice_by_another_asker(
    given_paths: list[tuple[str, str]], unfit: set[int]
) -> None:
    """While both wait and can be served, of any two turns in a row one is each asker's."""
    lanes, paths = filled([*given_paths])
    askers = [paths[item][0] for item in served(lanes, paths, unfit)]
    least = min(askers.count("a"), askers.count("b"))
    for at in range(2 * least - 1):
        assert askers[at] != askers[at + 1]


@given(names, st.lists(st.integers(0, 11), max_size=6))
def test_who_leaves_is_served_no_more(given_paths: list[tuple[str, str]], left: list[int]) -> None:
    lanes, paths = filled([*given_paths])
    for item in left:
        lanes.discard(paths.get(item, ("c", "z")), item)
    assert set(served(lanes, paths)) == set(paths) - set(left)
    assert not lanes
