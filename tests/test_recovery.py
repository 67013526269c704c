"""A stream that breaks off is no lost answer: the service goes on, and its thread is read."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from notion_manager.simulator.threads import Thread
from tests.asking import APIS, CHAT, MESSAGES, Api, frames
from tests.rig import QUICK, Rig, rigged, someone, until

each_api = pytest.mark.parametrize("api", APIS, ids=lambda a: a.name)
BREAKS = ["cut", "truncate", "reset-text", "handoff", "shutdown", "stall"]
PATIENT = replace(QUICK, recovery=5, silence=1)


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path, timeouts=PATIENT) as rig:
        yield rig


def runs(rig: Rig) -> int:
    return rig.sim.count("runInferenceTranscript")


def saved(thread: Thread) -> str:
    """What the thread's last message says."""
    return thread.history()[-1]["value"][-1]["content"]


@each_api
@pytest.mark.parametrize("scenario", BREAKS)
async def test_the_rest_of_a_broken_stream_is_read_from_its_thread(
    rig: Rig, api: Api, scenario: str
) -> None:
    text = f"[[sim:{scenario}]][[sim:lang=none]][[sim:long=300]] go"
    async with await rig.post(api.path, api.ask(text, stream=True)) as r:
        body = await r.read()
    (thread,) = rig.sim.threads.values()
    assert api.said(body) == saved(thread)
    assert api.last in body
    assert api.broken not in body
    assert runs(rig) == 1
    assert (rig.records[-1].status, rig.records[-1].problem) == (200, "")


@each_api
async def test_it_is_whole_where_nothing_is_streamed(rig: Rig, api: Api) -> None:
    text = "[[sim:reset-text]][[sim:lang=none]][[sim:long=300]] go"
    async with await rig.post(api.path, api.ask(text)) as r:
        assert r.status == 200
        said = api.text(await r.json())
    (thread,) = rig.sim.threads.values()
    assert said == saved(thread)
    assert runs(rig) == 1


@each_api
async def test_who_waits_for_the_rest_is_pinged(tmp_path: Path, api: Api) -> None:
    timeouts = replace(PATIENT, commit_after=0.1, ping_every=0.1)
    async with rigged(tmp_path, timeouts=timeouts) as rig:
        text = "[[sim:cut=1]][[sim:lang=none]][[sim:long=300]] go"
        async with await rig.post(api.path, api.ask(text, stream=True)) as r:
            body = await r.read()
        (thread,) = rig.sim.threads.values()
    assert api.said(body) == saved(thread)
    pings = body.count(b": ping") + body.count(b"event: ping") + body.count(b"in_progress")
    assert pings > 3, body[-2000:]


async def test_what_was_said_in_part_is_not_taken_for_the_whole(rig: Rig) -> None:
    """The thread has half an answer while the turn goes on."""
    text = "[[sim:cut=2]][[sim:lang=none]][[sim:long=300]] go"
    async with await rig.post(CHAT.path, CHAT.ask(text)) as r:
        said = CHAT.text(await r.json())
    (thread,) = rig.sim.threads.values()
    assert said == saved(thread)
    assert thread.outcome


async def test_a_turn_that_goes_on_too_long_is_given_up(tmp_path: Path) -> None:
    async with rigged(tmp_path, timeouts=QUICK) as rig:
        text = "[[sim:cut=30]][[sim:long=300]] go"
        async with await rig.post(CHAT.path, CHAT.ask(text)) as r:
            assert (r.status, CHAT.error(await r.json())[0]) == (502, "upstream_error")
        assert runs(rig) == 1


async def test_a_turn_that_died_is_not_waited_for(rig: Rig) -> None:
    async with (
        asyncio.timeout(4),
        await rig.post(CHAT.path, CHAT.ask("[[sim:cut=lost]][[sim:long=300]] go")) as r,
    ):
        assert r.status == 502
    assert runs(rig) == 1


async def test_the_turn_before_is_not_taken_for_this_one(rig: Rig) -> None:
    said = [{"role": "user", "content": "[[sim:echo=One.]] first"}]
    body = {"model": "opus-4.6", "max_tokens": 9000, "messages": said}
    async with await rig.post(MESSAGES.path, body) as r:
        said += [{"role": "assistant", "content": MESSAGES.text(await r.json())}]
    said += [{"role": "user", "content": "[[sim:cut=lost]][[sim:long=300]] second"}]
    async with await rig.post(MESSAGES.path, body) as r:
        assert r.status == 502
    (thread,) = rig.sim.threads.values()
    assert thread.outcome


async def test_a_conversation_goes_on_after_it(rig: Rig) -> None:
    said: list[dict[str, Any]] = []
    for text, thread in (
        ("[[sim:cut]][[sim:echo=One two three four.]]", "new"),
        ("b", "continued"),
    ):
        said.append({"role": "user", "content": text})
        body = {"model": "opus-4.6", "max_tokens": 90, "messages": said, "stream": False}
        async with await rig.post(MESSAGES.path, body) as r:
            assert r.headers["x-notion-manager-thread"] == thread
            said.append({"role": "assistant", "content": MESSAGES.text(await r.json())})
    assert said[1]["content"] == "One two three four."


async def test_sources_are_named_in_what_is_read_again(rig: Rig) -> None:
    text = "[[sim:search=url]][[sim:cut]][[sim:lang=none]] Opened when?"
    async with await rig.post(CHAT.path, CHAT.ask(text, stream=True)) as r:
        said = CHAT.said(await r.read())
    assert "The bridge opened on 3 May. [1] It spans the Example river. [2]" in said
    assert said.rstrip().endswith("https://wiki.example.test/Bridge")


async def test_a_call_that_broke_off_is_made_whole(rig: Rig) -> None:
    order = json.dumps([[{"tool": "Read", "args": {"path": "x" * 2000}}]])
    body = {
        "model": "opus-4.6",
        "max_tokens": 9000,
        "stream": True,
        "messages": [{"role": "user", "content": f"[[sim:cut]][[sim:work]] {order}"}],
        "tools": [{"name": "Read", "input_schema": {"properties": {"path": {"type": "string"}}}}],
    }
    async with await rig.post(MESSAGES.path, body) as r:
        seen = [frame.get("delta", {}) for frame in frames(await r.read())]
    args = "".join(delta.get("partial_json", "") for delta in seen)
    assert json.loads(args) == {"path": "x" * 2000}
    assert any(delta.get("stop_reason") == "tool_use" for delta in seen)
    assert runs(rig) == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_ends_the_wait(rig: Rig, *, stream: bool) -> None:
    text = "[[sim:cut=30]][[sim:long=300]] go"
    asking = asyncio.create_task(rig.drain(CHAT.path, CHAT.ask(text, stream=stream)))
    await until(lambda: rig.sim.count("syncRecordValuesMain") > 0)
    asking.cancel()
    await until(lambda: bool(rig.records))
    assert rig.records[-1].status == 499
    await asyncio.gather(asking, return_exceptions=True)


async def test_a_read_of_the_thread_that_fails_is_tried_again(tmp_path: Path) -> None:
    async with rigged(tmp_path, [someone(1, "records-502=2")], timeouts=PATIENT) as rig:
        text = "[[sim:cut]][[sim:lang=none]][[sim:long=300]] go"
        async with await rig.post(CHAT.path, CHAT.ask(text)) as r:
            said = CHAT.text(await r.json())
        (thread,) = rig.sim.threads.values()
        assert said == saved(thread)
