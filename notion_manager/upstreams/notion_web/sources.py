"""What an answer cites: search results by call, and the numbers of the sources in use."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any
from urllib.parse import unquote

import orjson

from ...redact import lined
from ...turn import Citations, Source, Text
from .loose import list_of, object_of, text_of

MOST = 1000  # results that are kept of one call
LONGEST_TITLE = 200  # characters
SEAL = "\0"  # stands around a number where a citation is to be an event of its own
PAGES = "https://www.notion.so/"
_WEB_ID = "webpage://?url="
_INTERNAL = re.compile(r"(?:view|thread|page|block|space|database)://")
_PAGE = re.compile(
    r"(?:view|page|block|database)://([0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12})"
)
_UNFIT = str.maketrans({mark: f"%{ord(mark):02X}" for mark in ' "<>'})
"""No address has these as they are. A page that chose its own could spell a call with them."""
_TAME = str.maketrans({"<": "(", ">": ")", "[": "(", "]": ")", "`": "'"})
"""Nor may its title spell one, or a link."""

_CALL = re.compile(r"(\d*)(toolu_.+)")
_SEALED = re.compile(f"{SEAL}([0-9]+){SEAL}")


class Sources:
    """Resolves citations, and numbers what they name by first use over a whole reply."""

    def __init__(
        self,
        citations: Citations = "inline",
        found: dict[str, tuple[Source | None, ...]] | None = None,
    ) -> None:
        self.citations: Citations = citations
        self._found: dict[str, tuple[Source | None, ...]] = {} if found is None else found
        self._cited: dict[str, Source] = {}  # by address, in the order of their numbers
        self._numbers: dict[str, int] = {}
        self._missed: set[str] = set()

    def afresh(self) -> "Sources":
        """The same results with no number given yet."""
        return Sources(self.citations, self._found)

    def learn(self, call: str, results: Sequence[Any]) -> None:
        """The results of a call, in order. A shorter list never takes the place of a longer."""
        sources = tuple(_source(object_of(result)) for result in results[:MOST])
        if call and len(sources) >= len(self._found.get(call, ())) and any(sources):
            self._found[call] = sources

    def of(self, call: str) -> tuple[Source, ...]:
        """What a call found, as far as it leads anywhere."""
        return tuple(filter(None, self._found.get(call, ())))

    def cite(self, target: str) -> str:
        """What takes the place of `[^target]`; empty where it leads nowhere."""
        if self.citations == "none":
            return ""
        source = self._resolve(target)
        if source is None:
            self._missed.add(target)
            return ""
        number = self._numbers.setdefault(source.url, len(self._numbers) + 1)
        self._cited.setdefault(source.url, source)
        if not self.typed:
            return f"[{number}]"
        return f"{source.link if self.citations == 'linked' else ''}{SEAL}{number}{SEAL}"

    @property
    def typed(self) -> bool:
        """Whether what was found is told by events of its own."""
        return self.citations in ("typed", "linked")

    def texts(self, said: str) -> Iterator[Text]:
        """What was said, cut behind each citation that was sealed into it."""
        numbered = list(self._cited.values())
        *parts, rest = _SEALED.split(said)
        for text, number in zip(parts[::2], parts[1::2], strict=True):
            cites = tuple(numbered[int(number) - 1 : int(number)])
            yield Text(text.replace(SEAL, ""), cites)
        if rest := rest.replace(SEAL, ""):
            yield Text(rest)

    @property
    def late(self) -> bool:
        """Whether results came only after a citation of them was given up."""
        return bool(self._missed) and any(self._resolve(target) for target in self._missed)

    def block(self) -> str:
        """The list that ends the reply; empty where nothing was cited."""
        if not self._numbers or self.typed:
            return ""
        lines = (_line(number, source) for number, source in enumerate(self._cited.values(), 1))
        return "\n\n---\nSources:\n" + "\n".join(lines)

    def _resolve(self, target: str) -> Source | None:
        target = target.removeprefix("{{").removesuffix("}}")
        if call := _CALL.fullmatch(target):
            index = int(call[1] or 1) - 1
            sources = self._found.get(call[2], ())
            return sources[index] if 0 <= index < len(sources) else None
        if url := _url(target):
            return self._titled(url) or Source(url)
        page = _page(target)
        return self._titled(page) if page else None

    def _titled(self, url: str) -> Source | None:
        """The result of that address."""
        found = chain.from_iterable(self._found.values())
        return next((source for source in found if source and source.url == url), None)


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


def _line(number: int, source: Source) -> str:
    return f"[{number}] " + " - ".join(filter(None, (source.title, source.url)))


def _source(result: Mapping[str, Any]) -> Source | None:
    url, id = text_of(result.get("url")), text_of(result.get("id"))
    address = _url(url) or _url(id) or _page(id) or _page(f"page://{id}") or _page(url)
    return Source(address, tame(text_of(result.get("title")))) if address else None


def tame(words: str) -> str:
    """Words from elsewhere, on one line, that can spell neither a call nor a link."""
    return lined(words[: 2 * LONGEST_TITLE]).translate(_TAME)[:LONGEST_TITLE]


def _url(target: str) -> str:
    """A web address, freed from an internal one that may be glued to its end."""
    if target.startswith(_WEB_ID):
        target = unquote(target.removeprefix(_WEB_ID))
    if not target.startswith(("http://", "https://")) or not target.isprintable():
        return ""
    return _INTERNAL.split(target, maxsplit=1)[0].translate(_UNFIT)


def _page(target: str) -> str:
    """The address of what the service names by an id of its own."""
    page = _PAGE.fullmatch(target)
    return PAGES + page[1].replace("-", "") if page else ""
