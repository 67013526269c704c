"""A stream against what the service holds in the end: either the calls are those, or it fails."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from test_parser_laws import policies, soups
from toolkit import MARKS, OFFER

from notion_manager.bridge import Lift, Lowered
from notion_manager.bridge.calls import Policy
from notion_manager.bridge.healing import missing
from notion_manager.turn import Done, Message, Piece, Stop, Text, ToolCall, Turn, coalesce

ASKED = Turn("m", (Message("user", (Text("hi"),)),))
holes = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 40)), max_size=3)


def lifted(live: Sequence[str], done: Done, policy: Policy) -> tuple[list[ToolCall], Lift]:
    lift = Lift(Lowered(ASKED, OFFER, policy, MARKS), len, str)
    pieces: list[Piece] = []
    for text in live:
        if not lift.over:
            pieces += lift.feed([Text(text)])
    if not lift.over:
        pieces += lift.feed([done])
    pieces += lift.finish()
    return [piece for piece in coalesce(pieces) if isinstance(piece, ToolCall)], lift


@given(soups, policies, holes, st.integers(1, 50))
def test_calls_are_those_of_the_truth_or_the_stream_fails(
    text: str, policy: Policy, lost: list[tuple[int, int]], size: int
) -> None:
    live = text
    for at, length in lost:
        live = live[:at] + live[at + length :]
    pieces = [live[at : at + size] for at in range(0, len(live), size)]
    held, _ = lifted([text], Done(Stop.END), policy)
    calls, lift = lifted(pieces, Done(Stop.END, truth=(Text(text),)), policy)
    left = lift._done is None  # it had what it wanted before the service told the truth
    assert left or lift.misled or calls == held


@given(soups, policies, st.integers(0, 300), st.integers(1, 50))
def test_a_stream_that_only_lost_its_end_is_healed(
    text: str, policy: Policy, at: int, size: int
) -> None:
    pieces = [text[:at][place : place + size] for place in range(0, min(at, len(text)), size)]
    held, _ = lifted([text], Done(Stop.END), policy)
    calls, lift = lifted(pieces, Done(Stop.END, truth=(Text(text),)), policy)
    assert not lift.misled
    assert lift._done is None or calls == held


def test_the_rest_of_a_call_comes_before_a_text_that_was_held() -> None:
    half = ToolCall("0", "Write", '{"content":"ha')
    whole = [ToolCall("0", "Write", '{"content":"half"}'), Text('{"age": 3}')]
    assert missing([half], whole, verbatim=True) == [
        ToolCall("0", "Write", 'lf"}'),
        Text('{"age": 3}'),
    ]
