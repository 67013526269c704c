"""Where the references of a JSON schema lead within it."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, cast
from urllib.parse import unquote

ANYTHING: Mapping[str, Any] = {}
"""What a reference that leads nowhere is taken for."""

KEYWORDS = ("$ref", "$dynamicRef", "$recursiveRef")
_NAMES = ("$id", "$anchor", "$dynamicAnchor")


class References:
    """Those of one document: pointers, and the names that its parts have."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._found: dict[str, Any] = {}

    def found(self, reference: str) -> Any:
        """The part that is meant, whatever it is; `ANYTHING` where there is none."""
        if reference not in self._found:
            self._found[reference] = self._sought(reference)
        return self._found[reference]

    def _sought(self, reference: str) -> Any:
        base, _, fragment = reference.partition("#")
        found = self._named.get(base, ANYTHING) if base else self._root
        if not fragment.startswith("/"):
            return self._named.get(fragment, ANYTHING) if fragment else found
        for step in fragment[1:].split("/"):
            found = _step(found, unquote(step).replace("~1", "/").replace("~0", "~"))
        return found

    @cached_property
    def _named(self) -> Mapping[str, Any]:
        """The parts that have a name, by it."""
        return {name: table for part in tables_in(self._root) for name, table in _names(part)}


def refers(schema: Any) -> bool:
    """Whether it depends on anything outside itself."""
    return any(keyword in table for table in tables_in(schema) for keyword in KEYWORDS)


def tables_in(schema: Any) -> Iterator[Mapping[str, Any]]:
    """All the tables in it, itself among them, each once."""
    waiting: list[Any] = [schema]
    seen = set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            if isinstance(one, dict):
                yield cast("dict[str, Any]", one)
            waiting += _inside(one)


def _names(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in (table.get(keyword) for keyword in _NAMES):
        if isinstance(name, str):
            yield name.rsplit("/", 1)[-1], table  # as a reference beside it would say
            yield name, table


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from cast("dict[str, Any]", value).values()
    elif isinstance(value, list):
        yield from cast("list[Any]", value)


def _step(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).get(name, ANYTHING)
    items = cast("list[Any]", value) if isinstance(value, list) else []
    fits = name.isdecimal() and len(name) < 9 and int(name) < len(items)  # noqa: PLR2004 - no list is longer
    return items[int(name)] if fits else ANYTHING
