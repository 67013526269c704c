"""What can be configured: every key, its default, its bounds, and why one would change it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .settings import (
    META,
    Setting,
    bare,
    bare_hosts,
    between,
    filled,
    host,
    hosts,
    names,
    origins,
    proxy,
    setting,
    site,
    version,
)

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
