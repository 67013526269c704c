"""What was saved of a turn, and an answer that is made whole of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from goldens import GOLDEN
from hypothesis import given
from hypothesis import strategies as st
from test_stream_goldens import decode, estimate

from notion_manager.errors import Problem, QuotaExhausted, UpstreamBroken
from notion_manager.turn import Event, coalesce, fold
from notion_manager.upstreams.notion_web.records import (
    ANSWERING,
    Thread,
    ask_records,
    failed,
    read_thread,
    read_turn,
)
from notion_manager.upstreams.notion_web.stream import Decoder
from tests.upstreams.test_transcript import ACCOUNT

# The thread


def body(**tables: Mapping[str, Any]) -> bytes:
    return json.dumps({"recordMap": {"__version__": 3, **tables}}).encode()


def row(value: Any, *, twice: bool = True) -> Any:
    return {"spaceId": "s", "value": {"value": value, "role": "editor"} if twice else value}


def test_records_are_asked_for_by_pointer() -> None:
    asked = json.loads(ask_records("thread", ["t"], ACCOUNT))
    pointer = {"table": "thread", "id": "t", "spaceId": ACCOUNT.space_id}
    assert asked == {"requests": [{"pointer": pointer, "version": -1}]}


@pytest.mark.parametrize("twice", [True, False])
@pytest.mark.parametrize(("status", "completed"), [("completed", True), ("failed", False)])
def test_a_thread_says_which_turn_ended_how(status: str, *, twice: bool, completed: bool) -> None:
    value = {
        "messages": ["a", "b"],
        "current_inference_id": "now",
        "data": {"last_turn_outcome": {"inference_id": "past", "status": status}},
    }
    found = read_thread(body(thread={"t": row(value, twice=twice)}), "t")
    assert found == Thread(["a", "b"], "now", "past", completed)


@pytest.mark.parametrize("rows", [{}, {"t": {"role": "none"}}, {"t": None}, [], "x", {"t": row(7)}])
def test_a_thread_that_is_not_there_has_no_turns(rows: Any) -> None:
    assert read_thread(body(thread=rows), "t") == Thread([], "", "", completed=False)


@pytest.mark.parametrize(
    ("running", "ended", "completed", "since"),
    [
        ("", "mine", True, "nothing"),
        ("", "mine", False, "nothing"),
        ("", "later", False, "failed"),
        ("", "later", True, "more"),
        ("later", "mine", True, "more"),
        ("", "", False, "more"),
    ],
)
def test_a_thread_says_what_came_after_a_turn(
    running: str, ended: str, since: str, *, completed: bool
) -> None:
    assert Thread([], running, ended, completed=completed).since("mine") == since


def test_what_is_no_record_map_is_a_problem() -> None:
    with pytest.raises(UpstreamBroken, match="not JSON"):
        read_thread(b"<html>", "t")


def test_a_turn_has_the_messages_of_its_trace_in_their_order() -> None:
    inference = {"type": "agent-inference", "traceId": "mine"}
    rows = {
        "d": row({"id": "d", "step": {"id": "d", **inference}}),
        "c": row(
            {"id": "c", "step": {"type": "agent-tool-result"}, "data": {"inference_id": "mine"}}
        ),
        "b": row({"id": "b", "step": {"type": "user"}, "data": {"inference_id": "mine"}}),
        "a": row({"id": "a", "step": {"id": "a", **inference, "traceId": "another"}}),
    }
    found = read_turn(body(thread_message=rows), ["a", "b", "c", "x", "d"], "mine")
    assert [step["id"] for step in found] == ["c", "d"]
    assert not failed(found)
    assert failed([*found, {"type": "error"}])


# The answer


def ends_of(path: Path) -> list[dict[str, Any]]:
    """The steps that the closing snapshot of a stream has: those that are saved."""
    for line in reversed(path.read_bytes().splitlines()):
        said = json.loads(line)
        if said["type"] == "patch-sync":
            return [step for step in said["data"]["s"] if step["type"] in ANSWERING]
    return []


WHOLE = [
    path
    for path in sorted((GOLDEN / "upstream").glob("*.ndjson"))
    if path.read_bytes().count(b'"patch-sync"') and not decode([path.read_bytes()], "inline")[1]
]


def restored(raw: bytes, steps: list[dict[str, Any]]) -> list[Event]:
    """What is told of a stream that breaks off behind `raw`, and is read from its thread."""
    decoder = Decoder(estimate)
    events: list[Event] = []
    try:
        events += decoder.feed(raw)
        events += decoder.finish()
    except Problem:
        decoder.restore(steps)
        events += decoder.finish()
    return coalesce(events)


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
@given(data=st.data())
def test_wherever_a_stream_breaks_off_its_answer_is_the_whole_one(
    path: Path, data: st.DataObject
) -> None:
    raw = path.read_bytes()
    at = data.draw(st.integers(0, len(raw)))
    whole, _ = decode([raw], "inline")
    found = restored(raw[:at], ends_of(path))
    assert fold(found).parts == fold(whole).parts
    assert fold(found).done.truth is None


def test_there_are_whole_streams() -> None:
    assert len(WHOLE) > 3


def test_a_failure_that_was_saved_is_what_is_told() -> None:
    decoder = Decoder(estimate)
    step = {"id": "e", "type": "error", "subType": "quota-exhausted", "message": "No."}
    with pytest.raises(QuotaExhausted):
        decoder.restore([step])
