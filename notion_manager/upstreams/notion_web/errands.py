"""The steps in which the service does something: what it looks for is told as thinking."""

from collections.abc import Mapping
from typing import Any

from ...turn import Found, Thinking
from .loose import object_of, text_of
from .searches import Lookup, finding, lookup_of, seeking
from .sources import Sources, results_of, tame
from .steps import Path, Step, nest
from .voice import Voice


class Tool(Step):
    """A call of one of the service's own tools. Of its result only sources are kept.

    A search is told: what it looks for once that is known, and what it found in the end.
    """

    def __init__(self, id: str, type: str, voice: Voice, sources: Sources) -> None:
        super().__init__(id, type)
        self._voice = voice
        self._sources = sources
        self._lookup: Lookup | None = None
        self._found = False
        self._call = ""
        self.state = ""
        voice.hush()

    @property
    def waiting(self) -> bool:
        return self.state in ("pending", "streaming")

    def become(self, value: Mapping[str, Any]) -> None:
        self._call = text_of(value.get("toolCallId")) or self._call
        self.state = text_of(value.get("state")) or self.state
        self._sources.learn(self._call, results_of(value))
        if self._lookup is None and (lookup := lookup_of(object_of(value.get("input")))):
            self._lookup = lookup
            self._voice.aside(Thinking(seeking(lookup)))
        if not self.waiting and self._sources.of(self._call):
            self._tell()

    def close(self) -> None:
        self._tell()

    def replay(self, voice: Voice, sources: Sources) -> None:
        voice.hush()
        if self._lookup is not None:
            voice.aside(Thinking(seeking(self._lookup)))
            self._tell_found(self._lookup, voice)

    def _tell(self) -> None:
        """What was found, once."""
        if self._lookup is not None and not self._found:
            self._found = True
            self._tell_found(self._lookup, self._voice)

    def _tell_found(self, lookup: Lookup, voice: Voice) -> None:
        sources = self._sources.of(self._call)
        voice.aside(Thinking(finding(sources)))
        if self._sources.typed:
            voice.aside(Found(lookup.queries, sources))

    def put(self, path: Path, value: Any) -> bool:
        self.become(nest(path, value))
        return True


class Agent(Step):
    """A question of a research that somebody looks into. Each state has what is new in it."""

    def __init__(self, id: str, type: str, voice: Voice) -> None:
        super().__init__(id, type)
        self._voice = voice
        self._question = ""
        self._done = False
        voice.hush()

    def become(self, value: Mapping[str, Any]) -> None:
        state = object_of(value.get("value"))
        if not self._question and (question := tame(text_of(state.get("input")))):
            self._question = question
            self._voice.aside(Thinking(f"Looking into: {question}"))
        if self._question and not self._done and state.get("status") == "done":
            self._done = True
            self._voice.aside(Thinking(f"Looked into: {self._question}"))

    def put(self, path: Path, value: Any) -> bool:
        self.become(nest(path, value))
        return True

    def replay(self, voice: Voice, sources: Sources) -> None:
        again = Agent(self.id, self.type, voice)
        status = "done" if self._done else ""
        again.become({"value": {"input": self._question, "status": status}})
