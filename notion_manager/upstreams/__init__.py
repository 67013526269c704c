"""What can answer a turn. To add an upstream, write a module with a class of this shape."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

from ..allowance import Allowance
from ..errors import AccountLeft
from ..models import Model
from ..turn import Event, Turn

Since = Literal["nothing", "failed", "more"]
"""`failed` is a question that got no answer; `more` is one that may have, or will."""


class Upstream(Protocol):
    """One account, able to answer. Raises only Problem.

    `open` yields batches: all the events that one network read gave, possibly none. By then
    `turn.model` is the upstream's own name of the model, or "" to let it pick, `turn.effort` is one
    that the model accepts or "", and the Nones of `turn.search` and `turn.read_only` are settled.
    Each `Done` carries usage, estimated where the upstream gave none. Leaving the context closes
    the connection if the answer is unfinished.
    """

    def open(self, turn: Turn) -> AbstractAsyncContextManager[AsyncIterator[Sequence[Event]]]: ...

    @property
    def identity(self) -> str:
        """A name that stays with the account of the service, whatever it is called here."""
        ...

    async def models(self) -> Sequence[Model]: ...

    async def allowance(self) -> Allowance:
        """What is left, as the service tells without charging for it."""
        ...

    async def since(self, bookmark: str) -> Since:
        """What came to a conversation after that was given for it, read for free."""
        ...

    async def forget(self, threads: Sequence[str]) -> None:
        """Delete conversations that it made. Raises UpstreamRejected where one is unknown."""
        ...


def is_same(one: Upstream | None, other: Upstream | None) -> bool:
    """Whether both are of one account, perhaps with another token."""
    return one is not None and other is not None and one.identity == other.identity


def found(upstreams: Mapping[str, Upstream], name: str) -> Upstream:
    """That of an account; raises AccountLeft: whoever is on the way to it may come too late."""
    upstream = upstreams.get(name)
    if upstream is None:
        raise AccountLeft(f"the account {name} was removed")
    return upstream
