"""What a process may run out of, for a while."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def full_disk(size: int = 0) -> Iterator[None]:
    """No file of this process may grow beyond that `size`."""
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with _limited(resource.RLIMIT_FSIZE, size):
            yield
    finally:
        signal.signal(signal.SIGXFSZ, ignored)


@contextmanager
def no_descriptors() -> Iterator[None]:
    """No file can be opened."""
    with _limited(resource.RLIMIT_NOFILE, 0):
        yield


@contextmanager
def _limited(what: int, most: int) -> Iterator[None]:
    limit = resource.getrlimit(what)
    resource.setrlimit(what, (most, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, limit)
