"""What a search of the service's own looks for, and how its progress is told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ...turn import Source
from .loose import list_of, object_of, text_of
from .sources import tame

SHOWN = 10  # queries, and titles, that are told one by one
_PLACES = {"web": " the web", "internal": " the workspace", "users": " people", "default": ""}


class Lookup(Struct, frozen=True):
    """`place` is empty where it is not known, or is more than one."""

    place: str
    queries: tuple[str, ...]


def lookup_of(given: Mapping[str, Any]) -> Lookup | None:
    """What a tool was asked to find; None where it does not search. There are two styles."""
    asked = {place: _queries(object_of(given.get(place))) for place in _PLACES}
    asked = {place: queries for place, queries in asked.items() if queries}
    asked = asked or {"default": _queries(object_of(given.get("args")))}
    queries = tuple(dict.fromkeys(query for each in asked.values() for query in each))
    if not queries:
        return None
    place = _PLACES[next(iter(asked))] if len(asked) == 1 else ""
    return Lookup(place, queries)


def seeking(lookup: Lookup) -> str:
    return f"Searching{lookup.place}: {_shown(lookup.queries)}"


def finding(sources: Sequence[Source]) -> str:
    if not sources:
        return "Found nothing."
    count = "1 result" if len(sources) == 1 else f"{len(sources)} results"
    return f"Found {count}: {_shown([source.title or source.url for source in sources])}"


def _shown(words: Sequence[str]) -> str:
    more = [f"and {len(words) - SHOWN} more"] if len(words) > SHOWN else []
    return "; ".join([*words[:SHOWN], *more])


def _queries(given: Mapping[str, Any]) -> Iterable[str]:
    items = [*list_of(given.get("queries")), *list_of(given.get("questions"))]
    return list(filter(None, map(tame, _words(items))))


def _words(items: Sequence[Any]) -> Iterator[str]:
    for item in items:
        fields = object_of(item)
        yield text_of(item) or text_of(fields.get("question")) or text_of(fields.get("keywords"))
