"""POST /v1/messages and /v1/messages/count_tokens, as Anthropic's clients speak them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ... import tokens
from ...errors import Problem
from ...models import UNNAMED
from ...turn import Event, Reply
from ...wire import dumps
from ..exchange import Exchange
from .problems import error_body
from .request import read
from .response import PING, Answer

__all__ = ["AnthropicMessages", "count_tokens"]


class AnthropicMessages:
    """One Messages exchange. `turn.model` is "" where the client named no model."""

    name: ClassVar[str] = "messages"
    path: ClassVar[str] = "/v1/messages"
    request_id_header: ClassVar[str] = "request-id"
    effort: ClassVar[str] = "output_config.effort"

    def __init__(self, body: bytes, exchange: Exchange) -> None:
        """Raises BadRequest; ThreadUnsupported and ThreadNotFound for a server-side thread."""
        request = read(body, exchange.headers)
        self._id = exchange.id
        self.turn = request.turn
        self.stream = request.stream
        self.ignored = request.ignored
        self._answer = Answer(
            f"msg_{exchange.id}", request.turn.model or UNNAMED, request.reasoning
        )

    def start(self) -> bytes:
        return self._answer.start(input_tokens=tokens.of_turn(self.turn))

    def feed(self, events: Sequence[Event]) -> bytes:
        return self._answer.feed(events)

    def ping(self) -> bytes:
        return PING

    def fail(self, problem: Problem) -> bytes:
        return self._answer.fail(problem, self._id)

    def whole(self, reply: Reply) -> bytes:
        """Raises UpstreamBroken where a finished tool call has no usable arguments."""
        return self._answer.whole(reply)

    def remember(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        return ()

    @staticmethod
    def refuse(problem: Problem, request_id: str) -> bytes:
        return error_body(problem, request_id)


def count_tokens(body: bytes, exchange: Exchange) -> bytes:
    """Answers a count_tokens request with an estimate that errs high.

    The body is that of a Messages request, but needs no `max_tokens` and may end with the
    assistant. Raises what the constructor of AnthropicMessages does, to be told with its `refuse`.
    """
    request = read(body, exchange.headers, counting=True)
    return dumps({"input_tokens": tokens.of_turn(request.turn)})
