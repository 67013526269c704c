"""Who may speak to the server at all: hosts, origins, keys, content types."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from ..config import Server
from ..errors import Forbidden, KeyRefused, Misdirected, NotJson
from ..keys import Key, match

SPELLINGS = 64
OPEN_PATHS = frozenset({"/", "/health"})


class Guard:
    """Refuses with a Problem before anything else looks at a request."""

    def __init__(self, server: Server) -> None:
        self._hosts = frozenset({server.host.lower(), *(h.lower() for h in server.allowed_hosts)})
        self._known = set[str]()  # spellings that passed: a client sends the same each time
        self._origins = frozenset(server.allowed_origins)

    def check_host(self, host: str) -> None:
        """Raises Misdirected: a page of a stranger's domain that resolves to us is a rebinding."""
        if host in self._known:
            return
        name = _hostname(host)
        if not is_loopback(name) and name not in self._hosts:
            raise Misdirected(
                f"this server does not answer to the host {name[:64]!r}; "
                "add it to server.allowed_hosts if it should"
            )
        if len(self._known) < SPELLINGS:
            self._known.add(host)

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Raises Forbidden for what a browser sends on behalf of another site."""
        origin = headers.get("Origin")
        if origin is not None and origin not in self._origins:
            raise Forbidden(
                "requests from web pages are refused; add the page's origin to "
                "server.allowed_origins if it is yours"
            )
        if origin is None and headers.get("Sec-Fetch-Site", "none").lower() == "cross-site":
            raise Forbidden("requests on behalf of another site are refused")


def name_of(headers: Mapping[str, str], keys: Sequence[Key]) -> str:
    """The name of the presented key. Raises KeyRefused."""
    presented = _presented(headers)
    if not presented:
        raise KeyRefused(
            "no API key was sent; send one as `Authorization: Bearer KEY` or `x-api-key: KEY`"
        )
    name = match(keys, presented)
    if name is None:
        raise KeyRefused(
            "this server does not know that API key; `notion-manager keys list` names those it has"
        )
    return name


def check_json(content_type: str, encoding: str) -> None:
    """Raises NotJson: what a form on a web page can send is never taken for a request.

    No client compresses its requests, and what expands on arrival is a danger.
    """
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise NotJson(f"the content type must be application/json, not {content_type[:64]!r}")
    if encoding.strip().lower() != "identity":
        raise NotJson("compressed bodies are not accepted; send plain JSON")


def _presented(headers: Mapping[str, str]) -> str:
    scheme, _, credential = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credential.strip():
        return credential.strip()
    return headers.get("x-api-key", "").strip()


def _hostname(host: str) -> str:
    """The name in a Host header, without port and brackets; empty where it is not one."""
    try:
        parts = urlsplit(f"//{host}")
        return (parts.hostname or "").rstrip(".") if parts.port != 0 else ""
    except ValueError:
        return ""


def is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
