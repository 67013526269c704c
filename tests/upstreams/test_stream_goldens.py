"""Complete answer streams, decoded whole and under every way to cut their bytes."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from goldens import GOLDEN, check, spell
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.errors import Problem
from notion_manager.turn import Citations, Done, Event, Piece, Usage, coalesce, fold
from notion_manager.upstreams.notion_web.stream import Decoder

STREAMS = sorted((GOLDEN / "upstream").glob("*.ndjson"))
CASES: list[tuple[Path, Citations]] = [
    *((path, "inline") for path in STREAMS),
    *(
        (path, form)
        for path in STREAMS
        if path.stem.startswith("search")
        for form in ("typed", "linked")
    ),
]
by_name = pytest.mark.parametrize(
    ("path", "form"), CASES, ids=[f"{path.stem}-{form}" for path, form in CASES]
)


CHUNK = 512
"""Bytes, so that a chunk has some lines. Cut but once at each byte, all streams take a minute."""


def estimate(pieces: Sequence[Piece]) -> Usage:
    return Usage(1, sum(len(repr(piece)) for piece in pieces), estimated=True)


def decode(chunks: Sequence[bytes], form: Citations) -> tuple[list[Event], str]:
    """The events, joined, and what the stream came to."""
    decoder = Decoder(estimate, "", form)
    events: list[Event] = []
    try:
        for chunk in chunks:
            events += decoder.feed(chunk)
        events += decoder.finish()
    except Problem as problem:
        return coalesce(events), f"{type(problem).__name__}: {problem}"
    return coalesce(events), ""


def chunks(raw: bytes, first: int) -> list[bytes]:
    """Chunks of one size behind one of `first` bytes."""
    return [raw[max(at, 0) : at + CHUNK] for at in range(first - CHUNK, len(raw), CHUNK)]


@by_name
def test_a_stream_decodes_to_its_golden_events(path: Path, form: Citations, rewrite: bool) -> None:
    events, problem = decode([path.read_bytes()], form)
    spelt = spell({"events": events, "problem": problem})
    suffix = ".events.json" if form == "inline" else f".{form}.events.json"
    check(path.with_suffix(suffix), spelt, rewrite=rewrite)


@by_name
@pytest.mark.no_cover
def test_a_cut_at_any_byte_changes_nothing(path: Path, form: Citations) -> None:
    """Every byte is once the first of a chunk; of a stream of one chunk the cut is the only one."""
    raw = path.read_bytes()
    whole = decode([raw], form)
    assert [at for at in range(CHUNK) if decode(chunks(raw, at), form) != whole] == []


@by_name
def test_a_cut_at_the_end_of_any_line_changes_nothing(path: Path, form: Citations) -> None:
    raw = path.read_bytes()
    whole = decode([raw], form)
    ends = [match.end() for match in re.finditer(rb"\n", raw)]
    assert [at for at in ends if decode([raw[:at], raw[at:]], form) != whole] == []


@by_name
@given(data=st.data())
def test_any_number_of_cuts_changes_nothing(
    path: Path, form: Citations, data: st.DataObject
) -> None:
    raw = path.read_bytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=40)))
    assert decode([raw[a:b] for a, b in pairwise([0, *cuts, len(raw)])], form) == decode(
        [raw], form
    )


@by_name
def test_one_byte_at_a_time_changes_nothing(path: Path, form: Citations) -> None:
    raw = path.read_bytes()
    assert decode([raw[at : at + 1] for at in range(len(raw))], form) == decode([raw], form)


@by_name
def test_a_last_line_needs_no_newline(path: Path, form: Citations) -> None:
    raw = path.read_bytes()
    assert decode([raw.rstrip(b"\n")], form) == decode([raw], form)


@by_name
def test_the_one_done_comes_last(path: Path, form: Citations) -> None:
    events, problem = decode([path.read_bytes()], form)
    assert [isinstance(e, Done) for e in events].count(True) == (0 if problem else 1)
    assert problem or isinstance(events[-1], Done)


@by_name
def test_no_known_stream_has_unknown_shapes_or_needs_correction(
    path: Path, form: Citations
) -> None:
    decoder = Decoder(estimate, "", form)
    try:
        events = [*decoder.feed(path.read_bytes()), *decoder.finish()]
    except Problem:
        events = []
    assert not decoder.drift
    assert not events or fold(events).done.truth is None
