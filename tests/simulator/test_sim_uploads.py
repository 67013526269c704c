"""Files as the simulated service takes them: tickets, the bucket, tasks, attachment steps."""

from typing import Any

import aiohttp
import pytest
from simguest import Guest, Visit, fresh

from tests.files import CSV, JPEG, PDF, PNG

TICKET = "getUploadFileUrlForAssistantChatTranscriptUpload"


def pointer(guest: Guest, thread: str) -> dict[str, str]:
    return {"table": "thread", "id": thread, "spaceId": guest.account.spaces[0].id}


def asking(guest: Guest, thread: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": f"{fresh()}.png",
        "contentType": "image/png",
        "contentLength": len(PNG),
        "createThread": True,
        "assistantChatTranscriptSessionPointer": pointer(guest, thread),
        **changes,
    }


async def ticket(guest: Guest, thread: str, **changes: Any) -> dict[str, Any]:
    status, told = await guest.post(TICKET, asking(guest, thread, **changes))
    assert status == 200
    return told


async def put(
    told: dict[str, Any],
    data: bytes,
    *,
    leave_out: str = "",
    first: bool = False,
    headers: dict[str, str] | None = None,
) -> int:
    form = aiohttp.FormData()
    if first:
        form.add_field("file", data, filename="a.png")
    for name, value in told["fields"].items():
        if name != leave_out:
            form.add_field(name, value)
    if not first:
        form.add_field("file", data, filename="a.png")
    async with (
        aiohttp.ClientSession() as http,
        http.post(told["signedUploadPostUrl"], data=form, headers=headers) as response,
    ):
        return response.status


def task(guest: Guest, thread: str, url: str, **changes: Any) -> dict[str, Any]:
    space = guest.account.spaces[0].id
    request = {"url": url, "spaceId": space, "source": "user_upload"}
    request |= {"aiSessionPointer": pointer(guest, thread)}
    routing = {"spaceIds": [space]}
    name = "processAgentAttachment"
    return {"task": {"eventName": name, "request": request, "cellRouting": routing, **changes}}


async def outcome(guest: Guest, thread: str, told: dict[str, Any]) -> dict[str, Any]:
    """The state of a file's task once it has ended."""
    _, queued = await guest.post("enqueueTask", task(guest, thread, told["url"]))
    for _ in range(10):
        _, answer = await guest.post("getTasks", {"taskIds": [queued["taskId"]]})
        (found,) = answer["results"]
        assert found["id"].startswith(queued["taskId"])
        if "status" in found:
            return found["status"]["result"]
    raise AssertionError("the task never ended")


def showing(guest: Guest, thread: str, told: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A question in the thread that the file has made."""
    body = guest.turn("Hi", threadId=thread, createThread=False)
    step = {"id": fresh(), "type": "attachment", "fileUrl": told["url"], "fileName": "a.png"}
    step |= {"contentType": "image/png", "metadata": {"fileSizeBytes": len(PNG)}, **changes}
    body["transcript"].insert(-1, step)
    return body


async def test_a_file_is_brought_read_and_seen(guest: Guest) -> None:
    thread = fresh()
    told = await ticket(guest, thread)
    assert told.get("chatId", thread) == thread
    assert await put(told, PNG) == 204
    found = await outcome(guest, thread, told)
    assert (found["type"], found["data"]["width"], found["data"]["height"]) == ("success", 1, 1)
    reading = await guest.read(showing(guest, thread, told))
    assert f"attached a.png (image/png, {len(PNG)} bytes, sha256" in reading.text


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a.png"},
        {"contentType": "application/x-msdownload"},
        {"contentLength": 0},
        {"contentLength": (20 << 20) + 1},
        {"contentLength": "17"},
        {"createThread": False},
        {"assistantChatTranscriptSessionPointer": "44444444-4444-4444-8444-444444444444"},
        {"assistantChatTranscriptSessionPointer": {"table": "thread", "id": "1"}},
    ],
)
async def test_a_ticket_needs_every_part_right(guest: Guest, changes: dict[str, Any]) -> None:
    status, _ = await guest.post(TICKET, asking(guest, fresh(), **changes))
    assert status == 400


async def test_only_the_first_file_makes_the_thread(guest: Guest) -> None:
    thread = fresh()
    await ticket(guest, thread)
    status, _ = await guest.post(TICKET, asking(guest, thread))
    assert status == 400
    await ticket(guest, thread, createThread=False)


async def test_the_bucket_wants_all_fields_and_the_file_last(guest: Guest) -> None:
    told = await ticket(guest, fresh())
    for name in told["fields"]:
        assert await put(told, PNG, leave_out=name) == 403
    assert await put(told, PNG, first=True) == 403
    assert await put(told, PNG + b"!") == 400
    assert await put(told, PNG, headers={"cookie": "token_v2=x"}) == 400
    assert await put(told, PNG) == 204


async def test_the_bucket_takes_no_other_verb(guest: Guest) -> None:
    told = await ticket(guest, fresh())
    async with aiohttp.ClientSession() as http:
        async with http.put(told["signedUploadPostUrl"], data=PNG) as response:
            assert response.status == 405


async def test_a_task_needs_a_file_that_was_brought(guest: Guest) -> None:
    thread = fresh()
    told = await ticket(guest, thread)
    status, _ = await guest.post("enqueueTask", task(guest, thread, told["url"]))
    assert status == 400
    await put(told, PNG)
    for changes in ({"eventName": "another"}, {"cellRouting": {}}):
        status, _ = await guest.post("enqueueTask", task(guest, thread, told["url"], **changes))
        assert status == 400


@pytest.mark.parametrize(
    ("kind", "data", "found"),
    [
        ("image/jpeg", JPEG, {"width": 800}),
        ("application/pdf", PDF, {"contentType": "application/pdf"}),
        ("text/csv", CSV, {"numRows": 3, "numFields": 2}),
    ],
)
async def test_what_a_task_finds_depends_on_the_kind(
    guest: Guest, kind: str, data: bytes, found: dict[str, Any]
) -> None:
    thread = fresh()
    told = await ticket(guest, thread, contentType=kind, contentLength=len(data))
    assert await put(told, data) == 204
    assert (await outcome(guest, thread, told))["data"].items() >= found.items()


async def test_a_file_that_is_not_what_it_says_cannot_be_read(guest: Guest) -> None:
    thread = fresh()
    told = await ticket(guest, thread, contentLength=len(JPEG))
    await put(told, JPEG)
    assert (await outcome(guest, thread, told))["type"] == "error"


async def test_scenarios_of_an_account_disturb_the_way_of_its_files(visit: Visit) -> None:
    async with visit(scenario="storage-403 processing=2 unreadable chat-id") as guest:
        told = await ticket(guest, fresh())
        thread = told["chatId"]
        assert await put(told, PNG) == 403
        assert await put(told, PNG) == 204
        _, queued = await guest.post("enqueueTask", task(guest, thread, told["url"]))
        looks = [await guest.post("getTasks", {"taskIds": [queued["taskId"]]}) for _ in range(3)]
        assert ["status" in told["results"][0] for _, told in looks] == [False, False, True]
        assert looks[2][1]["results"][0]["status"]["result"]["type"] == "error"


@pytest.mark.parametrize("changes", [{"contentType": "image/gif"}, {"fileUrl": "attachment:1:a"}])
async def test_an_answer_is_shown_files_of_its_own_thread_only(
    guest: Guest, changes: dict[str, Any]
) -> None:
    thread = fresh()
    told = await ticket(guest, thread)
    status, _ = await guest.post("runInferenceTranscript", showing(guest, thread, told))
    assert status == 400  # nothing was brought yet
    await put(told, PNG)
    body = showing(guest, thread, told, **changes)
    status, _ = await guest.post("runInferenceTranscript", body)
    assert status == 400
    body = showing(guest, thread, told) | {"threadId": fresh(), "createThread": True}
    status, _ = await guest.post("runInferenceTranscript", body)
    assert status == 400


async def test_a_signed_address_needs_the_files_own_thread(guest: Guest) -> None:
    thread = fresh()
    told = await ticket(guest, thread)
    asked = {"url": told["url"], "download": False, "permissionRecord": pointer(guest, thread)}
    status, answer = await guest.post("getSignedFileUrls", {"urls": [asked]})
    assert (status, len(answer["signedUrls"])) == (200, 1)
    asked["permissionRecord"] = pointer(guest, fresh())
    status, _ = await guest.post("getSignedFileUrls", {"urls": [asked]})
    assert status == 400
