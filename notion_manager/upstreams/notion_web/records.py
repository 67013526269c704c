"""What a record map tells of the turn: the saved messages, and how the turn came out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .failures import FAILURES
from .loose import object_of, text_of

SPEAKING = (*FAILURES, "agent-inference", "markdown-chat")


@dataclass(frozen=True, slots=True)
class Message:
    """A saved step. `inference` is the trace id of its turn, where that is said."""

    step: Mapping[str, Any]
    inference: str = ""


@dataclass(frozen=True, slots=True)
class Records:
    """`completed` holds the trace ids of the turns said to be complete, "" for one unnamed."""

    messages: tuple[Message, ...]
    completed: frozenset[str]


def read_records(record_map: Any) -> Records:
    tables = object_of(record_map)
    saved = map(_message, _records(tables, "thread_message"))
    messages = tuple(m for m in saved if m.step.get("type") in SPEAKING)
    outcomes = (_outcome(record) for record in _records(tables, "thread"))
    done = (o for o in outcomes if o.get("status") == "completed")
    return Records(messages, frozenset(text_of(o.get("inference_id")) for o in done))


def _records(tables: Mapping[str, Any], table: str) -> Iterator[Mapping[str, Any]]:
    """The records of a table, which are wrapped once or twice."""
    for row in object_of(tables.get(table)).values():
        value = object_of(object_of(row).get("value"))
        inner = value.get("value")
        yield object_of(inner) if isinstance(inner, dict) else value


def _message(record: Mapping[str, Any]) -> Message:
    """The record's own id is the step's where the step has none."""
    step = {"id": text_of(record.get("id")), **object_of(record.get("step"))}
    return Message(step, text_of(object_of(record.get("data")).get("inference_id")))


def _outcome(thread: Mapping[str, Any]) -> Mapping[str, Any]:
    return object_of(object_of(thread.get("data")).get("last_turn_outcome"))
