"""Events written as a Responses stream, or folded into one response object."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...blocks import Blocks, Grown, Opened, Step
from ...errors import Problem
from ...turn import Done, Event, Reply, Text, coalesce, join
from ...wire import dumps
from ..exchange import Exchange
from .growing import Growing, Numbering
from .output import INCOMPLETE, Finished, annotations, finished, grouped, item_id, usage
from .problems import error
from .request import Request


class Answer:
    """One response object, from `created` to its end.

    An output item is one part of the reply, so its `output_index` is the part's.
    """

    def __init__(self, exchange: Exchange, request: Request) -> None:
        self._exchange = exchange
        self._view = request.view
        self._echo = request.echo
        self._numbering = Numbering()
        self._blocks = Blocks(within=True)
        self._growing: list[Growing] = []  # at most one: the open item
        self._finished: list[Finished] = []

    def start(self) -> bytes:
        begun = self._response("in_progress")
        created = self._event("response.created", begun)
        return created + self._event("response.in_progress", begun)

    def ping(self) -> bytes:
        """Codex counts events as life, and comments not."""
        return self._event("response.in_progress", self._response("in_progress"))

    def feed(self, events: Sequence[Event]) -> bytes:
        match events:
            case [Text() as piece] if self._blocks.grow(piece) is not None:
                return self._growing[-1].grown(piece)
            case _:
                pass
        return b"".join(frame for event in coalesce(events) for frame in self._frames(event))

    def fail(self, problem: Problem) -> bytes:
        """An item that is open stays open: it never was done."""
        failed = self._response("failed", error=error(problem), output=self._output())
        return self._event("response.failed", failed)

    def whole(self, reply: Reply) -> bytes:
        items = grouped(reply.parts)
        last = len(items) - 1
        for index, pieces in enumerate(items):
            status = _status(reply.done) if index == last else "completed"
            id = item_id(pieces[0], self._exchange.id, index, self._view)
            whole, cited = join(pieces), annotations(pieces)
            self._finished.append(finished(whole, id, status, self._view, cited))
        return self._ended(reply.done)

    def remember(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        return [(done.item["id"], done.remembered) for done in self._finished]

    def _frames(self, event: Event) -> Iterable[bytes]:
        if not isinstance(event, Done):
            for step in self._blocks.feed(event):
                yield self._step(step, "completed")
            return
        for step in self._blocks.feed(event):
            yield self._step(step, _status(event))
        yield self._event(f"response.{_status(event)}", self._ended(event))

    def _step(self, step: Step, status: str) -> bytes:
        match step:
            case Opened(index, first):
                exchange, view, numbering = self._exchange.id, self._view, self._numbering
                item = Growing(first, exchange, index, view=view, numbering=numbering)
                self._growing.append(item)
                return item.opened()
            case Grown(_, piece):
                return self._growing[-1].grown(piece)
            case _:  # Closed
                frames, done = self._growing.pop().closed(status)
                self._finished.append(done)
                return frames

    def _ended(self, done: Done) -> bytes:
        reason = INCOMPLETE.get(done.stop)
        return self._response(
            _status(done),
            incomplete_details={"reason": reason} if reason else None,
            output=self._output(),
            usage=usage(done.usage),
        )

    def _output(self) -> list[Mapping[str, Any]]:
        return [done.item for done in self._finished]

    def _event(self, kind: str, response: bytes) -> bytes:
        return self._numbering.response(kind, response)

    def _response(
        self,
        status: str,
        *,
        error: Mapping[str, Any] | None = None,
        incomplete_details: Mapping[str, Any] | None = None,
        output: Sequence[Mapping[str, Any]] = (),
        usage: Mapping[str, Any] | None = None,
    ) -> bytes:
        changing = {
            "id": f"resp_{self._exchange.id}",
            "object": "response",
            "created_at": self._exchange.now,
            "status": status,
            "error": error,
            "incomplete_details": incomplete_details,
            "output": output,
            "usage": usage,
        }
        return b"%b,%b" % (dumps(changing).removesuffix(b"}"), self._echo.removeprefix(b"{"))


def _status(done: Done) -> str:
    return "incomplete" if done.stop in INCOMPLETE else "completed"
