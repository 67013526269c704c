"""One request of one of the three APIs: bytes in, a Turn through the gateway, bytes out."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import TypeVar

from aiohttp import web

from ..alarms import Alarms
from ..answers import Answer, Batch, is_last
from ..bridging import Asked, Bridge
from ..config import Timeouts
from ..errors import BadRequest, Internal, Problem, TooSlow
from ..tokens import weight
from ..translators import Translator
from ..translators.anthropic_messages import count_tokens
from ..translators.exchange import Exchange
from ..turn import Done, Turn, fold
from .fetching import Fetcher
from .memory import Memory
from .outlet import Outlet
from .routes import Handler
from .trace import Trace
from .underway import Underway

logger = logging.getLogger(__name__)
LARGE = 1 << 20  # bytes, beyond which their reading is felt
T = TypeVar("T")
TRACE: web.RequestKey[Trace] = web.RequestKey("trace", Trace)


@dataclass(frozen=True, slots=True)
class Desk:
    """What answering takes."""

    bridge: Bridge
    memory: Memory
    timeouts: Timeouts
    alarms: Alarms
    underway: Underway
    fetcher: Fetcher | None = None
    """None where nothing is fetched."""


def answering(translator: type[Translator], desk: Desk) -> Handler:
    """A handler for POST on the translator's path."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        trace = request[TRACE]
        body = await read(request, desk.timeouts)
        about = _exchange(request, desk.memory)
        exchange = await apart(len(body), lambda: translator(body, about))
        trace.asked = exchange.turn.model
        turn, left_out = desk.bridge.narrowed(exchange.turn)
        trace.ignored = (*exchange.ignored, *left_out)
        deliver = _streamed if exchange.stream else _whole
        response = await deliver(request, exchange, turn, desk)
        for id, item in exchange.remember():
            desk.memory.put(trace.key, id, item)
        return response

    return answer


def counting(desk: Desk) -> Handler:
    """A handler for the Messages API's token counting. The count is an estimate, and says so."""

    async def count(request: web.BaseRequest) -> web.StreamResponse:
        body = await read(request, desk.timeouts)
        about = _exchange(request, desk.memory)
        counted = await apart(len(body), lambda: count_tokens(body, about))
        headers = {"x-notion-manager-usage": "estimated"}
        return web.Response(body=counted, content_type="application/json", headers=headers)

    return count


async def read(request: web.BaseRequest, timeouts: Timeouts) -> bytes:
    """The body; raises TooSlow. Its size is bounded by the application."""
    check_size(request)
    try:
        if request.content.is_eof():  # it came along with the headers
            return await request.read()
        async with asyncio.timeout(timeouts.body):
            return await _gathered(request)
    except web.RequestPayloadError as exc:
        raise BadRequest("the body does not match its headers") from exc
    except TimeoutError as exc:
        raise TooSlow(f"the body did not arrive within {timeouts.body:g} s") from exc


def check_size(request: web.BaseRequest) -> None:
    """Raises aiohttp's refusal of a body that says itself that it is too large."""
    size, most = request.content_length or 0, request.client_max_size
    if size > most:
        raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=size)


async def _gathered(request: web.BaseRequest) -> bytes:
    """As `request.read`, which copies the whole of it twice while nothing else can run."""
    body, most = BytesIO(), request.client_max_size
    while data := await request.content.readany():
        if body.tell() + len(data) > most:
            raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=body.tell() + len(data))
        body.write(data)
    return body.getvalue()


async def apart(size: int, work: Callable[[], T]) -> T:
    """Do what may take long with so many bytes, but beside the other answers."""
    return await asyncio.to_thread(work) if size > LARGE else work()


def _exchange(request: web.BaseRequest, memory: Memory) -> Exchange:
    trace = request[TRACE]
    return Exchange(
        id=trace.id,
        now=int(time.time()),
        headers=request.headers,
        recall=lambda id: memory.get(trace.key, id),
    )


async def _whole(
    request: web.BaseRequest, exchange: Translator, turn: Turn, desk: Desk
) -> web.StreamResponse:
    trace = request[TRACE]
    with desk.underway.answer():
        asked = await _read(turn, desk, trace.key)
        async with desk.bridge.open(asked, live=False) as answer:
            trace.opened(answer, time.time())
            events = list(answer.first)
            async for batch in answer.rest:
                events += answer.cut(batch)
                if is_last(events):
                    break
            answer.heed(events)
    reply = fold(events)
    trace.done(reply.done)
    return web.Response(body=exchange.whole(reply), content_type="application/json")


async def _streamed(
    request: web.BaseRequest, exchange: Translator, turn: Turn, desk: Desk
) -> web.StreamResponse:
    trace = request[TRACE]
    async with Outlet(request, exchange, trace.headers, desk.timeouts, desk.alarms) as outlet:
        try:
            with desk.underway.answer():
                await _relay(turn, desk, trace, outlet)
        except NOT_OURS:
            raise
        except Exception as exc:
            if not outlet.begun:
                raise
            problem = told(exc, trace.id)
            trace.failed(problem)
            trace.status = outlet.response.status
            await outlet.fail(problem)
            _hang_up(request)
    return outlet.response


async def _relay(turn: Turn, desk: Desk, trace: Trace, outlet: Outlet) -> None:
    """One upstream read, one batch, one write. The pool hears of a failure before the client."""
    asked = await _read(turn, desk, trace.key)
    async with desk.bridge.open(asked) as answer:
        trace.opened(answer, time.time())
        answer.heed(answer.first)
        await outlet.feed(answer.first)
        last = await asyncio.create_task(_pass_on(answer, outlet))
        if isinstance(last[-1], Done):
            trace.done(last[-1])


async def _read(turn: Turn, desk: Desk, key: str) -> Asked:
    """With the files that it only points at, before any account waits for them."""
    if desk.fetcher is not None:
        turn = await desk.fetcher.brought(turn)
    return await apart(weight(turn), lambda: desk.bridge.read(turn, key))


async def _pass_on(answer: Answer, outlet: Outlet) -> Batch:
    """The last batch. A task of its own: each read wakes all that awaits it, from the top down."""
    last, cut, heed, feed = answer.first, answer.cut, answer.heed, outlet.feed
    async for batch in answer.rest:
        if passed := cut(batch):
            heed(passed)
            await feed(passed)
            last = passed
            if type(passed[-1]) is Done:
                break
    return last


def _hang_up(request: web.BaseRequest) -> None:
    """Close without the end that a whole body has: some clients would take it for a full answer."""
    if request.transport is not None:
        request.transport.close()


NOT_OURS = (ConnectionError, web.HTTPException)
"""What a handler lets pass: the client left, or aiohttp refuses by itself."""


def told(exc: Exception, id: str) -> Problem:
    """Of anything unforeseen the log has it all; the client learns that the fault is ours."""
    if isinstance(exc, Problem):
        return exc
    logger.error("request %s failed", id, exc_info=exc)
    return Internal(f"internal error; the log has more under {id}")
