"""What a turn asks, what it answers, and what the service remembers of it."""

import asyncio
from typing import Any

import pytest
from simguest import Guest, Visit, fresh, until

from notion_manager.simulator import demo_accounts
from notion_manager.simulator.plan import THOUGHT

ADA, GRACE = demo_accounts()
SEEDS = range(8)


async def test_an_answer_says_that_it_is_simulated_and_what_arrived(guest: Guest) -> None:
    config = {"useReadOnlyMode": True, "reasoningEffort": "medium", "searchScopes": [{}]}
    reading = await guest.ask("What is the capital of Spain?", config=config)
    assert "simulated by notion-manager's local simulator; no model was asked" in reading.text
    assert "Madrid is the capital of Spain." in reading.text
    for fact in (
        "model Sonnet 4.6 (almond-croissant-low)",
        "effort medium",
        "ask mode on",
        "web search off",
        "workspace search on",
        "0 earlier turns",
        "no instructions",
        "“What is the capital of Spain?”",
    ):
        assert fact in reading.text


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("hello there", "Hello!"),
        ("Thanks a lot", "You are welcome"),
        ("Who are you?", "small program"),
        ("capital of Ruritania?", "never learnt the capital of Ruritania"),
        ("Please count to 4", "1, 2, 3, 4."),
        ("count up to 100000", "500 … and so on."),
        ("What did I say first?", "The first thing you said was: “What did I say first?”"),
        ("Why?", "I know little"),
        ("x" * 500, f"“{'x' * 200}…”"),
    ],
)
async def test_answers_vary_with_the_question(guest: Guest, question: str, part: str) -> None:
    assert part in (await guest.ask(question)).text


async def test_a_question_may_have_paragraphs_behind_a_heading_of_its_own(guest: Guest) -> None:
    body = guest.turn("# Instructions\n\nBe brief.\n\n# Conversation\n\nI have a cat.\n\nWhy?")
    assert "“I have a cat.\n\nWhy?”" in (await guest.read(body)).text
    later = await guest.read(guest.next_turn(body["threadId"], "What did\n\nI say first?"))
    assert "said was: “I have a cat.\n\nWhy?”" in later.text
    assert "“What did\n\nI say first?”" in later.text


async def test_instructions_are_noticed_and_not_quoted(guest: Guest) -> None:
    text = "# System instructions\n\nBe brief.\n\nWhat is the capital of Italy?"
    answer = (await guest.ask(text)).text
    assert "instructions seen" in answer
    assert "Rome" in answer
    assert "Be brief" not in answer


@pytest.mark.parametrize("patch", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
async def test_both_encodings_lead_to_the_same_text(visit: Visit, seed: int, patch: bool) -> None:
    async with visit(seed=seed) as guest:
        reading = await guest.ask("[[sim:echo]]Ein Satz, naïve 東京 🌉.", asPatchResponse=patch)
        assert reading.text == "Ein Satz, naïve 東京 🌉."
        assert reading.shown == reading.synced or not patch
        assert bool(reading.of("patch-start")) is patch
        step = reading.steps("agent-inference")[-1]
        assert 18_000 <= step["inputTokens"] < 19_000
        assert step["outputTokens"] > 2
        assert 17_000 < step["cachedTokensRead"] < step["inputTokens"]
        assert step["finishedAt"] >= step["startedAt"]
        assert reading.steps("title")[0]["value"] == "Ein Satz, naïve 東京 🌉"


async def test_a_new_thread_has_the_services_own_steps_first(guest: Guest) -> None:
    reading = await guest.ask("Hi")
    types = [step["type"] for step in reading.synced or []]
    assert types[0] == "agent-instruction-state"
    assert types[1] == "agent-turn-full-record-map"
    assert types.index("config") < types.index("agent-inference") < types.index("title")
    assert [line["type"] for line in reading.lines][-2:] == ["record-map", "patch-sync"]


async def test_the_older_era_ends_with_the_record_map(visit: Visit) -> None:
    async with visit(era="2026-03") as guest:
        reading = await guest.ask("Hi")
    assert reading.synced is None
    assert reading.lines[-1]["type"] == "record-map"
    assert reading.of("patch-start")[0]["data"] == {"s": []}
    assert "Hello!" in reading.text


async def test_the_same_seed_gives_the_same_bytes_and_cuts(visit: Visit) -> None:
    async def shape(seed: int) -> list[int]:
        async with visit(seed=seed) as guest:
            return [len(chunk) for chunk in (await guest.ask("Hi")).chunks]

    assert await shape(1) == await shape(1) != await shape(2)


async def test_the_stream_is_compressed_and_still_flows(guest: Guest) -> None:
    body = guest.turn("[[sim:think=0.05]] Hi")
    async with guest.call("runInferenceTranscript", body, **{"accept-encoding": "gzip"}) as r:
        assert r.headers["content-encoding"] == "gzip"
        first = await r.content.readany()
        assert b"patch-start" in first
        assert not r.content.at_eof()
        assert b"patch-sync" in await r.content.read()


async def test_words_are_streamed_a_few_at_a_time(guest: Guest) -> None:
    reading = await guest.ask("[[sim:long=400]]")
    assert len(reading.of("patch")) > 80
    assert len(reading.text.split()) == 400


async def test_pace_spreads_the_chunks(visit: Visit) -> None:
    async with visit(pace=0.005, chunks="line") as guest:
        start = asyncio.get_running_loop().time()
        reading = await guest.ask("Hi")
        assert asyncio.get_running_loop().time() - start > 0.005 * len(reading.lines) * 0.9


# thinking and models


async def test_high_effort_thinks_where_the_vendor_shows_it(guest: Guest) -> None:
    for model, expected in [("almond-croissant-low", [THOUGHT]), ("orange-mousse", [])]:
        reading = await guest.ask("Hi", config={"model": model, "reasoningEffort": "high"})
        thoughts = [e["content"] for e in reading.entries if e["type"] == "thinking"]
        assert thoughts == expected


async def test_without_a_model_the_service_chooses_and_says_so(guest: Guest) -> None:
    body = guest.turn("Hi")
    body["transcript"][0]["value"] = {"type": "workflow", "modelFromUser": False}
    reading = await guest.read(body)
    assert reading.steps("config")[0]["value"]["model"] == "oatmeal-cookie"
    assert "GPT-5.2 (oatmeal-cookie)" in reading.text


@pytest.mark.parametrize("model", ["acai-budino-high", "no-such-model"])
async def test_a_model_that_is_not_to_be_had_is_named_in_the_error(
    guest: Guest, model: str
) -> None:
    reading = await guest.ask("Hi", config={"model": model})
    assert model in reading.of("patch-start")[0]["data"]["s"][0]["message"]


async def test_a_model_without_the_chat_surface_answers_nothing(guest: Guest) -> None:
    reading = await guest.ask("Hi", config={"model": "anthropic-haiku-4.5"})
    assert reading.text == ""
    assert reading.steps("agent-inference")[-1]["finishedAt"]


async def test_a_restricted_model_meets_the_plan_wall_while_credits_last(guest: Guest) -> None:
    reading = await guest.ask("Hi", config={"model": "assam-chai"})
    assert reading.shown[0]["type"] == "premium-feature-unavailable"
    _, state = await guest.post("getAIUsageEligibility", {"spaceId": guest.space})
    assert state["isEligible"]


async def test_a_workspace_without_a_choice_refuses_one(guest: Guest) -> None:
    guest.account = GRACE
    space = GRACE.spaces[1].id
    assert (await guest.ask("Hi", spaceId=space)).shown[0]["type"] == "error"
    body = guest.turn("Hi", spaceId=space)
    del body["transcript"][0]["value"]["model"]
    assert "Hello!" in (await guest.read(body)).text


async def test_ai_can_be_off_in_a_workspace(guest: Guest) -> None:
    reading = await guest.ask("Hi", spaceId=ADA.spaces[2].id)
    assert "aiNotEnabled" in reading.shown[0]["message"]
    _, state = await guest.post("getAIUsageEligibility", {"spaceId": ADA.spaces[2].id})
    assert not state["isEligible"]


# checks


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


# memory


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
