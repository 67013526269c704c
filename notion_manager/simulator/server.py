"""The simulator over HTTP: who calls, what for, and the stream or reply that they get."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any, NamedTuple

import orjson
from aiohttp import BodyPartReader, web

from . import asks, endpoints, inference, replies, uploads
from .accounts import SimAccount, demo_accounts
from .call import Call
from .chunking import Chunks
from .delivery import Stream, reset, respond
from .faults import http_fault
from .replies import Refused, Reply
from .scenarios import Scenario, from_words, in_text
from .shapes import Era, Wrapping, as_object
from .threads import Thread
from .world import Options, World

INFERENCE = "runInferenceTranscript"
REMEMBERED = 1000
LARGEST_BODY = 64 << 20
VERSION = "23.13.20261006.0243"
HOSTS = ("https://www.notion.so", "https://app.notion.com")


class Received(NamedTuple):
    """One call as it came: header names in lower case, the cookie left out."""

    endpoint: str
    body: Any
    headers: Mapping[str, str]


class Simulator:
    """A local Notion.

    `pace` is seconds between the chunks of a stream, `patience` the longest silence of a stalled
    one, `scenario` words as in `[[sim:…]]` for every account, `deny_overlap` whether two turns of
    one account at once are denied. Raises ValueError on an unknown word.
    """

    def __init__(  # noqa: PLR0913 - keyword options, each its own switch
        self,
        seed: int = 0,
        accounts: Sequence[SimAccount] | None = None,
        *,
        strict_origin: bool = False,
        era: Era = "2026-08",
        wrapping: Wrapping = "double",
        pace: float = 0.0,
        gzip: bool = True,
        chunks: Chunks = "random",
        deny_overlap: bool = False,
        patience: float = 600.0,
        scenario: str = "",
    ) -> None:
        options = Options(
            strict_origin=strict_origin,
            era=era,
            wrapping=wrapping,
            pace=pace,
            gzip=gzip,
            chunks=chunks,
            deny_overlap=deny_overlap,
            patience=patience,
            scenario=from_words(scenario),
        )
        people = demo_accounts() if accounts is None else accounts
        self.world = World(seed, people, options)
        self.requests: deque[Received] = deque(maxlen=REMEMBERED)
        self.open_streams = 0
        self._counts: Counter[str] = Counter()
        self._turns: set[asyncio.Task[None]] = set()

    @property
    def accounts(self) -> Sequence[SimAccount]:
        return self.world.accounts

    @property
    def threads(self) -> Mapping[str, Thread]:
        return self.world.threads.known

    @property
    def running_turns(self) -> int:
        """Turns that go on, watched or not."""
        return len(self._turns)

    def count(self, endpoint: str) -> int:
        """How often it was called, refused calls included."""
        return self._counts[endpoint]

    def admit(self, account: SimAccount) -> None:
        """One more person, or the same one with another token. Raises ValueError on a typo."""
        others = (a for a in self.world.accounts if a.user_id != account.user_id)
        self.world.accounts = (*others, account)
        self.world.own = {**self.world.own, account.user_id: from_words(account.scenario)}

    def begin_period(self) -> None:
        """A new month: nobody has used anything of it yet."""
        for account in self.world.accounts:
            for space in account.spaces:
                self.world.ledger.tally(account, space).turns = 0

    def kill_token(self, token_v2: str) -> None:
        self.world.dead.add(token_v2)

    def revive_token(self, token_v2: str) -> None:
        self.world.dead.discard(token_v2)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_post("/api/v3/{name}", self._post)
        app.router.add_get("/ai", _ai_page)
        app.router.add_post(f"/s3/{uploads.BUCKET}", self._store)
        app.on_cleanup.append(self._stop)
        return app

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncGenerator[str]:
        """Serve on 127.0.0.1; the address, without a path."""
        runner = web.AppRunner(
            self.app(), handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _stop(self, _app: web.Application) -> None:
        for task in self._turns:
            task.cancel()
        await asyncio.gather(*self._turns, return_exceptions=True)

    async def _post(self, request: web.Request) -> web.StreamResponse:
        name, rng = request.match_info["name"], self.world.dice()
        self.world.origin = str(request.url.origin())
        body = _json(await request.read())
        headers = {k.lower(): v for k, v in request.headers.items() if k.lower() != "cookie"}
        self.requests.append(Received(name, body, headers))
        self._counts[name] += 1
        try:
            return await self._answer(request, name, body, rng)
        except Refused as refused:
            return self._whole(request, refused.reply)

    async def _answer(
        self, request: web.Request, name: str, body: Any, rng: Random
    ) -> web.StreamResponse:
        if name != INFERENCE and name not in endpoints.ENDPOINTS:
            raise Refused(replies.not_found(name))
        account = self._caller(request, rng)
        scenario = self.world.defaults(account)
        if name != INFERENCE and "everywhere" in scenario:
            await self._disturb(request, scenario, account, rng)
        _check_headers(request, account, body, rng)
        if not isinstance(body, dict) or request.content_type != "application/json":
            raise Refused(replies.invalid(rng))
        call = Call(self.world, account, as_object(body), rng)
        if name == INFERENCE:
            return await self._infer(request, call)
        return self._whole(request, endpoints.answer(name, call))

    async def _store(self, request: web.Request) -> web.Response:
        """The bucket: it knows nobody, takes forms of a known length, and no credential."""
        self._counts[uploads.BUCKET] += 1
        if "cookie" in request.headers or request.content_length is None:
            raise web.HTTPBadRequest
        form = [
            (part.name or "", bytes(await part.read()))
            async for part in await request.multipart()
            if isinstance(part, BodyPartReader)
        ]
        try:
            return self._whole(request, uploads.store(self.world, form))
        except uploads.Disturbed as disturbed:
            return await self._fail(request, disturbed.fault)

    async def _fail(self, request: web.Request, fault: str) -> web.Response:
        if fault.isdecimal():
            return web.Response(
                status=int(fault), headers={"location": "http://elsewhere.invalid/"}
            )
        if fault == "reset":
            reset(request)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Future[None](), self.world.options.patience)
        return web.Response(status=503)

    def _caller(self, request: web.Request, rng: Random) -> SimAccount:
        """Who calls, from the cookie as it came. Raises Refused (401)."""
        token = _token(request.headers.get("cookie", ""))
        origin = request.headers.get("origin")
        own = f"{request.scheme}://{request.host}"
        foreign = origin is not None and origin not in {*HOSTS, own}
        if not token or (foreign and self.world.options.strict_origin):
            raise Refused(replies.unauthenticated(rng))
        account = self.world.account(token)
        if account is None:
            raise Refused(replies.unauthorized(rng))
        return account

    async def _infer(self, request: web.Request, call: Call) -> web.StreamResponse:
        world, account, rng = self.world, call.account, call.rng
        text = asks.newest_text(call.body)
        words = in_text(text)
        scenario = words.over(world.defaults(account))
        source = text if words.words else ""
        scenario = world.memory.settle(scenario, account.user_id, source)
        await self._disturb(request, scenario, account, rng)
        ask = asks.understand(call.body, account, world, rng)
        turn = inference.compose(world, account, ask, scenario, rng)
        task = asyncio.create_task(self._run(turn))
        self._turns.add(task)
        task.add_done_callback(self._turns.discard)
        return await self._stream(request, turn)

    async def _run(self, turn: inference.Turn) -> None:
        running, who = self.world.running, turn.account.user_id
        running[who] = running.get(who, 0) + 1
        try:
            await turn.run()
        finally:
            running[who] -= 1

    async def _stream(self, request: web.Request, turn: inference.Turn) -> web.StreamResponse:
        options = self.world.options
        stream = Stream(request, compress=options.gzip, patience=options.patience)
        self.open_streams += 1
        try:
            return await stream.send(turn)
        finally:
            self.open_streams -= 1

    async def _disturb(
        self, request: web.Request, scenario: Scenario, account: SimAccount, rng: Random
    ) -> None:
        """Faults instead of an answer. Raises Refused."""
        if "dies" in scenario:
            self.kill_token(account.token_v2)
        if "reset" in scenario:
            reset(request)
        if "hang" in scenario or "reset" in scenario:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Future[None](), self.world.options.patience)
        if reply := http_fault(scenario, rng):
            raise Refused(reply)

    def _whole(self, request: web.Request, reply: Reply) -> web.Response:
        return respond(request, reply, compress=self.world.options.gzip)


def _token(cookie: str) -> str:
    pairs = (part.strip().partition("=") for part in cookie.split(";"))
    return next((value for name, _, value in pairs if name == "token_v2"), "")


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def _check_headers(request: web.Request, account: SimAccount, body: Any, rng: Random) -> None:
    """The active user must be one's own; the space one's own, and the one of the body."""
    user = request.headers.get("x-notion-active-user-header")
    space = request.headers.get("x-notion-space-id")
    people = {account.user_id, *(other.user_id for other in account.others)}
    if (user and user not in people) or (space and account.space(space) is None):
        raise Refused(replies.forbidden(rng))
    named = as_object(body).get("spaceId", space)
    if space and named != space and account.space(str(named)):
        raise Refused(replies.cross_cell(rng))


async def _ai_page(_request: web.Request) -> web.Response:
    version = f'data-notion-version="{VERSION}"'
    html = f'<!DOCTYPE html><html lang="en" {version}><title>Notion</title></html>'
    return web.Response(text=html, content_type="text/html")
