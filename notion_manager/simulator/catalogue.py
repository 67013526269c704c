"""The model catalogue: what each workspace is offered, with its restricted and retired corners."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .accounts import SimSpace
from .shapes import Json

Family = Literal["anthropic", "openai", "gemini", "xai", "mystery"]
Group = Literal["fast", "intelligent"]
Shelf = Literal["offered", "disabled", "restricted", "no-workflow", "unlisted"]

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
AUTO = "oatmeal-cookie"
PLAN = "business_or_enterprise_plan_required"


@dataclass(frozen=True, slots=True)
class SimModel:
    """`disabled` is also restricted; `restricted` only says so in the list beside the models.

    `no-workflow` lacks the key of ordinary chat and answers nothing there. `unlisted` works and is
    in no picker. The first effort is the default one.
    """

    name: str
    label: str
    family: Family = "anthropic"
    group: Group = "intelligent"
    efforts: Sequence[str] = ()
    shelf: Shelf = "offered"
    provider: str = ""

    @property
    def codename(self) -> str:
        """The name that restrictions use: without the effort suffix."""
        head, _, tail = self.name.rpartition("-")
        return head if tail in EFFORTS else self.name


_FOUR = ("low", "medium", "high", "max")
_SIX = ("none", "low", "medium", "high", "xhigh", "max")


def _first(default: str, efforts: Sequence[str]) -> tuple[str, ...]:
    return (default, *(e for e in efforts if e != default))


MODELS: tuple[SimModel, ...] = (
    SimModel("avocado-froyo-medium", "Opus 4.6", efforts=("medium",)),
    SimModel("almond-croissant-low", "Sonnet 4.6", group="fast", efforts=_FOUR),
    SimModel("apricot-sorbet-high", "Opus 4.7", efforts=("high",)),
    SimModel("ambrosia-tart-high", "Opus 4.8", efforts=_first("high", _FOUR)),
    SimModel("agave-flan", "Opus 5", efforts=_first("medium", _FOUR)),
    SimModel("albuquerque-quinn", "Opus 5.5"),
    SimModel("angel-cake-high", "Sonnet 5", efforts=("high",)),
    SimModel("achira-donut", "Sonnet 5.5"),
    SimModel("acai-budino-high", "Fable 5", efforts=_first("high", _FOUR), shelf="disabled"),
    SimModel("assam-chai", "Fable 5.1", shelf="restricted"),
    SimModel("anthropic-haiku-4.5", "Haiku 4.5", group="fast", shelf="no-workflow"),
    SimModel("oatmeal-cookie", "GPT-5.2", "openai", "fast", ("medium", "high")),
    SimModel("oval-kumquat-medium", "GPT-5.4", "openai", "fast", ("medium", "high")),
    SimModel("oregon-grape-medium", "GPT-5.4 Mini", "openai", "fast"),
    SimModel("otaheite-apple-medium", "GPT-5.4 Nano", "openai", "fast"),
    SimModel("opal-quince-medium", "GPT-5.5", "openai", efforts=("medium", "high")),
    SimModel("opal-quince", "GPT-5.5", "openai", efforts=("medium", "high")),
    SimModel("orange-mousse", "GPT-5.6 Sol", "openai", efforts=_first("medium", _SIX)),
    SimModel("orchid-muffin", "GPT-5.6 Terra", "openai", efforts=_first("medium", _SIX)),
    SimModel("olive-jellyroll", "GPT-5.6 Luna", "openai", "fast", _first("medium", _SIX)),
    SimModel("orlando-quinn", "GPT-6 Astra", "openai", efforts=("medium",)),
    SimModel("gingerbread", "Gemini 3 Flash", "gemini", "fast"),
    SimModel("galette-medium-thinking", "Gemini 3.1 Pro", "gemini", efforts=("medium",)),
    SimModel("vertex-gemini-3.5-flash", "Gemini 3.5 Flash", "gemini", "fast", _FOUR[:3]),
    SimModel("grapefruit-zeppole", "Gemini 3.7 Flash", "gemini", "fast", _FOUR[:3]),
    SimModel("xigua-mochi-medium", "Grok 4.3", "xai", efforts=("medium",)),
    SimModel("strawberry-whoopiepie", "Grok 4.5", "xai", efforts=("medium",)),
    SimModel("soursop-shortcake", "Grok 4.6", "xai"),
    SimModel(
        "fireworks-kimi-k3", "Kimi K3", "mystery", efforts=("max", "low", "high"), provider="kimi"
    ),
    SimModel("baseten-deepseek-v4-pro", "DeepSeek V4 Pro", "mystery", provider="deepseek"),
    SimModel("baseten-glm-5.2", "GLM 5.2", "mystery", provider="glm"),
    SimModel("apple-danish", "Opus 4.5", shelf="unlisted"),
    SimModel("almond-croissant-high", "Sonnet 4.6", group="fast", efforts=_FOUR, shelf="unlisted"),
    SimModel("vertex-gemini-2.5-flash", "Gemini 2.5 Flash", "gemini", "fast", shelf="unlisted"),
)
BY_NAME = {model.name: model for model in MODELS}


def available(space: SimSpace) -> Json:
    """The answer of `getAvailableModels`."""
    restricted = space.models == "restricted"
    listed = [] if restricted else [m for m in MODELS if m.shelf != "unlisted"]
    barred = [m for m in listed if m.shelf in {"disabled", "restricted"}]
    return {
        "restrictedGeoPolicyApplied": False,
        "restrictedGeoHiddenWorkflowModels": [],
        "modelSelectionRestricted": restricted,
        "restrictedAccessModelsInPickerConfig": [_barred(m) for m in barred],
        "models": [_entry(m) for m in listed],
    }


def pickable() -> Json:
    """The answer of `getAiPickableModels`: bare names, older ones among them."""
    return {"models": [m.name for m in MODELS if m.shelf != "disabled"]}


def _barred(model: SimModel) -> Json:
    return {
        "codename": model.codename,
        "modelMessage": model.label,
        "modelFamily": model.family,
        "disabledReason": PLAN,
    }


def _entry(model: SimModel) -> Json:
    final = {"finalModelName": model.name, "beta": True}
    entry: Json = {
        "model": model.name,
        "modelMessage": model.label,
        "modelFamily": model.family,
        "modelProvider": model.provider or model.family,
        "displayGroup": model.group,
        "isDisabled": model.shelf == "disabled",
        "isApproachingRateLimit": False,
        "modelCardAttributes": {"speed": 4, "intelligence": 4, "cost": 3},
    }
    if model.efforts:
        entry["modelConfiguration"] = {
            "supportedReasoningEfforts": [e for e in EFFORTS if e in model.efforts],
            "defaultReasoningEffort": model.efforts[0],
        }
    if model.shelf == "disabled":
        entry["disabledReason"] = PLAN
    if model.shelf in {"disabled", "restricted"}:
        entry["restrictedAccessModelCodename"] = model.codename
    surfaces = ("customAgent", "agentService") if model.shelf == "no-workflow" else (
        "workflow", "customAgent", "agentService"
    )  # fmt: skip
    return entry | dict.fromkeys(surfaces, final) | {"markdownChat": {"beta": True}}
