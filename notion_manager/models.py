"""Models and their names: what a client calls a model, and which one that means here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .turn import Effort


@dataclass(frozen=True, slots=True)
class Model:
    """A model that an account offers.

    `id` is the friendly name ("opus-4.6"); `codename` is what the upstream wants to hear; `vendor`
    is the upstream's family ("anthropic", "openai", "gemini", "xai", …). `refusal` is empty unless
    the account may not use it. Token limits are 0 where unknown. An empty `efforts` means that the
    upstream offers no choice.
    """

    id: str
    codename: str
    label: str
    vendor: str
    efforts: tuple[str, ...] = ()
    default_effort: str = ""
    refusal: str = ""
    context: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """What a name came to mean. `model` None lets the upstream pick.

    `read_only` and `effort` are what the name's own suffixes asked for, if anything.
    """

    model: Model | None
    how: Literal["exact", "alias", "nearest", "default", "auto"]
    effort: Effort = ""
    read_only: bool | None = None


@dataclass(frozen=True, slots=True)
class Naming:
    """The configured part of naming: `aliases` maps a client's name to one of ours."""

    default: str = "auto"
    aliases: Mapping[str, str] | None = None
    unknown: Literal["nearest", "refuse"] = "nearest"


def choose(name: str, models: Sequence[Model], naming: Naming) -> Choice:
    """Raises UnknownModel, naming the nearest ids, and ModelUnavailable."""
    raise NotImplementedError
