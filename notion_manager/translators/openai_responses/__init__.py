"""POST /v1/responses, as OpenAI's SDKs and Codex speak it. No response is kept here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ...errors import Problem
from ...turn import Event, Reply
from ...wire import dumps
from ..exchange import Exchange
from ..openai_errors import error_body
from .request import read
from .response import Answer

__all__ = ["OpenAIResponses"]


class OpenAIResponses:
    """One Responses exchange. `turn.model` is "" where the client named no model."""

    name: ClassVar[str] = "responses"
    path: ClassVar[str] = "/v1/responses"
    request_id_header: ClassVar[str] = "x-request-id"
    effort: ClassVar[str] = "reasoning.effort"

    def __init__(self, body: bytes, exchange: Exchange) -> None:
        """Raises BadRequest, and Unsupported for what would need a server that remembers."""
        request = read(body, exchange)
        self.turn = request.turn
        self.stream = request.stream
        self.ignored = request.ignored
        self._answer = Answer(exchange, request)

    def start(self) -> bytes:
        return self._answer.start()

    def feed(self, events: Sequence[Event]) -> bytes:
        return self._answer.feed(events)

    def ping(self) -> bytes:
        return self._answer.ping()

    def fail(self, problem: Problem) -> bytes:
        return self._answer.fail(problem)

    def whole(self, reply: Reply) -> bytes:
        return self._answer.whole(reply)

    def remember(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """The output items by their ids, for `item_reference` in a later request."""
        return self._answer.remember()

    @staticmethod
    def refuse(problem: Problem, request_id: str) -> bytes:
        return dumps(error_body(problem))
