"""What stands at each path, and what is said of the others."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from notion_manager.errors import MethodNotAllowed, NotFound
from notion_manager.server.routes import Routes
from tests.asking import CHAT
from tests.rig import KEY, Rig, rigged


async def _here(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response()


async def _there(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response()


ROUTES = Routes({"/a": {"POST": _here}, "/b": {"GET": _here}}, {"/b/": {"GET": _there}})


def test_a_path_has_its_handler_by_method() -> None:
    assert ROUTES.find("POST", "/a") is _here
    assert ROUTES.find("HEAD", "/b") is _here
    assert ROUTES.find("GET", "/b/x/y") is _there


@pytest.mark.parametrize("path", ["/", "/A", "/a/", "/b/", "/bb", "", "*", "/a/../a"])
def test_nothing_stands_elsewhere(path: str) -> None:
    with pytest.raises(NotFound):
        ROUTES.find("GET", path)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/a", "POST"), ("POST", "/b", "GET, HEAD"), ("DELETE", "/b/x", "GET, HEAD")],
)
def test_a_method_that_is_not_taken_is_told_which_are(method: str, path: str, allowed: str) -> None:
    with pytest.raises(MethodNotAllowed, match=f"{path} takes {allowed}$") as caught:
        ROUTES.find(method, path)
    assert caught.value.allowed == allowed


async def sent(
    rig: Rig, expect: str, key: str = KEY, length: int | None = None
) -> tuple[bytes, bytes]:
    """What comes back before the body is sent, and after it. Its length may be a lie."""
    host, _, port = rig.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = b'{"messages": [{"role": "user", "content": "[[sim:echo=heard]]"}]}'
    head = (
        f"POST {CHAT.path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {length or len(body)}\r\n"
        f"Expect: {expect}\r\n"
        "Connection: close\r\n\r\n"
    )
    writer.write(head.encode())
    before = await reader.readuntil(b"\r\n\r\n")
    writer.write(body)
    after = await reader.read()
    writer.close()
    return before, after


async def test_a_client_that_waits_to_send_its_body_is_told_to(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        before, after = await sent(rig, "100-Continue")
    assert before == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert after.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"heard" in after


@pytest.mark.parametrize(
    ("expect", "key", "length", "status"),
    [
        ("100-continue", "wrong", None, b"401"),
        ("200-ok", KEY, None, b"417"),
        ("100-continue", KEY, 1 << 40, b"413"),
    ],
)
async def test_a_body_that_nobody_wants_is_not_asked_for(
    tmp_path: Path, expect: str, key: str, length: int | None, status: bytes
) -> None:
    async with rigged(tmp_path) as rig:
        before, _ = await sent(rig, expect, key, length)
    assert before.startswith(b"HTTP/1.1 " + status)
