"""What was configured, stored or sent arrives where it counts, over real sockets."""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from notion_manager.config import Config, Notion, Pool, Proxy
from notion_manager.simulator import Simulator
from notion_manager.simulator.delivery import reset
from tests.asking import APIS, CHAT, Api
from tests.goldens import GOLDEN
from tests.rig import QUICK, Rig, Served, rigged, serving, someone

INFERENCE = "runInferenceTranscript"
PARIS = (GOLDEN / "upstream" / "plain-answer.ndjson").read_bytes()
SAID = "Paris is the capital of France."
each_api = pytest.mark.parametrize("api", APIS, ids=lambda a: a.name)


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


# What the configuration says of a turn that does not say itself


def _config_step(rig: Rig) -> dict[str, Any]:
    sent = [body for name, body, _ in rig.sim.requests if name == INFERENCE]
    (step,) = (step for step in sent[-1]["transcript"] if step["type"] == "config")
    return step["value"]


@each_api
@pytest.mark.parametrize(
    ("proxy", "model", "read_only"),
    [
        (Proxy(), "opus-4.6", True),
        (Proxy(ask_mode=False), "opus-4.6", False),
        (Proxy(ask_mode=False), "opus-4.6-ask", True),
        (Proxy(ask_mode=False), "auto", False),
        (Proxy(ask_mode=False), "auto-ask", True),
    ],
)
async def test_notion_may_change_pages_only_where_ask_mode_is_off_and_the_model_asks_for_none(
    tmp_path: Path, api: Api, proxy: Proxy, model: str, read_only: bool
) -> None:
    async with rigged(tmp_path, config=Config(proxy=proxy)) as rig:
        async with await rig.post(api.path, api.ask(model=model)) as r:
            assert r.status == 200
        assert _config_step(rig)["useReadOnlyMode"] is read_only


@pytest.mark.parametrize(
    ("proxy", "web_search", "scopes"),
    [
        (Proxy(), True, []),
        (Proxy(web_search=False), False, []),
        (Proxy(workspace_search=True), True, [{"type": "everything"}]),
        (Proxy(web_search=False, workspace_search=True), False, [{"type": "everything"}]),
    ],
)
async def test_what_may_be_searched_is_what_the_configuration_says(
    tmp_path: Path, proxy: Proxy, web_search: bool, scopes: list[object]
) -> None:
    async with rigged(tmp_path, config=Config(proxy=proxy)) as rig:
        async with await rig.post(CHAT.path, CHAT.ask()) as r:
            assert r.status == 200
        step = _config_step(rig)
        assert (step["useWebSearch"], step["searchScopes"]) == (web_search, scopes)


async def test_attempts_bound_how_often_the_service_is_asked(tmp_path: Path) -> None:
    people = [someone(n, "429=600") for n in (1, 2, 3)]
    async with rigged(tmp_path, people, config=Config(pool=Pool(attempts=2))) as rig:
        async with await rig.post(CHAT.path, CHAT.ask()) as r:
            assert r.status == 429
        assert rig.sim.count(INFERENCE) == 2


# What outlives the process


@pytest.mark.parametrize(
    ("fault", "first", "then"), [("401", 503, 503), ("429=600", 429, 429), ("403-ai", 503, 503)]
)
async def test_what_became_of_an_account_is_known_after_a_restart(
    tmp_path: Path, fault: str, first: int, then: int
) -> None:
    async with rigged(tmp_path) as rig:
        async with await rig.post(CHAT.path, CHAT.ask(f"[[sim:{fault}]] hi")) as r:
            assert r.status == first
            told = CHAT.error(await r.json())[0]
    async with rigged(tmp_path, again=True) as rig:
        async with await rig.post(CHAT.path, CHAT.ask()) as r:
            assert (r.status, r.headers["x-should-retry"]) == (then, "false")
            assert told in CHAT.error(await r.json())[1]
        assert rig.sim.count(INFERENCE) == 0


async def test_a_response_says_which_accounts_failed_before(tmp_path: Path) -> None:
    people = [someone(1, "500"), someone(2)]
    async with rigged(tmp_path, people) as rig:
        async with await rig.post(CHAT.path, CHAT.ask(stream=True)) as r:
            assert r.headers["x-notion-manager-account"] == "two"
            assert r.headers["x-notion-manager-tried"] == "one upstream_error"
    assert rig.records[-1].tried == "one upstream_error"
    async with rigged(tmp_path / "alone", [someone(1, "401")]) as rig:
        async with await rig.post(CHAT.path, CHAT.ask()) as r:
            assert r.headers["x-notion-manager-tried"] == "one account_unauthorized"


async def test_a_rest_that_is_over_after_a_restart_keeps_nobody_away(tmp_path: Path) -> None:
    async with rigged(tmp_path, config=Config(pool=Pool(longest_rest=0.05))) as rig:
        async with await rig.post(CHAT.path, CHAT.ask("[[sim:quota-exhausted]] hi")) as r:
            assert r.status == 429
    async with rigged(tmp_path, again=True) as rig:
        async with await rig.post(CHAT.path, CHAT.ask("[[sim:echo=back]]")) as r:
            assert CHAT.text(await r.json()) == "back"


async def test_the_models_are_listed_at_once_by_a_second_start_whatever_the_upstream_does(
    tmp_path: Path,
) -> None:
    async with rigged(tmp_path) as rig, await rig.get("/v1/models") as r:
        before = await r.json()
    nobody = Config(notion=Notion(base_url="http://127.0.0.1:9"), timeouts=QUICK)
    hanging = rigged(tmp_path, [someone(1, "hang everywhere")], again=True)
    for restarted in (serving(tmp_path, nobody), hanging):
        async with restarted as served, asyncio.timeout(1):
            async with await served.get("/v1/models") as r:
                assert (r.status, await r.json()) == (200, before)
    assert len(before["data"]) > 20


# A Notion of our own, to see what no simulator tells


@dataclass
class Upstream:
    """What a Notion of a few lines was sent: per endpoint, the headers of each call."""

    url: str
    sent: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    @property
    def config(self) -> Config:
        return Config(notion=Notion(base_url=self.url), timeouts=QUICK)


Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def notion(answer: Answering) -> AsyncGenerator[Upstream]:
    """One that offers no model to choose and answers every question with `answer`."""

    async def post(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        upstream.sent[name].append(request.headers)
        response = await answer(request) if name == INFERENCE else web.json_response({"models": []})
        if not response.prepared:
            response.set_cookie("session", "leak-canary")
        return response

    app = web.Application()
    app.router.add_post("/api/v3/{name}", post)
    async with TestServer(app) as server:
        upstream = Upstream(str(server.make_url("")).rstrip("/"))
        yield upstream


async def _paris(request: web.Request) -> web.StreamResponse:
    return web.Response(body=PARIS)


async def test_a_cookie_that_the_service_sets_is_never_sent_back(tmp_path: Path) -> None:
    people = [someone(1), someone(2)]
    async with notion(_paris) as upstream, serving(tmp_path, upstream.config, people) as served:
        for _ in range(4):
            async with await served.post(CHAT.path, CHAT.ask(model="auto")) as r:
                assert CHAT.text(await r.json()) == SAID
    cookies = [h["cookie"] for h in upstream.sent[INFERENCE]]
    assert len(cookies) == 4
    assert not [c for c in cookies if "canary" not in c.split(";")[0] or "session" in c]
    for who in people:
        own = [c for c in cookies if who.token_v2 in c]
        assert len(own) == 2
        assert all(who.user_id in c for c in own)


async def test_a_connection_that_breaks_after_a_finished_answer_is_no_error(
    tmp_path: Path,
) -> None:
    heard = asyncio.Event()

    async def breaking(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(PARIS)
        await heard.wait()
        reset(request)
        return response

    async with notion(breaking) as upstream:
        async with serving(tmp_path, upstream.config, [someone()]) as served:
            async with await served.post(CHAT.path, CHAT.ask(model="auto", stream=True)) as r:
                body = b""
                async for chunk in r.content.iter_any():
                    body += chunk
                    if CHAT.said(body) == SAID:
                        heard.set()
    assert heard.is_set()
    assert CHAT.last in body
    assert (r.status, served.records[-1].problem) == (200, "")
    assert len(upstream.sent[INFERENCE]) == 1


# The way to the upstream


@dataclass
class Relay:
    """An HTTP proxy that passes every connection on to one address, and the heads that it saw."""

    url: str = ""
    heads: list[str] = field(default_factory=list)


@asynccontextmanager
async def relaying(to: str) -> AsyncGenerator[Relay]:
    """What is asked of it goes to the host and port of `to`, whatever was named."""
    host, _, port = to.removeprefix("http://").partition(":")
    relay = Relay()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            relay.heads += [h.decode() for h in _HEAD.findall(data)]
            writer.write(data)
            await writer.drain()
        writer.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    relay.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield relay
    finally:
        server.close()
        await server.wait_closed()


_HEAD = re.compile(rb"^(?:POST |HTTP/1).*?\r\n\r\n", re.DOTALL)


@asynccontextmanager
async def relayed(
    state: Path, site: str = "", *, compress: bool = True
) -> AsyncGenerator[tuple[Served, Relay]]:
    """A daemon with a proxy on its way to a simulator; `site` is where it takes Notion to be."""
    sim = Simulator(0, [someone()], gzip=compress)
    async with sim.running() as url, relaying(url) as relay:
        way = Notion(base_url=site or url, proxy=relay.url)
        config = Config(notion=way, timeouts=QUICK)
        async with serving(state, config, [someone()]) as served:
            yield served, relay


async def test_every_call_goes_through_the_configured_proxy(tmp_path: Path) -> None:
    site = "http://notion.example.test"  # known to nobody but the proxy
    async with relayed(tmp_path, site) as (served, relay):
        async with await served.post(CHAT.path, CHAT.ask("[[sim:echo=through]]")) as r:
            assert CHAT.text(await r.json()) == "through"
    asked = {head.split()[1] for head in relay.heads if head.startswith("POST ")}
    assert asked >= {f"{site}/api/v3/{name}" for name in ("getAvailableModels", INFERENCE)}
    assert all(url.startswith(f"{site}/") for url in asked)  # what is left may be read by now too


async def test_a_proxy_that_refuses_is_a_broken_upstream(tmp_path: Path) -> None:
    nobody = Notion(base_url="http://notion.example.test", proxy="http://127.0.0.1:9")
    config = Config(notion=nobody, timeouts=QUICK)
    async with serving(tmp_path, config, [someone()]) as served:
        async with await served.post(CHAT.path, CHAT.ask()) as r:
            assert (r.status, CHAT.error(await r.json())[0]) == (502, "upstream_error")


@pytest.mark.parametrize("compress", [True, False])
async def test_an_answer_is_the_same_whether_or_not_it_came_compressed(
    tmp_path: Path, compress: bool
) -> None:
    async with relayed(tmp_path, compress=compress) as (served, relay):
        text = CHAT.ask("[[sim:echo=Grüße 🌍]]", stream=True)
        async with await served.post(CHAT.path, text) as r:
            assert CHAT.said(await r.read()) == "Grüße 🌍"
    squeezed = ["content-encoding: gzip" in h.lower() for h in relay.heads if "x-ndjson" in h]
    assert squeezed == [False, compress]  # the question, then its answer


# Time: silence, pings


async def test_a_stream_that_never_falls_silent_may_last_longer_than_silence(
    tmp_path: Path,
) -> None:
    timeouts = replace(QUICK, silence=0.4)
    async with rigged(tmp_path, timeouts=timeouts, pace=0.12, chunks="line") as rig:
        async with await rig.post(CHAT.path, CHAT.ask("[[sim:long=12]] go")) as r:
            assert len(CHAT.text(await r.json()).split()) == 12
    assert rig.records[-1].duration > 2 * timeouts.silence


async def test_no_ping_goes_out_while_text_flows(tmp_path: Path) -> None:
    timeouts = replace(QUICK, commit_after=0.6, ping_every=0.6)
    async with rigged(tmp_path, timeouts=timeouts, pace=0.03, chunks="line") as rig:
        async with await rig.post(CHAT.path, CHAT.ask("[[sim:long=60]] go", stream=True)) as r:
            body = await r.read()
    assert rig.records[-1].duration > 2 * timeouts.ping_every
    assert len(CHAT.said(body).split()) == 60
    assert b"\n: " not in b"\n" + body
