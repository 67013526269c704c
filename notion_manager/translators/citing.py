"""Where in a text its sources belong, as OpenAI's APIs tell of it."""

from collections.abc import Iterable, Sequence
from typing import Any

from ..turn import Source, Text


class Citing:
    """Fed the pieces of one text, gives the fields of a `url_citation` for each source.

    Indexes count characters (Unicode code points) of the whole text; the end is exclusive. They
    are those of the link to the source that the text ends with, as OpenAI has it. Without one they
    are those of the text since the last citation, as far as that is in the same paragraph.
    """

    def __init__(self) -> None:
        self._unread: list[str] = []  # most answers cite nothing
        self._last = ""  # the text behind which something was cited last
        self._at = 0  # characters that were read
        self._start = self._end = 0  # of the span, without the blanks around it
        self._anew = True  # a span begins with the next word

    def feed(self, piece: Text) -> Iterable[dict[str, Any]]:
        self._unread.append(piece.text)
        return self._cited(piece.cites) if piece.cites else ()

    def _cited(self, sources: Sequence[Source]) -> Iterable[dict[str, Any]]:
        text = "".join(self._unread)
        self._unread.clear()
        self._read(text)
        self._anew = True
        self._last = text or self._last
        for source in sources:
            linked = self._last.endswith(source.link)
            yield {
                "start_index": self._at - len(source.link) if linked else self._start,
                "end_index": self._end,
                "url": source.url,
                "title": source.title or source.url,
            }

    def _read(self, text: str) -> None:
        said = text.rstrip()
        start = said.rfind("\n") + 1
        if said and (start or self._anew):
            start += len(said[start:]) - len(said[start:].lstrip())
            self._start, self._anew = self._at + start, False
        if said:
            self._end = self._at + len(said)
        self._anew = self._anew or "\n" in text[len(said) :]
        self._at += len(text)
