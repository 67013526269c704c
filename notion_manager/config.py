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
    port: int = setting(
        3000, "The port to listen on; 0 lets the system choose one.", between(0, 65535)
    )
    allowed_hosts: tuple[str, ...] = setting(
        (),
        "Other names this server answers to; loopback names and `host` always work.",
        hosts,
        tidy=bare_hosts,
    )
    allowed_origins: tuple[str, ...] = setting(
        (), "Web pages that may send requests, such as https://app.example.org.", origins
    )
    expose: bool = setting(
        False, "Confirms that `host` may be an address that other machines can reach."
    )
    body_limit: int = setting(
        32 << 20, "The largest request body, in bytes.", between(1 << 10, 1 << 30, "bytes")
    )


@dataclass(frozen=True, slots=True)
class Proxy:
    default_model: str = setting(
        "auto", "The model for requests that name none; `auto` lets Notion choose.", filled
    )
    web_search: bool = setting(
        True, "Whether answers may search the web, unless the request says otherwise."
    )
    workspace_search: bool = setting(
        False, "Whether answers may search your workspace; what they find reaches the client."
    )
    ask_mode: bool = setting(True, "Ask mode: Notion AI may read your pages but not change them.")


@dataclass(frozen=True, slots=True)
class Search:
    citations: Literal["inline", "typed", "none"] = setting(
        "inline",
        "How sources appear in answers to requests that did not ask for search: `inline` as"
        " numbers and a list, `typed` as the API's own citations, or `none`.",
    )


@dataclass(frozen=True, slots=True)
class Files:
    fetch_urls: bool = setting(
        False, "Whether to fetch files from https URLs, which anyone with a key can choose."
    )


@dataclass(frozen=True, slots=True)
class Pool:
    concurrency: int = setting(
        2, "Answers that one account gives at once; `accounts set` overrides it for an account.",
        between(1, 1000),
    )  # fmt: skip
    queue: int = setting(
        100,
        "Requests that may wait for an account; any more are told to come back later.",
        between(0, 10000),
    )
    patience: float = setting(
        120.0,
        "The most seconds that a request waits for an account.",
        between(0, 3600, "seconds"),
    )
    home_wait: float = setting(
        5.0,
        "Seconds that a conversation waits for its own account while others are free.",
        between(0, 3600, "seconds"),
    )
    attempts: int = setting(
        17,
        "The most attempts at one request before any content: each account that may do better is"
        " tried once, then one of them a second time.",
        between(1, 20),
    )
    longest_rest: float = setting(
        21600.0,
        "The most seconds an account rests after a refusal; how long it should is a guess.",
        between(1, 604800, "seconds"),
    )


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds."""

    headers: float = setting(10.0, "Seconds a client has to send its headers.", _SECONDS)
    body: float = setting(60.0, "Seconds a client has to send its body.", _SECONDS)
    connect: float = setting(10.0, "Seconds allowed for connecting to Notion.", _SECONDS)
    api: float = setting(
        30.0, "Seconds allowed for a free read, such as the list of models.", _SECONDS
    )
    upload: float = setting(
        120.0, "Seconds allowed for uploading one file to Notion's storage.", _SECONDS
    )
    processing: float = setting(
        15.0, "Seconds Notion has to read a file before the answer goes ahead without it.", _SECONDS
    )
    silence: float = setting(
        180.0, "Seconds of silence after which an answer counts as dead.", _SECONDS
    )
    research: float = setting(360.0, "The same for research, which is silent for longer.", _SECONDS)
    recovery: float = setting(
        60.0,
        "Seconds spent reading the rest of an answer that broke off from its chat in Notion.",
        _SECONDS,
    )
    linger: float = setting(1.0, "Seconds a finished answer has to close its connection.", _SECONDS)
    commit_after: float = setting(
        10.0, "Seconds without content after which the client is sent a 200, then pings.", _SECONDS
    )
    ping_every: float = setting(10.0, "Seconds between pings to a waiting client.", _SECONDS)
    shutdown: float = setting(
        20.0, "Seconds that running answers have to finish when the server is stopped.", _SECONDS
    )


@dataclass(frozen=True, slots=True)
class Notion:
    base_url: str = setting(
        "https://www.notion.so", "Where Notion is; your token is sent there.", site
    )
    plain_http: bool = setting(
        False,
        "Confirms that `base_url` may be plain http to another machine, readable on the way.",
    )
    client_version: str = setting(
        "23.13.20261006.0243",
        "The version of Notion's web client whose requests these follow.",
        version,
    )
    proxy: str = setting("", "An HTTP proxy to reach Notion through.", proxy, private=True)


@dataclass(frozen=True, slots=True)
class Threads:
    retention: float = setting(
        -1.0,
        "Hours after which chats made here are deleted in Notion: 0 at once, -1 never.",
        between(-1, 8760, "hours"),
    )
    resume: bool = setting(
        True,
        "Whether a conversation continues in its chat, so that only what is new is sent to Notion.",
    )


@dataclass(frozen=True, slots=True)
class Models:
    unknown: Literal["nearest", "refuse"] = setting(
        "nearest", "What a vendor's model that no account has becomes: the nearest one, or a 404."
    )
    aliases: Mapping[str, str] = field(
        default_factory=dict[str, str],
        metadata={META: Setting('Names of your own, such as { mine = "sonnet-4.6" }.', names)},
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
