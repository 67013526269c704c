"""Measure the daemon against the floor, in interleaved rounds, and hold it to its goals.

Everything is on this machine's loopback and ends with this program. `make bench` runs it.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import FrameType

import bridge
import decoder
import load
import picking
import uvloop
from answers import Plan
from goals import Round
from load import APIS, Ask
from report import Report, put
from targets import Broken, lab
from trials import FULL, QUICK, SHORT, TRIALS, Bench, Size, Trial

WARM = 50  # requests through each API before anything counts


def main() -> int:
    said = _arguments()
    signal.signal(signal.SIGTERM, _stop)
    size = QUICK if said.quick else FULL
    try:
        report = measure(replace(size, rounds=said.rounds or size.rounds), said.accounts)
    except Broken as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print(report.markdown())
    if said.json:
        said.json.write_text(json.dumps(report.json(), indent=1) + "\n")
    if said.write:
        put(said.write, report.markdown())
    for label in report.failed:
        print(f"missed: {label}", file=sys.stderr)
    return int(said.check and bool(report.failed))


def measure(size: Size, accounts: int = 1) -> Report:
    """All rounds. Raises Broken where a process does not work."""
    rounds: list[Round] = []
    busy: list[float] = []
    with ExitStack() as stack:
        bench = _open(stack, size, accounts)
        for number in range(size.rounds):
            busy.append(os.getloadavg()[0])
            _say(f"round {number + 1} of {size.rounds}, load average {busy[-1]:.2f}")
            rounds.append(_round(bench))
    pure = decoder.paces(), bridge.figures(), picking.figures()
    return Report(rounds, busy, *pure, accounts)


def _open(stack: ExitStack, size: Size, accounts: int) -> Bench:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="notion-manager-bench-")))
    runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
    there = stack.enter_context(lab(folder, accounts))
    floor = stack.enter_context(there.floor()).target
    ours = stack.enter_context(there.ours()).target
    bench = Bench(there, runner, size, floor, ours)
    _warm(bench)
    return bench


def _warm(bench: Bench) -> None:
    """Nothing is timed that happens once: imports, connections, the first look at the models."""
    for target in (bench.floor, bench.ours):
        for api in APIS:
            for stream in (True, False):
                work = load.one_by_one(target, Ask(api, SHORT, stream=stream), WARM)
                outcome, _ = bench.run(Plan(chunks=SHORT), work)
                if outcome.lost:
                    raise Broken(f"{target.name} does not answer {api.path}: {outcome.lost}")


def _round(bench: Bench) -> Round:
    """Every trial, its targets next to each other in an order of chance."""
    figures: Round = {}
    for trial in TRIALS:
        for target in _shuffled(bench, trial):
            found = trial.measure(bench, target)
            figures |= {f"{target.name} {trial.name} {key}": v for key, v in found.items()}
        _say(f"  {trial.name}")
    return figures


def _shuffled(bench: Bench, trial: Trial) -> Sequence[load.Target]:
    targets = [bench.floor, bench.ours, *([bench.lab.direct] if trial.direct else [])]
    return random.sample(targets, len(targets))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _stop(number: int, frame: FrameType | None) -> None:
    """A polite kill ends what we started, as Ctrl-C does."""
    raise KeyboardInterrupt


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=0, help="instead of five")
    parser.add_argument("--accounts", type=int, default=1, help="that the daemon has")
    parser.add_argument("--quick", action="store_true", help="one short round: does it work at all")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--write", type=Path, metavar="FILE", help="update the tables of a page")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
