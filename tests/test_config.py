import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.config import (
    Config,
    Log,
    Models,
    Notion,
    Pool,
    Proxy,
    Server,
    Timeouts,
)
from notion_manager.reading import ConfigMistakes, Mistake, describe, example, load, read
from tests import goldens

EXAMPLE = Path(__file__).parents[1] / "config.toml.example"


def mistakes(
    text: str = "", env: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None
) -> dict[str, Mistake]:
    with pytest.raises(ConfigMistakes) as caught:
        load(text, env or {}, flags)
    return {m.key: m for m in caught.value.mistakes}


def test_nothing_said_means_the_defaults() -> None:
    assert load("", {}) == Config()


def test_a_file_sets_every_kind_of_value() -> None:
    text = """
    [server]
    host = "::1"
    port = 0
    allowed_hosts = ["box.lan"]
    allowed_origins = ["http://localhost:5173"]
    [proxy]
    web_search = false
    [timeouts]
    silence = 60
    [notion]
    base_url = "http://127.0.0.1:8080"
    proxy = "http://ada:hush@proxy.test:3128"
    [models]
    unknown = "refuse"
    [models.aliases]
    fast = "haiku-4.5"
    [log]
    level = "debug"
    """
    assert load(text, {}) == Config(
        server=Server("::1", 0, ("box.lan",), ("http://localhost:5173",)),
        proxy=Proxy(web_search=False),
        timeouts=Timeouts(silence=60.0),
        notion=Notion(base_url="http://127.0.0.1:8080", proxy="http://ada:hush@proxy.test:3128"),
        models=Models("refuse", {"fast": "haiku-4.5"}),
        log=Log(level="debug"),
    )


def test_flags_come_before_environment_before_file_before_defaults() -> None:
    text = "[server]\nport = 1\n[log]\nlevel = 'debug'\n[pool]\nattempts = 2"
    env = {"NOTION_MANAGER_SERVER_PORT": "2", "NOTION_MANAGER_LOG_LEVEL": "error"}
    reading = read(text, env, {"server.port": "4000"})
    assert reading.config == Config(
        server=Server(port=4000), log=Log(level="error"), pool=Pool(attempts=2)
    )
    assert reading.sources == {
        "server.port": "flag",
        "log.level": "environment",
        "pool.attempts": "file",
    }


@pytest.mark.parametrize(
    ("name", "text", "section", "field", "value"),
    [
        ("SERVER_PORT", " 4000 ", "server", "port", 4000),
        ("SERVER_EXPOSE", "Yes", "server", "expose", True),
        ("PROXY_WEB_SEARCH", "0", "proxy", "web_search", False),
        (
            "SERVER_ALLOWED_HOSTS",
            "a.test, b.test,",
            "server",
            "allowed_hosts",
            ("a.test", "b.test"),
        ),
        ("TIMEOUTS_BODY", "2.5", "timeouts", "body", 2.5),
        ("NOTION_BASE_URL", "https://notion.test", "notion", "base_url", "https://notion.test"),
        ("MODELS_ALIASES", "a=b, c = d", "models", "aliases", {"a": "b", "c": "d"}),
        ("MODELS_ALIASES", '{ "a" = "b, c" }', "models", "aliases", {"a": "b, c"}),
        (
            "SERVER_ALLOWED_HOSTS",
            '["a.test", "b.test"]',
            "server",
            "allowed_hosts",
            ("a.test", "b.test"),
        ),
        ("LOG_FORMAT", "json", "log", "format", "json"),
    ],
)
def test_an_environment_variable_is_read_by_its_settings_type(
    name: str, text: str, section: str, field: str, value: object
) -> None:
    config = load("", {f"NOTION_MANAGER_{name}": text})
    assert getattr(getattr(config, section), field) == value


def test_environment_of_other_programs_and_our_extras_are_no_mistakes() -> None:
    env = {
        "PATH": "/bin",
        "NOTION_TOKEN": "x",
        "NOTION_MANAGER_API_KEY": "k",
        "NOTION_MANAGER_CONFIG": "c",
        "NOTION_MANAGER_STATE_DIR": "s",
    }
    assert load("", env) == Config()


def test_all_mistakes_are_told_at_once_each_with_its_key_and_a_remedy() -> None:
    text = "[server]\nport = '3000'\nprot = 1\n[proxies]\nx = 1\n[timeouts]\nbody = -1"
    found = mistakes(
        text,
        {"NOTION_MANAGER_LOG_LEVEL": "loud", "NOTION_MANAGER_SERVER_PROT": "1"},
        {"server.expose": "maybe"},
    )
    assert list(found) == [
        "server.port",
        "server.prot",
        "proxies",
        "timeouts.body",
        "NOTION_MANAGER_LOG_LEVEL",
        "NOTION_MANAGER_SERVER_PROT",
        "--expose",
    ]
    assert found["server.port"].reason == "expected a whole number, got a string"
    assert found["server.prot"].remedy == "did you mean server.port?"
    assert found["proxies"].remedy == "did you mean proxy?"
    assert found["NOTION_MANAGER_SERVER_PROT"].remedy == "did you mean NOTION_MANAGER_SERVER_PORT?"
    assert found["NOTION_MANAGER_LOG_LEVEL"].remedy == "choose one of debug, info, warning, error"
    assert all(m.reason and m.remedy for m in found.values())


def test_a_key_in_the_wrong_section_is_pointed_home() -> None:
    assert mistakes("[server]\nattempts = 1")["server.attempts"].remedy == (
        "did you mean pool.attempts?"
    )
    assert mistakes("port = 1")["port"].remedy == "did you mean server.port?"


def test_a_key_like_no_other_gets_a_place_to_look() -> None:
    assert "config show" in mistakes("[server]\nzzzzqqq = 1")["server.zzzzqqq"].remedy


def test_a_section_that_is_a_value_is_a_mistake() -> None:
    assert mistakes("server = 1")["server"].remedy == "write [server] above its keys"


def test_a_syntax_error_names_the_line_and_the_environment_is_still_checked() -> None:
    found = mistakes("[server]\nport = = 1", {"NOTION_MANAGER_SERVER_PORT": "-1"})
    assert list(found) == ["line 2, column 8", "NOTION_MANAGER_SERVER_PORT"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("server.port", "true"),
        ("server.port", "3000.0"),
        ("server.port", "65536"),
        ("server.port", "-1"),
        ("server.host", "1"),
        ("server.host", "''"),
        ("server.host", "'http://127.0.0.1'"),
        ("server.host", "'[127.0.0.1]'"),
        ("server.host", "'[::1'"),
        ("server.host", "'[::1]:3000'"),
        ("server.host", "'127.0.0.1:3000'"),
        ("server.expose", "'yes'"),
        ("server.body_limit", "1"),
        ("server.allowed_hosts", "'a'"),
        ("server.allowed_hosts", "[1]"),
        ("server.allowed_hosts", "['http://a']"),
        ("server.allowed_origins", "['*']"),
        ("server.allowed_origins", "['https://a/']"),
        ("pool.attempts", "0"),
        ("proxy.default_model", "' '"),
        ("proxy.default_model", '"a\\u0000b"'),
        ("timeouts.api", "nan"),
        ("timeouts.api", "inf"),
        ("timeouts.api", "0"),
        ("timeouts.api", "true"),
        ("timeouts.api", "'1'"),
        ("timeouts.api", "2026-01-01"),
        ("notion.base_url", "'www.notion.so'"),
        ("notion.base_url", "'ftp://notion.so'"),
        ("notion.base_url", "'https://'"),
        ("notion.base_url", "'https://notion.so/'"),
        ("notion.base_url", "'https://notion.so/api'"),
        ("notion.base_url", "'https://notion.so?x=1'"),
        ("notion.base_url", "'https://notion.so#x'"),
        ("notion.base_url", "'https://notion.so?'"),
        ("notion.base_url", "'https://ada:hush@notion.so'"),
        ("notion.base_url", "'https://notion.so:99999'"),
        ("notion.base_url", "'https://[::1'"),
        ("notion.base_url", "'https://noti on.so'"),
        ("notion.base_url", "'http://notion.so'"),
        ("notion.client_version", "'1 2'"),
        ("notion.proxy", "'socks5://proxy.test:1080'"),
        ("notion.proxy", "'proxy.test'"),
        ("notion.proxy", "'http://proxy.test/path'"),
        ("models.unknown", "'guess'"),
        ("models.unknown", "['nearest']"),
        ("models.aliases", "'a=b'"),
        ("models.aliases", "{ a = 1 }"),
        ("models.aliases", "{ a = '' }"),
        ("log.level", "1"),
    ],
)
def test_an_unfit_value_is_a_mistake_of_its_key(key: str, value: str) -> None:
    section, name = key.split(".")
    found = mistakes(f"[{section}]\n{name} = {value}")
    assert list(found) == [key]
    assert found[key].reason
    assert found[key].remedy


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SERVER_PORT", "many"),
        ("SERVER_PORT", "3_000"),
        ("SERVER_PORT", "9" * 5000),
        ("SERVER_EXPOSE", ""),
        ("TIMEOUTS_API", "soon"),
        ("TIMEOUTS_API", "nan"),
        ("MODELS_ALIASES", "a"),
        ("MODELS_ALIASES", "a="),
    ],
)
def test_unfit_text_in_the_environment_is_a_mistake_of_its_name(name: str, text: str) -> None:
    assert list(mistakes("", {f"NOTION_MANAGER_{name}": text})) == [f"NOTION_MANAGER_{name}"]


def test_an_ipv6_address_may_stand_in_brackets() -> None:
    text = "[server]\nhost = '[::1]'\nallowed_hosts = ['[fd00::5]', 'box.lan']"
    server = load(text, {}).server
    assert (server.host, server.allowed_hosts) == ("::1", ("fd00::5", "box.lan"))
    assert load("", {}, {"server.host": "[::1]"}).server.host == "::1"
    assert load("", {"NOTION_MANAGER_SERVER_HOST": "[::1]"}).server.host == "::1"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "box.lan"])  # noqa: S104
def test_a_host_beyond_loopback_must_be_said_aloud(host: str) -> None:
    text = f"[server]\nhost = '{host}'"
    assert "server.expose = true" in mistakes(text)["server.host"].remedy
    assert load(text, {}, {"server.expose": "true"}).server.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST"])
def test_loopback_needs_no_word(host: str) -> None:
    assert load("", {}, {"server.host": host}).server.host == host


def test_a_token_goes_over_plain_http_only_where_that_was_said_aloud() -> None:
    text = "[notion]\nbase_url = 'http://sim.lan:8080'"
    assert "plain_http" in mistakes(text)["notion.base_url"].remedy
    assert load(f"{text}\nplain_http = true", {}).notion.base_url == "http://sim.lan:8080"


def test_a_proxys_password_is_in_no_mistake_no_row_and_no_repr() -> None:
    for url in ("http://ada:hush@proxy.test:3128", "ftp://ada:hush@proxy.test", "//ada:hush@[x"):
        reading = read("", {"NOTION_MANAGER_NOTION_PROXY": url})
        told = repr((reading.config, reading.mistakes, describe(reading.config)))
        assert "hush" not in told
    reading = read("", {"NOTION_MANAGER_NOTION_PROXY": "http://ada:hush@proxy.test:3128"})
    shown = {row.key: row.value for row in describe(reading.config)}
    assert shown["notion.proxy"] == '"http://…@proxy.test:3128"'


def test_the_mistakes_exception_reads_as_one_line() -> None:
    with pytest.raises(ConfigMistakes, match=r"^server\.port: 99999 is out of range$"):
        load("[server]\nport = 99999", {})


def test_the_example_file_is_what_the_settings_say(*, rewrite: bool) -> None:
    goldens.check(EXAMPLE, example(), rewrite=rewrite)


def test_the_example_with_every_line_uncommented_is_the_defaults() -> None:
    text = re.sub(r"(?m)^#(?! )", "", EXAMPLE.read_text())
    assert load(text, {}) == Config()
    said = {f"{s}.{k}" for s, table in tomli.loads(text).items() for k in table}
    assert said == {f"{s.name}.{f.name}" for s in fields(Config) for f in fields(s.type)}


def test_every_setting_has_a_why_of_one_sentence() -> None:
    for row in describe():
        assert row.why.endswith(".")
        assert "\n" not in row.why
        assert row.value == row.default


def test_rows_show_the_values_in_force() -> None:
    config = replace(Config(), models=Models(aliases={"fast": "haiku-4.5"}))
    row = next(r for r in describe(config) if r.key == "models.aliases")
    assert (row.default, row.value) == ("{}", '{ "fast" = "haiku-4.5" }')
    assert row.env == "NOTION_MANAGER_MODELS_ALIASES"


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_any_text_and_environment_is_read_or_refused_with_mistakes(
    text: str, env: dict[str, str]
) -> None:
    reading = read(text, {f"NOTION_MANAGER_{k}": v for k, v in env.items()})
    assert all(m.key and m.reason and m.remedy for m in reading.mistakes)


@given(st.sampled_from([row.key for row in describe()]), st.text())
def test_any_text_for_any_key_gives_a_value_that_reads_back_the_same(key: str, text: str) -> None:
    name = "NOTION_MANAGER_" + key.replace(".", "_").upper()
    reading = read("", {name: text, "NOTION_MANAGER_SERVER_EXPOSE": "1"})
    if reading.mistakes or key in ("notion.proxy", "server.expose"):
        return
    rows = {row.key: row.value for row in describe(reading.config)}
    section, field = key.split(".")
    written = f"[server]\nexpose = true\n[{section}]\n{field} = {rows[key]}"
    if section == "server":
        written = f"[server]\nexpose = true\n{field} = {rows[key]}"
    assert load(written, {}) == reading.config
