"""How answers end, well or not."""

from typing import Any

import pytest
from notion_lines import (
    BEGUN,
    CALL,
    CONTENT,
    FULL,
    HELLO,
    Json,
    chat,
    compact,
    decoder,
    encode,
    entry,
    inference,
    patch,
    record_map,
    start,
    sync,
    text,
    told,
    tool,
)

from notion_manager.errors import (
    EdgeChallenged,
    Problem,
    QuotaExhausted,
    TemporarilyUnavailable,
    UpstreamBroken,
)
from notion_manager.turn import Text
from notion_manager.upstreams.notion_web.stream import Decoder
from notion_manager.wire import Lines

# The end


def ends(*lines: Json | str) -> str:
    """How a stream ends: with an answer, or with which problem."""
    try:
        told(*lines)
    except Problem as problem:
        return f"{type(problem).__name__}: {problem}"
    return "answer"


CUT = "UpstreamBroken: the answer was cut short"
MOVED = "UpstreamBroken: Notion moved the answer elsewhere before its end"
EMPTY = "EmptyAnswer: Notion ended the answer without a word"
WAITS = "UpstreamBroken: a tool is waiting for a confirmation that can only be given in Notion"
COMPLETED = {"status": "completed", "inference_id": "trace"}
ASKING = inference(entry("Let me look."), CALL, finishedAt=1)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], "EmptyAnswer: Notion answered with nothing at all"),
        (["", " "], "EmptyAnswer: Notion answered with nothing at all"),
        ([start()], CUT),
        ([HELLO], CUT),
        ([HELLO, record_map()], CUT),
        ([HELLO, record_map(outcome={"status": "failed"})], CUT),
        ([HELLO, record_map(outcome=COMPLETED)], "answer"),
        ([{**HELLO, "traceId": "trace"}, record_map(outcome=COMPLETED)], "answer"),
        ([{**HELLO, "traceId": "other"}, record_map(outcome=COMPLETED)], CUT),
        ([HELLO, {"type": "done"}], "answer"),
        ([HELLO, "data: [DONE]"], "answer"),
        ([FULL], "answer"),
        ([FULL, '{"type":"record-map","recordMap":{"thr'], "answer"),
        ([HELLO, '{"type":"agent-inference","id":"i1","val'], CUT),
        ([start(), sync(HELLO)], "answer"),
        ([start(), sync(HELLO), patch(("x", CONTENT, " there"))], CUT),
        (
            [
                start(),
                sync(HELLO),
                {"type": "patch", "v": [{"o": "x", "p": CONTENT, "v": "\ud83d"}]},
            ],
            CUT,
        ),
        ([start(), sync()], EMPTY),
        ([start(), record_map()], EMPTY),
        ([inference(finishedAt=1)], EMPTY),
        ([inference(entry(" \n"), finishedAt=1)], EMPTY),
        ([inference(entry("Hm", "thinking"), finishedAt=1)], EMPTY),
        ([HELLO, inference(entry(""), finishedAt=1)], EMPTY),
        ([chat("Hello")], CUT),
        ([ASKING], CUT),
        ([ASKING, record_map()], CUT),
        ([ASKING, tool(state="applied")], CUT),
        ([ASKING, tool(state="applied"), record_map()], "answer"),
        ([ASKING, tool(state="applied"), inference(id="i2")], CUT),
        ([ASKING, tool(state="applied"), inference(id="i2", finishedAt=1)], "answer"),
        ([ASKING, tool(state="pending"), record_map()], WAITS),
        ([start(), sync(ASKING, tool(state="streaming"))], WAITS),
        ([ASKING, tool(state="pending"), inference(entry("So."), id="i2", finishedAt=1)], "answer"),
        (
            ["<!DOCTYPE html>", "<p>"],
            "EdgeChallenged: Notion's network edge answered with a web page: it wants a browser",
        ),
        ([{"isNotionError": True, "message": "Oops"}], "UpstreamBroken: Notion failed: Oops"),
        (
            [HELLO, {"type": "queue-handoff"}],
            f"{MOVED} (queue-handoff)",
        ),
        ([FULL, {"type": "queue-handoff"}], "answer"),
        (
            [HELLO, {"type": "inference-connection-lifecycle", "reason": "container_shutdown"}],
            f"{MOVED} (inference-connection-lifecycle)",
        ),
        ([{"type": "inference-connection-lifecycle", "reason": "connected"}, FULL], "answer"),
    ],
)
def test_how_streams_end(lines: list[Any], expected: str) -> None:
    assert ends(*lines) == expected
    decoding = decoder()
    if expected != "answer":
        with pytest.raises(Problem):
            _exhaust(decoding, encode(*lines).rstrip(b"\n"))


def _exhaust(decoding: Decoder, raw: bytes) -> None:
    decoding.feed(raw)
    decoding.finish()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], False),
        ([HELLO], False),
        ([FULL], True),
        ([ASKING], False),
        ([ASKING, tool(state="applied")], False),
        ([inference(finishedAt=1)], False),
        ([start(), sync(ASKING)], True),
        ([start(), sync(HELLO)], False),
        ([start(), sync(chat("Hello"))], True),
        ([chat("Hello")], False),
        ([HELLO, record_map(outcome=COMPLETED)], True),
        ([record_map(outcome=COMPLETED)], False),
        ([record_map(outcome=COMPLETED), HELLO], False),
        ([{**HELLO, "traceId": "other"}, record_map(outcome=COMPLETED)], False),
        ([HELLO, {"type": "error"}], True),
    ],
)
def test_an_answer_is_complete_when_nothing_that_matters_can_follow(
    lines: list[Any], expected: bool
) -> None:
    decoding = decoder()
    decoding.feed(encode(*lines)) if lines else None
    assert decoding.complete is expected


def test_a_problem_comes_after_what_was_told_before_it() -> None:
    decoding = decoder()
    failed = {"id": "e", "type": "error", "message": "No.", "subType": "temporarily-unavailable"}
    raw = encode(*BEGUN, patch(("x", CONTENT, "Half an")), patch(("a", "/s/-", failed)))
    assert decoding.feed(raw) == [Text("Half an")]
    for call in (lambda: decoding.feed(b"more"), decoding.finish):
        with pytest.raises(TemporarilyUnavailable, match="No"):
            call()
    assert decoding.complete


@pytest.mark.parametrize(
    "line",
    [
        {"type": "premium-feature-unavailable", "id": "x"},
        start({"type": "premium-feature-unavailable"}),
        sync({"type": "premium-feature-unavailable"}),
        patch(("a", "/s/-", {"type": "premium-feature-unavailable"})),
        patch(("a", "/s", [{"type": "premium-feature-unavailable"}])),
    ],
)
def test_the_wall_stands_at_the_top_or_in_a_step(line: Json) -> None:
    with pytest.raises(QuotaExhausted):
        decoder().feed(encode(start(), line))


def test_a_line_may_be_too_long() -> None:
    decoding = decoder()
    decoding._lines = Lines(limit=10)
    with pytest.raises(UpstreamBroken, match="a line of more than 10 bytes"):
        decoding.feed(b"x" * 11)


def test_a_page_is_known_by_its_first_line_alone() -> None:
    with pytest.raises(EdgeChallenged):
        decoder().feed(b"\n  <html>\n")
    assert ends(FULL, "<html>") == "answer"


# What was saved and not streamed


def saved(step: Json, inference_id: str = "") -> Json:
    return {"id": step.get("id", "m"), "step": step, "data": {"inference_id": inference_id}}


@pytest.mark.parametrize(
    ("lines", "messages", "expected"),
    [
        ([start()], [saved(FULL)], "Hello"),
        ([start()], [saved(chat("Hello"))], "Hello"),
        ([start()], [saved({"type": "user", "value": "Hi"}), saved(FULL)], "Hello"),
        ([inference()], [saved(FULL)], "Hello"),
        ([inference(traceId="trace")], [saved(FULL, "trace")], "Hello"),
        ([inference(entry("Other"), finishedAt=1)], [saved(FULL)], "Other"),
    ],
)
def test_a_saved_answer_stands_in_for_one_that_was_not_streamed(
    lines: list[Json], messages: list[Json], expected: str
) -> None:
    assert text(*lines, record_map(messages=messages)) == expected


def test_the_answer_of_another_turn_stands_in_for_nothing() -> None:
    older = record_map(messages=[saved(FULL, "older")])
    assert ends(inference(traceId="trace"), older) == CUT


def test_a_refusal_may_be_nowhere_but_among_the_saved() -> None:
    refusal = {"type": "error", "id": "e", "message": "aiNotEnabled (X)"}
    with pytest.raises(Problem, match="turned off"):
        told(start(), record_map(messages=[saved(refusal)]))
    assert text(FULL, record_map(messages=[saved(refusal)])) == "Hello"


@pytest.mark.parametrize("numbers", ["1e999", "9" * 5000])
def test_a_record_map_that_cannot_be_read_was_not_seen(numbers: str) -> None:
    decoding = decoder()
    broken = f'{{"type":"record-map","recordMap":{{"a":{numbers}}}}}'
    decoding.feed(encode(start(chat("Hello")), broken))
    with pytest.raises(UpstreamBroken, match="cut short"):
        decoding.finish()
    assert dict(decoding.drift) == {"line": 1}


def test_half_a_line_is_no_unknown_shape() -> None:
    decoding = decoder()
    decoding.feed(encode(FULL) + b'{"type":"title","val')
    decoding.finish()
    assert dict(decoding.drift) == {}


def test_a_line_holds_one_object_however_many_come_in_a_read() -> None:
    glued = compact(start(chat("Hello"))) + compact(sync(chat("Hello")))
    decoding = decoder()
    decoding.feed(encode(patch(), glued))
    with pytest.raises(UpstreamBroken, match="cut short"):
        decoding.finish()


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("quota-exhausted", QuotaExhausted), ("temporarily-unavailable", TemporarilyUnavailable)],
)
def test_why_an_answer_broke_off_may_be_told_by_what_was_saved(
    reason: str, kind: type[Problem]
) -> None:
    failed: Json = {"step": {"type": "error", "id": "e", "subType": reason}}
    mine = {**failed, "data": {"inference_id": "trace"}}
    begun = start({**HELLO, "traceId": "trace"})
    for message in (failed, mine):
        with pytest.raises(kind):
            told(begun, record_map(messages=[message]))
    other = {**failed, "data": {"inference_id": "other"}}
    with pytest.raises(UpstreamBroken, match="cut short"):
        told(begun, record_map(messages=[other]))
    finished = start({**FULL, "traceId": "trace"})
    assert text(finished, record_map(messages=[failed])) == "Hello"
