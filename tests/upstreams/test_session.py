"""The session over real sockets: what the pure parts cannot show."""

from dataclasses import replace
from pathlib import Path

import pytest

from notion_manager.config import Config, Notion
from notion_manager.errors import AccountRefused, BadRequest, UpstreamBroken, UpstreamTimeout
from notion_manager.secret import Secret
from notion_manager.simulator import Simulator
from notion_manager.upstreams.notion_web.session import connect, read_login
from tests.asking import CHAT
from tests.rig import QUICK, rigged, someone

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
    assert ("Sources:\n[1] https://" in text) == (form != "none")
