"""What the service refuses of a turn, and what it lets pass."""

from typing import Any

import pytest
from simguest import Guest, fresh


def mutated(guest: Guest, **changes: Any) -> dict[str, Any]:
    body = guest.turn("Hi", **{k: v for k, v in changes.items() if k != "step"})
    if "step" in changes:
        body["transcript"].insert(1, changes["step"])
    return body


ATTACHMENT = {"type": "attachment", "fileUrl": "attachment:1:a.png", "fileName": "a.png"}
ATTACHMENT |= {"contentType": "image/png", "metadata": {"width": 1}}


@pytest.mark.parametrize(
    "changes",
    [
        {"spaceId": None},
        {"transcript": None},
        {"transcript": "Hi"},
        {"transcript": []},
        {"transcript": [{"id": "1"}]},
        {"threadId": "thread-1"},
        {"threadId": None, "createThread": False},
        {"createThread": False},
        {"threadType": "researcher"},
        {"threadType": "markdown-chat", "config": {"type": "markdown-chat"}},
        {"threadType": "poetry", "config": {"type": "poetry"}},
        {"config": {"reasoningEffort": "heroic"}},
        {"step": {"type": "user", "value": "Hi"}},
        {"step": {"type": "user", "value": [[]]}},
        {"step": ATTACHMENT | {"id": fresh(), "surprise": 1}},
        {"step": ATTACHMENT | {"id": fresh(), "metadata": {"surprise": 1}}},
        {"step": {"id": fresh(), "type": "attachment"}},
        {"step": ATTACHMENT | {"id": fresh()}},
    ],
)
async def test_what_does_not_validate_is_a_400(guest: Guest, changes: dict[str, Any]) -> None:
    body = {k: v for k, v in mutated(guest, **changes).items() if v is not None}
    status, reply = await guest.post("runInferenceTranscript", body)
    assert (status, reply["name"]) == (400, "ValidationError")
    assert guest.sim.threads == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"unheardOf": 1, "patches": []},
        {"config": {"enableTeleport": True}},
        {"step": {"id": fresh(), "type": "context", "value": {}}},
        {"step": {"id": fresh(), "type": "updated-config"}},
        {"traceId": None, "threadId": None},
        {"debugOverrides": None, "threadType": None, "asPatchResponse": None},
    ],
)
async def test_unknown_keys_and_small_bodies_pass(guest: Guest, changes: dict[str, Any]) -> None:
    reading = await guest.read(mutated(guest, **changes))
    assert reading.status == 200
    assert "Hello!" in reading.text


async def test_a_foreign_workspace_is_a_403(guest: Guest) -> None:
    status, _ = await guest.post("runInferenceTranscript", guest.turn("Hi", spaceId=fresh()))
    assert status == 403


async def test_a_step_id_that_is_no_uuid_gets_an_empty_200(guest: Guest) -> None:
    reading = await guest.read(mutated(guest, step={"id": "step-1", "type": "context"}))
    assert (reading.status, reading.raw) == (200, b"")
