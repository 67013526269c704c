"""What the fake upstream says: one answer of a planned shape, encoded once, and its small reads.

The answer is a complete one in Notion's patch encoding, from patch-start to patch-sync.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TOKEN = "v03%3Abenchmark"  # noqa: S105 - it opens nothing but the fake
CODENAME = "almond-croissant-low"
MODEL = "sonnet-4.6"
"""What a gateway calls the one model, after its label."""

MARK = "~"
"""Begins every chunk of text and stands nowhere else, so to count it is to count chunks."""

_USER = "11111111-1111-4111-8111-111111111111"
_SPACE = "22222222-2222-4222-8222-222222222222"
_VIEW = "33333333-3333-4333-8333-333333333333"
_THREAD = "44444444-4444-4444-8444-444444444444"
_TRACE = "7a000000-0000-4000-8000-000000000001"
_STEPS = [f"a1000000-0000-4000-8000-{number:012d}" for number in range(5)]
_LANGUAGE = '<lang primary="en-US"/>'
_FILLER = "the quick brown fox jumps over a lazy dog and then naps in warm sun " * 8
_ENDED = 1795374383900


@dataclass(frozen=True, slots=True)
class Plan:
    """`pause` is in seconds between chunks, `think` before the first; at 0 they come in a burst.

    A chunk has `size` characters, 18 or more. Where `stamped`, it says when it was sent: 15 digits
    of the machine's monotonic clock in microseconds.
    """

    chunks: int = 20
    size: int = 24
    pause: float = 0.0
    think: float = 0.0
    stamped: bool = False


class Answer:
    """A plan's answer: `head`, then `lines` with a chunk each, then the `tail` of their texts."""

    def __init__(self, plan: Plan) -> None:
        texts = [chunk(number, plan.size) for number in range(plan.chunks)]
        self.plan = plan
        self.head = head()
        self.lines = [delta(text) for text in texts]
        self.tail = tail(texts)


def chunk(number: int, size: int) -> str:
    begin = f"{MARK}{number:06d} "
    return begin + _FILLER[number % 60 :][: size - len(begin)]


def stamped(size: int) -> str:
    begin = f"{MARK}{time.monotonic_ns() // 1000:015d} "
    return begin + _FILLER[: size - len(begin)]


def head() -> bytes:
    """Everything before the first word: the steps in front, and the answer's own, still open."""
    *before, answer = _steps()
    opened = {"o": "a", "p": "/s/3/value/-", "v": {"type": "text", "content": _LANGUAGE}}
    appended = [_patch({"o": "a", "p": "/s/-", "v": step}) for step in (*before[1:], answer)]
    start = _line({"type": "patch-start", "data": {"s": before[:1]}, "version": 1})
    return b"".join([start, *appended, _patch(opened)])


def delta(text: str) -> bytes:
    return _patch({"o": "x", "p": "/s/3/value/0/content", "v": text})


def tail(texts: Sequence[str]) -> bytes:
    """Everything after the last word: figures, the saved records, the steps as they ended."""
    figures = _figures(texts)
    *before, answer = _steps()
    ended = answer | figures | {"value": [{"type": "text", "content": _LANGUAGE + "".join(texts)}]}
    title = {"id": _STEPS[4], "type": "title", "value": "A benchmark"}
    return b"".join(
        [
            _patch({"o": "a", "p": "/s/-", "v": title}),
            _patch(*({"o": "a", "p": f"/s/3/{key}", "v": value} for key, value in figures.items())),
            _line({"type": "record-map", "recordMap": _saved(ended)}),
            _line({"type": "patch-sync", "data": {"s": [*before, ended, title]}, "version": 1}),
        ]
    )


def reads() -> dict[str, bytes]:
    """Bodies of the small endpoints, by name."""
    return {
        "loadUserContent": _dump({"recordMap": _account()}),
        "getAvailableModels": _dump(_catalogue()),
    }


def _steps() -> list[dict[str, Any]]:
    config = {"type": "workflow", "model": CODENAME, "modelFromUser": True, "useWebSearch": True}
    return [
        {"id": _STEPS[0], "type": "agent-instruction-state", "owner": "regular", "sources": []},
        {"id": _STEPS[1], "type": "agent-turn-full-record-map", "recordMap": {}},
        {"id": _STEPS[2], "type": "config", "value": config},
        {
            "id": _STEPS[3],
            "type": "agent-inference",
            "traceId": _TRACE,
            "startedAt": _ENDED - 2400,
            "previousAttemptValues": [],
            "value": [],
        },
    ]


def _figures(texts: Sequence[str]) -> dict[str, Any]:
    return {
        "inputTokens": 18422,
        "outputTokens": 5 * len(texts),
        "cachedTokensRead": 17800,
        "cachedTokensCreated": 0,
        "model": CODENAME,
        "finishedAt": _ENDED,
    }


def _saved(answer: Mapping[str, Any]) -> dict[str, Any]:
    outcome = {"inference_id": _TRACE, "status": "completed", "completed_time": _ENDED + 50}
    thread = {"id": _THREAD, "type": "workflow", "data": {"last_turn_outcome": outcome}}
    message = {"id": answer["id"], "parent_id": _THREAD, "step": answer}
    return {
        "thread": {_THREAD: _record(thread)},
        "thread_message": {answer["id"]: _record(message)},
    }


def _account() -> dict[str, Any]:
    pointer = {"table": "space_view", "id": _VIEW, "spaceId": _SPACE}
    user = {"id": _USER, "name": "Ada Example", "email": "ada@example.test"}
    space = {
        "id": _SPACE,
        "name": "Benchmark",
        "plan_type": "team",
        "subscription_tier": "business",
        "settings": {"enable_ai_feature": True},
    }
    return {
        "notion_user": {_USER: _record(user)},
        "user_root": {_USER: _record({"id": _USER, "space_view_pointers": [pointer]})},
        "space": {_SPACE: _record(space)},
        "space_view": {_VIEW: _record({"id": _VIEW, "space_id": _SPACE})},
        "user_settings": {_USER: _record({"settings": {"time_zone": "Europe/Paris"}})},
    }


def _catalogue() -> dict[str, Any]:
    model = {
        "model": CODENAME,
        "modelMessage": "Sonnet 4.6",
        "modelFamily": "anthropic",
        "modelProvider": "anthropic",
        "displayGroup": "fast",
        "isDisabled": False,
        "workflow": {"finalModelName": CODENAME},
    }
    return {"models": [model], "modelSelectionRestricted": False}


def _record(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": {"value": value, "role": "editor"}}


def _patch(*operations: Mapping[str, Any]) -> bytes:
    return _line({"type": "patch", "v": operations})


def _line(value: Mapping[str, Any]) -> bytes:
    return _dump(value) + b"\n"


def _dump(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
