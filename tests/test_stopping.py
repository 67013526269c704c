"""Who still waits when the daemon stops is told so, in the words of its API."""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from notion_manager.config import Config
from notion_manager.config import Server as ServerSettings
from notion_manager.secret import Secret
from notion_manager.server.daemon import Circumstances, running
from notion_manager.simulator import Simulator
from notion_manager.store import Store
from tests.asking import CHAT, MESSAGES, RESPONSES, Api
from tests.rig import KEY, QUICK, account_of, someone, until

each_api = pytest.mark.parametrize("api", [MESSAGES, CHAT, RESPONSES], ids=lambda api: api.name)


async def read(
    asking: Awaitable[aiohttp.ClientResponse], began: asyncio.Event
) -> tuple[int, str, bytes]:
    """Status, `Retry-After` and body, of which some may be missing; `began` once there is any."""
    got = b""
    async with await asking as response:
        with suppress(aiohttp.ClientPayloadError):
            async for more in response.content.iter_any():
                got += more
                began.set()
        return response.status, response.headers.get("Retry-After", ""), got


@dataclasses.dataclass(frozen=True, slots=True)
class Bench:
    """A daemon that can be told to stop, before a simulator."""

    sim: Simulator
    http: aiohttp.ClientSession
    url: str
    stack: AsyncExitStack

    def asked(
        self, api: Api, text: str, began: asyncio.Event, *, stream: bool
    ) -> asyncio.Task[tuple[int, str, bytes]]:
        asking = self.http.post(self.url + api.path, json=api.ask(text, stream=stream))
        return asyncio.create_task(read(asking, began))

    async def health(self) -> tuple[int, str]:
        async with self.http.get(self.url + "/health") as response:
            return response.status, (await response.json())["status"]


@asynccontextmanager
async def served(path: Path, shutdown: float) -> AsyncGenerator[Bench]:
    """Closing its stack stops the daemon, which takes `shutdown` seconds at most."""
    sim = Simulator(accounts=[someone()])
    circumstances = Circumstances(Secret(KEY), simulated=True, log=lambda _: None)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with sim.running() as upstream, aiohttp.ClientSession(headers=headers) as http:
        config = Config(
            server=ServerSettings(port=0),
            notion=dataclasses.replace(Config().notion, base_url=upstream),
            timeouts=dataclasses.replace(QUICK, shutdown=shutdown),
        )
        with Store(path / "state.sqlite3") as store:
            store.put_account(account_of(someone(), "one"))
            async with AsyncExitStack() as stack:
                address = await stack.enter_async_context(running(config, store, circumstances))
                yield Bench(sim, http, address.url, stack)


async def stopped(path: Path, api: Api, text: str, *, stream: bool) -> tuple[int, str, bytes]:
    """What a client gets whose answer takes longer than there is time."""
    began = asyncio.Event()
    async with served(path, shutdown=0.4) as bench:
        reading = bench.asked(api, text, began, stream=stream)
        await until(lambda: bench.sim.open_streams == 1)
        if "stall" in text:
            await began.wait()
        await bench.stack.aclose()
        await until(lambda: bench.sim.open_streams == 0)
        return await reading


@each_api
async def test_who_comes_while_answers_are_finished_is_refused_politely(
    tmp_path: Path, api: Api
) -> None:
    async with served(tmp_path, shutdown=10) as bench:
        assert await bench.health() == (200, "ok")
        slow = bench.asked(api, "[[sim:think=1]][[sim:echo=done]]", asyncio.Event(), stream=False)
        await until(lambda: bench.sim.open_streams == 1)
        stopping = asyncio.create_task(bench.stack.aclose())
        await asyncio.sleep(0)
        assert await bench.health() == (503, "stopping")
        for _ in range(2):
            asking = bench.http.post(bench.url + api.path, json=api.ask("hi"))
            async with await asking as response:
                assert (response.status, response.headers["Retry-After"]) == (503, "5")
                assert response.headers["Connection"] == "close"
                assert "the server is stopping" in api.error(await response.json())[1]
        status, _, got = await slow
        assert (status, b"done" in got) == (200, True)
        await stopping
        with pytest.raises(aiohttp.ClientConnectorError):
            await bench.health()
        assert bench.sim.count("runInferenceTranscript") == 1


async def test_a_strangers_host_is_turned_away_to_the_end(tmp_path: Path) -> None:
    async with served(tmp_path, shutdown=10) as bench:
        slow = bench.asked(CHAT, "[[sim:think=0.5]] hi", asyncio.Event(), stream=True)
        await until(lambda: bench.sim.open_streams == 1)
        stopping = asyncio.create_task(bench.stack.aclose())
        await asyncio.sleep(0)
        async with bench.http.get(bench.url + "/v1/models", headers={"Host": "evil.test"}) as r:
            assert r.status == 421
        assert (await slow)[0] == 200
        await stopping


@each_api
async def test_a_stream_ends_with_an_error_and_not_like_a_whole_one(
    tmp_path: Path, api: Api
) -> None:
    text = "[[sim:stall]][[sim:long=300]] go"
    status, _, got = await stopped(tmp_path, api, text, stream=True)
    assert (status, bool(api.said(got))) == (200, True)
    assert api.broken in got
    assert b"the server is stopping" in got
    assert api.last not in got


@each_api
@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_has_not_begun_is_refused_for_now(
    tmp_path: Path, api: Api, *, stream: bool
) -> None:
    text = "[[sim:think=30]] go"
    status, retry_after, got = await stopped(tmp_path, api, text, stream=stream)
    assert (status, retry_after) == (503, "5")
    assert b"the server is stopping" in got
