"""A Turn to the JSON bodies that the service takes: all of it, or what its thread lacks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
from msgspec import Struct
from msgspec.structs import replace

from ...errors import BadRequest, Unsupported
from ...turn import File, FileLink, Found, Message, Text, Turn
from .account import Account
from .uploads import Attached, Attachment

INSTRUCTIONS = "# Instructions from the calling application"
CONVERSATION = "# Conversation"
ZONES = 64  # of accounts that are in use


def probe(account: Account) -> bytes:
    """The body of the free reads: the catalogue and the allowances of a workspace."""
    return orjson.dumps({"spaceId": account.space_id})


class Anchor(Struct, frozen=True):
    """A thread, and what its first turn said that later ones must say again: two ids and a time.

    `last` is the trace of the last turn that we know of.
    """

    thread: str
    config: str
    context: str
    when: str
    source: str = "ai_module"
    last: str = ""

    def bookmark(self) -> str:
        """What `anchor_of` reads."""
        said = [self.thread, self.config, self.context, self.when, self.source, self.last]
        return orjson.dumps(said).decode()


def anchor_of(bookmark: str) -> Anchor:
    return Anchor(*orjson.loads(bookmark))


def begin(
    account: Account, thread_id: str, *, ids: Iterator[str], now: datetime, made: bool
) -> Anchor:
    """A new thread, or one that the first file of its turn has `made`. `now` is aware."""
    source = "workflows" if made else "ai_module"
    return Anchor(thread_id, next(ids), next(ids), _time(account, now), source)


def newest(turn: Turn) -> Turn:
    """What follows the last answer of a conversation: all that its thread lacks."""
    places = [place for place, said in enumerate(turn.messages, 1) if said.role == "assistant"]
    return replace(turn, system="", messages=turn.messages[max(places, default=0) :])


def check(turn: Turn, files: Iterable[bytes]) -> None:
    """Raises what `request` would, before the `files` of the turn are brought."""
    _history(turn, dict.fromkeys(files, Attachment("")))


def request(  # noqa: PLR0913 - what a request is made of
    turn: Turn,
    account: Account,
    anchor: Anchor,
    trace: str,
    *,
    ids: Iterator[str],
    now: datetime,
    continued: bool = False,
    attached: Attached | None = None,
) -> bytes:
    """The body of runInferenceTranscript, answered in patches.

    Where the `anchor` is `continued`, the turn is what that thread lacks. `now` is aware; `trace`,
    by which the service knows the turn, and `ids` are fresh UUIDs (it answers any other id with an
    empty 200). The turn is plain: what it says of tools it says in words. Raises Unsupported for
    what cannot be told to this upstream, and BadRequest where there is nothing to answer.
    """
    history = _history(turn, dict(attached.files) if attached else {})
    when = _time(account, now) if continued else anchor.when
    turn_ids = {"traceId": trace, "spaceId": account.space_id}
    thread = _thread(account, anchor, made=attached is not None, continued=continued)
    updates = [{"id": next(ids), "type": "updated-config"}] if continued else []
    steps = [
        _config(turn, anchor.config),
        _context(account, anchor),
        *updates,
        *[step for said in history for step in _steps(said, account, ids, when)],
    ]
    return orjson.dumps({**turn_ids, **thread, "transcript": steps})


def research(turn: Turn, account: Account, *, ids: Iterator[str], now: datetime) -> bytes:
    """The body of runInferenceTranscript for a question that is looked into.

    It names no thread: the service makes one.
    """
    when = _time(account, now)
    (said,) = _history(turn, {})
    place = {"timezone": str(_zone(account)), "userId": account.user_id}
    scope = {"type": "researcher", "searchScope": {"type": "everything"}, "useWebSearch": True}
    where = {"spaceId": account.space_id, "currentDatetime": when, "surface": "ai_module"}
    steps = [
        {"id": next(ids), "type": "config", "value": scope},
        {"id": next(ids), "type": "context", "value": {**place, **where}},
        *_steps(said, account, ids, when),
    ]
    return orjson.dumps(
        {
            "traceId": next(ids),
            "spaceId": account.space_id,
            "createThread": True,
            "generateTitle": True,
            "saveAllThreadOperations": True,
            "setUnreadState": False,
            "isPartialTranscript": False,
            "asPatchResponse": False,
            "threadType": "researcher",
            "debugOverrides": {"emitAgentSearchExtractedResults": True},
            "transcript": steps,
        }
    )


def _thread(account: Account, anchor: Anchor, *, made: bool, continued: bool) -> Mapping[str, Any]:
    thread = {**_NEW_THREAD, "threadId": anchor.thread, "createdSource": anchor.source}
    if continued:
        partial = {"createThread": False, "generateTitle": False, "isPartialTranscript": True}
        return {**thread, **partial}
    if made:
        return {**thread, "createThread": False}
    parent = {"table": "space", "id": account.space_id, "spaceId": account.space_id}
    return {**thread, "threadParentPointer": parent}


_NEW_THREAD: Mapping[str, Any] = {
    "createThread": True,
    "generateTitle": True,
    "saveAllThreadOperations": True,
    "setUnreadState": False,  # a program's chat deserves no badge
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


def _context(account: Account, anchor: Anchor) -> dict[str, Any]:
    value = {
        "timezone": str(_zone(account)),
        "userName": account.user_name,
        "userId": account.user_id,
        "userEmail": account.email,
        "spaceName": account.space_name,
        "spaceId": account.space_id,
        "spaceViewId": account.space_view_id,
        "currentDatetime": anchor.when,
        "surface": anchor.source,
    }
    return {"id": anchor.context, "type": "context", "value": value}


def _time(account: Account, now: datetime) -> str:
    return now.astimezone(_zone(account)).isoformat(timespec="milliseconds")


def _zone(account: Account) -> tzinfo:
    return _zone_of(account.timezone)


@lru_cache(ZONES)
def _zone_of(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such zone, no such name, no such file
        return UTC


# The conversation: bits of one side are merged, so that the sides alternate.


class _Said(Struct, frozen=True):
    """What one message says. `instructs` marks what the calling application says as itself.

    `shows` are the steps of the files that it shows.
    """

    side: Literal["user", "assistant"]
    text: str
    instructs: bool = False
    shows: tuple[Mapping[str, Any], ...] = ()


def _history(turn: Turn, files: dict[bytes, Attachment]) -> list[_Said]:
    system = [Message("system", (Text(turn.system),))] if turn.system else []
    runs: list[list[_Said]] = []
    for message in (*system, *turn.messages):
        said = _said(message, files)
        if said is None:
            continue
        if runs and runs[-1][0].side == said.side:
            runs[-1].append(said)
        else:
            runs.append([said])
    if not runs:
        raise BadRequest("there is nothing to answer", field=turn.path)
    if runs[-1][0].side == "assistant":
        raise BadRequest(
            "the last message must be the user's: an answer cannot be started for the model",
            field=turn.path,
        )
    return [
        _Said(run[0].side, _render(run), shows=tuple(step for said in run for step in said.shows))
        for run in runs
    ]


def _said(message: Message, files: dict[bytes, Attachment]) -> _Said | None:
    """What a message says, if anything: a blank earlier answer makes the service's own blank.

    A file is shown once: the step of one in `files` goes with the first message that has it.
    """
    texts: list[str] = []
    shows: list[Mapping[str, Any]] = []
    for part in message.parts:
        if isinstance(part, Text):
            texts.append(part.text)
        elif isinstance(part, Found):
            texts += filter(None, (part.listing,))
        elif isinstance(part, File):
            shown = files[part.data]
            texts.append(shown.line)
            shows += [shown.step] if shown.step else []
            files[part.data] = Attachment(shown.line)
        elif isinstance(part, FileLink):
            raise Unsupported(
                "files are not fetched from URLs, unless `files.fetch_urls` is on; "
                "send the file itself as base64",
                field=part.path,
            )
    text = "\n\n".join(texts)
    if message.role != "user" and not text.strip():
        return None
    side = "assistant" if message.role == "assistant" else "user"
    return _Said(side, text, message.role == "system", tuple(shows))


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


def _steps(
    said: _Said, account: Account, ids: Iterator[str], when: str
) -> Iterator[Mapping[str, Any]]:
    """The files of a message come before it."""
    for step in said.shows:
        yield {"id": next(ids), **step}
    if said.side == "assistant":
        value = [{"type": "text", "content": said.text}]
        yield {"id": next(ids), "type": "agent-inference", "value": value}
    else:
        yield {
            "id": next(ids),
            "type": "user",
            "value": [[said.text]],
            "userId": account.user_id,
            "createdAt": when,
        }
