"""Lines that open and close Markdown's code fences, and items of lists in which one begins.

They are as CommonMark has them, but for how far they are indented: within lists that may be any
number of blanks, and to tell lists from code would take all the text before.
"""

import re

from msgspec import Struct

LONGEST = 300  # characters of a line that may be a fence
_FENCE = re.compile(r"(`{3,}|~{3,})(.*)")
MARKERS = frozenset("-*+0123456789")
"""What begins an item of a list."""
_MARKER = r"(?:(?:[-*+]|\d{1,9}+[.)])[ \t]{1,4}+)"
ITEM = rf"{_MARKER}{{1,4}}+(?=[`~>])"
"""The pattern of one, of up to four within each other, that begins with a fence or a quotation."""
ITEM_BEGUN = rf"{_MARKER}{{0,4}}+(?:[-*+]|\d{{1,9}}+[.)]?+)?+[ \t]{{0,4}}+\Z"
"""The pattern of what may become one."""
_ITEM, _ITEM_BEGUN = re.compile(ITEM), re.compile(ITEM_BEGUN)


class Fence(Struct, frozen=True):
    """`end` is where the line ends."""

    run: str
    info: str
    end: int

    def closes(self, opened: str) -> bool:
        """Whether it ends a fence that was opened by such a run."""
        same = self.run[0] == opened[0] and len(self.run) >= len(opened)
        return same and not self.info.strip()


def fence_at(text: str, first: int) -> Fence | bool:
    """The fence on the line whose first visible character, or that of its item, is at `first`.

    False where it is none, True where it may still become one.
    """
    newline = text.find("\n", first, first + LONGEST)
    said = text[first:newline] if newline >= 0 else text[first:]
    found = _FENCE.fullmatch(said.rstrip("\r"))
    mark = said[0]
    if found is not None and mark == "`" and "`" in found[2]:
        return False
    if newline < 0:
        return len(said) < LONGEST and (found is not None or not said.strip(mark))
    return Fence(found[1], found[2], newline + 1) if found else False


def item_at(text: str, first: int) -> int | bool:
    """Where the fence or quotation begins in the item of a list at `first`.

    False where there is none, True where there may yet be.
    """
    found = _ITEM.match(text, first)
    return found.end() if found else _ITEM_BEGUN.match(text, first) is not None
