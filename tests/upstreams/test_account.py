"""What a cookie's own answer tells of its account, and what an account may show."""

import json
from contextlib import suppress
from typing import Any

import pytest
from goldens import GOLDEN
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.errors import (
    AccountRefused,
    BadRequest,
    Problem,
    UpstreamBroken,
    WorkspaceRefused,
)
from notion_manager.secret import Secret
from notion_manager.upstreams.notion_web.account import (
    Account,
    Login,
    Workspace,
    cookie_token,
    parse_login,
    preferred,
)

ADA = "11111111-1111-4111-8111-111111111111"
BOB = "11111111-2222-4111-8111-111111111111"
TOKEN = "v03%3AeyJhbGciOiJkaXIi.canary_-+/~=="


def sample(name: str) -> bytes:
    return (GOLDEN / "upstream" / name).read_bytes()


def login(**tables: Any) -> bytes:
    """The sample with some tables replaced."""
    answer = json.loads(sample("login.json"))
    answer["recordMap"] |= tables
    return json.dumps(answer).encode()


def space(**fields: Any) -> bytes:
    """The sample with one workspace of these fields."""
    return login(space={"22222222-2222-4222-8222-222222222222": {"value": {"value": fields}}})


def workspace(id: str, **fields: Any) -> Workspace:
    paid = {"name": id, "view_id": "v", "plan": "team", "tier": "business", "ai": None}
    return Workspace(id, **(paid | fields))


def test_a_login_names_the_user_and_every_workspace_that_is_still_there() -> None:
    assert parse_login(sample("login.json")) == Login(
        ADA,
        "Ada Example",
        "ada@example.test",
        "Europe/Paris",
        (
            Workspace(
                "22222222-3333-4222-8222-222222222222",
                "Home",
                "33333333-4444-4333-8333-333333333333",
                "personal",
                "",
                None,
            ),
            Workspace(
                "22222222-2222-4222-8222-222222222222",
                "Ada's Space",
                "33333333-3333-4333-8333-333333333333",
                "team",
                "business",
                ai=True,
            ),
        ),
    )


def test_both_wrappings_of_records_mean_the_same() -> None:
    assert parse_login(sample("login-old-wrapping.json")) == parse_login(sample("login.json"))


@pytest.mark.parametrize("user", [BOB, BOB.replace("-", "").upper(), "Bob@Example.test"])
def test_one_of_several_users_is_chosen_by_id_or_address(user: str) -> None:
    found = parse_login(sample("login-two-users.json"), user=user)
    assert (found.user_id, found.name, found.timezone) == (BOB, "Bob", "UTC")
    assert [w.name for w in found.workspaces] == ["Home"]


def test_several_users_are_not_guessed_between_and_not_spelled_out() -> None:
    with pytest.raises(BadRequest, match="several users") as caught:
        parse_login(sample("login-two-users.json"))
    assert "a…@example.test" in str(caught.value)
    assert "ada@" not in str(caught.value)
    assert BOB not in str(caught.value)


def test_a_user_who_is_not_in_the_cookie_is_refused() -> None:
    with pytest.raises(BadRequest, match="does not belong to the user asked for"):
        parse_login(sample("login.json"), user="bob@example.test")


@pytest.mark.parametrize(
    "users",
    [
        {},
        {ADA: {"role": "reader"}},  # the user may see a role, but no record
        {ADA: {"value": {"value": {}, "role": "reader"}}},
        None,
    ],
)
def test_an_answer_without_a_user_means_a_dead_token(users: Any) -> None:
    with pytest.raises(AccountRefused):
        parse_login(login(notion_user=users))


@pytest.mark.parametrize(
    "tables",
    [
        {"user_root": {}},
        {"user_root": {ADA: {"value": {"value": {"id": ADA, "space_view_pointers": []}}}}},
        {"user_root": {ADA: {"value": {"value": {"id": ADA, "space_view_pointers": [{}, 3]}}}}},
        {"user_root": {ADA: {"value": {"value": {"id": ADA, "space_view_pointers": "?"}}}}},
        {"space": {}},
        {"space": {"22222222-2222-4222-8222-222222222222": {"role": "none"}}},
    ],
)
def test_no_readable_workspace_is_a_refusal_that_says_so(tables: dict[str, Any]) -> None:
    with pytest.raises(WorkspaceRefused, match="no workspace"):
        parse_login(login(**tables))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"recordMap":[]}', b"\xff"])
def test_an_answer_without_records_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken, match="recordMap"):
        parse_login(body)


@pytest.mark.parametrize(
    ("settings", "ai"),
    [
        ({"enable_ai_feature": True}, True),
        ({"enable_ai_feature": False}, False),
        ({"disable_ai_feature": True}, False),
        ({"enable_ai_feature": True, "disable_ai_feature": True}, False),
        ({"disable_ai_feature": False}, None),
        ({}, None),
        (None, None),
    ],
)
def test_ai_is_off_on_where_the_settings_say_and_unknown_otherwise(
    settings: Any, ai: object
) -> None:
    [found] = parse_login(space(name="x", settings=settings)).workspaces
    assert found.ai is ai


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"name": "Ada E."}, "Ada E."),
        ({"given_name": "Ada", "family_name": "Example"}, "Ada Example"),
        ({"family_name": "Example"}, "Example"),
        ({"name": 7, "email": None}, ""),
    ],
)
def test_a_name_comes_whole_or_in_parts(record: dict[str, Any], name: str) -> None:
    user = {ADA: {"value": {"value": {"id": ADA} | record}}}
    assert parse_login(login(notion_user=user)).name == name


def test_the_preferred_workspace_is_paid_and_has_ai() -> None:
    off, free, unpaid = (
        workspace("a", ai=False),
        workspace("b", plan=""),
        workspace("c", tier="free"),
    )
    paid = workspace("d", ai=None)
    assert preferred([off, free, unpaid, paid]) == paid
    assert preferred([off, free, unpaid]) == free
    assert preferred([off]) == off
    assert preferred([]) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "id", "spaceId", ADA, "settings"]), inner)
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["notion_user", "user_root", "space", "user_settings"]), json_values
    )
)
def test_any_records_are_read_or_refused(tables: dict[str, Any]) -> None:
    with suppress(Problem):
        assert parse_login(login(**tables)).workspaces


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"  {TOKEN}\n",
        f"token_v2={TOKEN}",
        f"Cookie: token_v2={TOKEN}",
        f"cookie:a=b; token_v2={TOKEN}; notion_user_id={ADA};",
        f"device_id=1;token_v2={TOKEN}",
        f"token_v2={TOKEN}; token_v2=another",
    ],
)
def test_a_token_is_found_in_what_people_paste_and_kept_as_written(text: str) -> None:
    assert cookie_token(text).reveal() == TOKEN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "token_v2=",
        "Cookie: a=b",
        "Cookie: justavalue",
        "a=b; c=d",
        "canary one",
        "canary\x00",
        "token_v2=canary\r\nx-evil: 1",
        '"canary"',
        "canary…",
    ],
)
def test_what_is_no_token_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        cookie_token(text)
    assert "canary" not in str(caught.value)
    assert "evil" not in str(caught.value)


@given(st.text(max_size=30))
def test_any_text_gives_a_clean_token_or_a_refusal(text: str) -> None:
    try:
        token = cookie_token(text).reveal()
    except BadRequest:
        return
    assert token in text
    assert not set(token) & set('; \t\r\n"')


def test_nothing_that_names_a_person_or_opens_a_door_is_in_a_repr() -> None:
    account = Account(
        "work",
        Secret("canary"),
        ADA,
        "Ada Example",
        "ada@example.test",
        "space",
        "Ada's Space",
        "view",
        "team",
    )
    shown = repr(account) + repr(parse_login(sample("login.json")))
    assert "work" in shown
    assert not [secret for secret in ("canary", "Ada", "ada@") if secret in shown]


@given(*[st.sampled_from(["a", "b", "ab"])] * 4)
def test_an_identity_is_that_of_a_user_in_a_workspace(
    user: str, space: str, alias: str, token: str
) -> None:
    one = Account("x", Secret("t"), "ab", "N", "e", "a", "S", "v", "team")
    other = Account(alias, Secret(token), user, "M", "f", space, "R", "w", "free")
    assert (one.identity == other.identity) == ((user, space) == ("ab", "a"))
