"""What is left of an account's allowance, as the service last told."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

SMOOTHED = 0.3  # the share that the latest pace has in the one that is told
SHORT = 60.0  # seconds between two readings that are too few to tell a pace
FORESEEN = 366 * 86400.0  # seconds, beyond which a pace tells no end

Kind = Literal["user", "workspace", "window", "period", "premium", "research"]


class Meter(Struct, frozen=True):
    """`used` of `limit`, in whatever unit the service counts; it ends `resets_at` Unix seconds.

    `binds` says that nothing is answered once it is used up; `pace` is units a second. A reset that
    is not known, or never comes, is 0.
    """

    kind: Kind
    used: float
    limit: float
    resets_at: float = 0.0
    binds: bool = True
    pace: float = 0.0

    @property
    def left(self) -> float:
        """The share that is left, between 0 and 1."""
        return min(1.0, max(0.0, 1.0 - self.used / self.limit))

    def ends(self, now: float) -> float:
        """When it will be used up at this pace, in Unix seconds; 0 where it resets before.

        So it is where that is years away: the pace of one that nobody uses comes close to none.
        """
        if self.left == 0 or self.limit - self.used > self.pace * FORESEEN:
            return 0.0
        at = now + (self.limit - self.used) / self.pace
        return 0.0 if 0 < self.resets_at < at else at


class Allowance(Struct, frozen=True):
    """`eligible` is the service's own word on whether it would answer. `paid`: on a paid plan.

    `until` is when it may answer again, in Unix seconds, where it said so.
    """

    read_at: float
    eligible: bool = True
    paid: bool = False
    meters: tuple[Meter, ...] = ()
    until: float = 0.0

    @property
    def headroom(self) -> float:
        """The share that is left of whatever ends first, between 0 and 1."""
        if not self.eligible:
            return 0.0
        return min((meter.left for meter in self.meters if meter.binds), default=1.0)

    @property
    def resets_at(self) -> float:
        """When there may be more, in Unix seconds; 0 where nobody knows, or never."""
        spent = [meter.resets_at for meter in self.meters if meter.binds and meter.left == 0]
        return self.until or min(filter(None, spent), default=0.0)

    @property
    def why(self) -> str:
        """In a few words: what is used up, or how much is left of what ends first."""
        binding = [meter for meter in self.meters if meter.binds]
        if not binding:
            return "not metered" if self.eligible else "not eligible"
        first = min(binding, key=lambda meter: meter.left)
        figures = f"{first.used:g} of {first.limit:g} ({first.kind})"
        return figures if self.eligible else f"not eligible: {figures}"

    def since(self, earlier: "Allowance | None") -> "Allowance":
        """The same, with the pace at which each meter went since an earlier reading."""
        if earlier is None:
            return self
        known: dict[Kind, Meter] = {meter.kind: meter for meter in earlier.meters}
        return replace(self, meters=tuple(self._paced(known, earlier.read_at)))

    def _paced(self, known: dict[Kind, Meter], then: float) -> Iterable[Meter]:
        passed = self.read_at - then
        for meter in self.meters:
            before = known.get(meter.kind)
            if before is None or meter.used < before.used or passed <= 0:  # it began anew
                yield meter
            elif passed < SHORT:
                yield replace(meter, pace=before.pace)
            else:
                pace = (meter.used - before.used) / passed
                smooth = before.pace + SMOOTHED * (pace - before.pace) if before.pace else pace
                yield replace(meter, pace=smooth)
