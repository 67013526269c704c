"""What a model says around its calls, as far as the client should hear it."""

from ..turn import Piece, Text, ToolCall

AFTERWORD = 200  # visible characters after a call: nobody waits for more


class Speech:
    """Text and calls in their order, as pieces.

    White space waits for something visible: it may only set a call apart. What is said after a call
    waits for another one, before which it is then told; else it is about results that are not there
    yet, and `idle` says that there is no end of it. `follows` says that nothing but blanks was said
    since a call, whether it was made or not.
    """

    def __init__(self) -> None:
        self.idle = False
        self.follows = False
        self._pieces: list[Piece] = []
        self._said: list[str] = []
        self._blanks: list[str] = []
        self._after: list[str] | None = None
        self._visible = 0  # characters of what waits after a call

    def say(self, text: str) -> None:
        if self._after is not None:
            self._visible += sum(map(len, text.split()))
            self._after.append(text)
            self.follows = self.follows and not self._visible
            self.idle = self._visible > AFTERWORD
            return
        visible = text.rstrip()
        if visible:
            self.follows = False
            self._said += self._blanks
            self._said.append(visible)
            self._blanks = [text[len(visible) :]] if len(visible) < len(text) else []
        elif text:
            self._blanks.append(text)

    def before_call(self) -> None:
        """A call follows."""
        self.follows = True
        self._blanks.clear()
        if self._after:
            self._said.append("".join(self._after).strip())
        self._after = None

    def call(self, piece: ToolCall) -> None:
        self._flush()
        self._pieces.append(piece)

    def after_call(self) -> None:
        """A call was made, or was not to be made."""
        self.follows = True
        if self._after is None:
            self._after, self._visible = [], 0

    def end(self) -> None:
        """Nothing follows: blanks at the end are said where nothing was called."""
        self._said += self._blanks
        self._blanks.clear()

    def drain(self) -> list[Piece]:
        """The pieces since the last time."""
        self._flush()
        pieces, self._pieces = self._pieces, []
        return pieces

    def _flush(self) -> None:
        if said := "".join(self._said):
            self._pieces.append(Text(said))
        self._said.clear()
