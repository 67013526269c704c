"""Places, opened as one process after the other would."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from notion_manager.conversations import FILE, Conversations
from tests.scripted import Clock

At = Callable[..., Conversations]


@contextmanager
def opening(folder: Path) -> Iterator[At]:
    """What opens those of a folder, as another process each time."""
    with ExitStack() as opened:

        def at(longest: float = 100.0, clock: Clock | None = None) -> Conversations:
            them = Conversations(folder / FILE, longest, clock or Clock())
            return opened.enter_context(closing(them))

        yield at
