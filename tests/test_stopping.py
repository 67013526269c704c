"""Who still waits when the daemon stops is told so, in the words of its API."""

import asyncio
import dataclasses
from collections.abc import Awaitable
from contextlib import suppress
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


async def stopped(path: Path, api: Api, text: str, *, stream: bool) -> tuple[int, str, bytes]:
    """What a client gets whose answer takes longer than there is time."""
    sim = Simulator(accounts=[someone()])
    circumstances = Circumstances(Secret(KEY), simulated=True, log=lambda _: None)
    headers = {"Authorization": f"Bearer {KEY}"}
    began = asyncio.Event()
    async with sim.running() as upstream, aiohttp.ClientSession(headers=headers) as http:
        config = Config(
            server=ServerSettings(port=0),
            notion=dataclasses.replace(Config().notion, base_url=upstream),
            timeouts=dataclasses.replace(QUICK, shutdown=0.4),
        )
        with Store(path / "state.sqlite3") as store:
            store.put_account(account_of(someone(), "one"))
            async with running(config, store, circumstances) as address:
                asking = http.post(address.url + api.path, json=api.ask(text, stream=stream))
                reading = asyncio.create_task(read(asking, began))
                await until(lambda: sim.open_streams == 1)
                if "stall" in text:
                    await began.wait()
            await until(lambda: sim.open_streams == 0)
            return await reading


@each_api
async def test_a_stream_ends_with_an_error_and_not_like_a_whole_one(
    tmp_path: Path, api: Api
) -> None:
    text = "[[sim:stall]][[sim:long=300]] go"
    status, _, got = await stopped(tmp_path, api, text, stream=True)
    assert (status, bool(api.said(got))) == (200, True)
    assert api.broken in got
    assert b"the server stops" in got
    assert api.last not in got


@each_api
@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_has_not_begun_is_refused_for_now(
    tmp_path: Path, api: Api, *, stream: bool
) -> None:
    text = "[[sim:think=30]] go"
    status, retry_after, got = await stopped(tmp_path, api, text, stream=stream)
    assert (status, retry_after) == (503, "5")
    assert b"the server stops" in got
