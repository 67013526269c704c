"""What quotes a tag: a code fence around it, code within its line, or a quotation."""

import re

from .fences import Fence, fence_at

_RUN = re.compile("`+")


class Quoting:
    """Told what a text says in turn, knows whether a call's tag that comes next is only shown.

    A fence whose first lines are `waiting` may have been opened for nothing but a call, and is then
    no text. `fence` is the run of the one that is open. `run` is the number of backticks that were
    read last, of which more may follow.
    """

    def __init__(self) -> None:
        self.fence = ""
        self.run = 0
        self.waiting: list[str] = []
        self.cited = False  # this line is a quotation
        self._code = 0  # backticks that opened code on this line
        self._wrapper = ""  # the run of a fence around a call, which is not closed yet
        self._shown = False  # a call stands in the open fence

    @property
    def in_line(self) -> bool:
        """Whether what goes on on this line is quoted there."""
        return self.cited or self._behind_run() > 0

    def _behind_run(self) -> int:
        """How many opened the code that goes on: only as many again close it."""
        if not self._code:
            return self.run
        return 0 if self.run == self._code else self._code

    def read(self, text: str, at: int, end: int) -> None:
        """Text outside of any tag, from `at` to `end`."""
        newline = text.rfind("\n", at, end) + 1
        if newline:
            self._code, self.run, self.cited = 0, 0, False
        at = newline or at
        for found in _RUN.finditer(text, at, end):
            if found.start() > at:
                self._end_run()
            at = found.end()
            self.run += at - found.start()
        if end > at:
            self._end_run()

    def _end_run(self) -> None:
        self._code, self.run = self._behind_run(), 0

    def open(self, fence: Fence, line: str) -> None:
        """A fence on a line of its own; one that closes a wrapper is no text either."""
        if self._wrapper and fence.closes(self._wrapper):
            self._wrapper = ""
        else:
            self.fence, self.waiting = fence.run, [line]

    def show(self) -> None:
        """A call's tag stands in the open fence."""
        self._shown = True

    def close(self) -> None:
        self.fence, self._shown = "", False

    def wrap(self) -> None:
        """A call begins: the fence that is open, if one is, is around it alone."""
        self._wrapper, self.fence = self.fence or self._wrapper, ""
        self.waiting.clear()

    def release(self) -> list[str]:
        """What waited: the fence wraps no call, and so it is text."""
        lines, self.waiting = self.waiting, []
        return lines

    def hides_call(self, rest: str) -> bool:
        """Whether a call stands in a fence that nothing closed, the `rest` of the text neither."""
        return self._shown and bool(self.fence) and not self._ends_in(rest.strip())

    def _ends_in(self, line: str) -> bool:
        fence = line.startswith(self.fence) and fence_at(f"{line}\n", 0)
        return isinstance(fence, Fence) and fence.closes(self.fence)
