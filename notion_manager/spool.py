"""A file to which one process appends lines, so that no kill takes back what it noted.

A line costs a tenth of a transaction. Any process may read the files of any other; whoever can lock
one knows that its process is gone.
"""

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from os.path import samestat
from pathlib import Path
from typing import Self

import msgspec

DAMAGED = (msgspec.MsgspecError, UnicodeDecodeError)
"""What is raised where a line is read that is not as it was written."""

_APPENDING = os.O_RDWR | os.O_APPEND


class Spool:
    """One such file, of this process. Raises OSError where it cannot be used."""

    def __init__(self, path: Path, file: int) -> None:
        self.name = path.name
        self._path = path
        self._anew = path.with_name(f"new-{path.name}")
        self._file = file

    @classmethod
    def begun(cls, stem: Path) -> Self:
        """A new one, whose name begins with that of `stem`."""
        while True:
            path = stem.with_name(f"{stem.name}{os.urandom(6).hex()}")
            with ExitStack() as failed:
                file = os.open(path, _APPENDING | os.O_CREAT | os.O_EXCL, 0o600)
                failed.callback(os.close, file)
                failed.callback(path.unlink, missing_ok=True)
                if _locked(file) and path.exists():  # nobody thought that it was left behind
                    failed.pop_all()
                    return cls(path, file)

    def append(self, *lines: bytes) -> None:
        """All of them or none, unless a kill comes between.

        Each begins with the mark that ends lines: so it stands apart from one that was torn.
        """
        _append(self._file, lines)

    def lines(self) -> Sequence[bytes]:
        """One may be torn: a kill cut it short."""
        return os.pread(self._file, os.fstat(self._file).st_size, 0).split(b"\n")[1:]

    def rewrite(self, *lines: bytes) -> None:
        """From one moment to the next it has these and no others, or is as it was."""
        file = os.open(self._anew, _APPENDING | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _append(file, lines)
            self._anew.replace(self._path)
            self._file, file = file, self._file
        except OSError:
            self._anew.unlink()
            raise
        finally:
            os.close(file)

    def clear(self) -> None:
        os.ftruncate(self._file, 0)

    def discard(self) -> None:
        """It is not needed any more. Whoever has it open finds nothing there either."""
        self.clear()
        self._path.unlink(missing_ok=True)
        self._anew.unlink(missing_ok=True)  # a kill may have left it

    def close(self) -> None:
        """From now on it is left behind, if it was not discarded."""
        os.close(self._file)


class Left(Spool):
    """One of another process, that may be gone."""

    @classmethod
    def found(cls, stem: Path, own: str = "") -> Iterator[Self]:
        """All there are but the `own` one, each to be closed."""
        for path in sorted(stem.parent.iterdir()):
            if path.name.startswith(stem.name) and path.name != own:
                with suppress(OSError):  # it was done with meanwhile, or is not for us
                    yield cls(path, os.open(path, _APPENDING))

    def adopt(self) -> bool:
        """Whether its process is gone; then it is ours, and nothing more comes to it.

        What was discarded since it was found, or written anew, is not.
        """
        with suppress(OSError):
            return _locked(self._file) and samestat(self._path.stat(), os.fstat(self._file))
        return False


def _locked(file: int) -> bool:
    """Whether we have its lock: nobody else holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _append(file: int, lines: Sequence[bytes]) -> None:
    data = b"".join([b"\n" + line for line in lines])
    if (size := os.write(file, data)) != len(data):
        os.ftruncate(file, os.fstat(file).st_size - size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
