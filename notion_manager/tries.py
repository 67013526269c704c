"""Whom one request was put to before its first content, and where it may still go."""

from collections.abc import Collection

from .errors import (
    Problem,
    RateLimited,
    StorageBroken,
    TemporarilyUnavailable,
    UpstreamBroken,
)

PASSING = (RateLimited, UpstreamBroken)
"""What the same account may do better after: everything else it would only say again."""

SHARED = (TemporarilyUnavailable, StorageBroken)
"""What is taken to one other account only: it lasts for hours, or is no fault of the account's."""


class Tries:
    """Each account that may do better is asked once, and one of them once more."""

    def __init__(self) -> None:
        self.said: Problem | None = None  # by the account that was asked last
        self.failures: tuple[str, ...] = ()
        self._of: dict[str, Problem | None] = {}
        self._repeated = False
        self._over = False

    @property
    def names(self) -> Collection[str]:
        return self._of.keys()

    @property
    def barred(self) -> Collection[str]:
        """Those that were asked, and would only say the same again, or were asked enough."""
        return [name for name in self._of if not self.may_ask(name)]

    def may_ask(self, name: str) -> bool:
        return name not in self._of or (not self._repeated and isinstance(self._of[name], PASSING))

    def spare(self, name: str) -> None:
        """It is asked once more before others are: a conversation is at home there."""
        if name in self._of and self.may_ask(name):
            self._repeated = True
            del self._of[name]

    def tell_anew(self) -> None:
        """The account that is asked is asked the same once more, in another thread."""
        self._repeated = True

    def ask(self, name: str) -> None:
        self._repeated = self._repeated or name in self._of
        self._of[name] = self.said = None

    def fail(self, name: str, problem: Problem) -> None:
        """It learns what failed before it: an account and a code each, as `home upstream_error`."""
        self._of[name] = self.said = problem
        self.failures = problem.failures = (*self.failures, f"{name} {problem.code}")

    def give_up(self, why: str = "") -> None:
        """There is nobody left to ask; or there is, and they may not be asked, which is told."""
        self._over = True
        if why and self.said is not None:
            self.failures = self.said.failures = (*self.failures, f"others {why}")

    def go_on(self, problem: BaseException) -> bool:
        """Whether another account may do better after this."""
        for kind in SHARED:
            if isinstance(problem, kind) and self._count(kind) > 1:
                return False
        return isinstance(problem, Problem) and problem.elsewhere and not self._over

    def _count(self, kind: type[Problem]) -> int:
        return sum(isinstance(said, kind) for said in self._of.values())
