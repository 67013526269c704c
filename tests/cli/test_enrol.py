import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.cli.enrol import account_of, free_alias, masked, named, obvious, slug, state
from notion_manager.secret import Secret
from notion_manager.upstreams.notion_web.account import Login, Workspace

PAID = Workspace(
    "22222222-2222-4222-8222-222222222222", "Ada's Space", "v1", "team", "business", ai=True
)
FREE = Workspace("f1", "Reading Room", "v2", "personal", "free", ai=None)
OFF = Workspace("f2", "Quiet Office", "v3", "team", "business", ai=False)
OTHER = Workspace("f3", "reading room", "v4", "enterprise", "", ai=True)


def test_an_account_takes_its_facts_from_login_and_workspace() -> None:
    login = Login("u", "Ada", "ada@example.test", "Europe/Paris", (PAID,))
    account = account_of(login, PAID, Secret("t"), "ada")
    assert (account.alias, account.user_id, account.user_name) == ("ada", "u", "Ada")
    assert (account.space_id, account.space_view_id) == (PAID.id, "v1")
    assert (account.plan, account.timezone) == ("business", "Europe/Paris")
    assert account.token_v2.reveal() == "t"


def test_a_workspace_is_named_by_id_with_or_without_dashes_or_by_name_in_any_case() -> None:
    every = [PAID, FREE, OFF, OTHER]
    assert named(every, PAID.id) == [PAID]
    assert named(every, PAID.id.replace("-", "").upper()) == [PAID]
    assert named(every, " ada's space ") == [PAID]
    assert named(every, "Reading Room") == [FREE, OTHER]
    assert named(every, "nowhere") == []


@pytest.mark.parametrize(
    ("workspaces", "choice"),
    [
        ([OFF], OFF),
        ([PAID, FREE, OFF], PAID),
        ([FREE, OFF], FREE),
        ([PAID, OTHER, FREE], None),
        ([OFF, OFF], None),
        ([], None),
    ],
)
def test_a_choice_is_obvious_only_where_there_is_one(
    workspaces: list[Workspace], choice: Workspace | None
) -> None:
    assert obvious(workspaces) == choice


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("Ada's Space", "adas-space"),
        ("  Zoë & Søn — R&D ", "zoe-sn-r-d"),
        ("日本", "workspace"),
        ("", "workspace"),
        ("ada@example.test", "ada-example-test"),
    ],
)
def test_an_alias_is_made_from_a_name(name: str, alias: str) -> None:
    assert slug(name) == alias


@given(st.text())
def test_every_alias_fits_a_header_and_is_its_own_alias(name: str) -> None:
    alias = slug(name)
    assert alias.isascii()
    assert set(alias) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert 0 < len(alias) <= 40
    assert slug(alias) == alias


@given(st.sets(st.sampled_from(["a", "a-2", "a-3", "b"])))
def test_a_free_alias_is_free(taken: set[str]) -> None:
    assert free_alias("a", taken) not in taken


def test_an_address_is_masked() -> None:
    assert masked("ada@example.test") == "a…@example.test"
    assert masked("") == ""


def test_a_workspaces_state_is_told_in_a_word_or_two() -> None:
    assert [state(w) for w in (PAID, FREE, OFF, OTHER)] == [
        "business, AI on",
        "free, AI not said",
        "business, AI off",
        "enterprise, AI on",
    ]
    assert state(Workspace("x", "", "v", "", "", ai=True)) == "free, AI on"
