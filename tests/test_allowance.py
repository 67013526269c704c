"""What is left, and for how long."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from notion_manager.allowance import FORESEEN, Allowance, Kind, Meter

KINDS: tuple[Kind, ...] = ("user", "workspace", "window", "period", "premium")
meters = st.builds(
    Meter,
    st.sampled_from(KINDS),
    st.floats(0, 1e6),
    st.floats(0.1, 1e6),
    st.sampled_from([0.0, 5000.0]),
    st.booleans(),
)
allowances = st.builds(
    Allowance,
    st.floats(0, 1e6),
    st.booleans(),
    st.booleans(),
    st.lists(meters, max_size=4).map(tuple),
)


@given(allowances)
def test_headroom_is_a_share_and_none_where_nothing_is_answered(one: Allowance) -> None:
    assert 0 <= one.headroom <= 1
    assert one.eligible or one.headroom == 0
    assert all(one.headroom <= meter.left for meter in one.meters if meter.binds)
    assert one.why


def test_what_ends_first_counts_and_what_does_not_bind_does_not() -> None:
    spare = Meter("premium", 100, 100, binds=False)
    one = Allowance(0.0, meters=(Meter("user", 30, 75), Meter("window", 80, 100), spare))
    assert (round(one.headroom, 2), one.why) == (0.2, "80 of 100 (window)")
    assert Allowance(0.0).headroom == 1
    assert (Allowance(0.0).why, Allowance(0.0, eligible=False).why) == (
        "not metered",
        "not eligible",
    )
    spent = Allowance(0.0, eligible=False, meters=(Meter("user", 78, 75),))
    assert spent.why == "not eligible: 78 of 75 (user)"


def test_when_there_is_more() -> None:
    used_up = Meter("window", 100, 100, resets_at=50.0)
    later = Meter("period", 100, 100, resets_at=90.0)
    room = Meter("user", 1, 75, resets_at=10.0)
    assert Allowance(0.0, meters=(later, used_up, room)).resets_at == 50
    assert Allowance(0.0, meters=(used_up,), until=30.0).resets_at == 30
    assert Allowance(0.0, meters=(room,)).resets_at == 0


def reading(used: float, at: float) -> Allowance:
    return Allowance(at, meters=(Meter("user", used, 100),))


def test_the_pace_is_learned_and_foretells_the_end() -> None:
    first = reading(10, 0.0).since(None)
    second = reading(20, 1000.0).since(first)
    assert second.meters[0].pace == 0.01
    assert second.meters[0].ends(1000.0) == 9000
    third = reading(40, 2000.0).since(second)
    assert round(third.meters[0].pace, 4) == 0.013
    assert first.meters[0].ends(0.0) == 0
    sooner = replace(second.meters[0], resets_at=5000.0)
    assert sooner.ends(1000.0) == 0
    assert replace(second.meters[0], used=100.0).ends(1000.0) == 0


def test_two_looks_in_a_row_and_a_new_period_tell_no_pace() -> None:
    first = reading(20, 1000.0).since(reading(10, 0.0))
    assert reading(21, 1030.0).since(first).meters[0].pace == 0.01
    assert reading(3, 2000.0).since(first).meters[0].pace == 0
    assert reading(30, 1000.0).since(first).meters[0].pace == 0
    assert Allowance(2000.0, meters=(Meter("window", 1, 2),)).since(first).meters[0].pace == 0


def test_no_end_is_foretold_of_what_lasts_for_years() -> None:
    left = reading(20, 1000.0).since(reading(10, 0.0))
    ends: list[float] = []
    for hour in range(1, 100):  # in which nobody asks anything
        left = reading(20, 3600.0 * hour).since(left)
        ends.append(left.meters[0].ends(left.read_at))
    assert ends[0] > 0
    assert ends[-1] == 0
    assert all(end <= 3600.0 * 100 + FORESEEN for end in ends)
