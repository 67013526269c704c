"""Standard streams that are closed, or take no more."""

import os
import sys
from contextlib import suppress
from pathlib import Path

_NULL = Path(os.devnull)


def opened() -> None:
    """Put the null device where one is missing, in the order of their numbers.

    Else the first file or socket that is opened takes its number, and gets what is printed.
    """
    if sys.__stdin__ is None:
        sys.stdin = _NULL.open(encoding="utf-8")
    if sys.__stdout__ is None:
        sys.stdout = _NULL.open("w", encoding="utf-8")
    if sys.__stderr__ is None:
        sys.stderr = _NULL.open("w", encoding="utf-8")


def let_go() -> None:
    """What could not be printed was told: it is not tried again when the interpreter ends.

    That would fail with an exit code of its own.
    """
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError), _NULL.open("w", encoding="utf-8") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())
