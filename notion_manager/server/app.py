"""The routes, and what every request passes on its way to one of them."""

import asyncio
import math
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from aiohttp import web

from ..errors import (
    BadRequest,
    Internal,
    KeyRefused,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    TooSlow,
    Unexpected,
    UpgradeRequired,
)
from ..logs import RequestRecord
from ..redact import Redactor
from ..translators import TRANSLATORS, Translator
from ..translators.anthropic_messages import AnthropicMessages
from ..translators.openai_chat import OpenAIChat
from ..translators.openai_responses import OpenAIResponses
from .admin import ACCOUNTS, ADMIN, REQUESTS, Admin, check_near
from .answer import NOT_OURS, TRACE, Desk, answering, check_size, counting, told
from .guard import OPEN_PATHS, Guard, check_json, name_of
from .keyring import Keyring
from .models import ONE, Shelf
from .pages import Pages
from .routes import Handler, Methods, Routes
from .trace import Trace
from .underway import Underway

UNREADABLE = (
    "this is not a valid HTTP request: the request line is malformed, or a header is malformed, "
    "repeated or longer than 8 kB"
)
FAULTS = 500  # statuses from here on say that it is ours
METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH")
LONGEST_PATH = 200  # characters that are repeated of it
LONGEST_WAIT = 60.0  # seconds: clients wait for all of a Retry-After, without a word


@dataclass(frozen=True, slots=True)
class Door:
    """What stands before every handler."""

    guard: Guard
    keyring: Keyring
    log: Callable[[RequestRecord], None]
    silent: set[asyncio.Protocol]
    """Connections that have asked nothing yet."""
    underway: Underway
    redact: Redactor


def serving(desk: Desk, door: Door, shelf: Shelf, pages: Pages, admin: Admin) -> Handler:
    """What answers every request."""
    routes = _routes(desk, shelf, pages, admin)

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        door.silent.discard(request.protocol)
        speaker = _speaker(request)
        request[TRACE] = trace = _traced(request, speaker, door.redact)
        try:
            response = await _served(door, request, routes, speaker)
            trace.status = response.status
            if door.underway.stopping:
                response.force_close()
        finally:  # a client that left is logged too
            if request.path not in OPEN_PATHS:
                door.log(trace.record(time.time()))
        return response

    return serve


def refusing(log: Callable[[RequestRecord], None], status: int, began: float) -> web.Response:
    """The answer to what is no HTTP request. Whose API it was for, nobody can say."""
    trace = _trace(OpenAIChat, api="", began=began)
    problem = _unheard(status)
    trace.failed(problem)
    trace.status = problem.status
    log(trace.record(time.time()))
    return _refusal(problem, trace, OpenAIChat)


def _unheard(status: int) -> Problem:
    if status == TooSlow.status:
        return TooSlow("the headers did not arrive within the time that timeouts.headers gives")
    return BadRequest(UNREADABLE) if status < FAULTS else Internal("internal error")


def _traced(request: web.BaseRequest, speaker: type[Translator], redact: Redactor) -> Trace:
    """What was wanted is told unless the API's name says it. A key is found only while whole."""
    asks = request.path.startswith(speaker.path)
    trace = _trace(speaker, speaker.name if asks else "", time.time())
    if request.path != speaker.path or request.method != "POST":
        trace.method, trace.path = request.method, redact(request.path)[:LONGEST_PATH]
    return trace


def _trace(speaker: type[Translator], api: str, began: float) -> Trace:
    return Trace(
        id=os.urandom(16).hex(),
        api=api,
        id_headers=tuple({"x-request-id", speaker.request_id_header}),
        began=began,
        effort=speaker.effort,
    )


def _routes(desk: Desk, shelf: Shelf, pages: Pages, admin: Admin) -> Routes:
    exact: dict[str, Methods] = {t.path: {"POST": answering(t, desk)} for t in TRANSLATORS}
    exact |= {
        f"{AnthropicMessages.path}/count_tokens": {"POST": counting(desk)},
        "/v1/models": {"GET": shelf.list},
        "/models": {"GET": shelf.list},
        "/health": {"GET": pages.health},
        ACCOUNTS: {"GET": admin.accounts},
        "/": {"GET": pages.index},
    }
    exact[OpenAIResponses.path] = {**exact[OpenAIResponses.path], "GET": _no_websocket}
    below: dict[str, Methods] = {
        ONE: {"GET": shelf.one},
        f"{OpenAIResponses.path}/": dict.fromkeys(METHODS, _no_stored_response),
        REQUESTS: {"GET": admin.request},
    }
    return Routes(exact, below)


async def _served(
    door: Door, request: web.BaseRequest, routes: Routes, speaker: type[Translator]
) -> web.StreamResponse:
    """The handler's response, or its Problem in the shape of the API that was called."""
    trace = request[TRACE]
    try:
        await _admit(door, request)
        handler = routes.find(request.method, request.path)
        with nullcontext() if request.path in OPEN_PATHS else door.underway.request():
            if "expect" in request.headers:
                await _go_on(request)
            response = await handler(request)
    except web.HTTPRequestEntityTooLarge:
        problem = TooLarge("the body is larger than server.body_limit allows")
    except NOT_OURS:
        raise
    except Exception as exc:  # noqa: BLE001 - told in the log
        problem = told(exc, trace.id)
    else:
        if not response.prepared:
            response.headers.update(trace.headers())
        return response
    trace.failed(problem)
    return _refusal(problem, trace, speaker)


async def _admit(door: Door, request: web.BaseRequest) -> None:
    headers = request.headers
    host = headers.get("Host", "")
    door.guard.check_host(host)
    if request.host != host:  # the request line names one itself, as to a proxy
        door.guard.check_host(request.url.raw_authority)
    door.guard.check_origin(headers)
    if request.path in OPEN_PATHS:
        return
    keys = await door.keyring.current()
    if request.path.startswith(ADMIN):
        check_near(request)
        request[TRACE].key = name_of(headers, [key for key in keys if key.admin])
        return
    request[TRACE].key = name_of(headers, [key for key in keys if not key.admin])
    if request.method == "POST":
        check_json(request.content_type, headers.get("Content-Encoding", "identity"))


def _refusal(problem: Problem, trace: Trace, speaker: type[Translator]) -> web.Response:
    headers = trace.headers()
    wait = problem.retry_after
    if wait is not None and wait <= LONGEST_WAIT:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    elif wait is not None or not problem.heals:
        headers["x-should-retry"] = "false"
    if isinstance(problem, KeyRefused):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(problem, MethodNotAllowed):
        headers["Allow"] = problem.allowed
    if isinstance(problem, UpgradeRequired):  # the protocol to ask in
        headers |= {"Upgrade": "HTTP/1.1", "Connection": "Upgrade"}
    return web.Response(
        status=problem.status,
        body=speaker.refuse(problem, trace.id),
        content_type="application/json",
        headers=headers,
    )


def _speaker(request: web.BaseRequest) -> type[Translator]:
    """Whose error shape a request's sender understands."""
    for translator in TRANSLATORS:
        if request.path.startswith(translator.path):
            return translator
    return AnthropicMessages if "anthropic-version" in request.headers else OpenAIChat


async def _go_on(request: web.BaseRequest) -> None:
    """Tell a client that waits for it to send its body. Raises Unexpected.

    Who is refused was told already, before a body that nobody wants was sent.
    """
    if request.headers["expect"].lower() != "100-continue":
        raise Unexpected("only `Expect: 100-continue` is understood")
    check_size(request)
    writer = request.writer
    await writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    writer.output_size = 0


async def _no_websocket(request: web.BaseRequest) -> web.StreamResponse:
    if "upgrade" in request.headers:
        raise UpgradeRequired("WebSockets are not supported here; POST to /v1/responses instead")
    raise MethodNotAllowed("/v1/responses takes POST", allowed="POST")


async def _no_stored_response(request: web.BaseRequest) -> web.StreamResponse:
    raise NotFound(
        f"there is nothing at {request.path[:LONGEST_PATH]}: responses are not stored here; "
        "send the whole input with each request"
    )
