"""Files through the daemon: brought to the service, shown to the model, failed over with it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from notion_manager.config import Config, Pool
from tests.asking import APIS, CHAT, MESSAGES, RESPONSES, Api
from tests.files import CSV, KINDS, PDF, PNG, base64, data_url, png
from tests.rig import QUICK, Rig, rigged, someone, until

TICKET = "getUploadFileUrlForAssistantChatTranscriptUpload"
BUCKET = "prod-files-secure"
IMPATIENT = replace(QUICK, processing=0.6)
each_api = pytest.mark.parametrize("api", APIS, ids=lambda a: a.name)


def _messages(kind: str, data: bytes) -> dict[str, Any]:
    source = {"type": "base64", "media_type": kind, "data": base64(data)}
    return {"type": "image" if kind.startswith("image/") else "document", "source": source}


def _chat(kind: str, data: bytes) -> dict[str, Any]:
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": data_url(kind, data)}}
    return {"type": "file", "file": {"file_data": data_url(kind, data), "filename": "f"}}


def _responses(kind: str, data: bytes) -> dict[str, Any]:
    if kind.startswith("image/"):
        return {"type": "input_image", "image_url": data_url(kind, data)}
    return {"type": "input_file", "file_data": data_url(kind, data), "filename": "f"}


PART = {MESSAGES: _messages, CHAT: _chat, RESPONSES: _responses}


def ask(api: Api, *files: tuple[str, bytes], text: str = "Hello", **more: Any) -> dict[str, Any]:
    """A question that shows these files."""
    words = {"type": "input_text" if api is RESPONSES else "text", "text": text}
    content = [*(PART[api](kind, data) for kind, data in files), words]
    said = [{"role": "user", "content": content}]
    return api.ask(**({"input": said} if api is RESPONSES else {"messages": said}), **more)


def seen(kind: str, data: bytes) -> str:
    """How the simulated model tells of a file that reached it byte for byte."""
    return f"({kind}, {len(data)} bytes, sha256 {sha256(data).hexdigest()[:8]})"


async def answer(rig: Rig, api: Api, body: Mapping[str, Any]) -> str:
    async with await rig.post(api.path, body) as r:
        assert r.status == 200, await r.text()
        return api.text(await r.json())


@each_api
@pytest.mark.parametrize("kind", KINDS)
async def test_rule_21_rule_35_rule_46_a_file_reaches_the_model_byte_for_byte(
    tmp_path: Path, api: Api, kind: str
) -> None:
    async with rigged(tmp_path) as rig:
        assert seen(kind, KINDS[kind]) in await answer(rig, api, ask(api, (kind, KINDS[kind])))


@each_api
async def test_a_streamed_answer_sees_files_too(tmp_path: Path, api: Api) -> None:
    async with rigged(tmp_path) as rig:
        async with await rig.post(api.path, ask(api, ("image/png", PNG), stream=True)) as r:
            body = await r.read()
    assert seen("image/png", PNG) in api.said(body)
    assert api.last in body


async def test_several_files_share_the_thread_that_the_first_one_makes(tmp_path: Path) -> None:
    pictures = [("image/png", png(width)) for width in range(1, 7)]
    async with rigged(tmp_path) as rig:
        text = await answer(rig, CHAT, ask(CHAT, *pictures))
        made = [r.body["createThread"] for r in rig.sim.requests if r.endpoint == TICKET]
    assert all(seen(*picture) in text for picture in pictures)
    assert made == [True, *[False] * 5]


async def test_the_same_bytes_are_brought_once(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        text = await answer(rig, CHAT, ask(CHAT, ("image/png", PNG), ("image/png", PNG)))
        assert rig.sim.count(BUCKET) == 1
    assert text.count(seen("image/png", PNG)) == 1


TOOL_SCHEMA = {"type": "object", "properties": {}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
RESULTS: Mapping[Api, dict[str, Any]] = {
    MESSAGES: {
        "tools": [{"name": "look", "input_schema": TOOL_SCHEMA}],
        "messages": [
            {"role": "user", "content": "What is there?"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "c1", "name": "look", "input": {}}],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "c1",
                        "content": [
                            {"type": "text", "text": "a picture:"},
                            _messages("image/png", PNG),
                            _messages("application/pdf", PDF),
                        ],
                    }
                ],
            },
        ],
    },
    CHAT: {
        "tools": [{"type": "function", "function": {"name": "look", "parameters": TOOL_SCHEMA}}],
        "messages": [
            {"role": "user", "content": "What is there?"},
            {"role": "assistant", "tool_calls": [CALL]},
            {
                "role": "tool",
                "tool_call_id": "c1",
                "content": [
                    {"type": "text", "text": "a picture:"},
                    _chat("image/png", PNG),
                    _chat("application/pdf", PDF),
                ],
            },
        ],
    },
    RESPONSES: {
        "tools": [{"type": "function", "name": "look", "parameters": TOOL_SCHEMA}],
        "input": [
            {"role": "user", "content": "What is there?"},
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
            {
                "type": "function_call_output",
                "call_id": "c1",
                "output": [
                    {"type": "input_text", "text": "a picture:"},
                    _responses("image/png", PNG),
                    _responses("application/pdf", PDF),
                ],
            },
        ],
    },
}


@each_api
async def test_rule_19_rule_44_a_tools_result_shows_its_pictures(tmp_path: Path, api: Api) -> None:
    async with rigged(tmp_path) as rig:
        text = await answer(rig, api, {**api.ask(), **RESULTS[api]})
        (asked,) = (r.body for r in rig.sim.requests if r.endpoint == "runInferenceTranscript")
    assert seen("image/png", PNG) in text
    assert seen("application/pdf", PDF) in text
    types = [step["type"] for step in asked["transcript"]]
    assert types[2:] == ["user", "agent-inference", "attachment", "attachment", "user"]
    said = asked["transcript"][-1]["value"][0][0]
    assert said.index("a picture:") < said.index("(attached: image-1.png)")


async def test_the_buckets_thread_is_used_where_it_says_another(tmp_path: Path) -> None:
    async with rigged(tmp_path, people=[someone(1, "chat-id")]) as rig:
        files = ("image/png", PNG), ("image/png", png(2))
        assert seen(*files[1]) in await answer(rig, CHAT, ask(CHAT, *files))


async def test_a_form_that_expired_is_replaced_once(tmp_path: Path) -> None:
    async with rigged(tmp_path, people=[someone(1, "storage-403")]) as rig:
        assert seen("image/png", PNG) in await answer(rig, CHAT, ask(CHAT, ("image/png", PNG)))
        assert (rig.sim.count(TICKET), rig.sim.count(BUCKET)) == (2, 2)


async def test_a_bucket_that_refuses_for_good_is_told(tmp_path: Path) -> None:
    async with rigged(tmp_path, people=[someone(1, "storage-403=99")]) as rig:
        async with await rig.post(CHAT.path, ask(CHAT, ("image/png", PNG))) as r:
            code, message = CHAT.error(await r.json())
    assert (r.status, code) == (502, "upstream_storage")
    assert message == "Notion's file storage refused image-1.png"


@pytest.mark.parametrize(
    ("fault", "status", "told"),
    [
        ("500", 502, "Notion's file storage answered 500"),
        ("307", 502, "Notion's file storage answered 307"),
        ("hang", 504, "Notion's file storage did not accept the file in time"),
        ("reset", 502, "the connection to Notion's file storage failed: ClientOSError"),
    ],
)
async def test_a_bucket_that_fails_is_told(
    tmp_path: Path, fault: str, status: int, told: str
) -> None:
    people = [someone(1, f"storage={fault}")]
    config = Config(pool=Pool(attempts=1))
    timeouts = replace(QUICK, upload=0.5)
    async with rigged(tmp_path, people=people, config=config, timeouts=timeouts) as rig:
        async with await rig.post(CHAT.path, ask(CHAT, ("image/png", PNG))) as r:
            code, message = CHAT.error(await r.json())
        assert rig.sim.count("runInferenceTranscript") == 0
    assert (r.status, code, message) == (status, "upstream_storage", told)


@pytest.mark.parametrize("fault", ["500", "hang", "reset", "403"])
async def test_a_bucket_that_fails_rests_no_account(tmp_path: Path, fault: str) -> None:
    """It is another host's: chats without files need none of it."""
    scenario = "storage-403=99" if fault == "403" else f"storage={fault}"
    timeouts = replace(QUICK, upload=0.2)
    async with rigged(tmp_path, people=[someone(1, scenario)], timeouts=timeouts) as rig:
        for _ in range(3):
            async with await rig.post(CHAT.path, ask(CHAT, ("image/png", PNG))) as r:
                assert r.status in (502, 504)
        assert await answer(rig, CHAT, CHAT.ask())
        assert not any(standing.reason for standing in rig.store.standings())


@pytest.mark.parametrize("step", ["ticket", "enqueue"])
async def test_an_upload_that_is_refused_puts_no_account_out_of_use(
    tmp_path: Path, step: str
) -> None:
    """As anywhere: the login tells whether the workspace is the account's all the same."""
    async with rigged(tmp_path, people=[someone(1, f"{step}=403")]) as rig:
        async with await rig.post(CHAT.path, ask(CHAT, ("image/png", PNG))) as r:
            code, _ = CHAT.error(await r.json())
        assert (r.status, code) == (503, "workspace_unavailable")
        assert rig.sim.count("loadUserContent") == 1
        await until(lambda: bool(rig.store.standings()))
        (standing,) = rig.store.standings()
    assert not standing.retired


@pytest.mark.parametrize("step", ["ticket", "enqueue"])
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("400", 502, "upstream_rejected"),
        ("400-empty", 503, "upstream_unavailable"),
        ("401", 503, "account_unauthorized"),
        ("404", 502, "upstream_rejected"),
        ("429", 429, "rate_limit_exceeded"),
        ("500", 502, "upstream_error"),
        ("empty", 502, "upstream_error"),
    ],
)
async def test_an_upload_that_is_refused_is_told(
    tmp_path: Path, step: str, fault: str, status: int, code: str
) -> None:
    async with rigged(tmp_path, people=[someone(1, f"{step}={fault}")]) as rig:
        async with await rig.post(CHAT.path, ask(CHAT, ("image/png", PNG))) as r:
            assert (r.status, CHAT.error(await r.json())[0]) == (status, code)
        assert rig.sim.count("runInferenceTranscript") == 0


async def test_a_look_that_fails_in_passing_is_taken_again(tmp_path: Path) -> None:
    async with rigged(tmp_path, people=[someone(1, "task-502")]) as rig:
        assert seen("image/png", PNG) in await answer(rig, CHAT, ask(CHAT, ("image/png", PNG)))
        assert rig.sim.count("enqueueTask") == 1


@each_api
async def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, api: Api) -> None:
    async with rigged(tmp_path, people=[someone(1, "unreadable")]) as rig:
        async with await rig.post(api.path, ask(api, ("image/png", PNG))) as r:
            _, message = api.error(await r.json())
    assert r.status == 400
    place = {MESSAGES: ".source", CHAT: ".image_url.url", RESPONSES: ".image_url"}[api]
    said = "input" if api is RESPONSES else "messages"
    assert message == (
        f"{said}[0].content[0]{place}: "
        "Notion cannot read the file image-1.png: The file could not be processed."
    )


async def test_a_picture_that_is_read_for_too_long_is_shown_all_the_same(tmp_path: Path) -> None:
    people = [someone(1, "processing=never")]
    async with rigged(tmp_path, people=people, timeouts=IMPATIENT) as rig:
        assert seen("image/png", PNG) in await answer(rig, CHAT, ask(CHAT, ("image/png", PNG)))


@each_api
async def test_rule_30_rule_42_rule_56_a_file_on_its_way_shows_as_pings(
    tmp_path: Path, api: Api
) -> None:
    timeouts = replace(IMPATIENT, commit_after=0.05, ping_every=0.05)
    sign = {MESSAGES: b"event: ping", CHAT: b": ", RESPONSES: b"event: response.in_progress"}[api]
    people = [someone(1, "processing=never")]
    async with rigged(tmp_path, people=people, timeouts=timeouts) as rig:
        async with await rig.post(api.path, ask(api, ("image/png", PNG), stream=True)) as r:
            body = await r.read()
    assert body.count(sign) >= 3
    assert seen("image/png", PNG) in api.said(body)


async def test_a_table_that_is_read_for_too_long_is_written_out(tmp_path: Path) -> None:
    people = [someone(1, "processing=csv-never")]
    async with rigged(tmp_path, people=people, timeouts=IMPATIENT) as rig:
        text = await answer(rig, CHAT, ask(CHAT, ("text/csv", CSV), ("image/png", PNG)))
        (asked,) = (r.body for r in rig.sim.requests if r.endpoint == "runInferenceTranscript")
    assert "f (written out)" in text
    assert seen("image/png", PNG) in text
    line = asked["transcript"][-1]["value"][0][0].split("\n\n")[0]
    assert json.loads(line)["file"]["file_data"] == data_url("text/csv", CSV)


@pytest.mark.parametrize(
    "fault", ["429 everywhere", "401 everywhere", "503 everywhere", "reset everywhere"]
)
async def test_files_go_with_the_answer_to_another_account(tmp_path: Path, fault: str) -> None:
    people = [someone(1, fault), someone(2)]
    async with rigged(tmp_path, people=people) as rig:
        async with await rig.post(CHAT.path, ask(CHAT, ("image/png", PNG))) as r:
            assert seen("image/png", PNG) in CHAT.text(await r.json())
    assert r.headers["x-notion-manager-account"] == "two"


async def test_a_challenge_on_the_way_of_a_file_is_shown_and_not_got_round(tmp_path: Path) -> None:
    people = [someone(1), someone(2)]
    async with rigged(tmp_path, people=people) as rig:
        await until(lambda: len(rig.store.catalogues()) == len(people))
        rig.sim.admit(replace(people[0], scenario="challenge everywhere"))
        async with await rig.post(CHAT.path, ask(CHAT, ("image/png", PNG))) as r:
            code, _ = CHAT.error(await r.json())
        assert (r.status, code) == (503, "upstream_challenge")
        assert rig.sim.count(TICKET) <= 1


@each_api
async def test_rule_12_a_client_that_leaves_while_its_file_is_read_asks_nothing(
    tmp_path: Path, api: Api
) -> None:
    people = [someone(1, "processing=never")]
    async with rigged(tmp_path, people=people) as rig:
        asking = asyncio.create_task(rig.post(api.path, ask(api, ("image/png", PNG))))
        await until(lambda: rig.sim.count("enqueueTask") == 1)
        asking.cancel()
        await until(lambda: bool(rig.records))
        assert rig.records[-1].status == 499
        assert rig.sim.count("runInferenceTranscript") == 0


async def test_nothing_of_an_account_goes_to_the_bucket(tmp_path: Path) -> None:
    """The simulated bucket refuses a form that comes with a cookie, so an answer proves it."""
    async with rigged(tmp_path) as rig:
        await answer(rig, CHAT, ask(CHAT, ("image/png", PNG)))
        assert rig.sim.count(BUCKET) == 1


@each_api
async def test_a_link_is_refused_by_its_place(tmp_path: Path, api: Api) -> None:
    url = "https://example.test/a.png"
    part = {
        MESSAGES: {"type": "image", "source": {"type": "url", "url": url}},
        CHAT: {"type": "image_url", "image_url": {"url": url}},
        RESPONSES: {"type": "input_image", "image_url": url},
    }[api]
    said = [{"role": "user", "content": [part]}]
    body = api.ask(**({"input": said} if api is RESPONSES else {"messages": said}))
    async with rigged(tmp_path) as rig:
        async with await rig.post(api.path, body) as r:
            _, message = api.error(await r.json())
        assert rig.sim.count("runInferenceTranscript") == 0
    assert r.status == 400
    assert "content[0]" in message
    assert "send the file itself as base64" in message
