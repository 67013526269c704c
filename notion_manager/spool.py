"""A file to which one process appends lines, so that no kill takes back what it noted.

A line costs a tenth of a transaction. Any process may read the files of any other; whoever can lock
one knows that its process is gone.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self


class Spool:
    """One such file, of this process. Raises OSError where it cannot be used."""

    def __init__(self, path: Path, file: int) -> None:
        self.name = path.name
        self._path = path
        self._file = file

    @classmethod
    def begun(cls, stem: Path) -> Self:
        """A new one, whose name begins with that of `stem`."""
        while True:
            path = stem.with_name(f"{stem.name}{os.urandom(6).hex()}")
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            if _locked(file) and path.exists():  # nobody thought just then that it was left behind
                return cls(path, file)
            os.close(file)

    def append(self, line: bytes) -> None:
        """It begins with the mark that ends lines: so it stands apart from one that was torn."""
        line = b"\n" + line
        if os.write(self._file, line) != len(line):
            raise OSError(f"{self.name} is torn")

    def lines(self) -> Sequence[bytes]:
        """The last may be torn: a kill or a full disk cut it short."""
        return os.pread(self._file, os.fstat(self._file).st_size, 0).split(b"\n")[1:]

    def clear(self) -> None:
        os.ftruncate(self._file, 0)

    def remove(self) -> None:
        """It is not needed any more."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """From now on it is left behind, if it was not removed."""
        os.close(self._file)


class Left(Spool):
    """One of another process, that may be gone."""

    @classmethod
    def found(cls, stem: Path, own: str = "") -> Iterator[Self]:
        """All there are but the `own` one, each to be closed."""
        for path in sorted(stem.parent.iterdir()):
            if path.name.startswith(stem.name) and path.name != own:
                with suppress(FileNotFoundError):  # it was done with meanwhile
                    yield cls(path, os.open(path, os.O_RDWR))

    def adopt(self) -> bool:
        """Whether its process is gone; then it is ours, and nothing more comes to it."""
        return _locked(self._file)


def _locked(file: int) -> bool:
    """Whether we have its lock: nobody else holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
