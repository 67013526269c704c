"""A directory for as long as a demo runs. After a kill, the next demo removes it."""

import os
import stat
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir

from ..spool import Left, Spool

PREFIX = "notion-manager-demo-"
MARK = "running-"  # of a file that its process has locked


@contextmanager
def scratch() -> Generator[Path]:
    """A new one, for this user alone."""
    _clear()
    with TemporaryDirectory(prefix=PREFIX) as made, closing(Spool.begun(Path(made) / MARK)):
        yield Path(made)


def _clear() -> None:
    """Whatever cannot be removed stays: it is in nobody's way."""
    for place in Path(gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if _is_own(place) and _is_left(place):
                rmtree(place)


def _is_own(place: Path) -> bool:
    """Nobody else can have put anything there."""
    found = place.lstat()
    private = stat.S_ISDIR(found.st_mode) and not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return private and found.st_uid == os.getuid()


def _is_left(place: Path) -> bool:
    """Whether a process marked it that is gone. What has no mark may be anything."""
    for mark in Left.found(place / MARK):
        with closing(mark):
            if mark.adopt():
                return True
    return False
