"""A Turn to the JSON bodies that the service takes: a new thread with the whole conversation."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
from msgspec import Struct

from ...errors import BadRequest, Unsupported
from ...turn import Message, Text, Thinking, Turn
from .account import Account

INSTRUCTIONS = "# Instructions from the calling application"
CONVERSATION = "# Conversation"


def probe(account: Account) -> bytes:
    """The body of the free reads: the catalogue and the allowances of a workspace."""
    return orjson.dumps({"spaceId": account.space_id})


def request(turn: Turn, account: Account, *, ids: Iterator[str], now: datetime) -> bytes:
    """The body of runInferenceTranscript: a new thread, answered in patches.

    `now` is aware. `ids` are fresh UUIDs (the service answers any other id with an empty 200); the
    first becomes the trace's, the second the thread's. The turn is plain: what it says of tools it
    says in words. Raises Unsupported for what cannot be told to this upstream, and BadRequest where
    there is nothing for the model to answer.
    """
    history = _history(turn)
    zone = _zone(account)
    when = now.astimezone(zone).isoformat(timespec="milliseconds")
    space = account.space_id
    envelope = {"traceId": next(ids), "spaceId": space, "threadId": next(ids), **_NEW_THREAD}
    steps = [
        _config(turn, next(ids)),
        _context(account, next(ids), when, str(zone)),
        *[_step(said, account, next(ids), when) for said in history],
    ]
    parent = {"table": "space", "id": space, "spaceId": space}
    return orjson.dumps({**envelope, "threadParentPointer": parent, "transcript": steps})


_NEW_THREAD: Mapping[str, Any] = {
    "createThread": True,
    "generateTitle": True,
    "saveAllThreadOperations": True,
    "setUnreadState": False,  # a program's chat deserves no badge
    "createdSource": "ai_module",
    "threadType": "workflow",
    "isPartialTranscript": False,
    "asPatchResponse": True,
    "patchResponseVersion": 2,
    "isUserInAnySalesAssistedSpace": False,
    "isSpaceSalesAssisted": False,
    "supportsCustomAgentNudgeTranscriptStep": True,
    "debugOverrides": {
        "emitAgentSearchExtractedResults": True,
        "cachedInferences": {},
        "annotationInferences": {},
        "emitInferences": False,
    },
}


def _config(turn: Turn, id: str) -> dict[str, Any]:
    """Without a model the service picks one, with the effort it likes.

    An empty list of scopes keeps the service's search out of the workspace; searching the web does
    not need one.
    """
    workspace = bool(turn.search.workspace)
    chosen: dict[str, Any] = {"model": turn.model} if turn.model else {}
    if turn.model and turn.effort:
        chosen["reasoningEffort"] = turn.effort
    value = {
        "type": "workflow",
        **chosen,
        "modelFromUser": bool(turn.model),
        "useWebSearch": bool(turn.search.web),
        "searchScopes": [{"type": "everything"}] if workspace else [],
        "useReadOnlyMode": bool(turn.read_only),
        "enableCsvAttachmentSupport": True,
        "availableConnectors": [],
    }
    return {"id": id, "type": "config", "value": value}


def _context(account: Account, id: str, when: str, zone: str) -> dict[str, Any]:
    value = {
        "timezone": zone,
        "userName": account.user_name,
        "userId": account.user_id,
        "userEmail": account.email,
        "spaceName": account.space_name,
        "spaceId": account.space_id,
        "spaceViewId": account.space_view_id,
        "currentDatetime": when,
        "surface": "ai_module",
    }
    return {"id": id, "type": "context", "value": value}


def _zone(account: Account) -> tzinfo:
    try:
        return ZoneInfo(account.timezone)
    except (KeyError, ValueError, OSError):  # no such zone, no such name, no such file
        return UTC


# The conversation: bits of one side are merged, so that the sides alternate.


class _Said(Struct, frozen=True):
    """Text of one message. `instructs` marks what the calling application says as itself."""

    side: Literal["user", "assistant"]
    text: str
    instructs: bool = False


def _history(turn: Turn) -> list[_Said]:
    system = [Message("system", (Text(turn.system),))] if turn.system else []
    runs: list[list[_Said]] = []
    for message in (*system, *turn.messages):
        said = _said(message)
        if said is None:
            continue
        if runs and runs[-1][0].side == said.side:
            runs[-1].append(said)
        else:
            runs.append([said])
    if not runs:
        raise BadRequest("there is nothing to answer", field="messages")
    if runs[-1][0].side == "assistant":
        raise BadRequest(
            "the last message must be the user's: an answer cannot be begun for the model",
            field="messages",
        )
    return [_Said(run[0].side, _render(run)) for run in runs]


def _said(message: Message) -> _Said | None:
    """What a message says, if anything: a blank earlier answer makes the service's own blank."""
    texts: list[str] = []
    for part in message.parts:
        if isinstance(part, Text):
            texts.append(part.text)
        elif not isinstance(part, Thinking):
            raise Unsupported(
                "files and images: this version cannot take them yet; send text alone"
            )
    text = "\n\n".join(texts)
    if message.role != "user" and not text.strip():
        return None
    side = "assistant" if message.role == "assistant" else "user"
    return _Said(side, text, instructs=message.role == "system")


def _render(run: Sequence[_Said]) -> str:
    """The run's texts verbatim; headings keep instructions apart from what the user says."""
    sections: list[str] = []
    for index, bit in enumerate(run):
        turned = index > 0 and run[index - 1].instructs != bit.instructs
        if bit.instructs and (turned or not index):
            sections.append(INSTRUCTIONS)
        if turned and not bit.instructs:
            sections.append(CONVERSATION)
        sections.append(bit.text)
    return "\n\n".join(filter(None, sections))


def _step(said: _Said, account: Account, id: str, when: str) -> dict[str, Any]:
    if said.side == "assistant":
        value = [{"type": "text", "content": said.text}]
        return {"id": id, "type": "agent-inference", "value": value}
    return {
        "id": id,
        "type": "user",
        "value": [[said.text]],
        "userId": account.user_id,
        "createdAt": when,
    }
