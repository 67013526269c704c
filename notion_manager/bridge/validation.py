"""Values against a caller's JSON schema."""

import json
from collections.abc import Mapping
from itertools import islice
from types import ModuleType
from typing import Any, cast

from .costs import CHEAP, MOST, Cost

TOLD = 5  # errors, at most
LONGEST = 200  # characters of one
BACKTRACKS = 10_000  # steps that a pattern may take back
ROOM = 20_000_000  # errors times characters, up to which all may be collected
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
        self._cost = Cost(known, known)
        self._validator = _compiled(known, {}, self._cost)

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


class PartValidator:
    """A part of a schema, compiled with the whole that it may refer to."""

    def __init__(self, part: Any, whole: Mapping[str, Any]) -> None:
        """Raises BadSchema."""
        known = _with_known_draft(whole)
        self._cost = Cost(part, known)
        draft = {"$schema": known["$schema"]} if "$schema" in known else {}
        held = {**known, "$defs": {**_table(known.get("$defs")), _WHOLE: part}}
        wanted = {**draft, "$ref": f"{_WHOLE}#/$defs/{_WHOLE}"}
        self._validator = _compiled(wanted, {_WHOLE: held}, self._cost)

    def allows(self, value: Any) -> bool:
        """Whether a value is valid; one that would take long to check is not."""
        try:
            return self._cost.of(value) <= MOST and self._validator.is_valid(value)
        except _UNFIT:
            return False


def _compiled(schema: dict[str, Any], others: Mapping[str, Any], cost: Cost) -> Any:
    """With a second engine for patterns: that they look ahead may be all that the first minds.

    The second one goes back over what it read, which is told to the `cost`.
    """
    library = _library()

    def retrieved(uri: str) -> Any:
        if uri not in others:
            raise ValueError(f"{uri} is not part of the schema")
        return others[uri]

    def compiled(patterns: Any) -> Any:
        return library.validator_for(schema, retriever=retrieved, pattern_options=patterns)

    try:
        return compiled(library.RegexOptions())
    except _UNFIT:
        cost.backtracks()
        try:
            return compiled(library.FancyRegexOptions(BACKTRACKS))
        except _UNFIT as exc:
            raise BadSchema(_brief(str(exc))) from None


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
