"""The HTTP surface: who gets in, what is refused and how, what anybody may see."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from notion_manager.config import Config, Server, Timeouts
from tests.asking import APIS, CHAT, MESSAGES, Api
from tests.rig import KEY, QUICK, Rig, rigged

each_api = pytest.mark.parametrize("api", APIS, ids=lambda a: a.name)


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    config = Config(server=Server(allowed_origins=("https://ok.test",), body_limit=1 << 20))
    async with rigged(tmp_path, config=config) as rig:
        yield rig


def shape(body: dict[str, object]) -> str:
    """Whose error body it is."""
    return "messages" if body.get("type") == "error" else "openai"


# Keys, hosts, origins, types, sizes


@each_api
async def test_a_wrong_key_is_a_401_in_the_apis_shape(rig: Rig, api: Api) -> None:
    headers = {"Authorization": "Bearer nm-wrong"}
    async with await rig.post(api.path, api.ask(), **headers) as r:
        body = await r.json()
    assert (r.status, r.headers["x-should-retry"]) == (401, "false")
    assert shape(body) == ("messages" if api is MESSAGES else "openai")
    assert "nm-wrong" not in str(body)


@each_api
async def test_rule_1_any_api_takes_either_key_header(rig: Rig, api: Api) -> None:
    headers = {"Authorization": "", "x-api-key": KEY}
    async with await rig.post(api.path, api.ask(), **headers) as r:
        assert r.status == 200


async def test_a_strangers_host_is_turned_away_before_the_key_is_looked_at(rig: Rig) -> None:
    for path in ("/", "/health", "/v1/models"):
        async with rig.http.get(rig.url + path, headers={"Host": "evil.test"}) as r:
            assert r.status == 421


@pytest.mark.parametrize(
    ("named", "status"),
    [("evil.test", 421), ("evil.test:80", 421), ("127.0.0.1", 200), ("[::1]:3000", 200)],
)
async def test_a_host_in_the_request_line_is_held_to_the_same(
    rig: Rig, named: str, status: int
) -> None:
    reader, writer = await _connection(rig)
    writer.write(f"GET http://{named}/health HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert (await reader.readline()).split()[1] == str(status).encode()
    writer.close()


async def test_a_web_page_is_turned_away_and_never_given_cors(rig: Rig) -> None:
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        async with await rig.post(CHAT.path, CHAT.ask(), **headers) as r:
            assert r.status == 403
    async with rig.http.options(rig.url + CHAT.path, headers={"Origin": "https://evil.test"}) as r:
        assert r.status == 403
    async with await rig.post(CHAT.path, CHAT.ask(), Origin="https://ok.test") as r:
        assert r.status == 200
        assert not [name for name in r.headers if name.lower().startswith("access-control")]


@each_api
async def test_only_json_is_taken(rig: Rig, api: Api) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        async with rig.http.post(
            rig.url + api.path, data=b"{}", headers={"Content-Type": kind}
        ) as r:
            assert r.status == 415


@each_api
async def test_a_body_beyond_the_limit_is_a_413_in_the_apis_shape(rig: Rig, api: Api) -> None:
    async with await rig.post(api.path, api.ask("x" * (2 << 20))) as r:
        body = await r.json()
    assert r.status == 413
    assert shape(body) == ("messages" if api is MESSAGES else "openai")


@each_api
async def test_a_body_that_says_it_is_beyond_the_limit_is_not_waited_for(
    rig: Rig, api: Api
) -> None:
    reader, writer = await _connection(rig)
    head = f"POST {api.path} HTTP/1.1\r\nHost: localhost\r\nx-api-key: {KEY}\r\n"
    head += "Content-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {2 << 20}\r\n\r\n{{".encode())
    assert b" 413 " in await asyncio.wait_for(reader.readline(), QUICK.body / 2)
    writer.close()


@each_api
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"model": 1}', b"nul"])
async def test_what_is_no_request_is_a_400_in_the_apis_shape(
    rig: Rig, api: Api, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    async with rig.http.post(rig.url + api.path, data=body, headers=headers) as r:
        refused = await r.json()
    assert (r.status, r.headers["x-should-retry"]) == (400, "false")
    assert shape(refused) == ("messages" if api is MESSAGES else "openai")


@pytest.mark.parametrize(
    "head",
    [
        f"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nx-api-key: {KEY}\x01\r\n\r\n",
        f"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization Bearer {KEY}\r\n\r\n",
        f"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nx-api-key: {KEY}{'x' * 9000}\r\n\r\n",
        f"GET /v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\nx-api-key: {KEY}\r\n\r\n",
        f"\x16\x03\x01 {KEY}\r\n\r\n",
    ],
    ids=["control character", "no colon", "too long", "two hosts", "TLS"],
)
async def test_what_is_no_http_request_is_refused_as_all_else_and_never_quoted(
    rig: Rig, head: str, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await _connection(rig)
    writer.write(head.encode())
    said = (await reader.read()).decode()
    writer.close()
    answer, _, body = said.partition("\r\n\r\n")
    assert answer.split()[1] == "400"
    assert "x-request-id: " in answer
    assert shape(json.loads(body)) == "openai"
    assert KEY not in said + caplog.text
    assert (rig.records[-1].status, rig.records[-1].api) == (400, "")


async def test_rule_4_tens_of_megabytes_are_taken_where_the_limit_allows(tmp_path: Path) -> None:
    async with rigged(tmp_path, timeouts=Timeouts()) as rig:
        async with await rig.post(CHAT.path, CHAT.ask("y" * (20 << 20))) as r:
            assert r.status == 200


async def test_a_body_that_does_not_arrive_is_given_up(tmp_path: Path) -> None:
    async with rigged(tmp_path, timeouts=replace(QUICK, body=0.1)) as rig:
        reader, writer = await _connection(rig)
        head = f"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nx-api-key: {KEY}\r\n"
        writer.write(
            f"{head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{{".encode()
        )
        assert b" 408 " in await asyncio.wait_for(reader.readline(), 3)
        writer.close()


async def test_headers_that_do_not_arrive_are_given_up_with_a_word(tmp_path: Path) -> None:
    async with rigged(tmp_path, timeouts=replace(QUICK, headers=0.1)) as rig:
        reader, writer = await _connection(rig)
        writer.write(f"GET /v1/models HTTP/1.1\r\nx-api-key: {KEY}\r\nHost: localh".encode())
        said = (await asyncio.wait_for(reader.read(), 3)).decode()
        writer.close()
    answer, _, body = said.partition("\r\n\r\n")
    assert answer.split()[1] == "408"
    assert "Connection: close" in answer
    assert f"Content-Length: {len(body)}" in answer
    assert json.loads(body)["error"]["code"] == "request_timeout"
    assert KEY not in said
    (record,) = rig.records
    assert f"x-request-id: {record.id}" in answer
    assert (record.status, record.problem, record.path) == (408, "request_timeout", "")
    assert record.duration >= 0.1


async def test_a_connection_that_says_nothing_is_closed_without_a_word(tmp_path: Path) -> None:
    """Browsers and pools open some in advance."""
    async with rigged(tmp_path, timeouts=replace(QUICK, headers=0.1)) as rig:
        reader, writer = await _connection(rig)
        assert await asyncio.wait_for(reader.read(), 3) == b""
        writer.close()
    assert not rig.records


async def test_a_request_that_came_in_time_may_take_its_time(tmp_path: Path) -> None:
    async with rigged(tmp_path, timeouts=replace(QUICK, headers=0.1)) as rig:
        async with await rig.post(CHAT.path, CHAT.ask("[[sim:think=0.3]][[sim:echo=ok]]")) as r:
            assert CHAT.text(await r.json()) == "ok"


async def _connection(rig: Rig) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = int(rig.url.rpartition(":")[2])
    return await asyncio.open_connection("127.0.0.1", port)


# The rest of the surface


async def test_health_needs_no_key_and_names_nobody(rig: Rig) -> None:
    async with rig.http.get(rig.url + "/health", headers={"Authorization": ""}) as r:
        body = await r.json()
    assert (r.status, body["status"]) == (200, "ok")
    assert body["pool"] == {"status": "ok", "accounts": 1, "ready": 1, "answering": 0, "waiting": 0}
    assert "one" not in str(body)


async def test_the_pools_state_stands_apart_from_the_process(rig: Rig) -> None:
    async with await rig.post(CHAT.path, CHAT.ask("[[sim:401]] hi")) as r:
        assert r.status == 503
    async with rig.http.get(rig.url + "/health") as r:
        body = await r.json()
    assert (r.status, body["status"], body["pool"]["status"]) == (200, "ok", "resting")


async def test_the_root_says_what_this_is(rig: Rig) -> None:
    async with rig.http.get(rig.url + "/", headers={"Authorization": ""}) as r:
        assert (await r.json())["name"] == "notion-manager"
    async with rig.http.head(rig.url + "/", headers={"Authorization": ""}) as r:
        assert r.status == 200


async def test_rule_43_a_websocket_is_answered_with_426(rig: Rig) -> None:
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    async with rig.http.get(rig.url + "/v1/responses", headers=headers) as r:
        assert r.status == 426
        assert (r.headers["Upgrade"], r.headers["Connection"]) == ("HTTP/1.1", "Upgrade")
        assert shape(await r.json()) == "openai"


async def test_a_get_on_responses_without_an_upgrade_is_a_405(rig: Rig) -> None:
    async with rig.http.get(rig.url + "/v1/responses") as r:
        assert (r.status, r.headers["Allow"]) == (405, "POST")


async def test_rule_58_a_stored_response_is_a_404_in_openais_form(rig: Rig) -> None:
    async with rig.http.get(rig.url + "/v1/responses/resp_1") as r:
        assert r.status == 404
        assert shape(await r.json()) == "openai"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "resp_1"),
        ("POST", "resp_1/cancel"),
        ("GET", "resp_1/input_items"),
        ("POST", "compact"),
        ("POST", "input_tokens"),
    ],
)
async def test_what_else_can_be_done_with_responses_is_not_here_by_any_method(
    rig: Rig, method: str, path: str
) -> None:
    """A 405 would say that it is, and by which one."""
    url = f"{rig.url}/v1/responses/{path}"
    async with rig.http.request(method, url, json={"model": "auto"}) as r:
        said = (await r.json())["error"]
    assert (r.status, said["code"]) == (404, "not_found")
    assert said["message"].startswith(f"there is nothing at /v1/responses/{path}")


async def test_an_unknown_path_and_a_wrong_method_are_told_in_the_callers_shape(rig: Rig) -> None:
    async with rig.http.get(rig.url + "/v1/nothing", headers={"anthropic-version": "x"}) as r:
        assert (r.status, shape(await r.json())) == (404, "messages")
    async with rig.http.get(rig.url + "/v1/nothing") as r:
        assert (r.status, shape(await r.json())) == (404, "openai")
    async with rig.http.get(rig.url + "/v1/messages") as r:
        assert (r.status, shape(await r.json())) == (405, "messages")


async def test_rule_24_a_thread_is_refused_so_that_the_sdk_sends_everything(rig: Rig) -> None:
    async with await rig.post(MESSAGES.path, MESSAGES.ask(thread={"type": "create"})) as r:
        body = await r.json()
    assert r.status == 400
    assert body["error"]["details"] == {
        "error_code": "thread_unsupported_request",
        "unsupported": ["thread"],
    }
    more = {"thread": {"type": "continue", "previous_message_id": "msg_1"}}
    async with await rig.post(MESSAGES.path, MESSAGES.ask(**more)) as r:
        body = await r.json()
    assert (r.status, body["error"]["details"]["error_code"]) == (404, "thread_not_found")


async def test_previous_response_id_is_a_clear_400(rig: Rig) -> None:
    async with await rig.post("/v1/responses", APIS[2].ask(previous_response_id="resp_1")) as r:
        body = await r.json()
    assert (r.status, body["error"]["param"]) == (400, "previous_response_id")


# The log


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("PUT", "/v1/messages", 405),
        ("POST", "/v1/messages/count_tokens", 400),
        ("GET", "/v1/models", 200),
    ],
)
async def test_the_log_says_what_was_wanted_where_it_is_no_question(
    rig: Rig, method: str, path: str, status: int
) -> None:
    headers = {"Content-Type": "application/json"}
    async with rig.http.request(method, f"{rig.url}{path}?beta=true", headers=headers) as r:
        assert r.status == status
    (record,) = rig.records
    assert (record.method, record.path) == (method, path)


async def test_a_path_is_logged_so_far_as_it_is_worth_reading(rig: Rig) -> None:
    async with rig.http.get(f"{rig.url}/{'x' * 5000}") as r:
        assert r.status == 404
    assert rig.records[-1].path == f"/{'x' * 199}"


@pytest.mark.parametrize("key", [KEY, "nm-0123456789", "v03:0123456789"])
async def test_of_a_key_in_a_path_nothing_is_logged_nor_noted(rig: Rig, key: str) -> None:
    for before in (1, 190):
        async with rig.http.get(f"{rig.url}/{'-' * before}/{key}") as r:
            assert r.status == 404
        path = rig.records[-1].path
        assert path.startswith(f"/{'-' * before}/")
        assert not any(key[at : at + 5] in path for at in range(len(key) - 4))


@each_api
async def test_a_request_is_one_line_in_the_log(rig: Rig, api: Api) -> None:
    async with await rig.post(api.path, api.ask("[[sim:echo=ok]]")) as r:
        await r.read()
    (record,) = rig.records
    assert (record.id, record.api, record.status) == (r.headers["x-request-id"], api.name, 200)
    assert (record.key, record.account, record.asked) == ("environment", "one", "opus-4.6")
    assert (record.method, record.path) == ("", "")  # its API says both
    assert record.served == "avocado-froyo-medium"
    assert record.first_content is not None
    assert record.duration >= record.first_content > 0
    assert record.input_tokens
    assert record.output_tokens
