"""Files as the service takes them: tickets, the bucket behind them, tasks that read them."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from random import Random

from .accounts import SimSpace
from .bucket import Bucket, Task, Upload
from .call import Call
from .faults import http_fault
from .replies import Refused, Reply, invalid, page
from .scenarios import Scenario
from .shapes import Json, as_list, as_object, as_text, is_uuid, new_id
from .threads import Thread
from .world import World

BUCKET = "prod-files-secure"
OFTEN = 0.5
MOST_ROWS = 100
LARGEST = 20 << 20
ZIP = "application/x-zip-compressed"
TYPES = frozenset({
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/heic", "application/pdf",
    "text/csv", "text/plain", "text/markdown", "text/html", "application/json",
})  # fmt: skip
SIGNATURES: Mapping[str, bytes] = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
PDF_HEAD = 1024
RUNNING = ("in_progress", "pending", "queued")
PNG_SIZE = slice(16, 24)


# The ticket


def ticket(call: Call) -> Json:
    """`createThread` makes the thread, which must not exist; else it must. Raises Refused."""
    _disturb(call, "ticket")
    body, rng, origin = call.body, call.rng, call.world.origin
    space, thread_id = _pointer(call, body.get("assistantChatTranscriptSessionPointer"))
    name, size, kind = as_text(body.get("name")), body.get("contentLength"), _type(call)
    stem, dot, extension = name.rpartition(".")
    if not (is_uuid(stem) and dot and extension and isinstance(size, int) and 0 < size <= LARGEST):
        raise Refused(invalid(rng))
    thread_id = _thread(call, space, thread_id)
    file_id = new_id(rng)
    key = f"{space.id}/{file_id}/{name}"
    upload = Upload(
        owner=call.account.user_id,
        space_id=space.id,
        thread_id=thread_id,
        content_type=kind,
        size=size,
        url=f"attachment:{file_id}:{name}",
        fields=_fields(key, kind, rng),
    )
    call.world.uploads.by_key[key] = upload
    told = {"chatId": thread_id} if "chat-id" in call.scenario or rng.random() < OFTEN else {}
    return {
        "url": upload.url,
        "signedGetUrl": f"{origin}/files/{key}?sig=simulated",
        "signedUploadPostUrl": f"{origin}/s3/{BUCKET}",
        "postHeaders": [],
        "fields": dict(upload.fields),
        **told,
    }


def _disturb(call: Call, step: str) -> None:
    """Raises Refused where a scenario refuses this step."""
    if reply := http_fault(Scenario({call.scenario.get(step): ""}), call.rng):
        raise Refused(reply)


def _pointer(call: Call, value: object) -> tuple[SimSpace, str]:
    pointer = as_object(value)
    space = call.account.space(as_text(pointer.get("spaceId")))
    if space is None or pointer.get("table") != "thread" or not is_uuid(pointer.get("id")):
        raise Refused(invalid(call.rng))
    return space, as_text(pointer["id"])


def _type(call: Call) -> str:
    kind = as_text(call.body.get("contentType"))
    forced = kind == ZIP and call.body.get("allowUnsupportedTypes") is True
    if kind not in TYPES and not forced:
        raise Refused(invalid(call.rng, "Unsupported file type."))
    return kind


def _thread(call: Call, space: SimSpace, thread_id: str) -> str:
    threads, owner, now_ms = call.world.threads, call.account.user_id, call.world.now_ms
    create, known = call.body.get("createThread") is True, threads.known.get(thread_id)
    if create is (known is not None):
        told = "Thread already exists." if create else "Thread not found."
        raise Refused(invalid(call.rng, told))
    if known is not None:
        if (known.owner, known.space_id, known.alive) != (owner, space.id, True):
            raise Refused(invalid(call.rng, "Thread not found."))
        return thread_id
    made = new_id(call.rng) if "chat-id" in call.scenario else thread_id
    threads.keep(Thread(made, space.id, owner, created_ms=now_ms, updated_ms=now_ms))
    return made


def _fields(key: str, kind: str, rng: Random) -> Mapping[str, str]:
    policy = b64encode(rng.randbytes(24)).decode()
    return {
        "Content-Type": kind,
        "key": key,
        "bucket": BUCKET,
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": "SIMULATED/20261122/us-west-2/s3/aws4_request",
        "X-Amz-Date": "20261122T182000Z",
        "X-Amz-Security-Token": "simulated",
        "tagging": "<Tagging><TagSet></TagSet></Tagging>",
        "Policy": policy,
        "X-Amz-Signature": f"{rng.getrandbits(256):064x}",
    }


# The bucket


class Disturbed(Exception):
    """The bucket does not answer as it should: a status, "hang" or "reset"."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


def store(world: World, form: Sequence[tuple[str, bytes]]) -> Reply:
    """A form in its order. What comes after the file is not looked at, as in the real bucket."""
    bucket = world.uploads
    before: dict[str, str] = {}
    data = None
    for name, value in form:
        if name == "file":
            data = value
            break
        before[name] = value.decode(errors="replace")
    if data is None:
        return _xml(400, "InvalidArgument", "POST requires exactly one file upload per request.")
    upload = bucket.by_key.get(before.get("key", ""))
    if upload is None or before != dict(upload.fields):
        return _xml(403, "AccessDenied", "Invalid according to Policy: Policy Condition failed")
    scenario = world.defaults(next(a for a in world.accounts if a.user_id == upload.owner))
    if bucket.refused < scenario.number("storage-403", float("storage-403" in scenario)):
        bucket.refused += 1
        return _xml(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    if fault := scenario.get("storage"):
        raise Disturbed(fault)
    if len(data) != upload.size:
        return _xml(400, "EntityTooLarge", "Your proposed upload is not of the allowed size")
    upload.data = data
    return Reply(204)


def _xml(status: int, code: str, message: str) -> Reply:
    text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'
    return Reply(status, body, {"content-type": "application/xml"})


# The task


def enqueue(call: Call) -> Json:
    """Raises Refused for a task of another kind, and for a file or thread that is not there."""
    _disturb(call, "enqueue")
    world = call.world
    task = as_object(call.body.get("task"))
    request = as_object(task.get("request"))
    space, thread_id = _pointer(call, request.get("aiSessionPointer"))
    upload = world.uploads.at(as_text(request.get("url")))
    routed = as_list(as_object(task.get("cellRouting")).get("spaceIds")) == [space.id]
    known = task.get("eventName") == "processAgentAttachment" and thread_id in world.threads.known
    if not (known and routed and request.get("spaceId") == space.id):
        raise Refused(invalid(call.rng))
    if upload is None or upload.data is None or upload.owner != call.account.user_id:
        raise Refused(invalid(call.rng, "No such file."))
    task_id = f"task-{call.rng.getrandbits(64):016x}"
    world.uploads.tasks[task_id] = Task(upload, _looks(upload, call.scenario, call.rng))
    return {"taskId": task_id}


def _looks(upload: Upload, scenario: Scenario, rng: Random) -> float:
    asked = scenario.get("processing")
    if asked == "never" or (asked == "csv-never" and upload.content_type == "text/csv"):
        return float("inf")
    return scenario.number("processing", rng.randrange(2))


def results(call: Call) -> Json:
    """The tasks asked for that are the person's own; some of their ids come in a longer form.

    Raises Refused where a scenario makes the first looks fail.
    """
    bucket, scenario = call.world.uploads, call.scenario
    if bucket.overlooked < scenario.number("task-502", float("task-502" in scenario)):
        bucket.overlooked += 1
        raise Refused(page(502, "502 Bad Gateway", "<h1>502 Bad Gateway</h1>"))
    found: list[Json] = []
    for task_id in map(as_text, as_list(call.body.get("taskIds"))):
        task = bucket.tasks.get(task_id)
        if task and task.upload.owner == call.account.user_id:
            id = f"{task_id}:{new_id(call.rng)}" if call.rng.random() < OFTEN else task_id
            about = {"id": id, "eventName": "processAgentAttachment"}
            found.append({**about, **_state(task, scenario, call.rng)})
    return {"results": found}


def _state(task: Task, scenario: Scenario, rng: Random) -> Json:
    if task.left > 0:
        task.left -= 1
        return {"state": rng.choice(RUNNING)}
    upload = task.upload
    data = upload.data or b""
    if "unreadable" in scenario or not _is_said(upload.content_type, data):
        result: Json = {"type": "error", "message": "The file could not be processed."}
        state = rng.choice(("failure", "failed", "success"))  # a task may succeed in failing a file
    else:
        result = {"type": "success", "data": _data(upload, data, rng)}
        state = rng.choice(("success", "completed"))
    return {"state": state, "status": {"type": "complete", "result": result}}


def _is_said(content_type: str, data: bytes) -> bool:
    """A PDF may begin later, as its readers have it."""
    if content_type == "application/pdf":
        return b"%PDF-" in data[:PDF_HEAD]
    return data.startswith(SIGNATURES.get(content_type, b""))


def _data(upload: Upload, data: bytes, rng: Random) -> Json:
    step: Json = {
        "guardrail": {"attachmentRisk": "skipped", "inferenceId": new_id(rng)},
        "estimatedTokens": {"openai": 765, "anthropic": 640},
    }
    found: Json = {
        "fileSizeBytes": upload.size,
        "aiTraceId": new_id(rng),
        "contentType": upload.content_type,
    }
    if upload.content_type == "text/csv":
        rows = data.decode(errors="replace").splitlines()
        found |= {"numRows": len(rows), "numFields": rows[0].count(",") + 1 if rows else 0}
        shown = "\n".join(rows[:MOST_ROWS])
        step |= {"truncatedContent": shown, "wasTruncated": len(rows) > MOST_ROWS}
    elif upload.content_type.startswith("image/"):
        found |= {**_dimensions(upload, data), "moderation": {"status": "passed"}}
    else:
        step |= {"truncatedContent": "", "wasTruncated": False}
    return {**found, "stepMetadata": step}


def _dimensions(upload: Upload, data: bytes) -> Json:
    if upload.content_type != "image/png":
        return {"width": 800, "height": 600}
    raw = data[PNG_SIZE]
    return {"width": int.from_bytes(raw[:4], "big"), "height": int.from_bytes(raw[4:], "big")}


def signed_urls(call: Call) -> Json:
    """Raises Refused for a file that is not the person's, or not of the named thread."""
    urls: list[str] = []
    for asked in map(as_object, as_list(call.body.get("urls"))):
        upload = call.world.uploads.at(as_text(asked.get("url")))
        thread_id = as_object(asked.get("permissionRecord")).get("id")
        if upload is None or (upload.owner, upload.thread_id) != (call.account.user_id, thread_id):
            raise Refused(invalid(call.rng))
        urls.append(f"{call.world.origin}/files/{upload.fields['key']}?sig=simulated")
    return {"signedUrls": urls}


# What an answer sees


def check(bucket: Bucket, thread: Thread, steps: Sequence[Json], rng: Random) -> None:
    """Whether the attachment steps of a call show files of its own thread. Raises Refused."""
    for step in steps:
        if step["type"] == "attachment":
            upload = bucket.at(as_text(step["fileUrl"]))
            here = upload and (upload.thread_id, upload.owner) == (thread.id, thread.owner)
            if not (upload and here and upload.data):
                raise Refused(invalid(rng, "Attachment not found."))
            if upload.content_type != step["contentType"]:
                raise Refused(invalid(rng, "Attachment type mismatch."))
