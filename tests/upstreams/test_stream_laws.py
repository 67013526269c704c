"""What holds for every stream."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from notion_lines import (
    Json,
    decoder,
    encode,
    entry,
    inference,
    patch,
    record_map,
    reply,
    start,
    sync,
    told,
)

from notion_manager.errors import Problem
from notion_manager.turn import Done, Event, Piece, coalesce, fold

# Nothing but Problems


def run(raw: bytes) -> None:
    decoding = decoder()
    try:
        events = [*decoding.feed(raw), *decoding.finish()]
    except Problem:
        return
    assert [isinstance(event, Done) for event in events] == [False] * (len(events) - 1) + [True]


words = st.sampled_from(
    "s - 0 1 value content signature type finishedAt result output state model i1 ² ~1".split()  # noqa: SIM905 - a list would fill a page
) | st.sampled_from(["9" * 5000, ""])
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4))
kinds = st.sampled_from(
    """patch patch-start patch-sync record-map agent-inference agent-tool-result config tool_use
    markdown-chat researcher-next-steps researcher-report text thinking done queue-handoff
    agent-search-extracted-results weather""".split()  # noqa: SIM905 - as above
)
names = st.sampled_from(
    """type v o p s data value content id result recordMap step thread thread_message output results
    toolCallId url last_turn_outcome""".split()  # noqa: SIM905 - as above
)
jsons = st.recursive(
    scalars | kinds | st.just("i1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
steps = st.fixed_dictionaries(
    {"type": kinds, "id": st.sampled_from(["i1", "i2", "", 5])},
    optional={"value": jsons, "finishedAt": scalars, "result": jsons, "data": jsons, "v": jsons},
)
ops = st.fixed_dictionaries(
    {
        "o": st.sampled_from(["a", "x", "r", "d", "p", "s", 1]),
        "p": st.lists(words, max_size=5).map(lambda path: "/" + "/".join(path)),
    },
    optional={"v": jsons | steps | st.lists(steps, max_size=2)},
)
lines_of_any_shape = st.lists(
    st.one_of(
        jsons,
        steps,
        st.builds(lambda v: {"type": "patch", "v": v}, st.lists(ops, max_size=4)),
        st.builds(lambda s: start(*s), st.lists(steps, max_size=3)),
        st.builds(lambda s: sync(*s), st.lists(steps, max_size=3)),
        st.builds(
            lambda m: record_map(messages=m, outcome={"status": "completed"}),
            st.lists(jsons, max_size=2),
        ),
    ),
    max_size=8,
)


@given(st.binary(max_size=200))
def test_any_bytes_come_to_an_answer_or_a_problem(raw: bytes) -> None:
    run(raw)


@given(lines_of_any_shape)
def test_how_lines_are_batched_means_nothing(lines: list[Any]) -> None:
    raw = [encode(json.dumps(line)) for line in lines]
    assert outcome(raw) == outcome([b"".join(raw)])


def outcome(chunks: list[bytes]) -> tuple[list[Event], str]:
    decoding = decoder()
    events: list[Event] = []
    try:
        for chunk in chunks:
            events += decoding.feed(chunk)
        events += decoding.finish()
    except Problem as problem:
        return coalesce(events), str(problem)
    return coalesce(events), ""


@given(lines_of_any_shape)
def test_lines_of_any_shape_come_to_an_answer_or_a_problem(lines: list[Any]) -> None:
    run("\n".join(json.dumps(line) for line in lines).encode())


def test_depth_has_no_power() -> None:
    run(b'{"type":"patch","v":[{"o":"a","p":"/s/0","v":' + b"[" * 100_000)
    run(b'{"type":"config","id":' + b"[" * 100_000)
    run(b'{"type":"config","id":"\\ud83d","v":' + b"[" * 100_000)


# A model: whatever happened on the way, the reply is what the last snapshot holds


places = st.sampled_from([0, 1])
marks = [
    "[^https://a.test/]",
    "[^https://b.test/]",
    "[^toolu_1]",
    "[1]",
    "<thinking>",
    "</thinking>",
]
marks += [
    '<lang primary="en"/>',
    '<lang primary="en">',
    "</lang>",
    "[^",
    "<",
    "a line of some length",
]
contents = st.text(alphabet="ab\n", max_size=6) | st.lists(
    st.sampled_from([*marks, "a", " ", "\n"]), max_size=3
).map("".join)
moves = st.lists(
    st.one_of(
        st.tuples(st.just("x"), places, places, contents),
        st.tuples(st.just("a"), places, places, contents),
        st.tuples(st.just("cut"), places, places, st.integers(0, 30)),
        st.tuples(st.just("sync"), places, places, contents),
        st.tuples(st.just("drop"), places, places, contents),
    ),
    max_size=10,
)


def play(moves: list[Any]) -> tuple[list[Json], list[list[str]]]:
    """The lines of a stream, and the texts of its two steps as they finally stand."""
    state = [["", ""], ["", ""]]
    lines: list[Json] = [start(*snapshot(state))]
    for move, step, place, value in moves:
        path = f"/s/{step}/value/{place}/content"
        if move == "x":
            state[step][place] += value
            lines.append(patch(("x", path, value)))
        elif move == "a":
            state[step][place] = value
            lines.append(patch(("a", path, value)))
        elif move == "cut":
            state[step][place] = state[step][place][:value]
            lines.append(patch(("a", path, state[step][place])))
        elif move == "drop":  # a patch that the client never sees
            state[step][place] += value
        else:
            lines.append(sync(*snapshot(state)))
    return [*lines, sync(*snapshot(state, finishedAt=1))], state


def snapshot(state: list[list[str]], **more: Any) -> list[Json]:
    (thought, one), (two, three) = state
    first = inference(entry(thought, "thinking"), entry(one), id="i0", **more)
    return [first, inference(entry(two), entry(three), id="i1", **more)]


def parts(lines: list[Json]) -> tuple[Piece, ...] | str:
    try:
        return reply(*lines).parts
    except Problem as problem:
        return str(problem)


@given(moves)
def test_the_reply_is_what_the_last_snapshot_holds(moves: list[Any]) -> None:
    lines, state = play(moves)
    assert parts(lines) == parts([sync(*snapshot(state, finishedAt=1))])


@given(lines_of_any_shape)
def test_whatever_came_before_the_last_snapshot_decides(lines: list[Any]) -> None:
    snapshots = [sync(inference(entry("Hm", "thinking"), entry("So."), id="i1", finishedAt=1))]
    events, problem = outcome([*(encode(json.dumps(line)) for line in lines), encode(*snapshots)])
    assert problem or fold(events).parts == reply(*snapshots).parts


@given(moves)
def test_whole_steps_come_to_the_same_reply(moves: list[Any]) -> None:
    lines, state = play(moves)
    whole = [step for line in lines if line["type"] == "patch-sync" for step in line["data"]["s"]]
    assert parts(whole) == parts(lines) == parts(snapshot(state, finishedAt=1))


@given(st.lists(st.tuples(st.just("x"), st.just(1), st.just(0), contents), max_size=8))
def test_a_text_that_only_grows_needs_no_correction(moves: list[Any]) -> None:
    lines, _ = play([("x", 1, 0, "So "), *moves])
    assert fold(told(*lines)).done.truth is None
