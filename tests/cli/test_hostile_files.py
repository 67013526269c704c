"""Files and URLs that are not what they say, or far too much: each has its named error, and costs little.

The daemon is a process of its own, so that what it takes of memory can be told from what we take.
"""

import re
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from notion_manager.simulator import Simulator
from tests.cli.daemon import Served, served
from tests.cli.terminal import Run
from tests.files import JPEG, PDF, PNG, base64, data_url, png

KEY = "a key of my own, long"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
MB = 1_000_000
BOMB = zlib.compress(zlib.compress(bytes(200 * MB), 9), 9)
"""A fifth of a gigabyte in a few hundred bytes."""
TIMES = 4  # that all are sent once more, as leaks show when they add up
PEAK = 12 * (32 << 20)  # bytes: the body, its JSON, the file, and what is on its way to Notion
LEFT = 4 * (32 << 20)  # bytes, as no two moments are alike
MOST_OF_URLS = 16 << 20  # bytes

Body = dict[str, Any]


def messages(*parts: Body) -> tuple[str, Body]:
    said = [{"role": "user", "content": [*parts, {"type": "text", "text": "Look."}]}]
    return "/v1/messages", {"model": "opus-4.6", "max_tokens": 99, "messages": said}


def picture(kind: str, data: str) -> Body:
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}


def paper(data: bytes) -> Body:
    source = {"type": "base64", "media_type": "application/pdf", "data": base64(data)}
    return {"type": "document", "source": source}


def chat(url: str) -> tuple[str, Body]:
    said = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]
    return "/v1/chat/completions", {"model": "opus-4.6", "messages": said}


def responses(**part: str) -> tuple[str, Body]:
    said = [{"role": "user", "content": [{"type": "input_file", "filename": "a.pdf", **part}]}]
    return "/v1/responses", {"model": "opus-4.6", "input": said}


HOSTILE: dict[str, tuple[Callable[[], tuple[str, Body]], str]] = {
    "a JPEG that is called a PNG": (
        lambda: messages(picture("image/png", base64(JPEG))),
        r"messages\[0\].content\[0\].*declared as image/png, but its bytes are image/jpeg",
    ),
    "an SVG that is called a PNG": (
        lambda: chat(data_url("image/png", SVG)),
        r"messages\[0\].content\[0\].*declared as image/png, but its bytes are something else",
    ),
    "base64 that breaks off": (
        lambda: messages(picture("image/png", base64(PNG)[:-3])),
        r"messages\[0\].content\[0\].*not valid base64",
    ),
    "base64 with an end in its midst": (
        lambda: messages(picture("image/png", base64(PNG[:10]) + base64(png(ballast=9 * MB)))),
        r"messages\[0\].content\[0\].*not valid base64",
    ),
    "an archive that is called a PDF": (
        lambda: responses(file_data=data_url("application/pdf", b"PK\x03\x04" + BOMB)),
        r"input\[0\].content\[0\].*declared as application/pdf, but",
    ),
    "nothing": (lambda: chat(data_url("image/png", b"")), r"messages\[0\].*the file is empty"),
    "25 MB": (
        lambda: messages(picture("image/png", base64(png(ballast=25 * MB - 200)))),
        r"messages\[0\].content\[0\].*the file has 2\d{7} bytes; the limit is 20971520",
    ),
    "more than a body may have": (
        lambda: messages(picture("image/png", base64(png(ballast=27 * MB)))),
        r"body_limit",
    ),
    "200 parts": (
        lambda: messages(*(picture("image/png", base64(png(n, 1))) for n in range(1, 201))),
        r"content.50.*200 different files in one conversation; the limit is",
    ),
    "a link": (
        lambda: responses(file_url="https://127.0.0.1/a.pdf"),
        r"input\[0\].content\[0\].*`files.fetch_urls`",
    ),
}
TAKEN: dict[str, Callable[[], tuple[str, Body]]] = {
    "a PDF that unpacks to far more": lambda: messages(
        paper(PDF.replace(b"endobj", b"stream\n" + BOMB + b"\nendstream endobj"))
    ),
    "20 MB": lambda: messages(picture("image/png", base64(png(ballast=20 * MB)))),
}
"""What is none of ours to refuse: it is never unpacked, and goes to Notion as it is."""


PRIVATE, STRANGE = "its address is private", "its host is neither a name nor a plain address"
URLS = {
    "https://169.254.169.254/latest/meta-data": PRIVATE,
    "https://[::ffff:169.254.169.254]/": PRIVATE,
    "https://[64:ff9b::a9fe:a9fe]/": PRIVATE,
    "https://[fe80::1%25eth0]/": PRIVATE,
    "https://100.64.0.1/": PRIVATE,
    "https://localhost/": PRIVATE,
    "https://0251.0376.0251.0376/": STRANGE,
    "https://2852039166/": STRANGE,
    "https://a..b/": STRANGE,
    "https://xn--/": "expected a plain https URL",
    "https://files.example.com\\@169.254.169.254/": "expected a plain https URL",
    "https://files.example.com@169.254.169.254/": "a URL with a user name in it is not fetched",
    "http://169.254.169.254/": "only https URLs are fetched",
    "file:///etc/passwd": "expected a data:, https: or http: URL",
    "https://files.example.com/" + "a" * MB: "expected a plain https URL",
}


def send(server: Served, path: str, body: Body) -> tuple[int, str]:
    headers = {"x-api-key": KEY, "content-type": "application/json"}
    request = urllib.request.Request(server.url + path, orjson.dumps(body), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def memory(server: Served, what: str) -> int:
    """Bytes that the process has (VmRSS), or had at most (VmHWM)."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    found = re.search(rf"{what}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) << 10


def send_all(server: Served) -> None:
    for name, (made, told) in HOSTILE.items():
        status, said = send(server, *made())
        assert status in (400, 413), name
        assert re.search(told, said), (name, said[:300])
    for made in TAKEN.values():
        assert send(server, *made())[0] == 200


def send_urls(server: Served) -> None:
    for url, told in URLS.items():
        status, said = send(server, *responses(file_url=url))
        assert (status, f"input[0].content[0].file_url: {told}" in said) == (400, True), url[:99]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="figures come from /proc")
def test_hostile_urls_are_refused_by_their_place_and_cost_little(
    env: dict[str, str], run: Run, notion: Simulator
) -> None:
    who = notion.accounts[0].token_v2
    assert run("accounts", "add", "--token-v2", "-", stdin=who).exit_code == 0
    here = {"NOTION_MANAGER_API_KEY": KEY, "NOTION_MANAGER_FILES_FETCH_URLS": "true"}
    with served({**env, **here}) as server:
        send_urls(server)
        once = memory(server, "VmRSS")
        for _ in range(5 * TIMES):
            send_urls(server)
        more = memory(server, "VmRSS") - once
        assert more < MOST_OF_URLS, f"{more >> 10} kB more"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="figures come from /proc")
def test_hostile_files_are_refused_by_their_place_and_cost_little(
    env: dict[str, str], run: Run, notion: Simulator
) -> None:
    who = notion.accounts[0].token_v2
    assert run("accounts", "add", "--token-v2", "-", stdin=who).exit_code == 0
    with served({**env, "NOTION_MANAGER_API_KEY": KEY}) as server:
        send_all(server)
        once = memory(server, "VmRSS")
        for _ in range(TIMES):
            send_all(server)
        more, most = memory(server, "VmRSS") - once, memory(server, "VmHWM")
        figures = f"{once >> 20} MB, {more >> 20} MB more in the end, at most {most >> 20} MB"
        assert more < LEFT, figures
        assert most < PEAK, figures
