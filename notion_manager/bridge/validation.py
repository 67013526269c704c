"""Values against a caller's JSON schema."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import islice
from types import ModuleType
from typing import Any, cast

from .costs import CHEAP, MOST, Cost, patterns_in, size_of
from .formats import FORMATS
from .references import refers

TOLD = 5  # errors, at most
LONGEST = 200  # characters of one
BACKTRACKS = 10_000  # steps that a pattern may take back
ROOM = 20_000_000  # errors times characters, up to which all may be collected
MOST_COMPILED = 100_000
"""Values in the parts that are compiled for one schema: they take a tenth of a second."""
LARGEST = 10_000_000  # bytes of a compiled pattern
ALL_PATTERNS = 40_000_000  # bytes of all: a fifth of a second
PART_PATTERN = 100_000  # bytes of one, where a schema is compiled for each of its parts
PATTERN_LOOKS = 400  # values that are compiled in the time of one of these
MOST_REPEATS = 1000  # of parts of patterns that look ahead: their size says little
_COUNTS = re.compile(r"(\d{1,9})\}")
_UNFIT = (ValueError, TypeError, RecursionError, OverflowError)
_TOO_DEAR = "value: the schema has too many alternatives to check it"
_WHOLE = "urn:whole"


class BadSchema(ValueError):
    """What a caller calls a JSON schema is none, or refers to what is not in it."""


class Validator:
    """A schema, compiled. It never fetches a `$ref`, and nothing takes it long."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Raises BadSchema."""
        known = _with_known_draft(schema)
        patterns = list(patterns_in(known))
        self._cost = Cost(known, known)
        size = min(LARGEST, ALL_PATTERNS // max(1, len(patterns)))
        self._validator = _compiled(known, {}, self._cost, patterns, size)

    def errors(self, value: Any) -> tuple[str, ...]:
        """What is wrong, the first few, each as `path: message`; empty where nothing is."""
        looks = self._cost.of(value)
        if looks > MOST:
            return (_TOO_DEAR,)
        try:
            self._validator.validate(value)
        except _library().ValidationError as first:
            # the library makes all errors, each with the value, before it gives any
            few = looks * CHEAP * len(json.dumps(value)) <= ROOM
            found = self._validator.iter_errors(value) if few else [first]
            return tuple(self._told(error) for error in islice(found, TOLD))
        except _UNFIT as exc:  # a value too deep, or half a surrogate pair
            return (f"value: {_brief(str(exc))}",)
        return ()

    def _told(self, error: Any) -> str:
        return f"{_path(error.instance_path)}: {_brief(error.message)}"


class Parts:
    """The parts of one schema, each compiled when it is needed; as many as take not long."""

    def __init__(self, whole: Mapping[str, Any]) -> None:
        self._whole = _with_known_draft(whole)
        self._known: dict[int, PartValidator | None] = {}  # by the id of a part, which stays
        self._room = MOST_COMPILED

    @cached_property
    def _size(self) -> int:
        return size_of(self._whole)

    @cached_property
    def _patterns(self) -> Sequence[str]:
        return list(patterns_in(self._whole))

    def validator(self, part: Any) -> "PartValidator | None":
        """None where it cannot be compiled, or would take too long with those before."""
        if id(part) not in self._known:
            self._known[id(part)] = self._compiled(part) if self._room > 0 else None
        return self._known[id(part)]

    def _compiled(self, part: Any) -> "PartValidator | None":
        whole = self._whole if refers(part) else {}
        patterns = [*patterns_in(part), *(self._patterns if whole else ())]
        self._room -= size_of(part) + (self._size if whole else 0) + PATTERN_LOOKS * len(patterns)
        if self._room < 0:
            return None
        try:
            return PartValidator(part, whole, self._whole.get("$schema"), patterns)
        except BadSchema:
            return None


class PartValidator:
    """A part of a schema, compiled with the whole where it refers to it."""

    def __init__(
        self, part: Any, whole: Mapping[str, Any], draft: Any, patterns: Sequence[str]
    ) -> None:
        """Raises BadSchema."""
        self._cost = Cost(part, whole)
        stated = {} if draft is None else {"$schema": draft}
        held = {**whole, **stated, "$defs": {**_table(whole.get("$defs")), _WHOLE: part}}
        wanted = {**stated, "$ref": f"{_WHOLE}#/$defs/{_WHOLE}"}
        self._validator = _compiled(wanted, {_WHOLE: held}, self._cost, patterns, PART_PATTERN)

    def allows(self, value: Any) -> bool:
        """Whether a value is valid; one that would take long to check is not."""
        try:
            return self._cost.of(value) <= MOST and self._validator.is_valid(value)
        except _UNFIT:
            return False


def _compiled(
    schema: dict[str, Any],
    others: Mapping[str, Any],
    cost: Cost,
    patterns: Sequence[str],
    size: int,
) -> Any:
    """With a second engine for patterns: that they look ahead may be all that the first minds.

    The second one goes back over what it read, which is told to the `cost`. Neither compiles a
    pattern of more than `size` bytes, which is what takes it time. Formats are checked in what has
    no `others`: a part of a schema only tells how a text is read.
    """
    library = _library()

    def retrieved(uri: str) -> Any:
        if uri not in others:
            raise ValueError(f"{uri} is not part of the schema")
        return others[uri]

    def compiled(patterns: Any) -> Any:
        return library.validator_for(
            schema,
            retriever=retrieved,
            pattern_options=patterns,
            validate_formats=not others,
            formats=None if others else FORMATS,
        )

    try:
        return compiled(library.RegexOptions(size))
    except _UNFIT as exc:
        if sum(map(_repeats, patterns)) > MOST_REPEATS:
            raise BadSchema(_brief(str(exc))) from None
        cost.backtracks()
        try:
            return compiled(library.FancyRegexOptions(BACKTRACKS, size))
        except _UNFIT as exc:
            raise BadSchema(_brief(str(exc))) from None


def _repeats(pattern: str) -> int:
    """How often it repeats a part of it, at most."""
    return max(map(int, _COUNTS.findall(pattern)), default=0)


def _library() -> ModuleType:
    """Loaded when it is needed: whoever sends plain text pays no memory for it."""
    import jsonschema_rs  # noqa: PLC0415 - as said

    return jsonschema_rs


def _with_known_draft(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in schema.items() if k != "$schema" or _is_draft(v)}


def _is_draft(uri: Any) -> bool:
    return isinstance(uri, str) and "//json-schema.org/draft" in uri


def _table(value: Any) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _path(steps: list[str | int]) -> str:
    return ".".join(map(str, steps)) or "value"


def _brief(message: str) -> str:
    line = message.partition("\n")[0]
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
