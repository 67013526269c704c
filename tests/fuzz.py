"""Runs the properties of all pure parts again and again, each time from another seed.

`python tests/fuzz.py SECONDS` ends after the round in which its time is up. What fails is printed
with its seed and its smallest example, which then belongs into a test.
"""

import random
import subprocess
import sys
import time
from pathlib import Path

TARGETS = ("bridge", "laws", "translators", "upstreams")
HERE = Path(__file__).parent


def main(seconds: float) -> int:
    ends, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        seed = random.randrange(2**32)  # noqa: S311 - no secret
        found = _round(seed)
        if found:
            print(f"seed {seed}")  # noqa: T201 - for the person who reads it
            return found
        rounds += 1
    print(f"{rounds} rounds, nothing found")  # noqa: T201
    return 0


def _round(seed: int) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "2", "-m", "not slow"]
    profile = ["--hypothesis-profile=fuzz", f"--hypothesis-seed={seed}", "-k", "law or any or what"]
    folders = [str(HERE / target) for target in TARGETS]
    return subprocess.run([*command, *profile, *folders], check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
