"""What an answer cites: search results by call, and the numbers of the sources in use."""

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any
from urllib.parse import unquote

import orjson

from .loose import list_of, object_of, text_of

MOST = 1000  # results that are kept of one call
_WEB_ID = "webpage://?url="
_INTERNAL = re.compile(r"(?:view|thread|page|block|space|database)://")
_UNFIT = str.maketrans({mark: f"%{ord(mark):02X}" for mark in ' "<>'})
"""No address has these as they are. A page that chose its own could spell a call with them."""

_CALL = re.compile(r"(\d*)(toolu_.+)")


class Sources:
    """Resolves citations, and numbers what they name by first use over a whole reply.

    Where the reply is `uncited`, none leads anywhere.
    """

    def __init__(
        self, found: dict[str, tuple[str, ...]] | None = None, *, uncited: bool = False
    ) -> None:
        self._uncited = uncited
        self._found: dict[str, tuple[str, ...]] = {} if found is None else found
        self._numbers: dict[str, int] = {}
        self._missed: set[str] = set()

    def afresh(self) -> "Sources":
        """The same results with no number given yet."""
        return Sources(self._found, uncited=self._uncited)

    def learn(self, call: str, results: Sequence[Any]) -> None:
        """The results of a call, in order. A shorter list never takes the place of a longer."""
        urls = tuple(_url_of(object_of(result)) for result in results[:MOST])
        if call and len(urls) >= len(self._found.get(call, ())) and any(urls):
            self._found[call] = urls

    def cite(self, target: str) -> int | None:
        """The number of what stands between `[^` and `]`; None where it leads nowhere."""
        if self._uncited:
            return None
        url = self._resolve(target)
        if not url:
            self._missed.add(target)
            return None
        return self._numbers.setdefault(url, len(self._numbers) + 1)

    @property
    def late(self) -> bool:
        """Whether results came only after a citation of them was given up."""
        return bool(self._missed) and any(self._resolve(target) for target in self._missed)

    def block(self) -> str:
        """The list that ends the reply; empty where nothing was cited."""
        if not self._numbers:
            return ""
        lines = (f"[{number}] {url}" for url, number in self._numbers.items())
        return "\n\n---\nSources:\n" + "\n".join(lines)

    def _resolve(self, target: str) -> str:
        target = target.removeprefix("{{").removesuffix("}}")
        if call := _CALL.fullmatch(target):
            index = int(call[1] or 1) - 1
            urls = self._found.get(call[2], ())
            return urls[index] if 0 <= index < len(urls) else ""
        return _url(target)


def results_of(tool: Mapping[str, Any]) -> Sequence[Any]:
    """The search results in a tool's result, wherever this one keeps them."""
    result = object_of(tool.get("result"))
    rendered = object_of(tool.get("additionalResultForRender")).get("webResults")
    return (
        _output(result.get("output"))
        or list_of(object_of(result.get("structuredContent")).get("results"))
        or list_of(result.get("extractedResults"))
        or list(chain.from_iterable(list_of(page) for page in list_of(rendered)))
    )


def _output(value: Any) -> Sequence[Any]:
    """New-style tools put JSON text here."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return ()
    return list_of(object_of(value).get("results"))


def _url_of(result: Mapping[str, Any]) -> str:
    return _url(text_of(result.get("url"))) or _url(text_of(result.get("id")))


def _url(target: str) -> str:
    """A web address, freed from an internal one that may be glued to its end."""
    if target.startswith(_WEB_ID):
        target = unquote(target.removeprefix(_WEB_ID))
    if not target.startswith(("http://", "https://")) or not target.isprintable():
        return ""
    return _INTERNAL.split(target, maxsplit=1)[0].translate(_UNFIT)
