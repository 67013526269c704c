"""Bytes to bytes: a client, the daemon, and a Notion that behaves like itself."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.asking import APIS, CHAT, MESSAGES, RESPONSES, Api, frames, until_cut
from tests.rig import QUICK, Rig, rigged, someone, until

each_api = pytest.mark.parametrize("api", APIS, ids=lambda a: a.name)


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


@each_api
async def test_an_answer_streams(rig: Rig, api: Api) -> None:
    async with await rig.post(api.path, api.ask("[[sim:echo=Grüße, 世界 🌍!]]", stream=True)) as r:
        body = await r.read()
    assert (r.status, r.content_type) == (200, "text/event-stream")
    assert api.said(body) == "Grüße, 世界 🌍!"
    assert api.last in body


@each_api
async def test_rule_33_rule_57_the_same_answer_comes_whole(rig: Rig, api: Api) -> None:
    async with await rig.post(api.path, api.ask("[[sim:echo=Grüße, 世界 🌍!]]")) as r:
        body = await r.json()
    assert (r.status, r.content_type) == (200, "application/json")
    assert api.text(body) == "Grüße, 世界 🌍!"


@each_api
async def test_a_response_says_who_answered_and_what_was_ignored(rig: Rig, api: Api) -> None:
    async with await rig.post(api.path, api.ask(temperature=0.5, frobnicate=1)) as r:
        ignored = r.headers["x-notion-manager-ignored"].split(", ")
    assert r.headers["x-notion-manager-model"] == "opus-4.6"
    assert r.headers["x-notion-manager-account"] == "one"
    assert {"temperature", "frobnicate"} <= set(ignored)
    assert len(r.headers["x-request-id"]) == 32


@each_api
async def test_rule_5_a_stream_is_uncompressed_and_comes_while_the_model_still_writes(
    rig: Rig, api: Api
) -> None:
    body = api.ask("[[sim:stall=lost]] go", stream=True)
    packers = {"Accept-Encoding": "gzip, deflate, br, zstd"}
    async with await rig.post(api.path, body, **packers) as r:
        assert r.content_type == "text/event-stream"
        assert "Content-Encoding" not in r.headers
        heard = b""
        while not api.said(heard):
            heard += await r.content.readany()
        assert rig.sim.open_streams == 1
        assert heard.endswith(b"\n\n")


async def test_rule_5_each_api_names_the_request_its_own_way(rig: Rig) -> None:
    async with await rig.post(MESSAGES.path, MESSAGES.ask()) as r:
        assert r.headers["request-id"] == r.headers["x-request-id"]
    async with await rig.post(CHAT.path, CHAT.ask()) as r:
        assert r.headers["x-request-id"]


@each_api
async def test_system_text_and_history_reach_the_service_in_place(rig: Rig, api: Api) -> None:
    talk = [
        {"role": "user", "content": "My name is Linus-Canary."},
        {"role": "assistant", "content": "Noted."},
        {"role": "user", "content": "What did I say first?"},
    ]
    body = {"model": "opus-4.6", "stream": False}
    if api is MESSAGES:
        body |= {"system": "Be brief & exact <b>", "messages": talk, "max_tokens": 100}
    elif api is CHAT:
        body |= {"messages": [{"role": "system", "content": "Be brief & exact <b>"}, *talk]}
    else:
        body |= {"instructions": "Be brief & exact <b>", "input": talk}
    async with await rig.post(api.path, body) as r:
        answer = api.text(await r.json())
    assert "Linus-Canary" in answer
    sent = next(body for name, body, _ in rig.sim.requests if name == "runInferenceTranscript")
    kinds = [step["type"] for step in sent["transcript"]]
    assert kinds == ["config", "context", "user", "agent-inference", "user"]
    assert "Be brief & exact <b>" in sent["transcript"][2]["value"][0][0]
    assert sent["transcript"][0]["value"]["useReadOnlyMode"] is True


@each_api
async def test_thinking_comes_in_each_apis_own_shape(rig: Rig, api: Api) -> None:
    text = "[[sim:thinking=Let me see.]][[sim:echo=Done]]"
    more = {
        "messages": {"thinking": {"type": "adaptive"}},
        "chat": {"reasoning_effort": "high"},
        "responses": {"reasoning": {"summary": "auto", "effort": "high"}},
    }[api.name]
    async with await rig.post(api.path, api.ask(text, stream=True, **more)) as r:
        body = await r.read()
    assert api.said(body) == "Done"
    assert _thought(body) == "Let me see."


def _thought(stream: bytes) -> str:
    found = ""
    for frame in frames(stream):
        delta = frame.get("delta")
        if isinstance(delta, dict):
            found += delta.get("thinking", "")
        elif frame.get("type") == "response.reasoning_summary_text.delta":
            found += frame["delta"]
        for choice in frame.get("choices", []):
            found += choice["delta"].get("reasoning_content", "")
    return found


# Leaving


@each_api
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("scenario", ["think=30", "stall=lost"])
async def test_rule_12_a_client_that_leaves_frees_the_upstream_at_once(
    rig: Rig, api: Api, scenario: str, stream: bool
) -> None:
    text = f"[[sim:{scenario}]][[sim:long=50]] go"
    asking = asyncio.create_task(rig.drain(api.path, api.ask(text, stream=stream)))
    await until(lambda: rig.sim.open_streams == 1)
    if scenario == "stall=lost" and stream:
        await until(lambda: asking.get_name() == "hearing")
    asking.cancel()
    left = time.perf_counter()
    await until(lambda: rig.sim.open_streams == 0)
    assert time.perf_counter() - left < 0.5
    await until(lambda: bool(rig.records))
    assert rig.records[-1].status == 499


# Signs of life


@each_api
async def test_rule_9_rule_30_rule_56_a_silent_wait_is_bridged_by_the_protocols_own_pings(
    tmp_path: Path, api: Api
) -> None:
    timeouts = replace(QUICK, commit_after=0.05, ping_every=0.05)
    sign = {"messages": b"event: ping", "chat": b": ", "responses": b"event: response.in_progress"}
    async with rigged(tmp_path, timeouts=timeouts) as rig:
        text = "[[sim:think=0.4]][[sim:echo=at last]]"
        async with await rig.post(api.path, api.ask(text, stream=True)) as r:
            body = await r.read()
    assert body.count(sign[api.name]) >= 3
    assert api.said(body) == "at last"
    assert api.last in body


async def test_failing_over_is_free_while_only_pings_went_out(tmp_path: Path) -> None:
    timeouts = replace(QUICK, commit_after=0.05, ping_every=0.05, silence=0.3)
    people = [someone(1, "think=9"), someone(2)]
    async with rigged(tmp_path, people, timeouts=timeouts) as rig:
        async with await rig.post(CHAT.path, CHAT.ask("[[sim:echo=ok]]", stream=True)) as r:
            body = await r.read()
        assert CHAT.said(body) == "ok"
        assert rig.sim.count("runInferenceTranscript") == 2


async def test_a_silent_upstream_is_given_up(tmp_path: Path) -> None:
    timeouts = replace(QUICK, silence=0.2)
    async with rigged(tmp_path, timeouts=timeouts) as rig:
        async with await rig.post(CHAT.path, CHAT.ask("[[sim:think=30]]")) as r:
            assert r.status == 504


async def test_a_finished_answer_is_not_held_up_by_a_connection_that_stays(rig: Rig) -> None:
    began = time.perf_counter()
    async with await rig.post(CHAT.path, CHAT.ask("[[sim:linger]][[sim:echo=ok]]")) as r:
        assert CHAT.text(await r.json()) == "ok"
    assert time.perf_counter() - began < 2


async def test_rule_15_a_retry_of_the_same_turn_is_harmless(rig: Rig) -> None:
    for _ in range(2):
        async with await rig.post(CHAT.path, CHAT.ask("[[sim:echo=same]]")) as r:
            assert CHAT.text(await r.json()) == "same"
    threads = {b["threadId"] for n, b, _ in rig.sim.requests if n == "runInferenceTranscript"}
    assert len(threads) == 2


async def test_rule_15_a_turn_that_broke_off_may_come_again_with_its_tool_run_meanwhile(
    rig: Rig,
) -> None:
    asked = {"role": "user", "content": "[[sim:cut=lost]][[sim:fail-once]][[sim:echo=a b c d e f]]"}
    tools = [{"name": "Read", "input_schema": {"type": "object"}}]
    body = {"model": "opus-4.6", "max_tokens": 900, "tools": tools, "messages": [asked]}
    async with await rig.post(MESSAGES.path, {**body, "stream": True}) as r:
        await until_cut(r)
    async with await rig.post(MESSAGES.path, body) as r:
        assert MESSAGES.text(await r.json()) == "a b c d e f"
    call = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "[[sim:echo=seen]]"}
    said = [
        asked,
        {"role": "assistant", "content": [{"type": "text", "text": "a b"}, call]},
        {"role": "user", "content": [result]},
    ]
    async with await rig.post(MESSAGES.path, {**body, "messages": said}) as r:
        assert r.status == 200
        assert r.headers["x-notion-manager-thread"] == "new"


async def test_rule_54_no_limit_is_set_that_nobody_asked_for(rig: Rig) -> None:
    body = RESPONSES.ask("[[sim:lang=none]][[sim:long=30000]] Go.")
    async with await rig.post(RESPONSES.path, body) as r:
        made = await r.json()
    assert (made["status"], made["incomplete_details"]) == ("completed", None)
    assert len(RESPONSES.text(made).split()) == 30_000


@each_api
async def test_an_effort_that_has_no_meaning_is_named_by_its_field(rig: Rig, api: Api) -> None:
    more, path = {
        "messages": ({"output_config": {"effort": "high"}}, "output_config.effort"),
        "chat": ({"reasoning_effort": "high"}, "reasoning_effort"),
        "responses": ({"reasoning": {"effort": "high"}}, "reasoning.effort"),
    }[api.name]
    async with await rig.post(api.path, api.ask(model="gpt-5.4-mini", **more)) as r:
        assert r.headers["x-notion-manager-model"] == "gpt-5.4-mini"
        assert path in r.headers["x-notion-manager-ignored"].split(", ")


async def test_rule_13_counts_and_titles_are_answered_while_others_think(rig: Rig) -> None:
    """Two seats: one has a turn that thinks, and what needs none does not wait for any."""
    thinks = asyncio.create_task(rig.drain(CHAT.path, CHAT.ask("[[sim:think=30]] go")))
    await until(lambda: rig.sim.open_streams == 1)
    body = {"model": "claude-opus-4-6", "messages": [{"role": "user", "content": "hi"}]}
    async with await rig.post(CHAT.path, CHAT.ask("[[sim:echo=A title]]")) as r:
        assert CHAT.text(await r.json()) == "A title"
    more = asyncio.create_task(rig.drain(CHAT.path, CHAT.ask("[[sim:think=30]] go")))
    await until(lambda: rig.sim.open_streams == 2)
    async with await rig.post("/v1/messages/count_tokens", body) as r:
        assert r.status == 200
    for asking in (thinks, more):
        asking.cancel()
    await asyncio.gather(thinks, more, return_exceptions=True)


async def test_rule_13_a_burst_of_counts_is_answered(rig: Rig) -> None:
    body = {"model": "claude-opus-4-6", "messages": [{"role": "user", "content": "hi"}]}
    path = "/v1/messages/count_tokens?beta=true"

    async def count() -> int:
        async with await rig.post(path, body) as r:
            assert r.headers["x-notion-manager-usage"] == "estimated"
            return (await r.json())["input_tokens"]

    counts = await asyncio.gather(*(count() for _ in range(25)))
    assert len(set(counts)) == 1
    assert counts[0] > 0


async def test_rule_50_an_item_can_be_referred_to_afterwards(rig: Rig) -> None:
    async with await rig.post(RESPONSES.path, RESPONSES.ask("[[sim:echo=blue-canary]]")) as r:
        item = (await r.json())["output"][-1]["id"]
    again = [
        {"role": "user", "content": "Pick a colour"},
        {"type": "item_reference", "id": item},
        {"role": "user", "content": "[[sim:normal]] Which?"},
    ]
    async with await rig.post(RESPONSES.path, {"model": "opus-4.6", "input": again}) as r:
        assert r.status == 200
    assert "blue-canary" in json.dumps(rig.sim.requests[-1][1])


async def test_rule_57_a_warm_up_with_an_empty_question_spends_nothing(rig: Rig) -> None:
    body = {"model": "opus-4.6", "input": "", "max_output_tokens": 1}
    async with await rig.post(RESPONSES.path, body) as r:
        assert (await r.json())["status"] == "completed"
    assert rig.sim.count("runInferenceTranscript") == 0
