"""One request of one of the three APIs: bytes in, a Turn through the gateway, bytes out."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from ..alarms import Alarms
from ..answers import Answer
from ..bridging import Bridge
from ..config import Timeouts
from ..errors import BadRequest, Internal, Problem, TooSlow
from ..translators import Translator
from ..translators.anthropic_messages import count_tokens
from ..translators.exchange import Exchange
from ..turn import Done, Event, Turn, fold
from .fetching import Fetcher
from .memory import Memory
from .outlet import Outlet
from .routes import Handler
from .trace import Trace
from .underway import Underway

logger = logging.getLogger(__name__)
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
        exchange = translator(await read(request, desk.timeouts), _exchange(request, desk.memory))
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
        counted = count_tokens(body, _exchange(request, desk.memory))
        headers = {"x-notion-manager-usage": "estimated"}
        return web.Response(body=counted, content_type="application/json", headers=headers)

    return count


async def read(request: web.BaseRequest, timeouts: Timeouts) -> bytes:
    """The body; raises TooSlow. Its size is bounded by the application."""
    try:
        if request.content.is_eof():  # it came along with the headers
            return await request.read()
        async with asyncio.timeout(timeouts.body):
            return await request.read()
    except web.RequestPayloadError as exc:
        raise BadRequest("the body is not what its headers say") from exc
    except TimeoutError as exc:
        raise TooSlow(f"the body did not arrive within {timeouts.body:g} s") from exc


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
        turn = await _complete(turn, desk)
        async with desk.bridge.open(turn, trace.key, live=False) as answer:
            trace.opened(answer, time.time())
            events = list(answer.first)
            async for batch in answer.rest:
                events += batch
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
    turn = await _complete(turn, desk)
    async with desk.bridge.open(turn, trace.key) as answer:
        trace.opened(answer, time.time())
        answer.heed(answer.first)
        await outlet.feed(answer.first)
        last = await asyncio.create_task(_pass_on(answer, outlet))
        if isinstance(last[-1], Done):
            trace.done(last[-1])


async def _complete(turn: Turn, desk: Desk) -> Turn:
    """With the files that it only points at, before any account waits for them."""
    return turn if desk.fetcher is None else await desk.fetcher.brought(turn)


async def _pass_on(answer: Answer, outlet: Outlet) -> Sequence[Event]:
    """The last batch. A task of its own: each read wakes all that awaits it, from the top down."""
    last, heed = answer.first, answer.heed
    async for batch in answer.rest:
        if batch:
            heed(batch)
            await outlet.feed(batch)
            last = batch
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
