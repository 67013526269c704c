"""How accounts fared: told to their pool, kept, and said where a person must act."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from .errors import AccountRefused, AiDisabled, Denied, EdgeChallenged, Problem, WorkspaceRefused
from .pool import Pool
from .standing import Standing
from .upstreams import Upstream, is_same

logger = logging.getLogger(__name__)
REMEDIES: Mapping[str, str] = {
    AccountRefused.code: "`accounts add` again with a fresh token",
    WorkspaceRefused.code: "check it in Notion, then run `accounts check`",
    AiDisabled.code: "switch it on and run `accounts check`, or add another workspace",
    Denied.code: "leave the account alone for a while; `accounts check` or `accounts add` takes it"
    " back",
    EdgeChallenged.code: "it concerns this machine's address: every account rests for 5 minutes",
}
"""In the words of docs/operations.md."""


class Reports:
    """`keep` is told of the standings that changed."""

    def __init__(self, pool: Pool, keep: Callable[[Sequence[Standing]], Awaitable[None]]) -> None:
        self._pool = pool
        self._keep = keep

    def may_ask(self, name: str, now: float) -> bool:
        """Whether what can wait is sent for it: it is in use, and no edge challenge was lately."""
        return self.may_use(name) and not self._pool.is_paused(now)

    def may_use(self, name: str) -> bool:
        """Whether it is neither disabled nor retired."""
        return self._pool.is_usable(name)

    async def note(
        self, name: str, problem: Problem | None, now: float, model: str = ""
    ) -> Sequence[Standing]:
        """How a request of a model ended, or a look; gives the standings that changed thereby."""
        before = dict(self._pool.standings) if problem else {}
        changed = self._pool.report(name, problem, now, model)
        _warn(name, before, changed, now)
        if changed:
            await self._keep(changed)
        return changed


def is_past(raised: BaseException | None, holder: Upstream | None, now: Upstream | None) -> bool:
    """Whether it is of a token that the account has no more, or of another under an old name.

    The network edge concerns whoever is there.
    """
    if holder is now or isinstance(raised, EdgeChallenged):
        return False
    return isinstance(raised, AccountRefused) or not is_same(holder, now)


def _warn(
    name: str, before: Mapping[str, Standing], changed: Sequence[Standing], now: float
) -> None:
    """Once for each event: answers under way run into the same thing."""
    retired = [s for s in changed if s.retired and not before[s.name].retired]
    if retired:
        reason, names = retired[0].reason, ", ".join(s.name for s in retired)
        logger.warning("%s is used no more, %s: %s", names, reason, REMEDIES[reason])
    challenged = [s for s in changed if s.reason == EdgeChallenged.code]
    if challenged and not any(_is_challenged(before[s.name], now) for s in challenged):
        reason = EdgeChallenged.code
        logger.warning("%s met the network edge, %s: %s", name, reason, REMEDIES[reason])


def _is_challenged(standing: Standing, now: float) -> bool:
    return standing.reason == EdgeChallenged.code and standing.ready_at > now
