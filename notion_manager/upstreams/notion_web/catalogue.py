"""The service's list of models to Models: friendly ids, what may not be used and why, efforts."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from ...errors import UpstreamBroken
from ...models import AUTO, Model


def parse_catalogue(body: bytes) -> tuple[Model, ...]:
    """Read a 200 answer of getAvailableModels, in its order.

    It is empty where the workspace lets nobody choose a model. Entries that make no sense are left
    out; an answer that makes none raises UpstreamBroken.
    """
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise UpstreamBroken("Notion's answer to getAvailableModels is not a catalogue") from exc
    restrictions = _readable(answer.restricted_access_models_in_picker_config, _Restriction)
    refusals = {r.codename: r.disabled_reason for r in restrictions}
    entries = _readable(answer.models, _Entry)
    return _distinct([_model(entry, refusals) for entry in entries if entry.model])


# The answer, as far as it is read.


class _Answer(Struct, rename="camel"):
    models: list[Raw]
    restricted_access_models_in_picker_config: list[Raw] | None = None


class _Restriction(Struct, rename="camel"):
    codename: str
    disabled_reason: str | None = None


class _Surface(Struct, rename="camel"):
    final_model_name: str | None = None


class _Reasoning(Struct, rename="camel"):
    supported_reasoning_efforts: list[str] | None = None
    default_reasoning_effort: str | None = None


class _Entry(Struct, rename="camel"):
    model: str
    model_message: str | None = None
    model_family: str | None = None
    model_provider: str | None = None
    is_disabled: bool | None = None
    disabled_reason: str | None = None
    restricted_access_model_codename: str | None = None
    model_configuration: _Reasoning | None = None
    workflow: _Surface | None = None


_T = TypeVar("_T")


def _readable(raws: Iterable[Raw] | None, type: type[_T]) -> Iterator[_T]:
    for raw in raws or ():
        try:
            yield msgspec.json.decode(raw, type=type)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue  # drift in one entry is no reason to lose the others


def _model(entry: _Entry, refusals: Mapping[str, str | None]) -> Model:
    label = (entry.model_message or "").strip() or entry.model
    reasoning = entry.model_configuration or _Reasoning()
    surface = entry.workflow or _Surface()
    id = _friendly(label) or _friendly(entry.model) or "unnamed"
    context, output = _limits(id)
    return Model(
        id,
        surface.final_model_name or entry.model,
        label,
        _vendor(entry),
        tuple(reasoning.supported_reasoning_efforts or ()),
        reasoning.default_reasoning_effort or "",
        _refusal(entry, refusals),
        context,
        output,
    )


def _friendly(label: str) -> str:
    """The id of "GPT-5.4 Mini" is gpt-5.4-mini."""
    return re.sub(r"[^a-z0-9.]+", "-", label.lower()).strip("-")


def _vendor(entry: _Entry) -> str:
    """Open-weight models are all of the family "mystery"; their provider tells them apart."""
    family, provider = entry.model_family or "", entry.model_provider or ""
    return provider if provider and family in ("", "mystery") else family


_REASONS = {
    "business_or_enterprise_plan_required": "it needs a Business or Enterprise plan",
    "trial_not_allowed": "it is not part of a trial",
}


def _refusal(entry: _Entry, refusals: Mapping[str, str | None]) -> str:
    """Why the account may not use it, in plain words; empty where it may.

    A restricted model is out of reach even where its entry says that it is not disabled.
    """
    restricted = entry.restricted_access_model_codename or ""
    if entry.is_disabled or restricted in refusals:
        reason = entry.disabled_reason or refusals.get(restricted) or ""
        spelled = f" ({reason.replace('_', ' ')})" if reason else ""
        return _REASONS.get(reason, f"Notion has disabled it{spelled}")
    return "" if entry.workflow else "it is not offered in Notion's chat"


def _limits(id: str) -> tuple[int, int]:
    """Context and output, in tokens; zeros where unknown.

    The service's own streams tell those of GPT-5.x: 400,000 in all, of which 272,000 are for input.
    """
    return (400_000, 128_000) if re.match(r"gpt-5(?![0-9])", id) else (0, 0)


def _distinct(models: Sequence[Model]) -> tuple[Model, ...]:
    """Every id once.

    Of models with one label a usable one keeps the friendly id, the earliest of several; the others
    go by their codename. One that is left without a name is a repetition.
    """
    named: dict[str, int] = {AUTO: -1}
    for index in sorted(range(len(models)), key=lambda index: bool(models[index].refusal)):
        free = [id for id in (models[index].id, models[index].codename) if id not in named]
        if free:
            named[free[0]] = index
    ids = sorted((index, id) for id, index in named.items() if index >= 0)
    return tuple(replace(models[index], id=id) for index, id in ids)
