"""Values against a caller's JSON schema."""

from collections.abc import Mapping
from itertools import islice
from types import ModuleType
from typing import Any, NoReturn

from .costs import Cost

MOST = 5  # errors that are told
LONGEST = 200  # characters of one
BACKTRACKS = 10_000  # steps that a pattern may take back
_UNFIT = (ValueError, TypeError, RecursionError, OverflowError)


class BadSchema(ValueError):
    """What a caller calls a JSON schema is none, or refers to what is not in it."""


class Validator:
    """A schema, compiled. It never fetches a `$ref`, and nothing takes it long."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Raises BadSchema."""
        known = {k: v for k, v in schema.items() if k != "$schema" or _is_draft(v)}
        self._cost = Cost(known)
        library = _library()
        try:
            self._validator = _compiled(known, library.RegexOptions())
        except _UNFIT:  # perhaps only since a pattern looks ahead, which takes another engine
            try:
                self._validator = _compiled(known, library.FancyRegexOptions(BACKTRACKS))
            except _UNFIT as exc:
                raise BadSchema(_brief(str(exc))) from None

    def errors(self, value: Any) -> tuple[str, ...]:
        """What is wrong, each as `path: message`; empty where nothing is."""
        if self._cost.is_too_high(value):
            return ("value: the schema has too many alternatives to check it",)
        try:
            found = islice(self._validator.iter_errors(value), MOST)
            return tuple(
                f"{_path(error.instance_path)}: {_brief(error.message)}" for error in found
            )
        except _UNFIT as exc:  # a value too deep, or half a surrogate pair
            return (f"value: {_brief(str(exc))}",)

    def allows(self, key: str, value: Any) -> bool:
        """Whether an object of this schema may have such a member."""
        if self._cost.is_too_high({key: value}):
            return False
        try:
            found = self._validator.iter_errors({key: value})
            return all(error.instance_path[:1] != [key] for error in found)
        except _UNFIT:
            return False


def _compiled(schema: dict[str, Any], patterns: Any) -> Any:
    return _library().validator_for(schema, retriever=_refuse, pattern_options=patterns)


def _library() -> ModuleType:
    """Loaded when it is needed: whoever sends plain text pays no memory for it."""
    import jsonschema_rs  # noqa: PLC0415 - as said

    return jsonschema_rs


def _is_draft(uri: Any) -> bool:
    return isinstance(uri, str) and "//json-schema.org/draft" in uri


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"{uri} is not part of the schema")


def _path(steps: list[str | int]) -> str:
    return ".".join(map(str, steps)) or "value"


def _brief(message: str) -> str:
    line = message.partition("\n")[0]
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
