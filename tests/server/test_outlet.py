"""A streamed answer on its way out."""

from collections.abc import Sequence

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from notion_manager.alarms import Alarms
from notion_manager.config import Timeouts
from notion_manager.server.outlet import Outlet
from notion_manager.translators.exchange import Exchange
from notion_manager.translators.openai_chat import OpenAIChat
from notion_manager.turn import Done, Event, Stop, Text

BODY = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}'


async def test_a_ping_that_is_due_at_the_very_end_does_not_end_the_answer() -> None:
    timeouts = Timeouts(ping_every=0.0)

    async def answer(request: web.Request) -> web.StreamResponse:
        exchange = OpenAIChat(BODY, Exchange("0" * 32, 0))
        async with Outlet(request, exchange, dict, timeouts, Alarms()) as outlet:
            await outlet.feed([Text("first words")])
            outlet._wake()
            last: Sequence[Event] = [Text("last words"), Done(Stop.END)]
            await outlet.feed(last)
        return outlet.response

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app) as server, ClientSession() as http:
        async with http.get(server.make_url("/")) as response:
            frames = (await response.text()).split("\n\n")
    assert frames[-2] == "data: [DONE]"
    assert sum("last words" in frame for frame in frames) == 1
    assert sum(frame.startswith(":") or '"choices":[]' in frame for frame in frames) == 1
