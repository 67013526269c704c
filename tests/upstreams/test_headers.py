"""What a request to the service carries, and that it does not pretend to be a browser."""

import pytest

from notion_manager import __version__
from notion_manager.config import Notion
from notion_manager.secret import Secret
from notion_manager.upstreams.notion_web.account import Account
from notion_manager.upstreams.notion_web.headers import endpoint, headers, login_headers

USER = "11111111-1111-4111-8111-111111111111"
SPACE = "22222222-2222-4222-8222-222222222222"
TOKEN = "v03%3AeyJ.a/b+c=="
ACCOUNT = Account(
    "work", Secret(TOKEN), USER, "Ada", "ada@example.test", SPACE, "Space", "V", "team"
)
NOTION = Notion(client_version="23.13.20261006.0243")


def test_a_request_says_who_where_and_which_client() -> None:
    assert headers(ACCOUNT, NOTION, accept="application/x-ndjson") == {
        "accept": "application/x-ndjson",
        "accept-language": "en",
        "content-type": "application/json",
        "cookie": f"token_v2={TOKEN}; notion_user_id={USER}; notion_users=%5B%22{USER}%22%5D",
        "notion-audit-log-platform": "web",
        "notion-client-version": "23.13.20261006.0243",
        "origin": "https://www.notion.so",
        "referer": "https://www.notion.so/ai",
        "user-agent": f"notion-manager/{__version__}",
        "x-notion-active-user-header": USER,
        "x-notion-space-id": SPACE,
    }


def test_the_first_call_has_only_the_token_and_names_no_user_or_workspace() -> None:
    sent = login_headers(Secret(TOKEN), NOTION)
    assert sent["cookie"] == f"token_v2={TOKEN}"
    assert sent["accept"] == "application/json"
    assert not [name for name in sent if name.startswith("x-notion")]


@pytest.mark.parametrize(
    ("base", "origin", "url"),
    [
        ("https://app.notion.com/", "https://app.notion.com", "https://app.notion.com/api/v3/x"),
        ("http://127.0.0.1:4100", "http://127.0.0.1:4100", "http://127.0.0.1:4100/api/v3/x"),
        ("http://localhost/notion", "http://localhost", "http://localhost/notion/api/v3/x"),
    ],
)
def test_origin_and_addresses_follow_the_configured_host(base: str, origin: str, url: str) -> None:
    notion = Notion(base_url=base)
    assert headers(ACCOUNT, notion, accept="*/*")["origin"] == origin
    assert endpoint(notion, "x") == url
