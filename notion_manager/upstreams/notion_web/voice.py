"""The one stream of pieces into which the entries of an answer speak, one after the other."""

from typing import Protocol

from ...turn import APART, Event, Text, Thinking

BLANK_LINE = "\n\n"


class Speaker(Protocol):
    def close(self) -> None:
        """Say what is still held: somebody else is about to speak."""


class Voice:
    """Joins what one speaker says, and parts speakers by a blank line."""

    def __init__(self, verbatim: str = "") -> None:
        self.verbatim = verbatim  # the tag of blocks that are told as they are
        self.order: list[Speaker] = []  # who spoke, as often as the floor changed hands
        self._events: list[Event] = []
        self._run: list[str] = []
        self._speaker: Speaker | None = None
        self._newest: Speaker | None = None
        self._kind: type[Text | Thinking] = Text
        self._signed = False  # the last thinking was
        self._end = ""  # the last two characters of all text

    def say(self, speaker: Speaker, text: str) -> None:
        if speaker is not self._speaker or self._kind is not Text:
            self._turn(speaker, Text)
        self._run.append(text)

    def think(self, speaker: Speaker, text: str) -> None:
        if speaker is not self._speaker or self._kind is not Thinking:
            self._turn(speaker, Thinking)
        self._run.append(text)

    def sign(self, speaker: Speaker, signature: str) -> None:
        """Ends the thinking of `speaker`, who may have said none of it."""
        if speaker is not self._speaker or self._kind is not Thinking:
            self._turn(speaker, Thinking)
        self._settle()
        self._events.append(Thinking("", signature))
        self._signed = True

    def speaking(self, speaker: Speaker) -> bool:
        return speaker is self._speaker

    def attend(self, speaker: Speaker) -> None:
        """A new speaker is here: whoever came before may hold nothing back any longer."""
        if self._newest is not None:
            self._newest.close()
        self._newest = speaker

    def drain(self) -> list[Event]:
        """What was said since the last time."""
        if self._run:
            self._settle()
        events, self._events = self._events, []
        return events

    def _turn(self, speaker: Speaker, kind: type[Text | Thinking]) -> None:
        if speaker is not self._speaker:
            if self._speaker is not None:
                self._speaker.close()
            self.order.append(speaker)
        self._settle()
        if self.verbatim and speaker is not self._speaker and self._end:
            self._events.append(APART)
        gap = self._gap(kind)
        self._speaker, self._kind = speaker, kind
        if gap:
            self._run.append(gap)

    def _gap(self, kind: type[Text | Thinking]) -> str:
        if kind is Text:
            newlines = len(self._end) - len(self._end.rstrip("\n"))
            return BLANK_LINE[newlines:] if self._end else ""
        unsigned = self._speaker is not None and self._kind is Thinking and not self._signed
        return BLANK_LINE if unsigned else ""

    def _settle(self) -> None:
        if not self._run:
            return
        text = "".join(self._run)
        self._run.clear()
        self._events.append(self._kind(text))
        if self._kind is Text:
            self._end = (self._end + text[-2:])[-2:]
        else:
            self._signed = False
