"""What a turn asks, and what it answers."""

import asyncio

import pytest
from simguest import Guest, Visit

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
