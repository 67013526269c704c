"""What a record map tells of the turn: the saved messages, and how the turn came out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ...errors import UpstreamBroken
from .. import Since
from .account import Account
from .failures import FAILURES
from .loose import list_of, object_of, record_of, text_of

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
    return map(record_of, object_of(tables.get(table)).values())


def _message(record: Mapping[str, Any]) -> Message:
    """The record's own id is the step's where the step has none."""
    step = {"id": text_of(record.get("id")), **object_of(record.get("step"))}
    return Message(step, text_of(object_of(record.get("data")).get("inference_id")))


def _outcome(thread: Mapping[str, Any]) -> Mapping[str, Any]:
    return object_of(object_of(thread.get("data")).get("last_turn_outcome"))


NEWEST = 50
"""Records that the service gives in one read."""

ANSWERING = (*SPEAKING, "agent-tool-result")


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as it is kept: its messages in order, and the traces of its turns.

    One is `running`, and the one that `ended` last is `completed` or failed; "" is none.
    """

    messages: Sequence[str]
    running: str
    ended: str
    completed: bool

    def since(self, trace: str) -> Since:
        """What came after that turn. Of a thread that is not to be seen nothing is sure."""
        if self.running or not self.ended:
            return "more"
        if self.ended == trace:
            return "nothing"
        return "more" if self.completed else "failed"


def ask_records(table: str, ids: Sequence[str], account: Account) -> bytes:
    """The body of syncRecordValuesMain for at most `NEWEST` records."""
    pointers = [{"table": table, "id": each, "spaceId": account.space_id} for each in ids]
    return orjson.dumps({"requests": [{"pointer": p, "version": -1} for p in pointers]})


def read_thread(body: bytes, thread_id: str) -> Thread:
    """A thread that is not there, or not for us to see, has no turns."""
    found = _table(body, "thread").get(thread_id, {})
    outcome = _outcome(found)
    return Thread(
        messages=[text_of(each) for each in list_of(found.get("messages"))],
        running=text_of(found.get("current_inference_id")),
        ended=text_of(outcome.get("inference_id")),
        completed=outcome.get("status") == "completed",
    )


def read_turn(body: bytes, messages: Sequence[str], trace: str) -> Sequence[Mapping[str, Any]]:
    """The steps among `messages` in which the turn `trace` was answered, in their order."""
    table = _table(body, "thread_message")
    saved = [_message(table[each]) for each in messages if each in table]
    return [
        message.step
        for message in saved
        if message.step.get("type") in ANSWERING
        and trace in (message.inference, message.step.get("traceId"))
    ]


def failed(steps: Sequence[Mapping[str, Any]]) -> bool:
    return any(step.get("type") in FAILURES for step in steps)


def _table(body: bytes, name: str) -> Mapping[str, Mapping[str, Any]]:
    """The records of a table by id. Raises UpstreamBroken where the body is no record map."""
    try:
        tables = object_of(object_of(orjson.loads(body)).get("recordMap"))
    except orjson.JSONDecodeError as exc:
        raise UpstreamBroken("Notion's records are not JSON") from exc
    return dict(zip(object_of(tables.get(name)), _records(tables, name), strict=True))
