"""TOML text and environment to a frozen Config, with every mistake reported at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Server:
    host: str = "127.0.0.1"
    port: int = 3000
    allowed_hosts: tuple[str, ...] = ()  # beyond loopback names and `host` itself
    allowed_origins: tuple[str, ...] = ()
    expose: bool = False  # a host beyond loopback needs this said aloud
    body_limit: int = 32 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Proxy:
    default_model: str = "auto"
    web_search: bool = True
    workspace_search: bool = False
    ask_mode: bool = True
    attempts: int = 3  # accounts or tries for one request, before its first content


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds."""

    headers: float = 10.0
    body: float = 60.0
    connect: float = 10.0
    api: float = 30.0  # a free read of the upstream
    silence: float = 180.0  # an answer in which nothing comes
    linger: float = 1.0  # a finished answer whose connection stays open
    commit_after: float = 10.0
    ping_every: float = 10.0
    shutdown: float = 20.0


@dataclass(frozen=True, slots=True)
class Notion:
    base_url: str = "https://www.notion.so"
    client_version: str = "23.13.20261006.0243"
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Models:
    unknown: Literal["nearest", "refuse"] = "nearest"
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Log:
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = "auto"


@dataclass(frozen=True, slots=True)
class Config:
    server: Server = Server()
    proxy: Proxy = Proxy()
    timeouts: Timeouts = Timeouts()
    notion: Notion = Notion()
    models: Models = Models()
    log: Log = Log()
