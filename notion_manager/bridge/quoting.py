"""What quotes a tag: a code fence around it, code within its line, or a quotation."""

from .fences import Fence, fence_at


class Quoting:
    """Told what a text says in turn, knows whether a call's tag that comes next is only shown.

    A fence whose first lines are `waiting` may have been opened for nothing but a call, and is then
    no text. `fence` is the run of the one that is open.
    """

    def __init__(self) -> None:
        self.fence = ""
        self.waiting: list[str] = []
        self.cited = False  # this line is a quotation
        self._ticks = 0  # backticks on this line
        self._wrapper = ""  # the run of a fence around a call, which is not closed yet
        self._shown = False  # a call stands in the open fence

    @property
    def in_line(self) -> bool:
        """Whether what goes on on this line is quoted there."""
        return self.cited or self._ticks % 2 == 1

    def read(self, text: str, at: int, end: int) -> None:
        """Text outside of any tag, from `at` to `end`."""
        newline = text.rfind("\n", at, end) + 1
        if newline:
            self._ticks, self.cited = 0, False
        self._ticks += text.count("`", newline or at, end)

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
