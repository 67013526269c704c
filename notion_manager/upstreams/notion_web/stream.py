"""The decoder of answer streams: bytes in, events out. It does no I/O and knows no time.

Notion answers a turn with lines of JSON in one of two encodings, told apart by what is in them:
operations that change a state (`patch-start`, `patch`, `patch-sync`), or whole steps, one a line
and each in place of the one before. Both may end with a `record-map` of what was saved.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import EmptyAnswer, Problem, UpstreamBroken
from ...turn import Citations, Done, Event, Piece, Stop, Usage
from ...wire import Lines, LineTooLong
from .answer import IDLE, STEPS, Answer, ending
from .drift import Drift
from .failures import FAILURES, from_page, from_step
from .lines import Op, Patch, Saved, Start, Sync, ops_of, parse, quick
from .loose import list_of, object_of, text_of
from .patches import Patches
from .records import Message, Records, read_records
from .steps import Chat

SHUTDOWN = "container_shutdown"
MOVED = frozenset({"queue-handoff", "reenqueue-with-delay", "inference-connection-lifecycle"})
SHORT = "the answer was cut short"
WAITS = "a tool is waiting for a confirmation that can only be given in Notion"
RECORD_MAP = b'{"type":"record-map",'


class Decoder:
    """One answer. `estimate` stands in for figures that the service did not give.

    Blocks of the tag `verbatim`, where one is given, come through byte for byte. `citations` says
    how sources are named.

    Problems come after the events that came before them: a `feed` that has both returns the events,
    and the next call raises. `drift` counts unknown shapes by name.
    """

    def __init__(
        self,
        estimate: Callable[[Sequence[Piece]], Usage],
        verbatim: str = "",
        citations: Citations = "inline",
    ) -> None:
        self._estimate = estimate
        self._lines = Lines()
        self._drift = Drift()
        self._answer = Answer(self._drift, verbatim, citations)
        self._patches = Patches(self._answer, self._drift)
        self._halves: dict[str, str] = {}
        self._problem: Problem | None = None
        self._started = False  # a line came that is not blank
        self._ended = False  # the service said so: a snapshot that nothing followed, or `done`
        self._torn = False  # the last line is not all there
        self._mapped = False  # a record map came
        self._completed = False  # a record map said so
        self._saved: tuple[Message, ...] = ()
        self._complete: bool | None = False  # None where it must be found out anew
        self.begun = False
        """Whether there is an answer that must not be asked for again: some was told, or moved."""

    @property
    def drift(self) -> Mapping[str, int]:
        return self._drift.seen

    @property
    def complete(self) -> bool:
        """Whether nothing that matters can follow: an open connection need not be waited for."""
        if self._complete is None:
            self._complete = self._find_complete()
        return self._complete

    def _find_complete(self) -> bool:
        if self._problem is not None or self._completed:
            return True
        last = self._answer.last
        if last is None or not last.finished:
            return last is None and self._ended
        return self._ended or not (last.calls or last.blank)

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes. Raises the Problem that the stream came to."""
        if self._problem is None:
            try:
                if lines := self._lines.feed(data):
                    self._read(lines)
            except Problem as exc:
                self._stop(exc)
            except LineTooLong as exc:
                self._stop(UpstreamBroken(f"Notion sent {exc}"))
            events = self._answer.voice.drain()
            if events:
                self.begun = True
                return events
            if self._problem is None:
                return events
        raise self._problem

    def finish(self) -> list[Event]:
        """The last events, with the one Done. Raises the Problem that the stream came to."""
        if self._problem is not None:
            raise self._problem
        if rest := self._lines.finish().strip():
            self._torn = not rest.startswith(RECORD_MAP) and parse(rest, {}) is None
            if self._torn and rest.startswith(b"{"):
                self._started = True  # half of something: what, is not known, but no news
            else:
                self._read(rest)
        self._judge_end()
        self._answer.close()
        self._judge()
        return [*self._answer.voice.drain(), *ending(self._answer.sources), self._done()]

    def restore(self, steps: Sequence[Mapping[str, Any]]) -> None:
        """All steps of the answer as they were saved, where the stream broke off. Then `finish`.

        Raises the Problem that the turn came to.
        """
        self._problem, self._lines = None, Lines()
        self._answer.restore(steps)
        self._ended = self._started = True

    def _stop(self, problem: Problem) -> None:
        self._problem = problem
        self._complete = True

    def _read(self, lines: bytes) -> None:
        """Lines of changes are applied together: a text that grows in many is said once."""
        records = quick(lines)
        if records is None:
            for line in lines.split(b"\n"):
                if line := line.strip():
                    self._read_carefully(line)
            return
        ops: list[Op] = []
        for record in records:
            if isinstance(record, Patch):
                ops += record.v
            else:
                self._apply(ops)
                ops = []
                self._take_in_quickly(record)
        self._apply(ops)

    def _apply(self, ops: Sequence[Op]) -> None:
        if ops:
            if self._patches.apply(ops) or self._ended:
                self._complete = None
            self._started, self._ended = True, False

    def _take_in_quickly(self, record: Start | Sync | Saved) -> None:
        self._complete = None
        self._started = True
        if not isinstance(record, Saved):
            self._set_state(record.data, last=isinstance(record, Sync))
        elif self._answer.settled:
            self._mapped = True  # it could tell nothing new
        else:
            self._read_carefully(b'{"type":"record-map","recordMap":%b}' % bytes(record.record_map))

    def _set_state(self, data: object, *, last: bool) -> None:
        self._answer.sync(list_of(object_of(data).get("s")))
        self._ended = last
        self._patches.moved()

    def _read_carefully(self, line: bytes) -> None:
        """Server-sent events were never seen here, but cost nothing to understand."""
        self._complete = None
        if line.startswith(RECORD_MAP) and self._answer.settled:
            self._started = self._mapped = True  # megabytes, perhaps, that need no parsing
            return
        line = line.removeprefix(b"data:").lstrip()
        record = parse(line, self._halves)
        if record is not None:
            self._started = True
            self._take_in(text_of(record.get("type")), record)
        elif line.startswith(b"<") and not self._started:
            raise from_page()
        elif line == b"[DONE]":
            self._ended = True
        else:
            self._started = True
            self._drift.note("line")

    def _take_in(self, kind: str, record: Mapping[str, Any]) -> None:
        match kind:
            case "patch":
                self._ended = False
                self._patches.apply(ops_of(record))
            case "patch-start" | "patch-sync":
                self._set_state(record.get("data"), last=kind == "patch-sync")
            case "record-map":
                self._read_map(read_records(record.get("recordMap")))
            case "agent-search-extracted-results":
                call = text_of(record.get("toolCallId"))
                self._answer.sources.learn(call, list_of(record.get("results")))
            case "done":
                self._ended = True
            case _ if kind in STEPS:
                self._answer.line(record)
                self._patches.moved()
            case _:
                self._read_other(kind, record)

    def _read_other(self, kind: str, record: Mapping[str, Any]) -> None:
        if kind in FAILURES or record.get("isNotionError"):
            raise from_step(record)
        if kind in MOVED and record.get("reason", SHUTDOWN) == SHUTDOWN:
            if not self.complete:
                self.begun = True
                raise UpstreamBroken(f"Notion moved the answer elsewhere before its end ({kind})")
        elif kind not in IDLE:
            self._drift.note("type", kind)

    def _read_map(self, records: Records) -> None:
        """Messages are of use only while there is no text, but for the old kind of chat.

        A map that comes early may tell of the turn before: the outcome must be of this one.
        """
        self._mapped = True
        traces = self._answer.traces or (set[str]() if self._answer.blank else records.completed)
        self._completed |= not records.completed.isdisjoint(traces)
        for message in records.messages:
            step = self._answer.by_id(text_of(message.step.get("id")))
            if isinstance(step, Chat):
                step.become(message.step)
        self._saved = records.messages if self._answer.blank else ()
        last = self._answer.last
        if last is not None and not (last.finished or self._completed):
            self._look_for_failure(records)

    def _look_for_failure(self, records: Records) -> None:
        """Of an answer that broke off in its midst, only what was saved tells why."""
        traces = self._answer.traces
        for message in records.messages:
            mine = not (traces and message.inference) or message.inference in traces
            if mine and message.step.get("type") in FAILURES:
                raise from_step(message.step)

    def _judge_end(self) -> None:
        """Raises if the stream broke off: then what is still held may get its end elsewhere."""
        if not self._started:
            raise EmptyAnswer("Notion answered with nothing at all")
        if not self._whole and self._answer.blank:
            self._recover()
        if not self._whole:
            raise UpstreamBroken(WAITS if self._answer.stuck else SHORT)

    def _judge(self) -> None:
        """Raises unless this is the whole of an answer."""
        if self._answer.blank:
            self._recover()
        if self._answer.stuck:
            raise UpstreamBroken(WAITS)
        if self._answer.blank:
            raise EmptyAnswer("Notion ended the answer without a word")

    @property
    def _whole(self) -> bool:
        return self.complete or self._ended or self._over

    @property
    def _over(self) -> bool:
        """Whether the end of the stream, as it came, is the end of the answer.

        Old streams end with a record map; research may end with its last word.
        """
        last = self._answer.last
        if last is None:
            reports = (s for s in self._answer.steps if s.type == "researcher-report")
            return self._mapped or (not self._torn and any(not r.blank for r in reports))
        return last.finished and (self._mapped or not last.calls) and not self._answer.unanswered

    def _recover(self) -> None:
        """An answer, or a refusal, that was saved and never streamed."""
        traces = self._answer.traces
        mine = [m for m in self._saved if not (m.inference and traces) or m.inference in traces]
        if mine:
            self._answer.line(mine[-1].step)
            self._answer.close()
            self._ended = True

    def _done(self) -> Done:
        truth = self._answer.pieces() if self._answer.revised else None
        usage = self._answer.usage() or self._estimate(truth or self._answer.pieces())
        return Done(Stop.END, usage, served=self._answer.served, truth=truth)
