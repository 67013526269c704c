"""The session over real sockets: what the pure parts cannot show."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from notion_manager.config import Config, Notion, Timeouts
from notion_manager.errors import AccountRefused, BadRequest, UpstreamBroken, UpstreamTimeout
from notion_manager.secret import Secret
from notion_manager.simulator import Simulator
from notion_manager.turn import Done, Message, Text, Thinking, Turn, fold
from notion_manager.upstreams.notion_web.calls import connect, read_login
from notion_manager.upstreams.notion_web.session import NotionWeb
from tests.asking import CHAT
from tests.goldens import GOLDEN
from tests.rig import QUICK, account_of, rigged, someone

ADA, GRACE = someone(1), someone(2)


async def login(sim: Simulator, user: str = "") -> str:
    async with sim.running() as url, connect(QUICK) as http:
        config = Config(notion=Notion(base_url=url), timeouts=replace(QUICK, api=0.5))
        return (await read_login(http, config, Secret(ADA.token_v2), user)).user_id


async def test_a_token_says_whose_it_is() -> None:
    assert await login(Simulator(accounts=[ADA])) == ADA.user_id
    assert await login(Simulator(accounts=[ADA], wrapping="single")) == ADA.user_id


async def test_a_session_of_several_people_needs_to_know_who_is_meant() -> None:
    shared = replace(ADA, others=(GRACE,))
    with pytest.raises(BadRequest, match="--user"):
        await login(Simulator(accounts=[shared]))
    assert await login(Simulator(accounts=[shared]), GRACE.email) == GRACE.user_id


@pytest.mark.parametrize(
    ("scenario", "problem"),
    [
        ("401 everywhere", AccountRefused),
        ("hang everywhere", UpstreamTimeout),
        ("reset everywhere", UpstreamBroken),
        ("502 everywhere", UpstreamBroken),
    ],
)
async def test_a_read_that_fails_is_a_problem(scenario: str, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        await login(Simulator(accounts=[ADA], scenario=scenario))


async def test_the_credential_is_in_no_repr_of_what_carries_it() -> None:
    async with connect(QUICK) as http:
        session = NotionWeb(http, account_of(ADA, "work"), Config())
        parts = (session._reading, session._asking, session._courier, session._recovery)
        assert not [part for part in parts if ADA.token_v2 in repr(part)]


async def test_nobody_at_the_address_is_a_broken_upstream() -> None:
    async with connect(QUICK) as http:
        config = Config(notion=Notion(base_url="http://127.0.0.1:9"), timeouts=QUICK)
        with pytest.raises(UpstreamBroken, match="connection to Notion failed"):
            await read_login(http, config, Secret(ADA.token_v2))


@pytest.mark.parametrize("era", ["2026-03", "2026-08"])
@pytest.mark.parametrize("chunks", ["byte", "random", "line", "whole"])
async def test_an_answer_comes_through_however_it_is_cut(
    tmp_path: Path, era: str, chunks: str
) -> None:
    async with rigged(tmp_path, seed=7, era=era, chunks=chunks) as rig:
        text = "[[sim:thinking=Hm…]][[sim:echo]] Ünïcödé 🌍 [^a-z] <language>"
        async with await rig.post(CHAT.path, CHAT.ask(text)) as r:
            body = await r.json()
    assert CHAT.text(body) == "Ünïcödé 🌍 [^a-z] <language>"
    assert body["choices"][0]["message"]["reasoning_content"] == "Hm…"


@pytest.mark.parametrize(
    "quirk",
    [
        "inline", "no-inline", "op-p", "op-r", "by-id", "restart", "duplicate-final",
        "no-sync", "done", "noise", "noise=sse", "lang=split",
        "lang=closing", "lang=stray", "lang=whole", "usage=none", "usage=late", "usage=append",
        "chunks=byte", "bare-end", "linger", "markdown-chat", "markdown-chat=whole",
    ],
)  # fmt: skip
async def test_a_quirk_of_the_wire_changes_nothing_in_the_answer(
    tmp_path: Path, quirk: str
) -> None:
    async with rigged(tmp_path, seed=3) as rig:
        wanted = "One two three, [^a-z]+ four."
        text = f"[[sim:{quirk}]][[sim:echo]] {wanted}"
        async with await rig.post(CHAT.path, CHAT.ask(text)) as r:
            assert CHAT.text(await r.json()) == wanted
        async with await rig.post(CHAT.path, CHAT.ask(text, stream=True)) as r:
            assert CHAT.said(await r.read()) == wanted


@pytest.mark.parametrize("quirk", ["rewrite", "previous-attempt", "lost-patches"])
async def test_text_that_is_rewritten_ends_as_the_service_has_it(
    tmp_path: Path, quirk: str
) -> None:
    async with rigged(tmp_path) as rig:
        text = f"[[sim:{quirk}]][[sim:echo=The answer is forty-two, and no other number.]]"
        async with await rig.post(CHAT.path, CHAT.ask(text)) as r:
            assert CHAT.text(await r.json()) == "The answer is forty-two, and no other number."


async def test_a_line_of_megabytes_is_passed_over(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        async with await rig.post(CHAT.path, CHAT.ask("[[sim:huge=3]][[sim:echo=ok]]")) as r:
            assert CHAT.text(await r.json()).endswith("\n\nok")


@pytest.mark.parametrize("form", ["url", "call", "index", "braces", "none", "all"])
async def test_citations_become_markers_and_a_list_of_sources(tmp_path: Path, form: str) -> None:
    async with rigged(tmp_path) as rig:
        async with await rig.post(CHAT.path, CHAT.ask(f"[[sim:search={form}]] when?")) as r:
            text = CHAT.text(await r.json())
    assert "[^" not in text
    assert ("Sources:\n[1] " in text) == (form != "none")


OPENING = (
    b'{"type":"patch-start","data":{"s":[]},"version":1}\n'
    b'{"type":"patch","v":[{"o":"a","p":"/s/-","v":{"id":"i","type":"agent-inference",'
    b'"value":[{"type":"text","content":""}]}}]}\n'
)
WORD = b'{"type":"patch","v":[{"o":"x","p":"/s/0/value/0/content","v":"word "}]}\n'
ENDING = (
    b'{"type":"patch","v":[{"o":"a","p":"/s/0/finishedAt","v":1795374383900}]}\n'
    b'{"type":"record-map","recordMap":{"thread":{}}}\n'
)
TURN = Turn("", (Message("user", (Text("hi"),)),))


@asynccontextmanager
async def notion(
    speak: Callable[[web.StreamResponse], Awaitable[None]], timeouts: Timeouts = QUICK
) -> AsyncGenerator[NotionWeb]:
    """An account of a service that answers each turn as `speak` does."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await speak(response)
        return response

    app = web.Application()
    app.router.add_post("/api/v3/runInferenceTranscript", answer)
    async with TestServer(app) as server, connect(timeouts) as http:
        config = Config(notion=Notion(base_url=str(server.make_url("/"))), timeouts=timeouts)
        yield NotionWeb(http, account_of(ADA, "one"), config)


async def test_a_slow_reader_is_not_the_services_silence() -> None:
    async def much(response: web.StreamResponse) -> None:
        await response.write(OPENING)
        for _ in range(400):
            await response.write(WORD * 500)
        await response.write(ENDING)

    words = 0
    async with notion(much, replace(QUICK, silence=0.2)) as upstream:
        async with upstream.open(TURN) as batches:
            async for batch in batches:
                if not words:
                    await asyncio.sleep(0.6)  # longer than silence: backpressure holds the service
                words += sum(e.text.count("word") for e in batch if isinstance(e, Text))
    assert words == 200_000


async def test_a_service_that_falls_silent_is_given_up() -> None:
    async def stall(response: web.StreamResponse) -> None:
        await response.write(OPENING + WORD)
        await asyncio.sleep(5)

    async with notion(stall, replace(QUICK, silence=0.1)) as upstream:
        with pytest.raises(UpstreamTimeout, match="silent"):
            async with upstream.open(TURN) as batches:
                [batch async for batch in batches]


async def test_a_connection_that_trickles_after_the_end_is_not_waited_for() -> None:
    ended = asyncio.Event()

    async def trickle(response: web.StreamResponse) -> None:
        await response.write((GOLDEN / "upstream" / "short-answer-inlined.ndjson").read_bytes())
        while not ended.is_set():
            await response.write(b"\n")
            await asyncio.sleep(0.02)

    async with notion(trickle) as upstream:
        async with asyncio.timeout(3), upstream.open(TURN) as batches:
            events = [event async for batch in batches for event in batch]
        ended.set()
    assert fold(events).parts == (Text("Madrid."),)


async def test_a_reset_after_a_finished_answer_is_no_error() -> None:
    async def reset(response: web.StreamResponse) -> None:
        await response.write(OPENING + WORD + ENDING)
        await asyncio.sleep(0.02)
        response._req.transport.abort()

    async with notion(reset) as upstream, upstream.open(TURN) as batches:
        events = [event async for batch in batches for event in batch]
    assert fold(events).parts == (Text("word "),)


async def test_what_the_service_sends_anew_is_told_by_name_and_not_by_content(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def novelty(response: web.StreamResponse) -> None:
        new = b'{"type":"brand-new-kind","secret":"canary"}\n'
        await response.write(OPENING + new + WORD + ENDING)

    async with notion(novelty) as upstream, upstream.open(TURN) as batches:
        events = [event async for batch in batches for event in batch]
    assert fold(events).parts == (Text("word "),)
    assert "type brand-new-kind x1" in caplog.text
    assert "canary" not in caplog.text


async def test_what_comes_while_a_finished_answer_lingers_keeps_nobody_waiting() -> None:
    heard, over = asyncio.Event(), asyncio.Event()

    async def again(response: web.StreamResponse) -> None:
        await response.write(OPENING + WORD + ENDING)
        await heard.wait()
        await response.write(
            b'{"type":"patch","v":[{"o":"a","p":"/s/-","v":{"id":"j","type":"agent-inference",'
            b'"value":[{"type":"thinking","content":"hm"}],"finishedAt":1}}]}\n'
        )
        await over.wait()

    timeouts = Timeouts(silence=60.0, linger=0.2)
    async with notion(again, timeouts) as account, account.open(TURN) as batches:
        events = list(await anext(batches))
        heard.set()
        async with asyncio.timeout(10):
            async for batch in batches:
                events += batch
        over.set()
    assert [type(event) for event in events] == [Text, Thinking, Done]
