"""What the service is told of a file, what it answers, and how the model is shown it."""

import json
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.errors import BadRequest, UpstreamBroken
from notion_manager.turn import File, Message, Text, Turn
from notion_manager.upstreams.notion_web.uploads import (
    MOST,
    Attachment,
    Outcome,
    Parcel,
    ask_outcome,
    ask_task,
    ask_ticket,
    parcels,
    parse_outcome,
    parse_task,
    parse_ticket,
    present,
    shown,
    storage,
    stored_name,
)
from tests.files import CSV, GIF, PDF, PNG
from tests.upstreams.test_transcript import ACCOUNT

THREAD = "44444444-4444-4444-8444-444444444444"
FILE = "55555555-5555-4555-8555-555555555555"
URL = f"attachment:66666666-6666-4666-8666-666666666666:{FILE}.png"
POINTER = {"table": "thread", "id": THREAD, "spaceId": ACCOUNT.space_id}
PICTURE = Parcel("bridge.png", "image/png", PNG)
TABLE = Parcel("people.csv", "text/csv", CSV)
FIELDS = {"Content-Type": "image/png", "key": "k", "bucket": "b", "Policy": "p"}
TICKET = {"url": URL, "signedUploadPostUrl": "https://s3.example.test/b", "fields": FIELDS}
FOUND = {
    "fileSizeBytes": 48211,
    "aiTraceId": "7b000000-0000-4000-8000-000000000001",
    "contentType": "image/png",
    "width": 800,
    "height": 600,
    "moderation": {"status": "passed"},
    "stepMetadata": {
        "guardrail": {
            "attachmentRisk": "skipped",
            "inferenceId": "7b000000-0000-4000-8000-000000000002",
        },
        "estimatedTokens": {"openai": 765, "anthropic": 640},
    },
}


def turn(*files: File) -> Turn:
    return Turn("m", (Message("user", (Text("look"), *files)),))


def test_a_file_is_brought_once_however_often_it_is_shown() -> None:
    again = Turn(
        "m", (*turn(File("image/png", PNG)).messages, *turn(File("image/png", PNG)).messages)
    )
    assert parcels(again) == [Parcel("image-1.png", "image/png", PNG)]
    assert not parcels(turn())


def test_a_file_that_the_thread_has_is_only_named() -> None:
    before, asked = (
        turn(File("image/png", PNG)),
        turn(File("image/gif", GIF), File("image/png", PNG)),
    )
    whole = Turn("m", (*before.messages, Message("assistant", (Text("ok"),)), *asked.messages))
    assert present(whole, asked) == {PNG: Attachment("(attached: image-1.png)")}
    assert present(asked, asked) == {}


def test_a_file_without_a_name_gets_one_by_its_kind_and_place() -> None:
    files = File("image/gif", GIF), File("application/pdf", PDF), File("text/csv", CSV, "a.csv")
    names = [parcel.name for parcel in parcels(turn(*files))]
    assert names == ["image-1.gif", "document-2.pdf", "a.csv"]


def _numbered(n: int) -> File:
    return File("image/png", PNG + bytes([n]), path=f"part {n}")


def test_too_many_files_are_refused_by_the_first_that_is_too_many() -> None:
    with pytest.raises(
        BadRequest, match=rf"^part {MOST}: {MOST + 1} different files .* limit is {MOST}"
    ):
        parcels(turn(*(_numbered(n) for n in range(MOST + 1))))


def test_a_ticket_is_asked_for_by_a_name_that_says_nothing() -> None:
    name = stored_name(PICTURE, FILE)
    assert json.loads(ask_ticket(PICTURE, name, ACCOUNT, THREAD, create=True)) == {
        "name": f"{FILE}.png",
        "contentType": "image/png",
        "contentLength": len(PNG),
        "createThread": True,
        "assistantChatTranscriptSessionPointer": POINTER,
    }


def test_a_task_is_asked_for_as_the_web_client_does() -> None:
    ticket = parse_ticket(json.dumps(TICKET).encode(), "n", THREAD)
    assert json.loads(ask_task(ticket, ACCOUNT, THREAD)) == {
        "task": {
            "eventName": "processAgentAttachment",
            "request": {
                "url": URL,
                "spaceId": ACCOUNT.space_id,
                "aiSessionPointer": POINTER,
                "source": "user_upload",
            },
            "cellRouting": {"spaceIds": [ACCOUNT.space_id]},
        }
    }
    assert json.loads(ask_outcome("task-1")) == {"taskIds": ["task-1"]}


def test_a_ticket_says_where_and_with_which_form() -> None:
    ticket = parse_ticket(json.dumps(TICKET).encode(), "n", THREAD)
    assert (ticket.storage, ticket.thread_id) == ("https://s3.example.test/b", THREAD)
    assert ticket.fields == list(FIELDS.items())
    moved = parse_ticket(json.dumps(TICKET | {"chatId": FILE}).encode(), "n", THREAD)
    assert moved.thread_id == FILE


@pytest.mark.parametrize("given", [{"x-a": "1"}, [{"name": "x-a", "value": "1"}, {"odd": 1}, 7]])
def test_headers_of_a_form_are_read_in_either_shape(given: Any) -> None:
    ticket = parse_ticket(json.dumps(TICKET | {"postHeaders": given}).encode(), "n", THREAD)
    assert ticket.headers == {"x-a": "1"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", json.dumps(TICKET | {"fields": {}}).encode()])
def test_what_is_no_ticket_is_a_broken_upstream(body: bytes) -> None:
    with pytest.raises(UpstreamBroken, match="where to"):
        parse_ticket(body, "n", THREAD)


def test_a_file_goes_out_over_tls_unless_the_service_is_reached_without() -> None:
    safe = parse_ticket(json.dumps(TICKET).encode(), "n", THREAD)
    plain = TICKET | {"signedUploadPostUrl": "http://s3.example.test/b"}
    bare = parse_ticket(json.dumps(plain).encode(), "n", THREAD)
    for base in ("http://127.0.0.1:1", "https://x"):
        assert str(storage(safe, base)) == safe.storage
    assert str(storage(bare, "http://127.0.0.1:1")) == bare.storage
    with pytest.raises(UpstreamBroken, match="no https address"):
        storage(bare, "https://www.notion.so")


@pytest.mark.parametrize("url", ["https://[", "https://s3.test:99999/", "https:", "s3.test/b", "é"])
def test_a_place_that_is_none_is_a_broken_upstream(url: str) -> None:
    ticket = parse_ticket(json.dumps(TICKET | {"signedUploadPostUrl": url}).encode(), "n", THREAD)
    with pytest.raises(UpstreamBroken, match="no https address"):
        storage(ticket, "https://www.notion.so")


def test_a_task_has_an_id() -> None:
    assert parse_task(b'{"taskId":"task-1"}') == "task-1"
    with pytest.raises(UpstreamBroken, match="which task"):
        parse_task(b"{}")


def told(id: str = "task-1", **task: Any) -> bytes:
    return json.dumps({"results": [{"id": "another"}, {"id": id, **task}]}).encode()


@pytest.mark.parametrize("state", ["in_progress", "pending", "queued", "", "of tomorrow"])
def test_a_task_that_runs_has_no_outcome(state: str) -> None:
    assert parse_outcome(told(state=state), "task-1") is None
    assert parse_outcome(b'{"results":[]}', "task-1") is None


WELL = {"result": {"type": "success", "data": FOUND}}


@pytest.mark.parametrize(
    "task",
    [
        {"state": "success", "status": {"type": "complete", **WELL}},
        {"state": "completed", "status": WELL},
        {"status": {"type": "complete", **WELL}},
        {"state": "success", "status": {"result": {"data": FOUND}}},
    ],
)
def test_success_has_many_spellings(task: dict[str, Any]) -> None:
    assert parse_outcome(told(**task), "task-1") == Outcome(FOUND)
    assert parse_outcome(told("task-1:longer", **task), "task-1") == Outcome(FOUND)


@pytest.mark.parametrize(
    "task",
    [
        {"state": "failure"},
        {"state": "failed", "status": {"type": "complete"}},
        {"status": {"type": "failed"}},
        {"state": "success", "status": {"type": "complete", "result": {"type": "error"}}},
    ],
)
def test_failure_has_many_spellings(task: dict[str, Any]) -> None:
    outcome = parse_outcome(told(**task), "task-1")
    assert outcome == Outcome({}, failed=True)


def test_a_failure_says_why() -> None:
    result = {"type": "error", "message": "Too blurry."}
    outcome = parse_outcome(told(state="failed", status={"result": result}), "task-1")
    assert outcome == Outcome({}, failed=True, why="Too blurry.")


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=5), st.lists, max_leaves=4))
def test_no_answer_is_too_odd_to_be_read(value: Any) -> None:
    for body in (value, {"results": value}, {"results": [{"id": "t", "status": value}]}):
        assert parse_outcome(json.dumps(body).encode(), "t") is None


def test_a_picture_is_shown_by_a_step_with_what_was_found() -> None:
    assert shown(PICTURE, URL, Outcome(FOUND)).step == {
        "type": "attachment",
        "fileUrl": URL,
        "fileName": "bridge.png",
        "contentType": "image/png",
        "metadata": {
            "fileSizeBytes": 48211,
            "estimatedTokens": {"openai": 765, "anthropic": 640},
            "attachmentSource": "user_upload",
            "aiTraceId": "7b000000-0000-4000-8000-000000000001",
            "guardrail": {"attachmentRisk": "skipped"},
            "width": 800,
            "height": 600,
            "moderation": {"status": "passed"},
        },
    }


def test_a_table_is_shown_with_its_rows() -> None:
    step = {"truncatedContent": "name", "wasTruncated": True}
    found = Outcome({"numRows": 3, "numFields": 2, "stepMetadata": step})
    shows = shown(TABLE, URL, found).step
    assert shows
    assert shows["metadata"] == {
        "numRows": 3,
        "numFields": 2,
        "truncatedContent": "name",
        "wasTruncated": True,
        "fileSizeBytes": len(CSV),
        "attachmentSource": "user_upload",
    }


def test_a_picture_that_takes_too_long_is_shown_without_what_was_found() -> None:
    attachment = shown(PICTURE, URL, None)
    assert attachment.line == "(attached: bridge.png)"
    assert attachment.step
    assert attachment.step["metadata"] == {
        "fileSizeBytes": len(PNG),
        "attachmentSource": "user_upload",
    }


def test_a_table_that_takes_too_long_is_written_out_in_one_line() -> None:
    attachment = shown(TABLE, URL, None)
    assert attachment.step is None
    assert "\n" not in attachment.line
    written = json.loads(attachment.line)
    head, data = written["file"].pop("file_data").split(",")
    assert written == {"file": {"filename": "people.csv"}, "type": "file"}
    assert (head, b64decode(data)) == ("data:text/csv;base64", CSV)
