"""A script as lines: patches, or every step whole each time it changes."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import orjson

from .script import Beat, Cut, Ending, Line, Patch, Pause, Raw, Start, State, Sync
from .shapes import Json

Item = bytes | Pause | Cut

APPENDING = frozenset({"markdown-chat", "researcher-report"})
"""Step types whose repeated lines are added up by the reader, not replaced."""


@dataclass(slots=True)
class Encoder:
    """`escaped` writes everything beyond ASCII as JSON escapes; `framed` imitates SSE.

    The thread's id, if given, stands in every `patch-start`.
    """

    patch: bool
    escaped: bool = False
    framed: bool = False
    thread_id: str = ""
    state: State = field(default_factory=State)

    def encode(self, beats: Iterable[Beat]) -> Iterator[Item]:
        """Lines, silences and at most one Cut, last."""
        cut = None
        for beat in beats:
            items = list(self._beat(beat))
            if cut is not None and items:
                yield from _half(items[0])
                break
            cut = beat if isinstance(beat, Cut) else None
            if cut is None:
                yield from items
            elif cut.ending is not Ending.TRUNCATE:
                break
        if cut is not None:
            yield cut

    def _beat(self, beat: Beat) -> Iterator[Item]:
        match beat:
            case Pause():
                yield beat
            case Raw(data):
                yield data
            case Line(value):
                yield self._line(value)
            case Start(steps):
                self.state.reset(steps)
                yield from self._start(steps)
            case Sync():
                yield from self._sync()
            case Patch():
                yield from self._patch(beat)
            case Cut():
                pass

    def _start(self, steps: Sequence[Json]) -> Iterator[bytes]:
        if self.patch:
            data: Json = {"threadId": self.thread_id} if self.thread_id else {}
            yield self._line({"type": "patch-start", "data": {**data, "s": steps}, "version": 1})
        else:
            yield from (self._line(step) for step in steps)

    def _sync(self) -> Iterator[bytes]:
        if self.patch:
            data = {"s": self.state.steps}
            yield self._line({"type": "patch-sync", "data": data, "version": 1})

    def _patch(self, beat: Patch) -> Iterator[bytes]:
        changed = {self.state.apply(operation): operation for operation in beat.ops}
        if beat.lost:
            return
        if self.patch:
            yield self._line({"type": "patch", "v": beat.ops})
        else:
            yield from (self._whole(index, last) for index, last in changed.items())

    def _whole(self, index: int, last: Json) -> bytes:
        step = self.state.steps[index]
        if last["o"] == "x" and step["type"] in APPENDING:
            step = {**step, "value": last["v"]}
        return self._line(step)

    def _line(self, value: Json) -> bytes:
        line = json.dumps(value).encode() if self.escaped else orjson.dumps(value)
        return b"data: " + line + b"\n\n" if self.framed else line + b"\n"


def _half(item: Item) -> Iterator[Item]:
    if isinstance(item, bytes):
        yield item[: len(item) // 2]
