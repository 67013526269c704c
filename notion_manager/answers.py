"""Answers under way: how one begins, and what is known of it by then."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from msgspec import Struct

from .errors import EmptyAnswer, Problem
from .models import Choice
from .turn import Done, Event, Text

Batch = Sequence[Event]
Batches = AsyncIterator[Batch]
Reply = AbstractAsyncContextManager[Batches]


def _all(batch: Batch) -> Batch:
    return batch


class Answer(Struct, frozen=True):
    """An answer under way: its first content is in hand, and the rest comes in batches.

    It is over once a batch, `cut`, ends with a Done.
    """

    first: Batch
    rest: Batches
    account: str
    choice: Choice
    ignored: tuple[str, ...] = ()
    """What was asked of the model and it does not offer."""
    reasks: int = 0
    """How often the model had to be asked again before its first content."""
    failures: tuple[str, ...] = ()
    """What was tried before: an account and the code of its problem, as `home upstream_error`."""
    waited: float = 0.0
    """Seconds until a seat was free."""
    thread: str = "new"
    """Whether the conversation goes on where it was (`continued`), or was `moved` from there."""
    searched: tuple[str, ...] = ()
    """What the model could search: `web`, `workspace`."""
    terms: str = ""
    """What must be the same for the conversation to go on in its thread."""
    identity: str = ""
    """Whose thread that is, whatever the account is called."""
    cut: Callable[[Batch], Batch] = _all
    """Says what of each batch of the rest the client gets, if anything."""
    heed: Callable[[Batch], None] = lambda _: None
    """To be told of each batch just before the client gets it."""

    @property
    def model(self) -> str:
        return self.choice.model.id if self.choice.model else "auto"

    async def batches(self) -> Batches:
        yield self.first
        async for batch in self.rest:
            yield (passed := self.cut(batch))
            if is_last(passed):
                return


def is_last(batch: Batch) -> bool:
    return bool(batch) and type(batch[-1]) is Done


async def begun(reply: Reply) -> tuple[Batch, Batches]:
    """The first content, and what follows. What does not begin is closed."""
    try:
        batches = await reply.__aenter__()
    except Problem as exc:
        exc.refused = True
        raise
    try:
        return await _first(batches), batches
    except BaseException as exc:
        await reply.__aexit__(type(exc), exc, exc.__traceback__)
        raise


async def _first(batches: Batches) -> Batch:
    """White space alone is no content yet: an answer that is no more can still be had elsewhere."""
    held: list[Event] = []
    async for batch in batches:
        held += batch
        if any(not isinstance(event, Text) or not event.text.isspace() for event in batch):
            return held
    raise EmptyAnswer("the upstream said nothing")


async def no_more() -> Batches:
    return
    yield
