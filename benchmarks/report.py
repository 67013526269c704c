"""Rounds to a table, to JSON, and into the page that shows them."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import bridge
import decoder
import picking
from figure import Figure, table
from goals import ROWS, Always, Limit, Ratio, Round, Spread, Unit, Verdict, judge

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
PACKAGES = ("notion-manager", "aiohttp", "uvloop", "orjson", "msgspec")


@dataclass(frozen=True, slots=True)
class Report:
    """What a whole run gave; `busy` is the load average before each round."""

    rounds: Sequence[Round]
    busy: Sequence[float]
    paces: Sequence[decoder.Pace]
    bridge: Sequence[Figure]
    picking: Sequence[Figure]
    accounts: int = 1

    @property
    def verdicts(self) -> list[Verdict]:
        return [judge(row, self.rounds) for row in ROWS]

    @property
    def failed(self) -> list[str]:
        return [v.row.label for v in self.verdicts if not v.holds]

    def markdown(self) -> str:
        pure = (table(bridge.TITLE, self.bridge), table(picking.TITLE, self.picking))
        tables = (self._table(), *pure, decoder.table(self.paces))
        return "\n\n".join([self._circumstances(), *tables])

    def json(self) -> dict[str, Any]:
        """Figures in seconds, bytes and counts."""
        return {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "versions": {name: version(name) for name in PACKAGES},
            "accounts": self.accounts,
            "load_average": list(self.busy),
            "rounds": list(self.rounds),
            "nanoseconds": {pace.label: pace.middle for pace in self.paces},
            "bridge": {figure.label: figure.middle for figure in self.bridge},
            "picking": {figure.label: figure.middle for figure in self.picking},
            "failed": self.failed,
        }

    def _circumstances(self) -> str:
        today = datetime.now(UTC).date()
        versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        return (
            f"{today}, {len(self.rounds)} rounds, accounts: {self.accounts}, load average before "
            f"each {min(self.busy):.2f} to {max(self.busy):.2f}.\n{machine()}.\n"
            f"Python {platform.python_version()}, {versions}."
        )

    def _table(self) -> str:
        lines = [
            "| measure | floor | ours | ratio (range) | goal | holds |",
            "|---|---|---|---|---|---|",
            *(_line(verdict) for verdict in self.verdicts),
        ]
        return "\n".join(lines)


def machine() -> str:
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    cpu = names[0] if names else platform.machine()
    kernel = platform.release().partition("-")[0]
    return f"{os.cpu_count()} cores of {cpu}, {platform.system()} {kernel}"


def put(page: Path, figures: str) -> None:
    """Write between the page's two marks. Raises ValueError where it has none."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no place for figures: {BEGIN} … {END}")
    page.write_text(f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}")


def _line(verdict: Verdict) -> str:
    row, unit = verdict.row, verdict.row.unit
    ours = _figure(verdict.ours, unit)
    match row.goal:
        case Ratio(limit):
            goal = f"≤ {limit:g} times the floor"
        case Limit(limit):
            goal, ours = f"≤ {limit:g} {unit.name}", _ranged(verdict.ours, unit)
        case Always(limit):
            goal, ours = f"always ≤ {limit:g} {unit.name}", _ranged(verdict.ours, unit)
    ratio = _ranged(verdict.ratio, Unit("", 1.0, 2)) if isinstance(row.goal, Ratio) else ""
    cells = (row.label, _figure(verdict.floor, unit), ours, ratio, goal.rstrip())
    return f"| {' | '.join(cells)} | {'yes' if verdict.holds else '**no**'} |"


def _figure(spread: Spread, unit: Unit) -> str:
    return f"{spread.middle:.{unit.digits}f} {unit.name}".rstrip()


def _ranged(spread: Spread, unit: Unit) -> str:
    digits = unit.digits
    return f"{_figure(spread, unit)} ({spread.least:.{digits}f} to {spread.most:.{digits}f})"
