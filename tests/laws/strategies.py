"""Streams of events as Hypothesis draws them."""

from hypothesis import strategies as st

from notion_manager.turn import Done, Event, Found, Source, Stop, Text, Thinking, Usage

texts = st.text(min_size=1, max_size=20)
sources = st.builds(
    Source,
    st.text(alphabet="abc().", min_size=1, max_size=9).map("https://{}".format),
    st.text(max_size=9),
)
cites = st.lists(sources, min_size=1, max_size=2, unique=True).map(tuple)
found = st.builds(
    Found,
    st.lists(texts, min_size=1, max_size=2).map(tuple),
    st.lists(sources, max_size=2).map(tuple),
)
linked = sources.map(lambda source: Text(source.link, (source,)))
cited = st.one_of(st.builds(Text, st.text(max_size=20), cites), linked)
pieces = st.one_of(
    st.builds(Text, texts),
    cited,
    found,
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
