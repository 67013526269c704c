"""Threads as records: lists, reads, transactions."""

from typing import Any

import pytest
from simguest import Guest, Visit, fresh

from notion_manager.simulator import demo_accounts

ADA, GRACE = demo_accounts()
WRITES = ["saveTransactions", "saveTransactionsFanout", "saveTransactionsMain"]


def write(guest: Guest, *operations: dict[str, Any]) -> dict[str, Any]:
    transaction = {"id": fresh(), "spaceId": guest.space, "operations": list(operations)}
    return {"requestId": fresh(), "transactions": [transaction]}


def on_thread(id: str, command: str, args: Any, *path: str) -> dict[str, Any]:
    pointer = {"table": "thread", "id": id}
    return {"pointer": pointer, "command": command, "path": list(path), "args": args}


async def begun(guest: Guest, text: str = "Hi") -> str:
    body = guest.turn(text)
    await guest.read(body)
    return body["threadId"]


async def records(guest: Guest, *pointers: tuple[str, str]) -> Any:
    requests = [{"pointer": {"table": t, "id": i}, "version": -1} for t, i in pointers]
    return (await guest.post("syncRecordValuesMain", {"requests": requests}))[1]["recordMap"]


async def listed(guest: Guest, **more: Any) -> Any:
    parent = {"table": "space", "id": guest.space, "spaceId": guest.space}
    body = {"threadParentPointer": parent, "limit": 50, **more}
    status, reply = await guest.post("getInferenceTranscriptsForUser", body)
    assert status == 200
    return reply


@pytest.mark.parametrize("wrapping", ["double", "single"])
async def test_a_lost_answer_is_read_from_the_thread(visit: Visit, wrapping: str) -> None:
    async with visit(wrapping=wrapping) as guest:
        body = guest.turn("[[sim:echo]]the answer")
        await guest.read(body)
        table = (await records(guest, ("thread", body["threadId"])))["thread"]
        value = table[body["threadId"]]["value"]
        thread = value["value"] if wrapping == "double" else value
        outcome = thread["data"]["last_turn_outcome"]
        assert (outcome["inference_id"], outcome["status"]) == (body["traceId"], "completed")
        last = thread["messages"][-1]
        message = (await records(guest, ("thread_message", last)))["thread_message"][last]["value"]
        message = message["value"] if wrapping == "double" else message
        assert message["step"]["value"][-1]["content"].endswith("the answer")
        assert message["data"]["completed"]
        assert message["parent_id"] == body["threadId"]


async def test_somebody_elses_thread_shows_no_value(guest: Guest) -> None:
    thread = await begun(guest)
    guest.account = GRACE
    assert (await records(guest, ("thread", thread)))["thread"][thread] == {"role": "none"}


async def test_unknown_records_are_left_out(guest: Guest) -> None:
    found = await records(guest, ("thread", fresh()), ("thread_message", fresh()), ("block", "1"))
    assert found == {"__version__": 3}


@pytest.mark.parametrize("requests", [None, [{}] * 101])
async def test_reads_are_bounded(guest: Guest, requests: Any) -> None:
    assert (await guest.post("syncRecordValuesSpaceInitial", {"requests": requests}))[0] == 400


async def test_threads_are_listed_page_by_page(guest: Guest) -> None:
    mine = {await begun(guest, f"Question {n}") for n in range(3)}
    first = await listed(guest, limit=2)
    rest = await listed(guest, limit=2, cursor=first["nextCursor"])
    assert (len(first["threadIds"]), first["hasMore"]) == (2, True)
    assert (len(rest["threadIds"]), rest["hasMore"], rest["nextCursor"]) == (1, False, None)
    assert {*first["threadIds"], *rest["threadIds"]} == mine
    summary = rest["transcripts"][0]
    assert summary["title"].startswith("Question")
    assert summary["created_by_display_name"] == "Ada Example"
    assert rest["recordMap"]["thread"].keys() == set(rest["threadIds"])


async def test_answers_are_unread_until_seen(guest: Guest) -> None:
    thread, body = await begun(guest), {"spaceId": guest.space}
    assert (await listed(guest))["unreadThreadIds"] == [thread]
    assert (await guest.post("getInferenceTranscriptsUnreadCount", body))[1] == {"count": 1}
    seen = await guest.post("markInferenceTranscriptSeen", {**body, "threadId": thread})
    assert seen == (200, {"ok": True})
    assert (await listed(guest))["unreadThreadIds"] == []


async def test_a_thread_knows_its_workspace(guest: Guest) -> None:
    thread = await begun(guest)
    assert await guest.post("getThreadSpaceId", {"threadId": thread}) == (
        200,
        {"spaceId": guest.space},
    )
    assert (await guest.post("getThreadSpaceId", {"threadId": fresh()}))[0] == 403


@pytest.mark.parametrize("name", WRITES)
async def test_a_deleted_thread_is_gone_from_the_list_and_cannot_go_on(
    guest: Guest, name: str
) -> None:
    thread = await begun(guest)
    status, reply = await guest.post(
        name, write(guest, on_thread(thread, "update", {"alive": False}))
    )
    assert (status, reply) == (200, {})
    assert (await listed(guest))["threadIds"] == []
    assert (await guest.read(guest.next_turn(thread, "Hi"))).status == 400


async def test_an_older_form_names_its_target_in_the_operation(guest: Guest) -> None:
    thread = await begun(guest)
    operation = {"table": "thread", "id": thread, "path": [], "command": "update"}
    await guest.post("saveTransactions", write(guest, {**operation, "args": {"alive": False}}))
    assert not guest.sim.threads[thread].alive


async def test_a_thread_can_be_renamed_and_touched(guest: Guest) -> None:
    thread = await begun(guest)
    rename = on_thread(thread, "update", {"title": "Bridges"}, "data")
    touch = on_thread(thread, "update", {"updated_time": 17})
    await guest.post("saveTransactionsFanout", write(guest, rename, touch))
    assert (await listed(guest))["transcripts"][0]["title"] == "Bridges"
    assert guest.sim.threads[thread].updated_ms == 17


async def test_a_thread_made_beforehand_is_continued_not_created(guest: Guest) -> None:
    thread = fresh()
    args = {"id": thread, "version": 1, "space_id": guest.space, "type": "workflow", "messages": []}
    await guest.post("saveTransactionsFanout", write(guest, on_thread(thread, "set", args)))
    body = guest.turn("Hi", threadId=thread)
    assert (await guest.post("runInferenceTranscript", body))[0] == 400
    assert "Hello!" in (await guest.read({**body, "createThread": False})).text
    again = write(guest, on_thread(thread, "set", args))
    assert (await guest.post("saveTransactionsFanout", again))[0] == 400


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (on_thread(fresh(), "update", {"alive": False}), 400),
        (on_thread(fresh(), "paint", {}), 400),
        ({"pointer": {"table": "thread", "id": fresh(), "spaceId": fresh()}}, 403),
    ],
)
async def test_writes_that_cannot_be_are_refused(
    guest: Guest, operation: dict[str, Any], expected: int
) -> None:
    assert (await guest.post("saveTransactionsFanout", write(guest, operation)))[0] == expected


async def test_a_write_has_transactions(guest: Guest) -> None:
    assert (await guest.post("saveTransactionsFanout", {}))[0] == 400


@pytest.mark.parametrize("name", ["warmSearchCache", "warmVectorDBCache"])
async def test_what_browsers_warm_is_harmless(guest: Guest, name: str) -> None:
    assert await guest.post(name, {"spaceId": guest.space}) == (200, {})
