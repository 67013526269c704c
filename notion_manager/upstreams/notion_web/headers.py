"""Addresses and headers of requests to the service: what it needs, and nothing that mimics."""

from urllib.parse import quote, urlsplit

from ... import __version__
from ...config import Notion
from ...secret import Secret
from .account import Account


def endpoint(notion: Notion, name: str) -> str:
    """The URL of one call of the service's API."""
    return f"{_base(notion)}/api/v3/{name}"


def headers(account: Account, notion: Notion, *, accept: str) -> dict[str, str]:
    """Headers of a call on behalf of an account. They hold its cookie: never log them."""
    return {
        **_common(notion, accept),
        "cookie": _cookie(account),
        "x-notion-active-user-header": account.user_id,
        "x-notion-space-id": account.space_id,
    }


def login_headers(token: Secret, notion: Notion) -> dict[str, str]:
    """Headers of the first call, when nothing but the token is known. Never log them either."""
    return _common(notion, "application/json") | {"cookie": f"token_v2={token.reveal()}"}


def _common(notion: Notion, accept: str) -> dict[str, str]:
    """The service answers 401 where origin and referer are not of its own host."""
    base = urlsplit(_base(notion))
    return {
        "accept": accept,
        "accept-language": "en",
        "content-type": "application/json",
        "notion-audit-log-platform": "web",
        "notion-client-version": notion.client_version,
        "origin": f"{base.scheme}://{base.netloc}",
        "referer": f"{_base(notion)}/ai",
        "user-agent": f"notion-manager/{__version__}",
    }


def _base(notion: Notion) -> str:
    return notion.base_url.rstrip("/")


def _cookie(account: Account) -> str:
    """The token as it was given, and which of the session's users is meant."""
    users = quote(f'["{account.user_id}"]', safe="")
    return (
        f"token_v2={account.token_v2.reveal()}; notion_user_id={account.user_id};"
        f" notion_users={users}"
    )
