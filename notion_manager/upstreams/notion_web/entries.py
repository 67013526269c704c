"""The entries of an inference step: what the model wrote, and how it is told."""

from collections.abc import Mapping
from typing import Any

from .loose import text_of
from .markup import Cleaner
from .sources import Sources
from .told import Told
from .voice import Voice


class Entry:
    """An entry that says nothing: a call of the service's own tools, or one not yet typed."""

    def __init__(self, type: str) -> None:
        self.type = type
        self.signature = ""
        self._kept: list[str] = []

    @property
    def off(self) -> bool:
        """Whether what was told differs from what now stands."""
        return False

    @property
    def blank(self) -> bool:
        """Whether no visible text came of it."""
        return True

    def value(self) -> str:
        """The content as it stands; empty for calls, whose content nobody needs."""
        return "".join(self._kept)

    def append(self, more: str) -> None:
        if not self.type:
            self._kept.append(more)

    def patch(self, more: str) -> None:
        """The rare operation `p`, which extends or replaces."""
        self.append(more)

    def become(self, whole: str) -> None:
        self._kept.clear()
        self.append(whole)

    def sign(self, signature: str) -> None:
        """Only thinking is signed."""

    def read(self, item: Mapping[str, Any]) -> None:
        """The whole entry, as a list of entries shows it."""
        self.become(text_of(item.get("content")))
        self.sign(text_of(item.get("signature")))

    def close(self) -> None:
        """Say what is still held."""

    def replay(self, voice: Voice, sources: Sources) -> None:
        """Say all of it again elsewhere, as it stands now."""


class Thought(Entry):
    """Reasoning, told as it is, then signed."""

    def __init__(self, voice: Voice, type: str = "thinking") -> None:
        super().__init__(type)
        self._voice = voice
        self._told = Told()
        self._broken = False  # a signature or more thinking came when it was too late

    @property
    def off(self) -> bool:
        return self._broken or self._told.off

    def value(self) -> str:
        return self._told.value()

    def append(self, more: str) -> None:
        self._think(self._told.grow(more))

    def become(self, whole: str) -> None:
        self._think(self._told.become(whole))

    def sign(self, signature: str) -> None:
        if not signature or signature == self.signature:
            return
        late = bool(self._told.value()) and not self._voice.speaking(self)
        self._broken |= late or bool(self.signature)
        if not self._broken:
            self._voice.sign(self, signature)
        self.signature = signature

    def replay(self, voice: Voice, sources: Sources) -> None:
        again = Thought(voice)
        again.append(self.value())
        again.sign(self.signature)

    def _think(self, text: str) -> None:
        if text:
            self._broken |= bool(self.signature)
            self._voice.think(self, text)


class Prose(Entry):
    """Visible text, told clean. A thought that it opens with is told as one."""

    def __init__(self, voice: Voice, sources: Sources, type: str = "text") -> None:
        super().__init__(type)
        self._voice = voice
        self._sources = sources
        self._cleaner = Cleaner(sources.cite, voice.verbatim)
        self._thought = Told()
        self._said = Told()
        self.size = 0  # characters of the raw text
        self._spilt = 0  # its size when the cleaner had to let go of what it held
        self._raw: list[str] = []

    @property
    def off(self) -> bool:
        torn = 0 < self._spilt < self.size
        return torn or self._thought.off or self._said.off

    @property
    def blank(self) -> bool:
        return self._said.blank

    def value(self) -> str:
        return "".join(self._raw)

    def append(self, more: str) -> None:
        self._raw.append(more)
        self.size += len(more)
        thought, text = self._cleaner.feed(more)
        if thought:
            self._think(self._thought.grow(thought))
        if text and (told := self._said.grow(text)):
            self._voice.say(self, told)

    def patch(self, more: str) -> None:
        """Into an unfinished language mark, `p` writes the mark anew; else it replaces or appends.

        Observed clients disagree about this operation; the closing snapshot heals what is wrong.
        """
        held = self._cleaner.held
        if held.startswith("<lang") and more.startswith(("<lang", 'primary="')):
            again = more if more.startswith("<lang") else f"<lang {more}"
            self.become(self.value().removesuffix(held) + again)
        elif len(more) >= self.size and more.startswith(self.value()):
            self.become(more)
        else:
            self.append(more)

    def become(self, whole: str) -> None:
        raw = self.value()
        if whole.startswith(raw) and not self._spilt:
            self._raw, self.size = [raw], len(raw)
            if more := whole[len(raw) :]:
                self.append(more)
        else:
            self._restart(whole)

    def close(self) -> None:
        if self._cleaner.unfinished:
            self._spilt = self.size
            thought, text = self._cleaner.flush()
            self._think(self._thought.grow(thought))
            self._say(self._said.grow(text))

    def replay(self, voice: Voice, sources: Sources) -> None:
        again = Prose(voice, sources)
        again.append(self.value())
        again.close()

    def _restart(self, whole: str) -> None:
        """What was cleaned is no longer all there: compare as readers see it."""
        self._raw, self.size, self._spilt = [whole], len(whole), 0
        self._cleaner = Cleaner(self._sources.cite, self._voice.verbatim)
        thought, text = self._cleaner.feed(whole)
        self._think(self._thought.become(thought))
        self._say(self._said.become(text))

    def _think(self, text: str) -> None:
        if text:
            self._voice.think(self, text)

    def _say(self, text: str) -> None:
        if text:
            self._voice.say(self, text)
