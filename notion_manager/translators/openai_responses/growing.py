"""An output item while it streams, and the numbering of the events it streams in."""

from collections.abc import Iterable, Mapping
from typing import Any

from ...turn import Found, Piece, Text, Thinking, join, said
from ...wire import dumps, sse, sse_raw
from ..citing import Citing
from .output import (
    Finished,
    finished,
    item_id,
    opening,
    part,
    shape,
    url_citation,
)
from .request import View

_DELTA = b'event: %b\ndata: %b,"delta":%b,"sequence_number":%d}\n\n'


class Numbering:
    """Writes events with `sequence_number` from 0, without a gap."""

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> int:
        number = self._next
        self._next += 1
        return number

    def event(self, kind: str, fields: Mapping[str, Any]) -> bytes:
        return sse({"type": kind, "sequence_number": self.take(), **fields}, kind)

    def response(self, kind: str, response: bytes) -> bytes:
        """An event around a response object that is already encoded."""
        head = dumps({"type": kind, "sequence_number": self.take()})[:-1]
        return sse_raw(b'%b,"response":%b}' % (head, response), kind)


class Growing:
    """What never changes in an item's deltas is encoded once, and its text is joined once."""

    def __init__(
        self, first: Piece, exchange: str, index: int, *, view: View, numbering: Numbering
    ) -> None:
        self._first = first
        self._view = view
        self._numbering = numbering
        self._shape = shape(first, view)
        self._id = item_id(first, exchange, index, view)
        self._index = {"output_index": index}
        place = {self._shape.place: 0} if self._shape.place else {}
        self._where: dict[str, Any] = {"item_id": self._id, **self._index, **place}
        self._pieces: list[Piece] = []
        self._citing = Citing()
        self._cited: list[dict[str, Any]] = []
        kind = f"{self._shape.text}.delta"
        fixed = dumps({"type": kind, **self._where, **self._shape.extra})
        self._delta = kind.encode(), fixed.removesuffix(b"}")

    def opened(self) -> bytes:
        item = opening(self._first, self._id, self._view)
        added = self._numbering.event("response.output_item.added", {**self._index, "item": item})
        return added + self._around("added", "") + self._searching("in_progress", "searching")

    def grown(self, piece: Piece) -> bytes:
        self._pieces.append(piece)
        text, delta = said(piece), b""
        if text and self._shape.text:
            delta = _DELTA % (*self._delta, dumps(text), self._numbering.take())
        if type(piece) is Text and (cited := self._citing.feed(piece)):
            delta += self._annotated(cited)
        return delta

    def _annotated(self, cited: Iterable[Mapping[str, Any]]) -> bytes:
        """Each with its place in the list of all."""
        frames: list[bytes] = []
        for annotation in map(url_citation, cited):
            place = {"annotation_index": len(self._cited), "annotation": annotation}
            kind = "response.output_text.annotation.added"
            frames.append(self._numbering.event(kind, {**self._where, **place}))
            self._cited.append(annotation)
        return b"".join(frames)

    def closed(self, status: str) -> tuple[bytes, Finished]:
        whole = join(self._pieces)
        text = said(whole)
        done = finished(whole, self._id, status, self._view, self._cited)
        frames = (
            self._told(text),
            self._around("done", text),
            self._searching("completed"),
            self._numbering.event("response.output_item.done", {**self._index, "item": done.item}),
        )
        return b"".join(frames), done

    def _told(self, text: str) -> bytes:
        if not self._shape.text:
            return b""
        fields = {**self._where, **self._shape.extra, self._shape.key: text}
        return self._numbering.event(f"{self._shape.text}.done", fields)

    def _around(self, edge: str, text: str) -> bytes:
        """The event that opens or ends the one part of an item that has parts."""
        if not self._shape.part or not isinstance(self._first, Text | Thinking):
            return b""
        fields = {**self._where, "part": part(self._first, text, self._cited)}
        return self._numbering.event(f"{self._shape.part}.{edge}", fields)

    def _searching(self, *states: str) -> bytes:
        if not isinstance(self._first, Found):
            return b""
        kinds = [f"response.web_search_call.{state}" for state in states]
        return b"".join(self._numbering.event(kind, self._where) for kind in kinds)
