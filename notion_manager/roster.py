"""The accounts that answer, kept in step with those that are stored."""

import logging
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence

from .allowance import Allowance
from .catalogues import Catalogues
from .keys import digest
from .pool import Pool
from .standing import Standing
from .upstreams import Upstream
from .upstreams.notion_web.account import Account

logger = logging.getLogger(__name__)


class Roster:
    """Makes upstreams of accounts, and takes them in and out of pool and catalogues.

    `forget` is told the identity of one that left.
    """

    def __init__(
        self,
        make: Callable[[Account], Upstream],
        upstreams: MutableMapping[str, Upstream],
        pool: Pool,
        catalogues: Catalogues,
        forget: Callable[[str], None] | None = None,
    ) -> None:
        self._make = make
        self._upstreams = upstreams
        self._pool = pool
        self._catalogues = catalogues
        self._forget = forget
        self._accounts: Mapping[str, Account] = {}

    def enrol(self, accounts: Sequence[Account], standings: Mapping[str, Standing]) -> None:
        """These are the accounts now. One that is new, or changed, begins with its standing.

        What an account is answering goes on, whatever becomes of the account.
        """
        wanted = {account.alias: account for account in accounts}
        left = {name for name, known in self._accounts.items() if not _is_in(wanted, known)}
        for name in left:
            logger.info("account %s has left", name)
            self._pool.leave(name)
            self._catalogues.forget(name)
            del self._upstreams[name]
        for name, account in wanted.items():
            known = None if name in left else self._accounts.get(name)
            if known != account:
                self._upstreams[name] = self._make(account)
                self._pool.join(standings.get(name, Standing(name)), _login(account))
            if known not in (None, account):
                logger.info("account %s was renewed", name)
                self._catalogues.renew(name)
        former, self._accounts = self._accounts, wanted
        if self._forget is not None:
            for identity in _identities(former) - _identities(wanted):  # one may be renamed
                self._forget(identity)

    def reinstate(self, stored: Iterable[Standing], owed: Callable[[str], bool]) -> None:
        """Take back into use what somebody found to be well again, as `accounts check` does.

        Of one that was added again nothing is stored. What is `owed` to the store it cannot know.
        """
        known = {standing.name: standing for standing in stored}
        for name, account in self._accounts.items():
            standing = known.get(name, Standing(name))
            if _is_better(standing, self._pool.standings[name]) and not owed(name):
                logger.info("account %s is back", name)
                self._pool.join(standing, _login(account))

    def learn(self, stored: Mapping[str, Allowance], now: float) -> None:
        """Take over what somebody else read later than we did, as `accounts check` does.

        What befell an account after that may have used up what was left.
        """
        for name, allowance in stored.items():
            ours, known = self._pool.standings.get(name), self._pool.allowances.get(name)
            seen = max(known.read_at if known else 0.0, ours.since if ours else 0.0)
            if ours is None or allowance.read_at <= seen:
                continue
            changed = self._pool.learn(name, allowance, now)
            if changed is not None and not changed.reason:
                logger.info("account %s has allowance again", name)


def _is_in(accounts: Mapping[str, Account], known: Account) -> bool:
    """Another may have its name."""
    now = accounts.get(known.alias)
    return now is not None and now.identity == known.identity


def _identities(accounts: Mapping[str, Account]) -> set[str]:
    return {account.identity for account in accounts.values()}


def _is_better(now: Standing, before: Standing) -> bool:
    return (before.retired and not now.retired) or (before.careful and not now.careful)


def _login(account: Account) -> str:
    """The same for accounts of one token, and not the token."""
    return digest(account.token_v2.reveal())
