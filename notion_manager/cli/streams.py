"""Standard streams that whoever started us left closed."""

import os
import sys
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
