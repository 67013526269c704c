"""Everything that one simulator remembers, and the options it was made with."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from .accounts import Ledger, SimAccount
from .bucket import Bucket
from .chunking import Chunks
from .scenarios import Memory, Scenario, from_words
from .shapes import Era, Wrapping
from .threads import Threads


@dataclass(frozen=True, slots=True)
class Options:
    """`pace` is seconds between chunks, `patience` the longest that a silent connection is kept."""

    strict_origin: bool = False
    era: Era = "2026-08"
    wrapping: Wrapping = "double"
    pace: float = 0.0
    gzip: bool = True
    chunks: Chunks = "random"
    deny_overlap: bool = False
    patience: float = 600.0
    scenario: Scenario = field(default_factory=Scenario)


@dataclass(slots=True)
class World:
    seed: int
    accounts: Sequence[SimAccount]
    options: Options
    clock: Callable[[], float] = time.time
    ledger: Ledger = field(default_factory=Ledger)
    threads: Threads = field(default_factory=Threads)
    uploads: Bucket = field(default_factory=Bucket)
    memory: Memory = field(default_factory=Memory)
    dead: set[str] = field(default_factory=set[str])
    calls: int = 0
    origin: str = ""
    """Where it is reached: the bucket is there too."""
    running: dict[str, int] = field(default_factory=dict[str, int])
    own: Mapping[str, Scenario] = field(init=False)
    """Each account's own scenario, by user id."""

    def __post_init__(self) -> None:
        """Read every account's scenario, so that a typo is told at once (ValueError)."""
        self.own = {a.user_id: from_words(a.scenario) for a in self.accounts}
        self.dead |= {a.token_v2 for a in self.accounts if a.expired}

    @property
    def now_ms(self) -> int:
        return int(self.clock() * 1000)

    def dice(self) -> Random:
        """Randomness of the next call: from the seed and the number of calls before it."""
        self.calls += 1
        return Random(f"{self.seed}/{self.calls}")  # noqa: S311 - a simulation

    def account(self, token: str) -> SimAccount | None:
        """Whose token this is, compared as it came in the cookie; None if dead or unknown."""
        alive = (a for a in self.accounts if a.token_v2 not in self.dead)
        return next((a for a in alive if a.token_v2 == token), None)

    def defaults(self, account: SimAccount) -> Scenario:
        own = self.own[account.user_id].over(self.options.scenario)
        return self.memory.stuck.get(account.user_id, Scenario()).over(own)
