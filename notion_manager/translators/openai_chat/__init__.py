"""POST /v1/chat/completions, as OpenAI's clients and the many compatible ones speak it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ...errors import Problem
from ...models import UNNAMED
from ...turn import Event, Reply
from ..exchange import Exchange
from .request import read
from .response import PING, Chunks, Envelope, failure, refusal, whole

__all__ = ["OpenAIChat"]


class OpenAIChat:
    """One Chat Completions exchange. `turn.model` is "" where the client named no model.

    Answers repeat the name that was asked for, whatever served it.
    """

    name: ClassVar[str] = "chat"
    path: ClassVar[str] = "/v1/chat/completions"
    request_id_header: ClassVar[str] = "x-request-id"
    effort: ClassVar[str] = "reasoning_effort"

    def __init__(self, body: bytes, exchange: Exchange) -> None:
        """Raises BadRequest, and Unsupported for what would be a lie."""
        request = read(body, exchange.headers)
        self.turn = request.turn
        self.stream = request.stream
        self.ignored = request.ignored
        model = request.turn.model or UNNAMED
        self._envelope = Envelope(
            f"chatcmpl-{exchange.id}", exchange.now, model, older=request.older
        )
        self._chunks = Chunks(self._envelope, usage=request.usage)

    def start(self) -> bytes:
        return self._chunks.start()

    def feed(self, events: Sequence[Event]) -> bytes:
        return self._chunks.feed(events)

    def ping(self) -> bytes:
        """A comment: the protocol has no event for it."""
        return PING

    def fail(self, problem: Problem) -> bytes:
        """No `[DONE]` and no finish_reason follow: they would make a part pass for the whole."""
        return failure(problem)

    def whole(self, reply: Reply) -> bytes:
        return whole(self._envelope, reply)

    def remember(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Nothing: Chat's clients send the whole conversation every time."""
        return ()

    @staticmethod
    def refuse(problem: Problem, request_id: str) -> bytes:
        return refusal(problem)
