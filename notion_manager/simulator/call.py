"""One call of an endpoint: who calls, in which world, with what."""

from dataclasses import dataclass
from random import Random

from .accounts import SimAccount, SimSpace
from .replies import Refused, forbidden, invalid
from .scenarios import Scenario
from .shapes import Json, as_text
from .threads import Thread
from .world import World


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a person who is who they say."""

    world: World
    account: SimAccount
    body: Json
    rng: Random

    def space(self, id: object = None) -> SimSpace:
        """The workspace of the body, or the one with this id. Raises Refused (400, 403)."""
        name = as_text(self.body.get("spaceId") if id is None else id)
        if not name:
            raise Refused(invalid(self.rng))
        space = self.account.space(name)
        if space is None:
            raise Refused(forbidden(self.rng))
        return space

    def thread(self) -> Thread:
        thread = self.world.threads.known.get(as_text(self.body.get("threadId")))
        if thread is None or thread.owner != self.account.user_id:
            raise Refused(forbidden(self.rng, "User does not have access to this thread."))
        return thread

    @property
    def scenario(self) -> Scenario:
        """What the account or the simulator prescribe."""
        return self.world.defaults(self.account)
