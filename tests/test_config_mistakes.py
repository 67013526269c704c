"""What a mistake in the configuration says of itself."""

from collections.abc import Mapping

import pytest

from notion_manager.config import Config
from notion_manager.reading import ConfigMistakes, Mistake, load, read


def mistakes(
    text: str = "", env: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None
) -> dict[str, Mistake]:
    with pytest.raises(ConfigMistakes) as caught:
        load(text, env or {}, flags)
    return {m.key: m for m in caught.value.mistakes}


@pytest.mark.parametrize(
    ("text", "key", "reason", "remedy"),
    [
        (
            "[server]\nbody_limit = 8e13",
            "server.body_limit",
            "expected a whole number, got a number with a fraction",
            "write it as 3000, without quotes",
        ),
        (
            "[server]\nbody_limit = 80000000000000",
            "server.body_limit",
            "80000000000000 is out of range",
            "write a number from 1024 to 1073741824 bytes",
        ),
        (
            "[timeouts]\napi = 8e7",
            "timeouts.api",
            "80000000 is out of range",
            "write a number from 0.05 to 3600 seconds",
        ),
        (
            "[timeouts]\napi = 3600.25",
            "timeouts.api",
            "3600.25 is out of range",
            "write a number from 0.05 to 3600 seconds",
        ),
        (
            f"[timeouts]\napi = 1{'0' * 400}",
            "timeouts.api",
            f"1{'0' * 39}… is out of range",
            "write a smaller number",
        ),
        (
            f"[server]\nport = 1{'0' * 400}",
            "server.port",
            f"1{'0' * 39}… is out of range",
            "write a number from 0 to 65535",
        ),
        (
            f"[server]\nport = 1{'0' * 5000}",
            "the file",
            "it has a number with thousands of digits",
            "write a shorter one",
        ),
        (
            "[log]\nlevel = 'loud'",
            "log.level",
            '"loud" is not one of the choices',
            "choose one of debug, info, warning, error",
        ),
        (
            "[models]\nunknown = ['nearest']",
            "models.unknown",
            "expected a string, got a list",
            "choose one of nearest, refuse",
        ),
        (
            "[server]\nallowed_hosts = ['a', 1]",
            "server.allowed_hosts",
            "entry 2: expected a string, got a number",
            'write it as ["one", "two"]',
        ),
        (
            "[server]\nallowed_hosts = ['a', 'http://b']",
            "server.allowed_hosts",
            "entry 2: it is not a host name or address",
            "write it bare, such as 127.0.0.1, ::1 or box.example.org",
        ),
        (
            "[server]\nallowed_origins = ['https://a', '*']",
            "server.allowed_origins",
            "entry 2: it is not an http or https address",
            "write it as https://www.example.org",
        ),
        (
            "[models]\naliases = { good = 'opus-4.6', bad = 1 }",
            "models.aliases",
            'entry "bad": expected a string, got a number',
            'write it as { name = "another" }',
        ),
        (
            "[models]\naliases = { good = 'opus-4.6', bad = '' }",
            "models.aliases",
            'entry "bad": it is blank or contains control characters',
            "write a name, or leave the key out",
        ),
        (
            "[models]\naliases = { quick = 'Fast', fast = 'haiku-4.5' }",
            "models.aliases",
            'entry "quick": "Fast" is itself an alias',
            "write the model that it stands for",
        ),
    ],
)
def test_a_mistake_names_the_value_or_the_entry_as_people_write_it(
    text: str, key: str, reason: str, remedy: str
) -> None:
    (mistake,) = mistakes(text).values()
    assert (mistake.key, mistake.reason, mistake.remedy) == (key, reason, remedy)


def test_an_entry_without_a_value_in_the_environment_is_told_by_its_number() -> None:
    (mistake,) = mistakes("", {"NOTION_MANAGER_MODELS_ALIASES": "a=b, c"}).values()
    assert mistake.reason == "entry 2: expected a name and a value"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("MODELS_ALIASES", "{ a = ", "expected a table of strings"),
        ("SERVER_ALLOWED_HOSTS", "[a.test]", "expected a list of strings"),
    ],
)
def test_what_looks_like_the_files_own_form_is_read_as_such(
    name: str, text: str, reason: str
) -> None:
    (mistake,) = mistakes("", {f"NOTION_MANAGER_{name}": text}).values()
    assert mistake.reason == reason


def test_a_mistake_tells_where_it_was_written() -> None:
    found = mistakes(
        "[server]\nport = 'x'\nprot = 1",
        {"NOTION_MANAGER_LOG_LEVEL": "loud", "NOTION_MANAGER_LOUD": "1"},
        {"server.expose": "maybe"},
    )
    assert {key: (m.source, m.setting) for key, m in found.items()} == {
        "server.port": ("file", "server.port"),
        "server.prot": ("file", ""),
        "NOTION_MANAGER_LOG_LEVEL": ("environment", "log.level"),
        "NOTION_MANAGER_LOUD": ("environment", ""),
        "--expose": ("flag", "server.expose"),
    }


def test_what_cannot_be_taken_beside_the_rest_is_told_where_it_was_written_and_left_out() -> None:
    reading = read(
        "[notion]\nbase_url = 'http://notion.example'",
        {"NOTION_MANAGER_SERVER_HOST": "box.lan"},
    )
    assert [m.key for m in reading.mistakes] == ["NOTION_MANAGER_SERVER_HOST", "notion.base_url"]
    assert reading.config == Config()
    assert reading.sources == {}
    assert reading.refused == {"server.host": "environment", "notion.base_url": "file"}
    assert "--host" in mistakes("", {}, {"server.host": "box.lan"})


@pytest.mark.parametrize(
    ("written", "entries"),
    [
        ("[server]\nallowed_hosts = ['a b', 'ok', 'http://c']", ["1", "3"]),
        ("[server]\nallowed_origins = [1, 'https://a', true]", ["1", "3"]),
        ("[models]\naliases = { a = 1, b = 'opus-4.6', c = 2 }", ['"a"', '"c"']),
        ("[models]\naliases = { a = 'b', b = ' ', c = 'c' }", ['"a"', '"b"', '"c"']),
    ],
)
def test_each_entry_of_a_list_or_table_is_a_mistake_of_its_own(
    written: str, entries: list[str]
) -> None:
    reasons = [mistake.reason for mistake in read(written, {}).mistakes]
    assert [reason.split()[1].rstrip(":") for reason in reasons] == entries


def test_each_pair_in_the_environment_is_a_mistake_of_its_own() -> None:
    found = read("", {"NOTION_MANAGER_MODELS_ALIASES": "a, b=c, d"}).mistakes
    assert [m.reason for m in found] == [
        "entry 1: expected a name and a value",
        "entry 3: expected a name and a value",
    ]
