"""One text as it was told, while its source may still shrink, grow again or be rewritten."""

from os.path import commonprefix

TAIL = 24  # characters of the told text by which its place in a rewritten one is found
LEAST = 12  # a tail shorter than this is found by accident


class Told:
    """Both methods return what is to be told now, so that nothing is told twice or lost."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._behind: int | None = None  # where a text stands that fell back behind what was told
        self._rewritten = False

    @property
    def off(self) -> bool:
        """Whether what was told differs from the text as it is now."""
        return self._rewritten or self._behind is not None

    @property
    def blank(self) -> bool:
        """Whether nothing stands now. Cheap, unless the text fell back."""
        parts = self._parts if self._behind is None else [self.value()]
        for part in parts:  # noqa: SIM110 - a generator for one part is dear
            if part and not part.isspace():
                return False
        return True

    def value(self) -> str:
        """The text as it is now."""
        return "".join(self._parts)[: self._behind]

    def grow(self, more: str) -> str:
        if self._behind is not None:
            return self._catch_up(more)
        self._parts.append(more)
        return more

    def become(self, text: str) -> str:
        told = "".join(self._parts)
        if text.startswith(told):
            self._parts, self._behind = [text], None
            return text[len(told) :]
        if told.startswith(text):
            self._parts, self._behind = [told], len(text)
            return ""
        return self._diverge(told, text)

    def _catch_up(self, more: str) -> str:
        """Cost is that of `more`: the told text is one string while it is ahead."""
        (told,), at = self._parts, self._behind or 0
        if not told.startswith(more, at):
            return self.become(told[:at] + more)
        self._behind = at + len(more) if at + len(more) < len(told) else None
        return ""

    def _diverge(self, told: str, text: str) -> str:
        """Go on after the last words told if they are found, else from the line that changed."""
        self._parts, self._behind, self._rewritten = [text], None, True
        same = len(commonprefix([told, text]))  # noqa: RUF071 - of characters, as it should
        tail = told[-TAIL:]
        at = text.find(tail, max(0, same - len(tail))) if len(tail) >= LEAST else -1
        if at >= 0:
            return text[at + len(tail) :]
        return "\n\n" + text[text.rfind("\n", 0, same) + 1 :]
