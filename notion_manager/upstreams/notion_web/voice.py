"""The one stream of pieces into which the entries of an answer speak, one after the other."""

from collections.abc import Callable, Iterable
from typing import Protocol

from ...turn import APART, Event, Found, Text, Thinking

BLANK_LINE = "\n\n"


class Speaker(Protocol):
    def close(self) -> None:
        """Say what is still held: somebody else is about to speak."""


class Voice:
    """Joins what one speaker says, and parts speakers by a blank line.

    `texts` finds the citations in what was said, where they are to be events of their own.
    """

    def __init__(
        self, verbatim: str = "", texts: Callable[[str], Iterable[Text]] | None = None
    ) -> None:
        self.verbatim = verbatim  # the tag of blocks that are told as they are
        self._texts = texts
        self._hushed = True  # nobody is in the middle of a text
        self._asides: list[Thinking | Found] = []
        self.order: list[Speaker] = []  # who spoke, as often as the floor changed hands
        self._events: list[Event] = []
        self._run: list[str] = []
        self._speaker: Speaker | None = None
        self._newest: Speaker | None = None
        self._kind: type[Text | Thinking] = Text
        self._signed = False  # the last thinking was
        self._end = ""  # the last two characters of all text

    def say(self, speaker: Speaker, text: str) -> None:
        self._hushed = False
        if speaker is not self._speaker or self._kind is not Text:
            self._turn(speaker, Text)
        self._run.append(text)

    def think(self, speaker: Speaker, text: str) -> None:
        self._hushed = False
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

    def hush(self) -> None:
        """Something else goes on: whoever spoke is done with it."""
        if self._speaker is not None:
            self._speaker.close()
        self._hushed = True
        self._put_asides()

    def aside(self, said: Thinking | Found) -> None:
        """What no speaker says. It waits until nobody is in the middle of a text."""
        self._asides.append(said)
        if self._hushed:
            self._put_asides()

    def _put_asides(self) -> None:
        self._settle()
        asides, self._asides = self._asides, []
        for said in asides:
            if isinstance(said, Found):
                self._signed = True
                self._events.append(said)
            else:
                self._events.append(Thinking(self._gap(Thinking) + said.text))
                self._kind, self._signed = Thinking, False

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
        self._put_asides()
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
        return BLANK_LINE if self._kind is Thinking and not self._signed else ""

    def _settle(self) -> None:
        if not self._run:
            return
        text = "".join(self._run)
        self._run.clear()
        if self._kind is Text and self._texts is not None:
            texts = list(self._texts(text))
            self._events += texts
            text = "".join([each.text for each in texts])
        else:
            self._events.append(self._kind(text))
        if self._kind is Text:
            self._end = (self._end + text[-2:])[-2:]
        else:
            self._signed = False
