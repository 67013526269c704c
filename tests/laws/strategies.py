"""Streams of events as Hypothesis draws them."""

from hypothesis import strategies as st

from notion_manager.turn import Done, Event, Stop, Text, Thinking, Usage

texts = st.text(min_size=1, max_size=20)
pieces = st.one_of(
    st.builds(Text, texts),
    st.builds(Thinking, texts),
    st.builds(Thinking, texts, st.just("c2ln")),
)
usages = st.builds(
    Usage,
    input=st.integers(0, 10**6),
    output=st.integers(0, 10**5),
    cached=st.integers(0, 10**5),
)
dones = st.builds(Done, st.sampled_from([Stop.END, Stop.LENGTH]), usages)


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    return [*draw(st.lists(pieces, max_size=12)), draw(dones)]


@st.composite
def batches(draw: st.DrawFn) -> list[list[Event]]:
    """A finished stream, cut into batches anywhere; some of them empty."""
    events = draw(streams())
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)))
    return [events[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]
