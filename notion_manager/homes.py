"""Where the conversation of a request is, from its first try until an answer begins."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from .conversations import Conversations, Listener
from .errors import Problem
from .places import Binding
from .pool import Pool
from .story import Story
from .turn import Event
from .upstreams import Since, Upstream


class Homes:
    """The accounts that have conversations, by the names that they have now."""

    def __init__(
        self, upstreams: Mapping[str, Upstream], pool: Pool, clock: Callable[[], float]
    ) -> None:
        self._upstreams = upstreams
        self._pool = pool
        self._clock = clock

    def of(self, binding: Binding) -> str:
        """The account's name; "" if it left."""
        upstreams = self._upstreams.items()
        return next((name for name, each in upstreams if each.identity == binding.identity), "")

    async def since(self, binding: Binding) -> Since:
        """What came to a conversation after its last answer, as far as that can be found out."""
        name = self.of(binding)
        if not (self._pool.is_usable(name) and self._pool.is_well(name, self._clock())):
            return "more"
        try:
            return await self._upstreams[name].since(binding.bookmark)
        except Problem:
            return "more"


class Home:
    """Of one request: a place that it took, if there was one. `was_known` says so."""

    def __init__(
        self, homes: Homes, conversations: Conversations | None, story: Story | None
    ) -> None:
        self._homes = homes
        self._conversations = conversations
        self._story = story
        self._binding: Binding | None = None
        if conversations is not None and story is not None and story.past:
            self._binding = conversations.take(story.past)
        self.was_known = self._binding is not None
        self._went_on = False

    @property
    def name(self) -> str:
        """The account where it can go on; "" if there is none, or that is doubted."""
        binding = self._binding
        return self._homes.of(binding) if binding and not binding.doubted else ""

    async def make_sure(self) -> bool:
        """Whether it can go on where that was doubted.

        Where a question may be answered there, it could be so twice; and where one failed, another
        request may ask something else. Then the conversation is told anew.
        """
        binding = self._binding
        if binding is None or not binding.doubted:
            return False
        since = await self._homes.since(binding)
        if since == "nothing" or (since == "failed" and self._went_on):
            self._binding = binding._replace(doubted=False)
            return True
        return False

    def go_on(self) -> Binding | None:
        """A question is sent there now. Until an answer begins, it may have been heard or not."""
        binding = self._binding
        if binding is not None:
            self._binding, self._went_on = binding._replace(doubted=True), True
        return binding

    def trust(self, binding: Binding | None) -> None:
        """The question was refused, and not heard."""
        self._binding = binding

    def leave(self) -> None:
        """An answer began, there or elsewhere: the place is no more."""
        self._binding = None

    def give_back(self) -> None:
        """No answer began, there nor elsewhere."""
        if self._binding is not None and self._conversations is not None:
            self._conversations.put_back(self._binding)
            self._binding = None

    def listener(self, identity: str, terms: str) -> Callable[[Sequence[Event]], None] | None:
        """What hears an answer, so that the conversation can go on with that account."""
        if self._conversations is None or self._story is None:
            return None
        put = partial(self._conversations.put, identity=identity, terms=terms)
        return Listener(self._story, put).heed
