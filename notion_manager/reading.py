"""TOML text, environment and flags to a Config, with every mistake reported at once.

Flags come before the environment, the environment before the file, the file before the defaults.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, fields, replace
from difflib import get_close_matches
from itertools import chain
from typing import Any, Literal, cast

import tomli

from .config import Config, Server
from .settings import (
    META,
    Kind,
    Setting,
    Unfit,
    kind_of,
    loopback,
    masked,
    scheme_and_host,
    spell,
)

PREFIX = "NOTION_MANAGER_"
EXTRAS = frozenset({"NOTION_MANAGER_API_KEY", "NOTION_MANAGER_CONFIG", "NOTION_MANAGER_STATE_DIR"})
"""Environment variables that are no settings: a key for automation, and where our files are."""

Source = Literal["file", "environment", "flag"]


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
        "# Every setting of notion-manager, at its default; remove the # from a line to change it.",
        "# Comments start with # and a space. `notion-manager config check` finds every mistake.",
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
        yield Mistake(place, f"the file is not valid TOML: {exc.msg}", "correct that line")
        return
    except ValueError:  # Python's own limit, which the parser lets through
        yield Mistake("the file", "it has a number with thousands of digits", "write a shorter one")
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
                "keep 127.0.0.1, or set server.expose = true (--expose): then anyone who can reach "
                "this machine and has a key can use your Notion accounts, and keys cross the "
                "network unencrypted unless a TLS proxy is in front",
            ),
        )
    scheme, name = scheme_and_host(notion.base_url)
    if scheme == "http" and not (loopback(name) or notion.plain_http):
        yield (
            "notion.base_url",
            Unfit(
                "your token would cross the network unencrypted",
                "write https://, or set notion.plain_http = true if that network is yours alone",
            ),
        )
