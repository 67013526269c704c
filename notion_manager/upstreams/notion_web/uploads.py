"""Files on their way into a conversation: what the service is told of each, and what it answers.

A ticket says where a file goes; the file goes there; a task reads it; a step of the transcript
shows it to the model. Where a table's task never ends, its text goes into the message instead.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace
from yarl import URL

from ...errors import BadRequest, UpstreamBroken
from ...turn import File, Turn
from .account import Account
from .loose import count_of, list_of, object_of, text_of

MOST = 50
"""Distinct files of one conversation. The service's own clients stay well below."""

EXTENSIONS: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "text/csv": "csv",
}
_KINDS: Mapping[str, str] = {"application/pdf": "document", "text/csv": "table"}
_RENDERED = (
    "fileSizeBytes", "aiTraceId", "width", "height", "moderation", "numRows", "numFields",
)  # fmt: skip
_MEASURED = ("truncatedContent", "wasTruncated", "estimatedTokens")
_WELL = frozenset({"success", "complete", "completed"})
_ILL = frozenset({"failure", "failed", "error"})


class Parcel(Struct, frozen=True):
    """A distinct file of a conversation, by the name that the model will know it by.

    `path` is where in the request it is first.
    """

    name: str
    media_type: str
    data: bytes
    path: str = ""


class Ticket(Struct, frozen=True):
    """Leave to bring one file. `fields` and the file make the form that `storage` takes."""

    name: str
    url: str
    storage: str
    fields: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    thread_id: str


class Outcome(Struct, frozen=True):
    """What the service made of a file: what it found, or why it could not read it."""

    found: Mapping[str, Any]
    failed: bool = False
    why: str = ""


class Attachment(Struct, frozen=True):
    """`line` stands in the message where the file stood; `step`, if any, shows the file."""

    line: str
    step: Mapping[str, Any] | None = None


class Attached(Struct, frozen=True):
    """The files of a turn, in the thread that has them, by their bytes."""

    thread_id: str
    files: Mapping[bytes, Attachment]


def parcels(turn: Turn) -> Sequence[Parcel]:
    """Each file of the conversation once, however often it is shown. Raises BadRequest."""
    files: dict[bytes, File] = {}
    for message in turn.messages:
        for part in message.parts:
            if isinstance(part, File):
                files.setdefault(part.data, part)
    if not files:
        return ()
    if len(files) > MOST:
        raise BadRequest(
            f"{len(files)} different files in one conversation; the limit is {MOST}",
            field=list(files.values())[MOST].path,
        )
    return [_parcel(file, number) for number, file in enumerate(files.values(), 1)]


def present(turn: Turn, asked: Turn) -> Mapping[bytes, Attachment]:
    """The files of a thread that lacks no more of the turn than what is `asked`.

    Shown again, such a file is only named.
    """
    earlier = turn.messages[: len(turn.messages) - len(asked.messages)]
    there = {parcel.data for parcel in parcels(replace(turn, messages=earlier))}
    return {p.data: Attachment(_line(p)) for p in parcels(turn) if p.data in there}


def _parcel(file: File, number: int) -> Parcel:
    kind = _KINDS.get(file.media_type, "image")
    name = file.name or f"{kind}-{number}.{EXTENSIONS[file.media_type]}"
    return Parcel(name, file.media_type, file.data, file.path)


# What is asked


def stored_name(parcel: Parcel, id: str) -> str:
    """What the storage calls the file: `id`, a fresh one, and nothing of the person's."""
    return f"{id}.{EXTENSIONS[parcel.media_type]}"


def ask_ticket(
    parcel: Parcel, name: str, account: Account, thread_id: str, *, create: bool
) -> bytes:
    """`create` where the thread does not exist yet."""
    return orjson.dumps(
        {
            "name": name,
            "contentType": parcel.media_type,
            "contentLength": len(parcel.data),
            "createThread": create,
            "assistantChatTranscriptSessionPointer": _pointer(account, thread_id),
        }
    )


def ask_task(ticket: Ticket, account: Account, thread_id: str) -> bytes:
    return orjson.dumps(
        {
            "task": {
                "eventName": "processAgentAttachment",
                "request": {
                    "url": ticket.url,
                    "spaceId": account.space_id,
                    "aiSessionPointer": _pointer(account, thread_id),
                    "source": "user_upload",
                },
                "cellRouting": {"spaceIds": [account.space_id]},
            }
        }
    )


def ask_outcome(task_id: str) -> bytes:
    return orjson.dumps({"taskIds": [task_id]})


def _pointer(account: Account, thread_id: str) -> Mapping[str, str]:
    return {"table": "thread", "id": thread_id, "spaceId": account.space_id}


# What is answered


def parse_ticket(body: bytes, name: str, thread_id: str) -> Ticket:
    """The ticket for what was asked. Raises UpstreamBroken where it is none."""
    told = _object(body)
    ticket = Ticket(
        name,
        url=text_of(told.get("url")),
        storage=text_of(told.get("signedUploadPostUrl")),
        fields=[(name, text_of(value)) for name, value in object_of(told.get("fields")).items()],
        headers=dict(_headers(told.get("postHeaders"))),
        thread_id=text_of(told.get("chatId")) or thread_id,
    )
    if not (ticket.url and ticket.storage and ticket.fields):
        raise UpstreamBroken("Notion did not say where to upload the file")
    return ticket


def _headers(value: Any) -> Iterator[tuple[str, str]]:
    """Mostly there are none; their shape was never seen, so both usual ones are read."""
    for name, given in object_of(value).items():
        yield name, text_of(given)
    for entry in map(object_of, list_of(value)):
        if name := text_of(entry.get("name")):
            yield name, text_of(entry.get("value"))


def storage(ticket: Ticket, base_url: str) -> URL:
    """Where the form goes: over TLS, unless the service itself is reached without.

    Raises UpstreamBroken for any other place.
    """
    try:
        place = URL(ticket.storage)
    except ValueError:
        place = URL()
    if not place.host or place.scheme not in ("https", URL(base_url).scheme):
        raise UpstreamBroken("Notion's file storage has no https address")
    return place


def parse_task(body: bytes) -> str:
    """The task's id. Raises UpstreamBroken where there is none."""
    task_id = text_of(_object(body).get("taskId"))
    if not task_id:
        raise UpstreamBroken("Notion did not say which task reads the file")
    return task_id


def parse_outcome(body: bytes, task_id: str) -> Outcome | None:
    """None while the task runs. The id that comes back may be a longer form of the one asked."""
    for task in map(object_of, list_of(_object(body).get("results"))):
        if text_of(task.get("id")).startswith(task_id):
            return _outcome(task)
    return None


def _outcome(task: Mapping[str, Any]) -> Outcome | None:
    """Each client of the service reads another of these words; so all of them count."""
    status = object_of(task.get("status"))
    result = object_of(status.get("result"))
    words = {text_of(task.get("state")), text_of(status.get("type")), text_of(result.get("type"))}
    if words & _ILL:
        return Outcome({}, failed=True, why=text_of(result.get("message")))
    return Outcome(object_of(result.get("data"))) if words & _WELL else None


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        return object_of(orjson.loads(body))
    except orjson.JSONDecodeError:
        return {}


# How the model sees it


def shown(parcel: Parcel, url: str, outcome: Outcome | None) -> Attachment:
    """An outcome that did not come in time is done without, except for a table.

    The service refuses the whole request for a key of the step that it does not know.
    """
    if outcome is None and parcel.media_type == "text/csv":
        return Attachment(_inlined(parcel))
    return Attachment(
        _line(parcel),
        {
            "type": "attachment",
            "fileUrl": url,
            "fileName": parcel.name,
            "contentType": parcel.media_type,
            "metadata": _metadata(parcel, outcome.found if outcome else {}),
        },
    )


def _line(parcel: Parcel) -> str:
    return f"(attached: {parcel.name})"


def _metadata(parcel: Parcel, found: Mapping[str, Any]) -> Mapping[str, Any]:
    step = object_of(found.get("stepMetadata"))
    metadata = {key: found[key] for key in _RENDERED if found.get(key) is not None}
    metadata |= {
        key: each[key] for key in _MEASURED for each in (found, step) if each.get(key) is not None
    }
    if risk := text_of(object_of(step.get("guardrail")).get("attachmentRisk")):
        metadata["guardrail"] = {"attachmentRisk": risk}
    size = count_of(found.get("fileSizeBytes")) or len(parcel.data)
    return {**metadata, "fileSizeBytes": size, "attachmentSource": "user_upload"}


def _inlined(parcel: Parcel) -> str:
    """One line of JSON, which the service reads as a file where it stands in a message."""
    data = f"data:{parcel.media_type};base64,{b64encode(parcel.data).decode()}"
    file = {"file_data": data, "filename": parcel.name}
    return orjson.dumps({"file": file, "type": "file"}).decode()
