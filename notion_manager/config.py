"""TOML text and environment to a frozen Config, with every mistake reported at once.

Flags come before the environment, the environment before the file, the file before the defaults.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from difflib import get_close_matches
from itertools import chain
from typing import Any, Literal, cast

import tomli

from .settings import (
    META,
    Kind,
    Setting,
    Unfit,
    bare,
    bare_hosts,
    between,
    filled,
    host,
    hosts,
    kind_of,
    loopback,
    masked,
    names,
    origins,
    proxy,
    scheme_and_host,
    setting,
    site,
    spell,
    version,
)

PREFIX = "NOTION_MANAGER_"
EXTRAS = frozenset({"NOTION_MANAGER_API_KEY", "NOTION_MANAGER_CONFIG", "NOTION_MANAGER_STATE_DIR"})
"""Environment variables that are no settings: a key for automation, and where our files are."""

Source = Literal["file", "environment", "flag"]
_SECONDS = between(0.05, 3600, "seconds")


@dataclass(frozen=True, slots=True)
class Server:
    host: str = setting("127.0.0.1", "The address to listen on.", host, tidy=bare)
    port: int = setting(3000, "The port to listen on; 0 lets the system choose.", between(0, 65535))
    allowed_hosts: tuple[str, ...] = setting(
        (),
        "More names a client may call us by; loopback names and `host` always may.",
        hosts,
        tidy=bare_hosts,
    )
    allowed_origins: tuple[str, ...] = setting(
        (), "Web pages whose requests are served, as https://app.example.org.", origins
    )
    expose: bool = setting(
        False, "Says aloud that `host` may lie beyond loopback, where others can reach it."
    )
    body_limit: int = setting(
        32 << 20, "The largest request body, in bytes.", between(1 << 10, 1 << 30, "bytes")
    )


@dataclass(frozen=True, slots=True)
class Proxy:
    default_model: str = setting(
        "auto", "The model where a request names none; `auto` lets Notion choose.", filled
    )
    web_search: bool = setting(True, "Whether answers may search the web, unless asked otherwise.")
    workspace_search: bool = setting(
        False, "Whether answers may search your workspace, which then reaches the client."
    )
    ask_mode: bool = setting(True, "Only ask: Notion AI may read your pages but not change them.")


@dataclass(frozen=True, slots=True)
class Search:
    citations: Literal["inline", "typed", "none"] = setting(
        "inline",
        "How sources are named to who did not ask for search: `inline` numbers and a list,"
        " `typed` as its API has it, or `none`.",
    )


@dataclass(frozen=True, slots=True)
class Files:
    fetch_urls: bool = setting(
        False, "Whether files are fetched from https URLs, which whoever asks us chooses."
    )


@dataclass(frozen=True, slots=True)
class Pool:
    concurrency: int = setting(
        2, "Answers that one account gives at once; `accounts set` changes it for one.",
        between(1, 1000),
    )  # fmt: skip
    queue: int = setting(
        100, "Requests that may wait for an account; more are told to come back.", between(0, 10000)
    )
    patience: float = setting(
        120.0,
        "Seconds that a request waits for an account at most.",
        between(0, 3600, "seconds"),
    )
    home_wait: float = setting(
        5.0,
        "Seconds that a conversation waits for the account that has it, while others are free.",
        between(0, 3600, "seconds"),
    )
    attempts: int = setting(
        17,
        "The most tries of one request before its first content: each account that may do better is"
        " asked once, and one of them once more.",
        between(1, 20),
    )
    longest_rest: float = setting(
        21600.0,
        "The longest an account rests after a refusal, in seconds: a rest is a guess.",
        between(1, 604800, "seconds"),
    )


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds."""

    headers: float = setting(10.0, "Seconds for a client to send its headers.", _SECONDS)
    body: float = setting(60.0, "Seconds for a client to send its body.", _SECONDS)
    connect: float = setting(10.0, "Seconds to connect to Notion.", _SECONDS)
    api: float = setting(30.0, "Seconds for a free read, such as the list of models.", _SECONDS)
    upload: float = setting(120.0, "Seconds for one file to reach Notion's storage.", _SECONDS)
    processing: float = setting(
        15.0, "Seconds for Notion to read a file before the answer goes on without.", _SECONDS
    )
    silence: float = setting(
        180.0, "Seconds of silence after which an answer counts as dead.", _SECONDS
    )
    research: float = setting(
        360.0, "The same for a research, which is silent for longer.", _SECONDS
    )
    recovery: float = setting(
        60.0, "Seconds to read from its thread what is left of an answer that broke off.", _SECONDS
    )
    linger: float = setting(
        1.0, "Seconds that a finished answer may take to close its connection.", _SECONDS
    )
    commit_after: float = setting(
        10.0, "Seconds without content after which the client gets a 200 and pings.", _SECONDS
    )
    ping_every: float = setting(10.0, "Seconds between pings to a waiting client.", _SECONDS)
    shutdown: float = setting(
        20.0, "Seconds for running answers to finish when we are stopped.", _SECONDS
    )


@dataclass(frozen=True, slots=True)
class Notion:
    base_url: str = setting(
        "https://www.notion.so", "Where Notion is; your token goes there.", site
    )
    plain_http: bool = setting(
        False, "Says aloud that `base_url` may be http beyond loopback, where tokens can be read."
    )
    client_version: str = setting(
        "23.13.20261006.0243", "The version of the web client that we say we speak like.", version
    )
    proxy: str = setting("", "An HTTP proxy on the way to Notion.", proxy, private=True)


@dataclass(frozen=True, slots=True)
class Threads:
    retention: float = setting(
        -1.0,
        "Hours after which a chat that was made here is deleted in Notion: 0 at once, -1 never.",
        between(-1, 8760, "hours"),
    )
    resume: bool = setting(
        True,
        "Whether a conversation goes on in its chat, so that Notion is sent only what is new.",
    )


@dataclass(frozen=True, slots=True)
class Models:
    unknown: Literal["nearest", "refuse"] = setting(
        "nearest", "What a vendor's model that no account has becomes: the nearest, or a 404."
    )
    aliases: Mapping[str, str] = field(
        default_factory=dict[str, str],
        metadata={META: Setting('Names of your own, as { mine = "sonnet-4.6" }.', names)},
    )


@dataclass(frozen=True, slots=True)
class Log:
    level: Literal["debug", "info", "warning", "error"] = setting("info", "How much to log.")
    format: Literal["auto", "text", "json"] = setting(
        "auto", "How to log: `auto` is text on a terminal and JSON elsewhere."
    )


@dataclass(frozen=True, slots=True)
class Config:
    server: Server = Server()
    proxy: Proxy = Proxy()
    search: Search = Search()
    files: Files = Files()
    pool: Pool = Pool()
    timeouts: Timeouts = Timeouts()
    notion: Notion = Notion()
    threads: Threads = Threads()
    models: Models = Models()
    log: Log = Log()


@dataclass(frozen=True, slots=True)
class Mistake:
    """`key` is where it was written: `server.port`, `NOTION_MANAGER_SERVER_PORT` or `--port`.

    `setting` is the key of the setting that it concerns, if there is one.
    """

    key: str
    reason: str
    remedy: str
    source: Source = "file"
    setting: str = ""


class ConfigMistakes(Exception):
    """All that is wrong with a configuration. No message repeats a value that may be private."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(f"{m.key}: {m.reason}" for m in mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class Row:
    """A setting as people see it; `default` and `value` are spelled as in TOML."""

    key: str
    env: str
    kind: str
    default: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Reading:
    """`sources` tells, for each key that is not at its default, what set it."""

    config: Config
    mistakes: tuple[Mistake, ...]
    sources: Mapping[str, Source]

    @property
    def refused(self) -> Mapping[str, Source]:
        """What said something of a key that could not be taken."""
        return {m.setting: m.source for m in self.mistakes if m.setting}


@dataclass(frozen=True, slots=True)
class _Given:
    """A value on its way in. `label` is what the person wrote; text still wants parsing."""

    source: Source
    label: str
    key: str
    value: object

    def refused(self, unfit: Unfit) -> Mistake:
        return Mistake(self.label, unfit.reason, unfit.remedy, self.source, self.key)


def load(text: str, env: Mapping[str, str], flags: Mapping[str, str] | None = None) -> Config:
    """Raises ConfigMistakes. `flags` maps keys such as `server.port` to text."""
    reading = read(text, env, flags)
    if reading.mistakes:
        raise ConfigMistakes(reading.mistakes)
    return reading.config


def read(text: str, env: Mapping[str, str], flags: Mapping[str, str] | None = None) -> Reading:
    """The same without raising: what is wrong is left at its default."""
    known = _settings()
    mistakes: list[Mistake] = []
    taken: dict[str, _Given] = {}
    for given in chain(_in_file(text), _in_env(env), _in_flags(flags or {})):
        if isinstance(given, Mistake):
            mistakes.append(given)
            continue
        try:
            taken[given.key] = replace(given, value=_taken(given, known[given.key]))
        except* Unfit as group:
            mistakes += [given.refused(u) for u in group.exceptions if isinstance(u, Unfit)]
    for key, unfit in _together(_built(taken)):
        mistakes.append(taken.pop(key).refused(unfit))
    sources: dict[str, Source] = {key: given.source for key, given in taken.items()}
    return Reading(_built(taken), tuple(mistakes), sources)


def describe(config: Config | None = None) -> tuple[Row, ...]:
    """Every setting, in the order of the file, with its value in `config`."""
    config, default = config or Config(), Config()
    return tuple(
        Row(
            key=key,
            env=_env_name(key),
            kind=_kind(f).name,
            default=spell(_value(default, key)),
            value=spell(_shown(f, _value(config, key))),
            why=_setting(f).why,
        )
        for key, f in _settings().items()
    )


def example() -> str:
    """The text of config.toml.example: every key at its default, commented out, with its why."""
    lines = [
        "# Settings of notion-manager, each at its default: take the # off a line to change it.",
        "# A # and a blank begin a remark. `notion-manager config check` finds every mistake.",
    ]
    section = ""
    for row in describe():
        head, name = row.key.split(".")
        if head != section:
            section = head
            lines += ["", f"[{section}]"]
        choices = f" {row.kind.capitalize()}." if row.kind.startswith("one of") else ""
        lines += [f"# {row.why}{choices}", f"#{name} = {row.default}"]
    return "\n".join(lines) + "\n"


# Where values come from


def _in_file(text: str) -> Iterator[_Given | Mistake]:
    try:
        document = tomli.loads(text)
    except tomli.TOMLDecodeError as exc:
        place = f"line {exc.lineno}, column {exc.colno}"
        yield Mistake(place, f"the file is not valid TOML: {exc.msg}", "mend that line")
        return
    except ValueError:  # Python's own limit, which the parser lets through
        yield Mistake("the file", "it holds a number of thousands of digits", "write a shorter one")
        return
    sections = [f.name for f in fields(Config)]
    for section, table in document.items():
        if section not in sections:
            yield _unknown(section, sections)
        elif not isinstance(table, dict):
            yield Mistake(
                section, "it is a section, not a value", f"write [{section}] above its keys"
            )
        else:
            yield from _in_section(section, cast("dict[str, object]", table))


def _in_section(section: str, table: Mapping[str, object]) -> Iterator[_Given | Mistake]:
    known = _settings()
    for name, value in table.items():
        key = f"{section}.{name}"
        yield _Given("file", key, key, value) if key in known else _unknown(key, list(known))


def _in_env(env: Mapping[str, str]) -> Iterator[_Given | Mistake]:
    known = {_env_name(key): key for key in _settings()}
    for name in sorted(n for n in env if n.startswith(PREFIX) and n not in EXTRAS):
        if name in known:
            yield _Given("environment", name, known[name], env[name])
        else:
            yield replace(_unknown(name, [*known, *EXTRAS]), source="environment")


def _in_flags(flags: Mapping[str, str]) -> Iterator[_Given]:
    for key, text in flags.items():
        yield _Given("flag", f"--{key.split('.')[1].replace('_', '-')}", key, text)


def _unknown(name: str, known: Sequence[str]) -> Mistake:
    """Suggests the nearest key, or the same name in another section."""
    last = name.rpartition(".")[2]
    keys = list(_settings())
    homes = [key for key in keys if key.split(".")[1] == last]
    near = homes or get_close_matches(name, known, 1, 0.6)
    remedy = (
        f"did you mean {near[0]}?" if near else "see `notion-manager config show` for every key"
    )
    return Mistake(name, "there is no such key", remedy)


# What is known of each key


def _settings() -> dict[str, Field[Any]]:
    return {
        f"{section.name}.{f.name}": f
        for section in fields(Config)
        for f in fields(cast("type[Server]", section.type))
    }


def _setting(f: Field[Any]) -> Setting:
    return f.metadata[META]


def _kind(f: Field[Any]) -> Kind:
    return kind_of(f.type)


def _env_name(key: str) -> str:
    return PREFIX + key.replace(".", "_").upper()


def _value(config: Config, key: str) -> object:
    section, name = key.split(".")
    return getattr(getattr(config, section), name)


def _shown(f: Field[Any], value: object) -> object:
    return masked(str(value)) if _setting(f).private else value


def _taken(given: _Given, f: Field[Any]) -> Any:
    kind = _kind(f)
    raw = given.value if given.source == "file" else kind.parse(str(given.value))
    value = _setting(f).tidy(kind.take(raw))
    _setting(f).check(value)
    return value


def _built(taken: Mapping[str, _Given]) -> Config:
    sections: dict[str, Any] = {}
    for section in fields(Config):
        start = f"{section.name}."
        own = {k.removeprefix(start): g.value for k, g in taken.items() if k.startswith(start)}
        sections[section.name] = cast("type[Server]", section.type)(**cast("dict[str, Any]", own))
    return Config(**sections)


# What settings must say together


def _together(config: Config) -> Iterator[tuple[str, Unfit]]:
    """Keys whose values cannot be taken beside the others. Defaults always can."""
    server, notion = config.server, config.notion
    if not (loopback(server.host) or server.expose):
        yield (
            "server.host",
            Unfit(
                f"{server.host} can be reached from other machines",
                "keep 127.0.0.1, or say server.expose = true (--expose): then whoever can reach "
                "this machine and holds a key uses your Notion accounts, and keys cross the "
                "network readable unless a TLS proxy stands in front",
            ),
        )
    scheme, name = scheme_and_host(notion.base_url)
    if scheme == "http" and not (loopback(name) or notion.plain_http):
        yield (
            "notion.base_url",
            Unfit(
                "your token would cross the network readable",
                "write https://, or say notion.plain_http = true if that network is yours alone",
            ),
        )
