"""The guard: hosts, origins, keys, content types."""

import pytest

from notion_manager.config import Server
from notion_manager.errors import Forbidden, KeyRefused, Misdirected, NotJson
from notion_manager.keys import Key, digest
from notion_manager.server.guard import Guard, check_json, name_of

KEYS = (Key("laptop", digest("nm-one"), 0), Key("ci", digest("nm-two"), 0))
GUARD = Guard(Server(allowed_hosts=("box.lan",), allowed_origins=("https://ok.test",)))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:3000",
        "localhost",
        "LOCALHOST:1",
        "[::1]:3000",
        "127.9.9.9",
        "box.lan:80",
        "BOX.lan.",
    ],
)
def test_our_own_names_are_answered(host: str) -> None:
    GUARD.check_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.test",
        "evil.test:3000",
        "127.0.0.1.evil.test",
        "localhost.evil.test",
        "10.0.0.1",
        "0.0.0.0:3000",
        "[::",
        "a@localhost.evil",
        "2130706433",
        "[fe80::1]",
        "user@box.lan.evil",
        "localhost:99999",
        "localhost:x",
    ],
)
def test_a_strangers_name_is_a_rebinding(host: str) -> None:
    with pytest.raises(Misdirected):
        GUARD.check_host(host)


def test_pages_are_refused_unless_listed() -> None:
    GUARD.check_origin({})
    GUARD.check_origin({"Origin": "https://ok.test"})
    GUARD.check_origin({"Origin": "https://ok.test", "Sec-Fetch-Site": "cross-site"})
    GUARD.check_origin({"Sec-Fetch-Site": "same-origin"})
    for headers in (
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        with pytest.raises(Forbidden):
            GUARD.check_origin(headers)


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"Authorization": "Bearer nm-one"}, "laptop"),
        ({"Authorization": "bearer  nm-two "}, "ci"),
        ({"x-api-key": "nm-two"}, "ci"),
        ({"Authorization": "Basic abc", "x-api-key": "nm-one"}, "laptop"),
        ({"Authorization": "Bearer ", "x-api-key": "nm-one"}, "laptop"),
    ],
)
def test_rule_1_either_header_carries_the_key(headers: dict[str, str], name: str) -> None:
    assert name_of(headers, KEYS) == name


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nm-three"},
        {"Authorization": "nm-one"},
        {"x-api-key": ""},
        {"x-api-key": digest("nm-one")},
        {"Authorization": "Bearer wrong", "x-api-key": "nm-one"},
    ],
)
def test_a_wrong_or_missing_key_is_refused_without_repeating_it(headers: dict[str, str]) -> None:
    with pytest.raises(KeyRefused) as caught:
        name_of(headers, KEYS)
    assert "nm-" not in str(caught.value)
    assert "wrong" not in str(caught.value)


def test_only_json_is_taken() -> None:
    check_json("application/json", "identity")
    check_json("application/vnd.api+json", "Identity")
    for other in ("text/plain", "", "application/x-www-form-urlencoded", "multipart/form-data"):
        with pytest.raises(NotJson):
            check_json(other, "identity")


def test_a_compressed_body_is_not_taken() -> None:
    for coding in ("gzip", "deflate", "br", "foo", "gzip, identity"):
        with pytest.raises(NotJson):
            check_json("application/json", coding)
