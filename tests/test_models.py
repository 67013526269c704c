"""What a client's name for a model comes to mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from notion_manager.errors import ModelUnavailable, Problem, UnknownModel
from notion_manager.models import (
    AUTO,
    Choice,
    Chooser,
    Model,
    Naming,
    choose,
    fit_effort,
    listing,
    wanted_of,
)
from notion_manager.turn import EFFORTS, Effort


def model(id: str, codename: str = "", refusal: str = "") -> Model:
    return Model(id, codename or f"code-{id}", id, "vendor", refusal=refusal)


MODELS = (
    model("opus-4.6", "avocado-froyo-medium"),
    model("opus-5", "agave-flan"),
    model("opus-5.5", refusal="it needs a Business or Enterprise plan"),
    model("sonnet-4.6"),
    model("sonnet-4.6-high"),
    model("haiku-4.5", "anthropic-haiku-4.5"),
    model("gpt-5.2"),
    model("gpt-5.4-mini"),
    model("gpt-5.5"),
    model("gpt-5.6-luna"),
    model("gemini-2.5-flash"),
    model("gemini-3-flash"),
    model("gemini-3.1-pro"),
    model("grok-4.3"),
    model("grok-4.5", refusal="Notion has disabled it"),
    model("kimi-k2.6"),
    model("kimi-k3"),
    model("deepseek-v4-pro"),
    model("glm-5.2"),
    model("minimax-m2.5"),
    model("engram-1"),
)
ALIASES = {
    "fast": "haiku-4.5",
    "Thinker": "opus-4.6-high",
    "claude-haiku-4-5": "gemini-3-flash",
    "loop": "loop",
    "chain": "fast",
    "broken": "opus-5.5",
    "pick": "auto",
}
NAMING = Naming(default="sonnet-4.6", aliases=ALIASES)
STRICT = replace(NAMING, unknown="refuse")


def meant(name: str, naming: Naming = NAMING) -> str:
    """`how` and id, with what the suffixes ask for."""
    choice = choose(name, MODELS, naming)
    asked = (choice.effort, "ask" if choice.read_only else "")
    return " ".join(filter(None, (choice.how, choice.model.id if choice.model else "", *asked)))


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("opus-4.6", "exact opus-4.6"),
        ("Opus-4.6 ", "exact opus-4.6"),
        ("avocado-froyo-medium", "exact opus-4.6"),
        ("anthropic-haiku-4.5", "exact haiku-4.5"),
        ("engram-1", "exact engram-1"),
        ("auto", "auto"),
    ],
)
def test_an_id_or_a_codename_is_that_model(name: str, means: str) -> None:
    assert meant(name) == meant(name, STRICT) == means


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("opus-4.6-ask", "exact opus-4.6 ask"),
        ("opus-4.6[1m]", "exact opus-4.6"),
        ("opus-4.6-low", "exact opus-4.6 low"),
        ("opus-4.6:high", "exact opus-4.6 high"),
        ("opus-4.6-xhigh", "exact opus-4.6 xhigh"),
        ("opus-4.6[1m]-high-ask", "exact opus-4.6 high ask"),
        ("opus-4.6-ask-minimal[1M]", "exact opus-4.6 minimal ask"),
        ("opus-4.6-low-high", "exact opus-4.6 high"),
        ("auto-ask", "auto ask"),
        ("sonnet-4.6-high", "exact sonnet-4.6-high"),
        ("sonnet-4.6-high-low", "exact sonnet-4.6-high low"),
        ("sonnet-4.6-low", "exact sonnet-4.6 low"),
        ("claude-sonnet-4-6-high", "exact sonnet-4.6-high"),
    ],
)
def test_suffixes_are_read_unless_a_model_is_called_so(name: str, means: str) -> None:
    assert meant(name) == means


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("claude-opus-4-6", "exact opus-4.6"),
        ("claude-opus-4-6-20260101", "exact opus-4.6"),
        ("claude-opus-4-6@20260101", "exact opus-4.6"),
        ("claude-opus-4-6-20260101[1m]", "exact opus-4.6"),
        ("anthropic/claude-opus-4.6", "exact opus-4.6"),
        ("openrouter/anthropic/claude-4.6-opus", "exact opus-4.6"),
        ("claude-sonnet-4.6", "exact sonnet-4.6"),
        ("claude-opus-5", "exact opus-5"),
        ("claude-opus-5-0-latest", "exact opus-5"),
        ("openai/gpt-5.2", "exact gpt-5.2"),
        ("gpt-5-2", "exact gpt-5.2"),
        ("gpt-5.2-2025-12-11", "exact gpt-5.2"),
        ("chatgpt-5.2", "exact gpt-5.2"),
        ("gpt-5-4-mini-high", "exact gpt-5.4-mini high"),
        ("gemini-3-flash-preview", "exact gemini-3-flash"),
        ("google/gemini-3.1-pro-preview", "exact gemini-3.1-pro"),
        ("moonshotai/kimi-k2.6", "exact kimi-k2.6"),
        ("claude-local/engram-1", "exact engram-1"),
        ("claude-local/sonnet-4.6-high-ask", "exact sonnet-4.6-high ask"),
    ],
)
def test_a_vendors_spelling_is_the_same_model(name: str, means: str) -> None:
    assert meant(name) == meant(name, STRICT) == means


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("claude-haiku-5-5", "nearest haiku-4.5"),
        ("claude-opus-4-8", "nearest opus-4.6"),
        ("claude-3-5-sonnet-20241022", "nearest sonnet-4.6"),
        ("claude-3-opus-latest", "nearest opus-4.6"),
        ("claude-fable-5", "nearest opus-5"),
        ("claude-2", "nearest sonnet-4.6"),
        ("opus", "nearest opus-5"),
        ("gpt-5-mini", "nearest gpt-5.4-mini"),
        ("gpt-5-nano", "nearest gpt-5.4-mini"),
        ("gpt-5.1-codex-max", "nearest gpt-5.2 max"),
        ("gpt-4o-mini", "nearest gpt-5.4-mini"),
        ("gpt-5.6", "nearest gpt-5.6-luna"),
        ("codex-mini-latest", "nearest gpt-5.4-mini"),
        ("o3", "nearest gpt-5.6-luna"),
        ("o4-mini-high", "nearest gpt-5.4-mini high"),
        ("gemini-2.5-pro", "nearest gemini-3.1-pro"),
        ("gemini-2.5-flash-lite", "nearest gemini-2.5-flash"),
        ("grok-4.5-fast", "nearest grok-4.3"),
        ("kimi-latest", "nearest kimi-k3"),
        ("deepseek-chat", "nearest deepseek-v4-pro"),
        ("glm-4.6", "nearest glm-5.2"),
        ("MiniMax-M2", "nearest minimax-m2.5"),
    ],
)
def test_rule_14_a_name_nobody_configured_goes_to_the_nearest_of_its_family(
    name: str, means: str
) -> None:
    assert meant(name) == means
    with pytest.raises(UnknownModel):
        meant(name, STRICT)


def test_rule_14_a_family_that_the_account_has_not_goes_to_the_default() -> None:
    had = tuple(m for m in MODELS if m.id.startswith("sonnet"))
    assert choose("gpt-5-mini-ask", had, NAMING) == Choice(had[0], "default", read_only=True)
    assert choose("gpt-5-mini", (), Naming()) == Choice(None, "default")


def test_rule_14_any_other_name_is_unknown_and_the_nearest_ids_are_told() -> None:
    with pytest.raises(UnknownModel, match="no model called 'local-model'; the nearest are") as exc:
        meant("local-model")
    assert str(exc.value).count(",") == 4
    with pytest.raises(UnknownModel, match="the nearest are engram-1"):
        meant("ngram-1")
    with pytest.raises(UnknownModel, match="use 'auto'"):
        choose("local-model", (), NAMING)


def test_models_that_may_not_be_used_are_not_suggested() -> None:
    with pytest.raises(UnknownModel) as caught:
        choose("grak-4.5", [model("grok-4.5", refusal="no"), model("zzz")], NAMING)
    assert "grok-4.5" not in str(caught.value)


def test_a_name_of_absurd_length_is_refused_in_a_short_message() -> None:
    with pytest.raises(UnknownModel) as caught:
        meant("claude-opus-4-6" + "-low" * 1_000_000)
    assert len(str(caught.value)) < 300


def test_a_model_that_may_not_be_used_is_refused_with_its_reason() -> None:
    for name in ("opus-5.5", "code-opus-5.5", "opus-5.5-ask", "broken"):
        with pytest.raises(ModelUnavailable, match=r"opus-5\.5 .*: it needs a Business"):
            meant(name)


def test_a_vendors_name_for_what_may_not_be_used_goes_to_the_nearest_unless_strict() -> None:
    assert meant("claude-opus-5-5") == "nearest opus-5"
    with pytest.raises(ModelUnavailable, match="it needs a Business"):
        meant("claude-opus-5-5", STRICT)


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("fast", "alias haiku-4.5"),
        ("FAST-ask", "alias haiku-4.5 ask"),
        ("claude-local/fast", "alias haiku-4.5"),
        ("thinker", "alias opus-4.6 high"),
        ("thinker-low", "alias opus-4.6 low"),
        ("claude-haiku-4-5", "alias gemini-3-flash"),
        ("pick", "alias"),
    ],
)
def test_aliases_come_first_and_carry_suffixes(name: str, means: str) -> None:
    assert meant(name) == means


@pytest.mark.parametrize("name", ["loop", "chain"])
def test_an_aliass_target_is_not_an_alias_again(name: str) -> None:
    with pytest.raises(UnknownModel):
        meant(name)


@pytest.mark.parametrize(
    ("default", "means"),
    [
        ("auto", "default"),
        ("", "default"),
        ("gpt-5.5-high", "default gpt-5.5 high"),
        ("fast", "default haiku-4.5"),
        ("claude-opus-5", "default opus-5"),
        ("claude-opus-4-5-ask", "default opus-4.6 ask"),
        ("opus-5.5-low", "default opus-5 low"),
        ("grok-4.5", "default grok-4.3"),
        ("gone", "default"),
    ],
)
def test_no_name_means_the_default_or_its_nearest_kin(default: str, means: str) -> None:
    """The name that answers have then means the same."""
    naming = replace(NAMING, default=default)
    assert meant("", naming) == meant("  ", naming) == meant("default", naming) == means


@pytest.mark.parametrize(
    ("default", "kind"), [("gone", UnknownModel), ("opus-5.5", ModelUnavailable)]
)
def test_a_default_that_cannot_be_had_is_told_where_nothing_else_will_do(
    default: str, kind: type[Problem]
) -> None:
    with pytest.raises(kind):
        meant("", replace(STRICT, default=default))


@pytest.mark.parametrize(
    ("offered", "wanted", "fits"),
    [
        (("low", "medium", "high"), "medium", "medium"),
        (("low", "medium", "high"), "max", "high"),
        (("low", "medium", "high"), "minimal", "low"),
        (("low", "medium", "high"), "none", "low"),
        (("none", "low", "max"), "minimal", "low"),
        (("none", "low", "max"), "none", "none"),
        (("none",), "max", "none"),
        (("low", "high", "max"), "medium", "low"),
        (("low", "high", "max"), "xhigh", "high"),
        (("ultra", "high"), "low", "high"),
        (("low", "high"), "", ""),
        ((), "high", ""),
        (("ultra",), "high", ""),
    ],
)
def test_an_effort_is_fitted_to_what_the_model_offers(
    offered: tuple[str, ...], wanted: Effort, fits: Effort
) -> None:
    assert fit_effort(replace(MODELS[0], efforts=offered), wanted) == fits


def test_rule_17_a_listing_offers_every_id_and_names_that_claude_code_shows() -> None:
    had = (model("opus-5.5", refusal="no"), model("haiku-4.5"), model("claude-next"))
    naming = Naming(aliases={"Fast": "haiku-4.5", "my-claude": "auto", "gone": "local-model"})
    listed = [(entry.id, entry.model.id if entry.model else "") for entry in listing(had, naming)]
    assert listed == [
        ("auto", ""),
        ("haiku-4.5", "haiku-4.5"),
        ("claude-next", "claude-next"),
        ("fast", "haiku-4.5"),
        ("my-claude", ""),
        ("claude-local/auto", ""),
        ("claude-local/haiku-4.5", "haiku-4.5"),
        ("claude-local/fast", "haiku-4.5"),
        ("opus-5.5", "opus-5.5"),
    ]


words = st.sampled_from(
    ["opus", "sonnet", "gpt", "mini", "gemini", "flash", "claude", "4", "5.2", "high", "ask", "low"]
)
ids = st.lists(words, min_size=1, max_size=4).map("-".join).filter(lambda id: id != AUTO)
catalogues = st.lists(
    st.builds(model, ids, refusal=st.sampled_from(["", "", "no"])),
    max_size=6,
    unique_by=lambda m: m.id,
)
names = (
    st.text(max_size=12)
    | ids
    | st.builds(
        "{}{}{}".format, st.sampled_from(["", "claude-local/", "a/"]), ids, st.text(max_size=3)
    )
)
namings = st.builds(
    Naming,
    default=names,
    aliases=st.none() | st.dictionaries(names, names, max_size=3),
    unknown=st.sampled_from(["nearest", "refuse"]),
)


@given(names, catalogues, namings)
def test_any_name_means_a_usable_model_or_a_problem(
    name: str, had: list[Model], naming: Naming
) -> None:
    try:
        choice = choose(name, had, naming)
    except (UnknownModel, ModelUnavailable):
        return
    assert choice.model is None or (choice.model in had and not choice.model.refusal)
    assert choice.effort in ("", *EFFORTS)


@given(catalogues, namings)
def test_every_listed_id_is_taken_back(had: list[Model], naming: Naming) -> None:
    for entry in listing(had, replace(naming, aliases={})):
        if entry.model and entry.model.refusal:
            with pytest.raises(ModelUnavailable):
                choose(entry.id, had, replace(naming, aliases={}))
            continue
        choice = choose(entry.id, had, replace(naming, aliases={}))
        assert choice.model == entry.model
        assert choice.how in ("exact", "auto")
        assert (choice.effort, choice.read_only) == ("", None)


def test_what_was_chosen_is_remembered_for_so_many_names_and_no_more() -> None:
    chooser = Chooser(Naming(aliases={f"mine-{number}": "opus-4.6" for number in range(300)}))
    for number in range(300):
        assert chooser.choose(f"mine-{number}", MODELS).model == MODELS[0]
    assert chooser.choose("opus-4.6", MODELS) is chooser.choose("opus-4.6", MODELS)
    assert len(chooser._known) <= 256


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("", "opus-4.6"),
        ("default", "opus-4.6"),
        ("claude-local/Auto-ask", "auto"),
        ("gpt-5.4[1m]:high", "gpt-5.4"),
        ("team/Quick-ask", "quick-ask"),
        ("/", "/"),
        ("x" * 301 + "-ask", "x" * 301 + "-ask"),
    ],
)
def test_all_spellings_of_a_name_ask_for_the_same(name: str, wanted: str) -> None:
    naming = Naming(default="opus-4.6-ask", aliases={"Quick-Ask": "gpt-5.4"})
    assert wanted_of(name, naming) == wanted
