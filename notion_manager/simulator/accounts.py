"""The people, their workspaces and what they have used: the simulator's own little world."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Models = Literal["all", "restricted"]


@dataclass(frozen=True, slots=True)
class SimSpace:
    """A workspace.

    `ai` None leaves both settings out of the record. A `user_limit` or `space_limit` of 0 means not
    metered; `used` counts turns already taken. `gone` lists a pointer to it without a record.
    """

    id: str
    name: str
    plan: str = "team"
    tier: str = "business"
    ai: bool | None = True
    models: Models = "all"
    user_limit: int = 0
    space_limit: int = 0
    used: int = 0
    premium: int = 100
    gone: bool = False

    @property
    def free(self) -> bool:
        return self.plan in {"", "personal"}

    @property
    def view_id(self) -> str:
        """The id of the person's view of the workspace, derived so that it is stable."""
        return "3" + self.id[1:]


@dataclass(frozen=True, slots=True)
class SimAccount:
    """A person with a session token. `scenario` holds words as in `[[sim:…]]`, space separated."""

    token_v2: str = field(repr=False)
    user_id: str
    name: str
    email: str
    spaces: Sequence[SimSpace] = ()
    scenario: str = ""
    expired: bool = False
    time_zone: str = "Europe/Paris"
    others: Sequence["SimAccount"] = ()
    """Further people signed in to the same browser session: they appear in the bootstrap reads."""

    def space(self, id: str) -> SimSpace | None:
        return next((s for s in self.spaces if s.id == id and not s.gone), None)


def demo_accounts() -> tuple[SimAccount, SimAccount]:
    """Two people; workspaces paid, free, with AI off, left behind, and without a model choice."""
    return _ada(), _grace()


def _ada() -> SimAccount:
    return SimAccount(
        token_v2="v03%3AeyJzaW11bGF0b3IiOiJhZGEifQ.demo-ada",  # noqa: S106 - opens only the simulator
        user_id="11111111-1111-4111-8111-111111111111",
        name="Ada Example",
        email="ada@example.test",
        spaces=(
            SimSpace("22222222-2222-4222-8222-222222222222", "Ada's Space"),
            SimSpace(
                "22222222-2222-4222-8222-2222222222f1",
                "Reading Room",
                plan="personal",
                tier="free",
                user_limit=75,
                space_limit=200,
                used=23,
                premium=0,
            ),
            SimSpace("22222222-2222-4222-8222-2222222222f2", "Quiet Office", ai=False),
            SimSpace("22222222-2222-4222-8222-2222222222f3", "Left Behind", gone=True),
        ),
    )


def _grace() -> SimAccount:
    return SimAccount(
        token_v2="v03%3AeyJzaW11bGF0b3IiOiJncmFjZSJ9.demo-grace",  # noqa: S106 - opens only the simulator
        user_id="11111111-1111-4111-8111-1111111111b2",
        name="Grace Sample",
        email="grace@example.test",
        time_zone="America/New_York",
        spaces=(
            SimSpace(
                "22222222-2222-4222-8222-2222222222b2",
                "Sample Labs",
                plan="enterprise",
                tier="enterprise",
                ai=None,
            ),
            SimSpace("22222222-2222-4222-8222-2222222222b3", "House Rules", models="restricted"),
        ),
    )


@dataclass(slots=True)
class Tally:
    """What one person has used in one workspace."""

    turns: int
    lifetime: int
    research: int = 0
    last_ms: int = 0

    def charge(self, now_ms: int, *, research: bool) -> None:
        self.turns += not research
        self.research += research
        self.lifetime += 1
        self.last_ms = now_ms


@dataclass(slots=True)
class Ledger:
    """Every tally of one simulator, by person and workspace."""

    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict[tuple[str, str], Tally])

    def tally(self, account: SimAccount, space: SimSpace) -> Tally:
        key = account.user_id, space.id
        # the lifetime figure is far above every limit: clients that compare it are wrong
        return self.tallies.setdefault(key, Tally(space.used, space.used + 5_000))

    def space_turns(self, space: SimSpace) -> int:
        return sum(tally.turns for (_, id), tally in self.tallies.items() if id == space.id)

    def exhausted(self, account: SimAccount, space: SimSpace) -> bool:
        used = self.tally(account, space).turns
        over_user = 0 < space.user_limit <= used
        return over_user or 0 < space.space_limit <= self.space_turns(space)
