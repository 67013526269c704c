"""Files that a request points at, from servers that are honest or not."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

import notion_manager.server.fetching
from notion_manager.addresses import is_public
from notion_manager.config import Config, Files
from notion_manager.errors import BadRequest
from notion_manager.server.fetching import AT_ONCE, MOST, Fetcher
from notion_manager.turn import File, FileLink, Message, Part, Text, ToolResult, Turn
from tests.asking import CHAT, MESSAGES, RESPONSES, Api
from tests.files import PDF, PNG
from tests.rig import rigged

HOST = "files.test"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(name="authority", scope="module")
def _authority() -> trustme.CA:
    return trustme.CA()


class Place:
    """A server's address, how often its name was looked up, and what its clients sent."""

    def __init__(self, authority: trustme.CA) -> None:
        self.port = 0
        self.answers: list[Sequence[str]] = []
        self.lookups = 0
        self.requests: list[web.Request] = []
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        assert host == HOST
        self.lookups += 1
        return self.answers.pop(0) if self.answers else ["127.0.0.1"]

    def url(self, path: str = "a.png") -> str:
        return f"https://{HOST}:{self.port}/{path}"

    def fetcher(self) -> Fetcher:
        def allowed(address: IPv4Address | IPv6Address) -> bool:
            return is_public(address) or str(address) == "127.0.0.1"

        return Fetcher(self.resolve, allowed, self.trust)


@asynccontextmanager
async def serving(authority: trustme.CA, answer: Answer) -> AsyncGenerator[Place]:
    place = Place(authority)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        place.requests.append(request)  # pyright: ignore[reportArgumentType]
        return await answer(request)  # pyright: ignore[reportArgumentType]

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(context)
    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        (place.port,) = {address[1] for address in runner.addresses}
        yield place
    finally:
        await runner.cleanup()


def pointing(*parts: Part) -> Turn:
    return Turn("m", (Message("user", parts),))


def link(url: str, media_type: str = "", path: str = "messages[0].content[0]") -> FileLink:
    return FileLink(url, media_type, path=path)


def giving(body: bytes, status: int = 200, **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=body, status=status, headers=named)

    return answer


async def test_each_link_becomes_its_file_wherever_it_stands(authority: trustme.CA) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("pdf"):
            return web.Response(body=PDF)
        kind = "text/plain" if request.path == "/note" else "image/png"
        return web.Response(body=b"Note." if request.path == "/note" else PNG, content_type=kind)

    async with serving(authority, answer) as place:
        picture = link(place.url())
        inner = ToolResult("c", (picture, Text("x")))
        document = link(place.url("b.pdf"), "application/pdf")
        turn = pointing(picture, Text("hi"), inner, document, link(place.url("note")))
        found = await place.fetcher().brought(turn)
    png = File("image/png", PNG, "a.png", picture.path)
    assert found.messages[0].parts == (
        png,
        Text("hi"),
        ToolResult("c", (png, Text("x"))),
        File("application/pdf", PDF, "b.pdf", document.path),
        Text("note\n\nNote."),
    )
    assert len(place.requests) == 3, "the same is fetched once"
    for request in place.requests:
        assert not {"Cookie", "Authorization", "Referer"} & set(request.headers)


async def test_a_link_that_is_shown_again_is_fetched_once(authority: trustme.CA) -> None:
    """As in a conversation that is sent anew with each question."""
    async with serving(authority, giving(PNG)) as place:
        links = [link(place.url(), path=f"messages[{at}].content[0]") for at in range(MOST + 1)]
        found = await place.fetcher().brought(pointing(*links))
    assert found.messages[0].parts == (File("image/png", PNG, "a.png", links[0].path),) * len(links)
    assert len(place.requests) == 1


async def test_a_turn_without_links_is_as_it_was() -> None:
    turn = pointing(Text("hi"))
    assert await Fetcher().brought(turn) is turn


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (giving(b"", 302, Location="https://127.0.0.1/"), "answered 302"),
        (giving(b"", 307, Location="/a.png"), "answered 307"),
        (giving(PNG, 404), "answered 404"),
        (giving(b""), "empty"),
        (giving(b"\x1f\x8b", Content_Encoding="gzip", Content_Type="image/png"), "compressed"),
        (giving(b"<svg/>", Content_Type="image/png"), "declared as image/png"),
        (giving(b"MZ\0", Content_Type="application/octet-stream"), "cannot be shown"),
    ],
)
async def test_what_is_no_file_is_refused_by_its_place(
    authority: trustme.CA, answer: Answer, words: str
) -> None:
    async with serving(authority, answer) as place:
        with pytest.raises(BadRequest, match=words) as raised:
            await place.fetcher().brought(pointing(link(place.url())))
        assert raised.value.field == "messages[0].content[0]"
        assert len(place.requests) == 1


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], ["127.0.0.1", "169.254.169.254"], ["::ffff:10.0.0.1"], ["fd00::1"]]
)
async def test_a_name_of_a_private_address_is_not_asked(
    authority: trustme.CA, addresses: list[str]
) -> None:
    async with serving(authority, giving(PNG)) as place:
        place.answers = [addresses]
        with pytest.raises(BadRequest, match="private"):
            await place.fetcher().brought(pointing(link(place.url())))
        assert place.requests == []


async def test_a_name_that_changes_its_address_is_looked_up_once(authority: trustme.CA) -> None:
    async with serving(authority, giving(PNG)) as place:
        place.answers = [["127.0.0.1"], ["10.0.0.1"]]
        found = await place.fetcher().brought(pointing(link(place.url())))
        assert found.messages[0].parts == (File("image/png", PNG, "a.png", link("").path),)
        assert place.lookups == 1


async def test_a_server_that_nobody_vouches_for_gets_no_request(authority: trustme.CA) -> None:
    async with serving(authority, giving(PNG)) as place:
        place.trust = ssl.create_default_context()
        with pytest.raises(BadRequest, match="cannot be fetched"):
            await place.fetcher().brought(pointing(link(place.url())))
        assert place.requests == []


async def large(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "image/png"})
    await response.prepare(request)
    for _ in range(100):
        await response.write(PNG + bytes(1 << 16))
    return response


async def silent(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_file_that_is_too_large_is_cut_off(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notion_manager.server.fetching, "LARGEST", 1 << 20)
    async with serving(authority, large) as place:
        with pytest.raises(BadRequest, match="more than 1048576 bytes"):
            await place.fetcher().brought(pointing(link(place.url())))


async def test_many_files_may_be_too_much(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notion_manager.server.fetching, "TOTAL", 3 * len(PNG))
    async with serving(authority, giving(PNG, Content_Type="image/png")) as place:
        some = [link(place.url(f"{n}.png")) for n in range(4)]
        assert await place.fetcher().brought(pointing(*some[:3]))
        with pytest.raises(BadRequest, match="together"):
            await place.fetcher().brought(pointing(*some))


async def test_who_never_answers_is_not_waited_for(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notion_manager.server.fetching, "PATIENCE", 0.1)
    async with serving(authority, silent) as place:
        with pytest.raises(BadRequest, match="did not arrive within"):
            await place.fetcher().brought(pointing(link(place.url())))


async def test_a_name_that_takes_long_to_look_up_holds_up_no_other_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The system's resolver cannot be called off."""
    stuck, asked = threading.Event(), threading.Semaphore(0)

    def slow(host: str, port: int, **more: Any) -> list[Any]:
        asked.release()
        stuck.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    fetcher = Fetcher()
    links = [link(f"https://{n}.{HOST}/") for n in range(2 * AT_ONCE)]
    asking = [asyncio.create_task(fetcher.brought(pointing(each))) for each in links]
    try:
        async with asyncio.timeout(5):
            await asyncio.gather(*(asyncio.to_thread(asked.acquire) for _ in range(AT_ONCE)))
        async with asyncio.timeout(1):
            assert await asyncio.to_thread(lambda: "done") == "done"
        assert not asked.acquire(blocking=False)
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        stuck.set()


async def test_so_many_links_and_no_more() -> None:
    links = [link(f"https://{HOST}/{n}", path=f"messages[0].content[{n}]") for n in range(MOST + 1)]
    with pytest.raises(BadRequest, match="at most") as raised:
        await Fetcher().brought(pointing(*links))
    assert raised.value.field == f"messages[0].content[{MOST}]"


@pytest.mark.parametrize(
    "url",
    [
        "http://files.test/a",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://xn--/",
        "https://a..b/",
    ],
)
async def test_a_url_that_may_not_be_asked_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(BadRequest, match=r"https|name nor|private"):
        await Fetcher().brought(pointing(link(url)))


LINKS: dict[str, Callable[[str], Any]] = {
    "messages": lambda url: {"type": "image", "source": {"type": "url", "url": url}},
    "chat": lambda url: {"type": "image_url", "image_url": {"url": url}},
    "responses": lambda url: {"type": "input_image", "image_url": url},
}


@pytest.mark.parametrize("api", [MESSAGES, CHAT, RESPONSES], ids=lambda api: api.name)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_picture_behind_a_link_is_seen_where_that_is_allowed(
    tmp_path: Path,
    authority: trustme.CA,
    monkeypatch: pytest.MonkeyPatch,
    api: Api,
    stream: bool,
) -> None:
    async with serving(authority, giving(PNG, Content_Type="image/png")) as place:
        monkeypatch.setattr("notion_manager.server.daemon.Fetcher", place.fetcher)
        body = api.ask("Hello", stream=stream)
        said = body.get("messages") or body.setdefault("input", [])
        said = said if isinstance(said, list) else [{"role": "user", "content": said}]
        kind = "input_text" if api is RESPONSES else "text"
        said[-1]["content"] = [{"type": kind, "text": "Hello"}, LINKS[api.name](place.url())]
        body["input" if api is RESPONSES else "messages"] = said
        for allowed in (True, False):
            config = Config(files=Files(fetch_urls=allowed))
            async with rigged(tmp_path / str(allowed), config=config) as rig:
                async with await rig.post(api.path, body) as r:
                    assert r.status == (200 if allowed else 400), await r.text()
                    if not allowed:
                        assert "fetch_urls" in await r.text()
                assert (
                    bool(rig.sim.count("getUploadFileUrlForAssistantChatTranscriptUpload"))
                    == allowed
                )
