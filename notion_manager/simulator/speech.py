"""How a text is put on the wire: its pieces, its language tag, and what befalls it on the way."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from .scenarios import Scenario
from .script import Cut, Ending, Pause, Writer, op
from .shapes import Json, as_text, signature

WORDS = 5
TAG = '<lang primary="en-US"'
CUTS = {
    "cut": Ending.CLOSE,
    "truncate": Ending.TRUNCATE,
    "reset-text": Ending.RESET,
    "stall": Ending.STALL,
    "handoff": Ending.CLOSE,
    "shutdown": Ending.CLOSE,
}
FAREWELLS: dict[str, Json] = {
    "handoff": {"type": "queue-handoff"},
    "shutdown": {"type": "inference-connection-lifecycle", "reason": "container_shutdown"},
}


def pieces(text: str, rng: Random) -> Iterator[str]:
    """The text a few words at a time, cut inside words and citations now and then."""
    ends = [match.end() for match in re.finditer(r"\s*\S+|\s+\Z", text)]
    cuts: set[int] = set()
    at = 0
    while at < len(ends):
        at += rng.randint(1, WORDS)
        cuts.add(ends[min(at, len(ends)) - 1] - (rng.randint(0, 3) if rng.random() < 0.2 else 0))  # noqa: PLR2004
    for match in re.finditer(r"\[\^[^\]]*", text):
        cuts.add(rng.randint(match.start() + 1, match.end()))
    bounds = [0, *sorted(c for c in cuts if 0 < c < len(text)), len(text)]
    yield from (text[a:b] for a, b in pairwise(bounds) if a < b)


def stall(out: Writer, scenario: Scenario) -> None:
    """Never begin, where a scenario has it so."""
    if scenario.get("stall") == "start":
        out.beat(Cut(Ending.STALL))


def pause(out: Writer, scenario: Scenario) -> None:
    """The silence before the first word."""
    if "think" in scenario:
        out.beat(Pause(scenario.number("think", 1)))


def cut(out: Writer, scenario: Scenario) -> None:
    """End the stream here, where a scenario has it so."""
    ending = scenario.first(CUTS)
    if ending and scenario.get("stall") != "start":
        if ending in FAREWELLS:
            out.line(FAREWELLS[ending])
        out.beat(Cut(CUTS[ending]))


@dataclass(frozen=True, slots=True)
class Speaker:
    """Writes the entries of one inference step."""

    out: Writer
    scenario: Scenario
    rng: Random

    def _tag(self) -> tuple[str, str]:
        """The language tag before the text, and what closes it behind."""
        if "op-p" in self.scenario:
            return f"{TAG}/>", ""
        match self.scenario.get("lang") or self.rng.choice(["none", "split", "whole"]):
            case "none":
                return "", ""
            case "closing":
                return f"{TAG}>", "</lang>"
            case "stray":
                return 'primary="en-US">', ""
            case _:
                return f"{TAG}/>\n", ""

    def think(self, step: int, entry: Json, text: str, *, signed: bool) -> None:
        at = self._next(step)
        first, *rest = list(pieces(text, self.rng)) or [""]
        self.out.patch(op("a", f"/s/{step}/value/-", {**entry, "content": first}))
        for piece in rest:
            self.out.patch(op("x", f"/s/{step}/value/{at}/content", piece))
        if signed:
            self.out.patch(op("a", f"/s/{step}/value/{at}/signature", signature(self.rng)))

    def preamble(self, step: int, text: str) -> None:
        self._write(step, list(pieces(text, self.rng)))

    def answer(self, step: int, text: str, interrupt: Callable[[], bool]) -> bool:
        """Write the answer; in its middle the quirks, and `interrupt`. Whether that ended it."""
        if "previous-attempt" in self.scenario:
            self._withdraw(step)
        tag, tail = self._tag()
        parts = [*self._opening(tag), *pieces(text, self.rng), tail]
        return self._write(step, [part for part in parts if part], interrupt)

    def _opening(self, tag: str) -> Sequence[str]:
        if "op-p" in self.scenario:
            return ["<lang pri", tag]
        if not tag or self.scenario.get("lang") in {"whole", "stray"}:
            return [tag]
        at = self.rng.randint(1, len(tag) - 1)
        return [tag[:at], tag[at:]]

    def _write(
        self, step: int, parts: Sequence[str], interrupt: Callable[[], bool] | None = None
    ) -> bool:
        at = self._next(step)
        name = self.out.state.steps[step]["id"] if "by-id" in self.scenario else step
        path = f"/s/{name}/value/{at}/content"
        first, *rest = parts or [""]
        self.out.patch(op("a", f"/s/{name}/value/-", {"type": "text", "content": first}))
        for number, piece in enumerate(rest):
            if interrupt and number == (len(rest) + 1) // 2:
                if interrupt():
                    return True
                self._quirks(step, path)
            self._grow(path, piece, lossy=interrupt is not None and 1 < number < len(rest) - 1)
        return interrupt is not None and len(rest) < 2 and interrupt()  # noqa: PLR2004

    def _grow(self, path: str, piece: str, *, lossy: bool) -> None:
        if piece.startswith("<lang") and "op-p" in self.scenario:
            self.out.patch(op("p", path, piece))
        elif len(piece) > 1 and self.rng.random() < 0.2:  # noqa: PLR2004 - now and then two at once
            at = self.rng.randint(1, len(piece) - 1)
            self.out.patch(op("x", path, piece[:at]), op("x", path, piece[at:]))
        else:
            lost = lossy and "lost-patches" in self.scenario and self.rng.random() < 0.4  # noqa: PLR2004
            self.out.patch(op("x", path, piece), lost=lost)

    def _quirks(self, step: int, path: str) -> None:
        if "rewrite" in self.scenario:
            self._rewrite(step, path)
        if "op-r" in self.scenario:
            self._append_and_remove(step)
        if "restart" in self.scenario:
            self.out.start(*self.out.state.steps)
        cut(self.out, self.scenario)

    def _rewrite(self, step: int, path: str) -> None:
        """A citation placeholder is shown, then everything gets shorter again."""
        now = as_text(self.out.state.steps[step]["value"][-1]["content"])
        self.out.patch(op("x", path, "[^{{https://news.exam"))
        self.out.patch(op("a", path, now))

    def _append_and_remove(self, step: int) -> None:
        at = self._next(step)
        self.out.patch(op("a", f"/s/{step}/value/-", {"type": "text", "content": ""}))
        self.out.patch(op("r", f"/s/{step}/value/{at}"))

    def _withdraw(self, step: int) -> None:
        """A first attempt fails after a few words; what it said moves aside."""
        value = self.out.state.steps[step]["value"]
        said = [*value, {"type": "text", "content": "This attempt will be withdrawn"}]
        self.out.patch(op("a", f"/s/{step}/value/-", said[-1]))
        aside = op("a", f"/s/{step}/previousAttemptValues/-", said)
        self.out.patch(aside, op("a", f"/s/{step}/value", said[:-1]))

    def _next(self, step: int) -> int:
        return len(self.out.state.steps[step]["value"])
