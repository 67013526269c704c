"""Client protocols. To add one, write a package here and add its class to TRANSLATORS."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from ..errors import Problem
from ..turn import Event, Reply, Turn
from .anthropic_messages import AnthropicMessages
from .exchange import Exchange
from .openai_chat import OpenAIChat
from .openai_responses import OpenAIResponses


class Translator(Protocol):
    """A client protocol is a class; an instance is one exchange in it.

    Pure: the id, the time and what the gateway remembers arrive in the `Exchange`, and nothing here
    can await. Every method returns bytes ready to be written.
    """

    name: ClassVar[str]
    """As in `--as` and in logs."""
    path: ClassVar[str]
    request_id_header: ClassVar[str]
    """The header that carries the request's id in this protocol."""
    effort: ClassVar[str]
    """The path of the field that says how hard the model shall think."""

    turn: Turn
    stream: bool
    ignored: tuple[str, ...]
    """Paths of what was sent and has no meaning here."""

    def __init__(self, body: bytes, exchange: Exchange) -> None:
        """Raises BadRequest and its kin, with the path of the field."""
        ...

    def start(self) -> bytes:
        """What comes before any content."""
        ...

    def feed(self, events: Sequence[Event]) -> bytes:
        """The frames of one batch; with `Done`, everything up to the end of the stream."""
        ...

    def ping(self) -> bytes:
        """A sign of life that the protocol's clients take for one. Legal after `start`."""
        ...

    def fail(self, problem: Problem) -> bytes:
        """After `start`: closes what is open, tells the problem, ends the stream."""
        ...

    def whole(self, reply: Reply) -> bytes:
        """The body of an answer that is not streamed: the same meaning, folded."""
        ...

    def remember(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """What later requests may refer to by id, once the answer is finished."""
        ...

    @staticmethod
    def refuse(problem: Problem, request_id: str) -> bytes:
        """Before the first byte: the protocol's own error body."""
        ...


TRANSLATORS: tuple[type[Translator], ...] = (AnthropicMessages, OpenAIChat, OpenAIResponses)
