"""The routes, and the one middleware that every request passes."""

import asyncio
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from ..errors import (
    Internal,
    KeyRefused,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    UpgradeRequired,
)
from ..logs import RequestRecord
from ..translators import TRANSLATORS, Translator
from ..translators.anthropic_messages import AnthropicMessages
from ..translators.openai_chat import OpenAIChat
from .answer import NOT_OURS, TRACE, Desk, Handler, answering, counting, told
from .guard import OPEN_PATHS, Guard, check_json, name_of
from .keyring import Keyring
from .listener import Middleware
from .models import Shelf
from .pages import Pages
from .trace import Trace

LONGEST_WAIT = 60.0  # seconds: clients wait for all of a Retry-After, without a word


@dataclass(frozen=True, slots=True)
class Door:
    """What stands before every handler."""

    guard: Guard
    keyring: Keyring
    log: Callable[[RequestRecord], None]
    silent: set[asyncio.Protocol]
    """Connections that have asked nothing yet."""


def make_app(
    desk: Desk, door: Door, shelf: Shelf, pages: Pages, body_limit: int
) -> web.Application:
    """The application; `body_limit` is in bytes, after decompression."""
    app = web.Application(client_max_size=body_limit, middlewares=[_passing(door)])
    app.router.add_routes(
        [
            *(web.post(t.path, answering(t, desk)) for t in TRANSLATORS),
            web.post(f"{AnthropicMessages.path}/count_tokens", counting(desk)),
            web.get("/v1/responses", _no_websocket),
            web.get("/v1/responses/{id}", _no_stored_response),
            web.get("/v1/models", shelf.list),
            web.get("/models", shelf.list),
            web.get("/v1/models/{id:.+}", shelf.one),
            web.get("/health", pages.health),
            web.get("/", pages.index),
        ]
    )
    return app


def _passing(door: Door) -> Middleware:
    @web.middleware
    async def passing(request: web.Request, handler: Handler) -> web.StreamResponse:
        door.silent.discard(request.protocol)
        speaker = _speaker(request)
        trace = Trace(
            id=os.urandom(16).hex(),
            api=speaker.name,
            id_headers=tuple({"x-request-id", speaker.request_id_header}),
            began=time.time(),
        )
        request[TRACE] = trace
        try:
            response = await _served(door, request, handler, speaker)
            trace.status = response.status
        finally:  # a client that left is logged too
            if request.path not in OPEN_PATHS:
                door.log(trace.record(time.time()))
        return response

    return passing


async def _served(
    door: Door, request: web.Request, handler: Handler, speaker: type[Translator]
) -> web.StreamResponse:
    """The handler's response, or its Problem in the shape of the API that was called."""
    trace = request[TRACE]
    try:
        await _admit(door, request)
        response = await handler(request)
    except web.HTTPException as refusal:
        problem = _problem(refusal, request)
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


async def _admit(door: Door, request: web.Request) -> None:
    headers = request.headers
    door.guard.check_host(headers.get("Host", ""))
    door.guard.check_origin(headers)
    if request.path in OPEN_PATHS:
        return
    request[TRACE].key = name_of(headers, await door.keyring.current())
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
    return web.Response(
        status=problem.status,
        body=speaker.refuse(problem, trace.id),
        content_type="application/json",
        headers=headers,
    )


def _speaker(request: web.Request) -> type[Translator]:
    """Whose error shape a request's sender understands."""
    for translator in TRANSLATORS:
        if request.path.startswith(translator.path):
            return translator
    return AnthropicMessages if "anthropic-version" in request.headers else OpenAIChat


def _problem(refusal: web.HTTPException, request: web.Request) -> Problem:
    """What aiohttp refuses by itself, in our words."""
    match refusal:
        case web.HTTPNotFound():
            return NotFound(f"there is nothing at {request.path[:200]}")
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(refusal.allowed_methods))
            return MethodNotAllowed(f"{request.path[:200]} takes {allowed}")
        case web.HTTPRequestEntityTooLarge():
            return TooLarge("the body is larger than server.body_limit allows")
        case _:
            return Internal(refusal.reason)


async def _no_websocket(request: web.Request) -> web.StreamResponse:
    if "upgrade" in request.headers:
        raise UpgradeRequired("WebSockets are not spoken here; POST to /v1/responses instead")
    raise MethodNotAllowed("/v1/responses takes POST")


async def _no_stored_response(request: web.Request) -> web.StreamResponse:
    raise NotFound("responses are not stored here; send the whole input with each request")
