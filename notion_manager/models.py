"""Models and their names: what a client calls a model, and which one that means here."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Literal, cast

from msgspec import Struct
from msgspec.structs import replace

from .errors import ModelUnavailable, Problem, UnknownModel
from .turn import EFFORTS, Effort

AUTO = "auto"
UNNAMED = "default"
"""What answers say of their model where the request named none; it can be asked for as well."""
LOCAL = "claude-local/"
"""Before an id, for clients that list only what has their vendor's name in it."""


class Model(Struct, frozen=True):
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

    @property
    def input(self) -> int:
        """The most tokens that a request may have; 0 where unknown."""
        return self.context - self.output


RESEARCHERS = (
    Model("researcher", "researcher", "Research", "notion"),
    Model("fast-researcher", "fast-researcher", "Fast research", "notion"),
)
"""Ways of answering that are asked for like models, of every account."""
RESEARCH = frozenset(model.codename for model in RESEARCHERS)


class Choice(Struct, frozen=True):
    """What a name came to mean. `model` None lets the upstream pick.

    `read_only` and `effort` are what the name's own suffixes asked for, if anything.
    """

    model: Model | None
    how: Literal["exact", "alias", "nearest", "default", "auto"]
    effort: Effort = ""
    read_only: bool | None = None


class Naming(Struct, frozen=True):
    """The configured part of naming: `aliases` maps a client's name to one of ours."""

    default: str = "auto"
    aliases: Mapping[str, str] | None = None
    unknown: Literal["nearest", "refuse"] = "nearest"


def choose(name: str, models: Sequence[Model], naming: Naming) -> Choice:
    """What a client's name means: an alias, an id or codename, a vendor's own name, in this order.

    Names may have a path before them, and suffixes behind them: `-ask`, `[1m]`, an effort. What is
    named so exactly but may not be used raises ModelUnavailable. A vendor's name for what the
    account does not have goes to the nearest that it has, or to the default; any other name raises
    UnknownModel, which tells the nearest ids. `naming.unknown` "refuse" stops at exact names.
    """
    if name.strip() in ("", UNNAMED):
        return _default(models, naming)
    if len(name) > _LONGEST:
        raise _unknown(name, name, models)
    return _named(name, models, naming) or _vendors(name, models, naming)


def wanted_of(name: str, naming: Naming) -> str:
    """A client's name, or the default's where it names none: one for all its spellings.

    It is what is left without a path and suffixes, or an alias that it has before.
    """
    wanted = naming.default if name.strip() in ("", UNNAMED) else name
    if len(wanted) > _LONGEST:
        return wanted
    aliases = {alias.casefold() for alias in naming.aliases or ()}
    names = [reading.name for reading in _readings(wanted) if reading.name]
    return next((each for each in names if each in aliases), names[-1])


def research_of(name: str, naming: Naming) -> str:
    """Which of the RESEARCHERS a client's name means; empty where it means a model."""
    wanted = wanted_of(name, naming)
    if "research" not in wanted.casefold() and not naming.aliases:
        return ""
    try:
        choice = _named(wanted, RESEARCHERS, naming) if len(wanted) <= _LONGEST else None
    except Problem:  # it is another name for a model
        return ""
    return choice.model.id if choice and choice.model else ""


class Chooser:
    """`choose`, which remembers: a vendor's name is compared with every model of a catalogue."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._known: dict[tuple[str, int], tuple[Sequence[Model], Choice]] = {}

    def choose(self, name: str, models: Sequence[Model]) -> Choice:
        """Raises what `choose` does. `models` is not changed afterwards."""
        known = self._known.get((name, id(models)))
        if known is not None:
            return known[1]
        choice = choose(name, models, self._naming)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[name, id(models)] = (models, choice)  # held, so that its id stays its own
        return choice


_REMEMBERED = 256  # names


def fit_effort(model: Model, effort: Effort) -> Effort:
    """The nearest effort that the model offers, the lesser of two; "" where it offers none.

    No reasoning at all is not a little of it: "none" is for those who ask for it.
    """
    offered: list[Effort] = [e for e in EFFORTS if e in model.efforts]
    if not effort or not offered:
        return ""
    some: list[Effort] = [e for e in offered if e != "none"] if effort != "none" else []
    wanted = EFFORTS.index(effort)
    return min(some or offered, key=lambda e: abs(EFFORTS.index(e) - wanted))


class Listed(Struct, frozen=True):
    """An id that `choose` takes, and what it then means; None lets the upstream pick."""

    id: str
    model: Model | None


def listing(models: Sequence[Model], naming: Naming) -> tuple[Listed, ...]:
    """Ids for a list of models. Those that an account may not use come last, with their refusal."""
    named: dict[str, Model | None] = {AUTO: None}
    named |= {model.id: model for model in models if not model.refusal}
    for alias in naming.aliases or {}:
        try:
            named[alias.casefold()] = choose(alias, models, naming).model
        except Problem:
            continue  # it points to nothing that this account may use
    local = {LOCAL + id: model for id, model in named.items() if not re.search(_OWN, id)}
    refused = {model.id: model for model in models if model.id not in named}
    return tuple(Listed(id, model) for id, model in (named | local | refused).items())


_OWN = "claude|anthropic"


# Names, read from the most literal way to the barest.


class _Reading(Struct, frozen=True):
    name: str
    effort: Effort = ""
    read_only: bool | None = None

    def ask(self, choice: Choice) -> Choice:
        read_only = choice.read_only if self.read_only is None else self.read_only
        return replace(choice, effort=self.effort or choice.effort, read_only=read_only)


_SUFFIX = re.compile(rf"(.+)(-ask|\[1m\]|[-:](?:{'|'.join(EFFORTS)}))")


def _readings(name: str) -> Iterator[_Reading]:
    whole = name.strip().casefold()
    for start in dict.fromkeys((whole, whole.rpartition("/")[2])):
        reading = _Reading(start)
        yield reading
        while peeled := _SUFFIX.fullmatch(reading.name):
            reading = _peel(reading, *peeled.groups())
            yield reading


def _peel(reading: _Reading, name: str, suffix: str) -> _Reading:
    match suffix:
        case "-ask":
            return replace(reading, name=name, read_only=True)
        case "[1m]":
            return replace(reading, name=name)
        case _:
            return replace(reading, name=name, effort=reading.effort or cast("Effort", suffix[1:]))


def _named(name: str, models: Sequence[Model], naming: Naming) -> Choice | None:
    """An alias's target is never an alias again."""
    aliases = {alias.casefold(): target for alias, target in (naming.aliases or {}).items()}
    ids = {model.codename.casefold(): model for model in reversed(models)}
    ids |= {model.id.casefold(): model for model in reversed(models)}
    for reading in _readings(name):
        if reading.name in aliases:
            target = choose(aliases[reading.name], models, replace(naming, aliases=None))
            return reading.ask(replace(target, how="alias"))
        if reading.name in ids:
            return reading.ask(Choice(_usable(ids[reading.name]), "exact"))
        if reading.name == AUTO:
            return reading.ask(Choice(None, "auto"))
    return None


def _usable(model: Model) -> Model:
    if model.refusal:
        raise ModelUnavailable(f"the model {model.id} cannot be used here: {model.refusal}")
    return model


def _default(models: Sequence[Model], naming: Naming) -> Choice:
    """The configured default; where it cannot be had, its nearest kin, or the upstream's pick."""
    try:
        choice = choose(naming.default, models, replace(naming, default=AUTO))
    except (UnknownModel, ModelUnavailable):
        if naming.unknown == "refuse":
            raise
        *_, bare = _readings(naming.default)
        choice = bare.ask(Choice(_nearest(_kind(bare.name), models), "default"))
    return replace(choice, how="default")


# Vendors' own names: the family comes first; then words and a version, in any order.


class _Kind(Struct, frozen=True):
    """`version` is None where the name has none, which asks for the newest."""

    family: str
    words: frozenset[str]
    version: tuple[int, int] | None

    @property
    def size(self) -> int:
        return min((_SIZES[word] for word in self.words if word in _SIZES), default=_MIDDLE)


_FAMILIES = {
    **dict.fromkeys(("claude", "opus", "sonnet", "haiku", "fable"), "claude"),
    **dict.fromkeys(("gpt", "chatgpt", "codex", "o1", "o3", "o4"), "gpt"),
    **{name: name for name in ("gemini", "grok", "kimi", "deepseek", "glm", "minimax")},
}
_SIZES = {
    **dict.fromkeys(("nano", "lite"), 0),
    **dict.fromkeys(("mini", "haiku", "flash"), 1),
    **dict.fromkeys(("opus", "pro"), 3),
    "fable": 4,
}
_MIDDLE = 2
_SILENT = {*_FAMILIES.values(), "chatgpt", "o1", "o3", "o4", "latest", "preview", "exp"}
_DATE = re.compile(r"[-@]20\d{2}-?\d{2}-?\d{2}(?=$|[-:])")
_DASHED = re.compile(r"(?<![\d.])(\d{1,2})-(\d{1,2})(?![\d.])")
_VERSION = re.compile(r"[kmv]?(\d{1,2})(?:\.(\d{1,2}))?o?", re.ASCII)


def _kind(name: str) -> _Kind | None:
    """None where it is no name of a vendor that we know.

    claude-opus-4-6-20260101, opus-4.6 and claude-4.6-opus-latest are one kind.
    """
    spelled = _DASHED.sub(r"\1.\2", _DATE.sub("", name.rpartition("/")[2]))
    words = re.split(r"[-_:@ ]", spelled)
    family = _FAMILIES.get(words[0])
    if family is None:
        return None
    versions = [found for word in words if (found := _VERSION.fullmatch(word))]
    rest = {word for word in words if not _VERSION.fullmatch(word)} - _SILENT
    version = (int(versions[0][1]), int(versions[0][2] or 0)) if versions else None
    return _Kind(family, frozenset(rest), version)


def _vendors(name: str, models: Sequence[Model], naming: Naming) -> Choice:
    """A vendor's name does not insist on what the account may not use, unless told to refuse."""
    nearest = naming.unknown == "nearest"
    had = [model for model in reversed(models) if not (nearest and model.refusal)]
    kinds: dict[_Kind | None, Model] = {_kind(model.id): model for model in had}
    kinds.pop(None, None)
    *_, bare = readings = list(_readings(name))
    for reading in readings:
        if found := kinds.get(_kind(reading.name)):
            return reading.ask(Choice(_usable(found), "exact"))
    kind = _kind(bare.name)
    if kind is None or not nearest:
        raise _unknown(name, bare.name, models)
    model = _nearest(kind, models)
    return bare.ask(Choice(model, "nearest") if model else _default(models, naming))


def _nearest(kind: _Kind | None, models: Sequence[Model]) -> Model | None:
    """The usable model of the family that is nearest in size, then in version, then in words."""
    offered = [(m, k) for m in models if (k := _kind(m.id)) and not m.refusal]
    kin = [(m, k) for m, k in offered if kind and k.family == kind.family]
    return min(kin, key=lambda pair: _distance(kind, pair[1]))[0] if kind and kin else None


def _distance(wanted: _Kind, offered: _Kind) -> tuple[int, ...]:
    """Of equals the newer is nearer, then the smaller."""
    age = -_count(offered.version)
    gap = abs(_count(wanted.version) + age) if wanted.version else 0
    differing = len(wanted.words ^ offered.words)
    return abs(wanted.size - offered.size), gap, age, differing, offered.size


def _count(version: tuple[int, int] | None) -> int:
    major, minor = version or (0, 0)
    return major * 100 + minor


_LONGEST = 300  # characters of a name; reading it takes the square of them
_SHOWN = 80  # of those, in a message


def _unknown(name: str, bare: str, models: Sequence[Model]) -> UnknownModel:
    ids = [model.id for model in models if not model.refusal]
    nearest = get_close_matches(bare[:_SHOWN], ids, n=5, cutoff=0.0)
    advice = f"the nearest are {', '.join(nearest)}" if nearest else f"use {AUTO!r}"
    return UnknownModel(f"there is no model called {name[:_SHOWN]!r}; {advice}")
