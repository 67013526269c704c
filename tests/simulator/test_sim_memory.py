"""What the service remembers of turns, also of those whose reader left."""

from typing import Any

import pytest
from simguest import Guest, Visit, fresh, until

from notion_manager.simulator import demo_accounts

ADA, GRACE = demo_accounts()


async def test_a_thread_remembers_what_only_its_first_turn_said(guest: Guest) -> None:
    first = guest.turn("My parrot is called Polly")
    await guest.read(first)
    reading = await guest.read(guest.next_turn(first["threadId"], "What did I say first?"))
    assert "“My parrot is called Polly”" in reading.text
    assert "1 earlier turn," in reading.text
    types = [step["type"] for step in reading.synced or []]
    assert types == ["agent-turn-full-record-map", "agent-inference"]


async def test_a_full_transcript_is_all_that_a_new_thread_knows(guest: Guest) -> None:
    history = [
        {"id": fresh(), "type": "user", "value": [["I like tea"], [" a lot", [["b"]]]]},
        {"id": fresh(), "type": "agent-inference", "value": [{"type": "text", "content": "Good"}]},
    ]
    reading = await guest.ask("What did I say first?", history=history)
    assert "“I like tea a lot”" in reading.text


@pytest.mark.parametrize(
    "step",
    [
        {"type": "assistant", "value": "Good"},
        {"type": "assistant-reply", "value": [
            {"type": "agent-inference", "value": [{"type": "text", "content": "Good"}]}
        ]},
    ],
)  # fmt: skip
async def test_brittle_history_gets_a_blank_answer(guest: Guest, step: dict[str, Any]) -> None:
    history = [{"id": fresh(), "type": "user", "value": [["I like tea"]]}, step]
    reading = await guest.ask("And now?", history=history)
    assert reading.text == ""
    assert reading.steps("agent-inference")[0]["finishedAt"]


async def test_steps_can_be_saved_first_and_submitted_by_id(guest: Guest) -> None:
    first = guest.turn("My parrot is called Polly")
    await guest.read(first)
    thread, step = first["threadId"], fresh()
    saved = {"id": step, "type": "user", "value": [["What did I say first?"]]}
    args = {"id": step, "version": 1, "step": saved, "parent_id": thread, "parent_table": "thread"}
    operations = [operation("thread_message", step, "set", [], args)]
    operations.append(operation("thread", thread, "listAfterMulti", ["messages"], {"ids": [step]}))
    assert (await guest.post("saveTransactionsFanout", transaction(guest, *operations)))[0] == 200
    run = guest.next_turn(thread, "", transcript=[], submittedUserStepId=step)
    assert "“My parrot is called Polly”" in (await guest.read(run)).text
    assert len([i for i in guest.sim.threads[thread].messages if i == step]) == 1


def operation(table: str, id: str, command: str, path: list[str], args: Any) -> dict[str, Any]:
    return {"pointer": {"table": table, "id": id}, "command": command, "path": path, "args": args}


def transaction(guest: Guest, *operations: dict[str, Any]) -> dict[str, Any]:
    inner = {"id": fresh(), "spaceId": guest.space, "operations": list(operations)}
    return {"requestId": fresh(), "transactions": [inner]}


async def test_the_model_can_change_in_mid_thread(guest: Guest) -> None:
    first = guest.turn("Hi")
    await guest.read(first)
    change = {"id": fresh(), "type": "updated-config", "value": {"model": "agave-flan"}}
    later = guest.next_turn(first["threadId"], "Why?")
    later["transcript"] = [first["transcript"][0], change, later["transcript"][-1]]
    assert "Opus 5 (agave-flan)" in (await guest.read(later)).text


async def test_a_thread_is_made_once_and_used_by_its_owner(guest: Guest) -> None:
    first = guest.turn("Hi")
    await guest.read(first)
    again, _ = await guest.post("runInferenceTranscript", first)
    elsewhere = guest.next_turn(first["threadId"], "Hi", spaceId=ADA.spaces[1].id)
    moved, _ = await guest.post("runInferenceTranscript", elsewhere)
    guest.account = GRACE
    later = guest.next_turn(first["threadId"], "Hi", spaceId=GRACE.spaces[0].id)
    foreign, _ = await guest.post("runInferenceTranscript", later)
    assert (again, moved, foreign) == (400, 403, 403)


async def test_a_thread_that_is_not_saved_cannot_go_on(guest: Guest) -> None:
    first = guest.turn("Hi", saveAllThreadOperations=False)
    assert (await guest.read(first)).text
    status, _ = await guest.post(
        "runInferenceTranscript", guest.next_turn(first["threadId"], "And?")
    )
    assert status == 400


async def test_short_answers_in_old_threads_sometimes_come_whole(guest: Guest) -> None:
    first, whole = guest.turn("Hi"), 0
    await guest.read(first)
    for _ in range(12):
        reading = await guest.read(guest.next_turn(first["threadId"], "[[sim:echo]]Madrid."))
        assert reading.text == "Madrid."
        whole += len(reading.of("patch")) == 2
    assert 0 < whole < 12


# a turn goes on without its reader


async def left(guest: Guest, text: str) -> dict[str, Any]:
    """Begin a turn and hang up after the first bytes."""
    body = guest.turn(text)
    async with guest.call("runInferenceTranscript", body) as response:
        await response.content.readany()
        assert guest.sim.open_streams == 1
    return body


async def test_a_turn_whose_reader_left_is_saved_charged_and_holds_the_thread(guest: Guest) -> None:
    body = await left(guest, "[[sim:think=0.05]] My parrot is called Polly")
    await until(lambda: guest.sim.open_streams == 0)
    assert guest.sim.running_turns == 1
    again = guest.next_turn(body["threadId"], "What did I say first?")
    assert (await guest.read(again)).raw == b"", "the thread is held"
    await until(lambda: guest.sim.running_turns == 0)
    assert "Polly" in (await guest.read(again)).text
    _, state = await guest.post("getAIUsageEligibility", {"spaceId": guest.space})
    assert state["userUsage"] == 2


async def test_a_lease_can_be_cleared(guest: Guest) -> None:
    body = await left(guest, "[[sim:think=0.05]] Hi")
    nothing = {"current_inference_id": None, "current_inference_lease_expiration": None}
    clear = operation("thread", body["threadId"], "update", [], nothing)
    await guest.post("saveTransactionsFanout", transaction(guest, clear))
    assert (await guest.read(guest.next_turn(body["threadId"], "Hi"))).text
    await until(lambda: guest.sim.running_turns == 0)


async def test_overlapping_turns_are_denied_behind_a_switch(visit: Visit) -> None:
    async with visit(deny_overlap=True) as guest:
        await left(guest, "[[sim:think=0.05]] Hi")
        denied = await guest.ask("Hi")
        assert denied.shown[0]["subType"] == "trust-rule-denied"
        await until(lambda: guest.sim.running_turns == 0)
        assert (await guest.ask("Hi")).text


async def test_stopping_ends_what_still_runs(visit: Visit) -> None:
    async with visit() as guest:
        await left(guest, "[[sim:think=60]] Hi")
    assert guest.sim.running_turns == 0


async def test_research_reports_in_pieces_and_has_its_own_allowance(guest: Guest) -> None:
    research = {"threadType": "researcher", "asPatchResponse": False, "config": {
        "type": "researcher", "searchScope": {"type": "everything"}}, "threadId": None}  # fmt: skip
    free = ADA.spaces[1].id
    for _ in range(3):
        reading = await guest.ask("Compare bridges", spaceId=free, **research)
        report = "".join(line["value"] for line in reading.of("researcher-report"))
        assert report.startswith("# Compare bridges\n\n")
        assert "simulated" in report
        assert len(reading.of("researcher-report")) > 1
    wall = await guest.ask("Compare bridges", spaceId=free, **research)
    assert wall.lines[0]["type"] == "premium-feature-unavailable"
    _, state = await guest.post("getAIUsageEligibility", {"spaceId": free})
    assert (state["researchModeUsage"], state["isEligible"]) == (3, True)
    assert (await guest.ask("Hi", spaceId=free)).text
