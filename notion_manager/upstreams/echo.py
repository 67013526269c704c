"""An upstream that answers from the prompt: the smallest worked example, and a test double."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from ..models import Model
from ..tokens import of_exchange
from ..turn import Done, Event, Stop, Text, Turn


class Echo:
    """Says the last words of the user again, word by word."""

    @asynccontextmanager
    async def open(self, turn: Turn) -> AsyncGenerator[AsyncIterator[Sequence[Event]], None]:
        yield _said(turn)

    async def models(self) -> Sequence[Model]:
        return (Model("echo", "echo", "Echo", "echo"),)


async def _said(turn: Turn) -> AsyncIterator[Sequence[Event]]:
    last = turn.messages[-1]
    text = " ".join(part.text for part in last.parts if isinstance(part, Text))
    words = [Text(word) for word in text.replace(" ", " \0").split("\0")]
    for word in words:
        yield [word]
    yield [Done(Stop.END, of_exchange(turn, words), served="echo")]
