"""The service's list of models as models that can be named, chosen, or refused with a reason."""

import json
from typing import Any

import pytest
from goldens import GOLDEN, check, spell
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.errors import UpstreamBroken
from notion_manager.models import Model
from notion_manager.upstreams.notion_web.catalogue import parse_catalogue

SAMPLE = (GOLDEN / "upstream" / "catalogue.json").read_bytes()


def models(*entries: Any, **answer: Any) -> tuple[Model, ...]:
    return parse_catalogue(json.dumps({"models": entries} | answer).encode())


def entry(model: str, label: str = "", **fields: Any) -> dict[str, Any]:
    return {"model": model, "modelMessage": label, "workflow": {"finalModelName": model}} | fields


def test_a_catalogue_becomes_models(*, rewrite: bool) -> None:
    spelled = spell(parse_catalogue(SAMPLE))
    check(GOLDEN / "upstream" / "catalogue.models.json", spelled, rewrite=rewrite)


@pytest.mark.parametrize(
    ("label", "id"),
    [
        ("Opus 4.6", "opus-4.6"),
        ("GPT-5.4 Mini", "gpt-5.4-mini"),
        ("  Kimi K2.7 Code ", "kimi-k2.7-code"),
        ("Sonnet 4.6 (High)", "sonnet-4.6-high"),
        ("日本", "code"),
        ("", "code"),
    ],
)
def test_a_friendly_id_is_the_label_in_plain_letters(label: str, id: str) -> None:
    assert [model.id for model in models(entry("code", label))] == [id]


def test_of_one_label_the_usable_model_keeps_the_friendly_id() -> None:
    found = models(
        entry("opal-quince", "GPT-5.5", isDisabled=True),
        entry("opal-quince-medium", "GPT-5.5"),
        entry("opal-quince-high", "GPT-5.5"),
    )
    assert [model.id for model in found] == ["opal-quince", "gpt-5.5", "opal-quince-high"]


def test_a_model_is_called_by_the_name_it_has_in_the_chat() -> None:
    [found] = models(entry("listed", "Opus 5", workflow={"finalModelName": "called"}))
    assert (found.id, found.codename) == ("opus-5", "called")


def test_a_label_never_takes_the_name_of_the_automatic_choice() -> None:
    assert [model.id for model in models(entry("house-blend", "Auto"))] == ["house-blend"]


PLAN = "business_or_enterprise_plan_required"


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({}, ""),
        ({"isDisabled": True, "disabledReason": PLAN}, "it needs a Business or Enterprise plan"),
        (
            {"isDisabled": True, "disabledReason": "trial_not_allowed"},
            "it is not part of a trial",
        ),
        (
            {"isDisabled": True, "disabledReason": "new_reason"},
            "Notion has disabled it (new reason)",
        ),
        ({"isDisabled": True}, "Notion has disabled it"),
        (
            {"restrictedAccessModelCodename": "acai-budino"},
            "it needs a Business or Enterprise plan",
        ),
        ({"restrictedAccessModelCodename": "another"}, ""),
        ({"disabledReason": PLAN}, ""),
        ({"workflow": None}, "it is not offered in Notion's chat"),
        ({"workflow": {}}, ""),
    ],
)
def test_a_model_that_may_not_be_used_says_why(fields: dict[str, Any], refusal: str) -> None:
    restricted = [{"codename": "acai-budino", "disabledReason": PLAN}]
    [found] = models(entry("x", **fields), restrictedAccessModelsInPickerConfig=restricted)
    assert found.refusal == refusal


@pytest.mark.parametrize(
    ("label", "limits"),
    [
        ("GPT-5", (400_000, 128_000)),
        ("GPT-5.6 Luna", (400_000, 128_000)),
        ("GPT-50", (0, 0)),
        ("Opus 5", (0, 0)),
    ],
)
def test_limits_are_told_only_where_they_are_known(label: str, limits: tuple[int, int]) -> None:
    [found] = models(entry("x", label))
    assert (found.context, found.output) == limits


def test_a_workspace_that_lets_nobody_choose_has_no_models() -> None:
    assert models(modelSelectionRestricted=True) == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"models":{}}',
        b'{"models":null}',
        b"\xff",
        b'{"models":["\xff"',
        b'{"models":' + b"[" * 100_000,
        b'{"isNotionError":true,"name":"UnauthorizedError"}',
    ],
)
def test_what_is_no_catalogue_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        parse_catalogue(body)


def test_an_entry_in_no_encoding_costs_only_itself() -> None:
    body = b'{"models":[{"model":"a\xff"},{"model":"b"}]}'
    assert [model.id for model in parse_catalogue(body)] == ["b"]


values = st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=4)
entries = st.dictionaries(
    st.sampled_from(["model", "modelMessage", "isDisabled", "workflow", "modelConfiguration"]),
    values | st.dictionaries(st.sampled_from(["finalModelName"]), values),
)


@given(st.lists(entries | values, max_size=6))
def test_every_listed_model_has_a_name_of_its_own(listed: list[Any]) -> None:
    found = models(*listed)
    assert len({model.id for model in found}) == len(found)
    assert all(model.id and model.codename for model in found)
