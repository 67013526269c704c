"""The state of a turn: its steps in order, whole or in part, and what they add up to."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...turn import Citations, Event, Piece, Text, Usage
from .drift import Drift
from .errands import Agent, Tool
from .failures import FAILURES, from_step
from .loose import object_of, text_of
from .sources import Sources
from .steps import FIGURES, Chat, Config, Inference, Plan, Step
from .voice import Speaker, Voice


def _tool(key: str, kind: str, voice: Voice, sources: Sources) -> Step:
    return Tool(key, kind, voice, sources)


def _agent(key: str, kind: str, voice: Voice, sources: Sources) -> Step:
    return Agent(key, kind, voice)


def _config(key: str, kind: str, voice: Voice, sources: Sources) -> Step:
    return Config(key, kind)


STEPS: Mapping[str, Callable[[str, str, Voice, Sources], Step]] = {
    "agent-inference": Inference,
    "researcher-next-steps": Plan,
    "researcher-agent": _agent,
    "agent-tool-result": _tool,
    "config": _config,
    "markdown-chat": Chat,
    "search-chat": Chat,
    "fast-researcher-chat": Chat,
    "researcher-report": Chat,
}
IDLE = frozenset(
    {
        "agent-instruction-state",
        "agent-turn-full-record-map",
        "attachment",
        "context",
        "researcher-text-observation",
        "title",
        "updated-config",
        "user",
    }
)


class Answer:
    """What the model says so far. Changes raise the Problem that a failed step stands for."""

    def __init__(self, drift: Drift, verbatim: str, citations: Citations) -> None:
        self.steps: list[Step] = []
        self.sources = Sources(citations)
        self.voice = _voice(verbatim, self.sources)
        self._drift = drift
        self._gone: dict[str, Step] = {}  # steps that were taken back, by id

    # Changes

    def put(self, index: int, item: Mapping[str, Any]) -> None:
        """Set the step at `index`, or append it at the end."""
        there = self.steps[index] if index < len(self.steps) else None
        step = self._for(item, there)
        if there is None:
            self.steps.append(step)
        else:
            self.steps[index] = step
        step.become(item)

    def cut(self, step: Step) -> None:
        self.steps.remove(step)
        self._retract(step)

    def line(self, item: Mapping[str, Any]) -> None:
        """A step on a line of its own: new, or the next state of the one with its id."""
        key, kind = text_of(item.get("id")), text_of(item.get("type"))
        step = self.by_id(key)
        if step is not None and step.type == kind:
            step.again(item)
        else:
            self.put(len(self.steps), item)

    def restore(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Steps as they were saved in the end, each whole. What was told is not told again."""
        for item in items:
            step = self.by_id(text_of(item.get("id")))
            if step is not None and step.type == item.get("type"):
                step.become(item)
            else:
                self.put(len(self.steps), item)

    def sync(self, items: Sequence[Any]) -> None:
        """The whole state. What is told of it already is not told again."""
        now = [object_of(item) for item in items]
        if not self._stands(now):
            self._align(now)
        self._fill(now)

    def _stands(self, now: Sequence[Mapping[str, Any]]) -> bool:
        """Whether the steps are the very ones that are known, as they mostly are."""
        if len(now) != len(self.steps):
            return False
        for step, item in zip(self.steps, now, strict=True):
            if step.id != item.get("id") or step.type != item.get("type"):
                return False
        return True

    def _align(self, now: Sequence[Mapping[str, Any]]) -> None:
        """Make the steps those of `now`, each the one it was before where it was."""
        old, self.steps = self.steps, []
        known = {step.id: step for step in old if step.id}
        steps: list[Step] = []
        for index, item in enumerate(now):
            nameless = old[index] if index < len(old) and not old[index].id else None
            key = text_of(item.get("id"))
            steps.append(self._for(item, known.pop(key, None) if key else nameless))
        kept = set(map(id, steps))
        for step in old:
            if id(step) not in kept:
                self._retract(step)
        self.steps = steps

    def by_id(self, key: str) -> Step | None:
        return next((s for s in reversed(self.steps) if s.id == key), None)

    def close(self) -> None:
        """Say whatever is still held."""
        for step in self.steps:
            step.close()
        self.voice.hush()

    def _fill(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Tools first, since the text may cite what they found."""
        for tools in (True, False):
            for step, item in zip(self.steps, items, strict=True):
                if isinstance(step, Tool) is tools:
                    step.become(item)

    def _for(self, item: Mapping[str, Any], there: Step | None) -> Step:
        """The step that `item` is about: `there`, one that was taken back, or a new one."""
        key, kind = text_of(item.get("id")), text_of(item.get("type"))
        if kind in FAILURES:
            raise from_step(item)
        if there is not None:
            if (there.id, there.type) == (key, kind):
                return there
            self._retract(there)
        gone = self._gone.pop(key, None)
        if gone is not None and gone.type == kind:
            return gone
        return self._made(key, kind)

    def _made(self, key: str, kind: str) -> Step:
        if make := STEPS.get(kind):
            return make(key, kind, self.voice, self.sources)
        if kind not in IDLE:
            self._drift.note("step", kind)
        return Step(key, kind)

    def _retract(self, step: Step) -> None:
        step.retract()
        if step.id:
            self._gone[step.id] = step

    # What it adds up to

    @property
    def blank(self) -> bool:
        """Whether no visible text came."""
        for step in self.steps:
            for entry in step.entries:
                if not entry.blank:
                    return False
        return True

    @property
    def last(self) -> Inference | None:
        """The latest inference."""
        for step in reversed(self.steps):
            if step.type == "agent-inference" and isinstance(step, Inference):
                return step
        return None

    @property
    def settled(self) -> bool:
        """Whether no saved record could tell more: the last word is said, and was heard here."""
        last = self.last
        if last is None or not last.finished or last.blank or last.calls:
            return False
        for step in self.steps:  # noqa: SIM110 - a generator is dear
            if isinstance(step, Chat):
                return False
        return True

    @property
    def stuck(self) -> bool:
        """Whether a tool waits and nothing was said after it."""
        for step in reversed(self.steps):
            if isinstance(step, Tool) and step.waiting:
                return True
            if step.entries and not step.blank:
                return False
        return False

    @property
    def unanswered(self) -> bool:
        """Whether the latest inference asked for a tool that never came."""
        last = self.last
        if last is None or not last.calls:
            return False
        return not any(isinstance(s, Tool) for s in self.steps[self.steps.index(last) :])

    @property
    def traces(self) -> set[str]:
        return {s.trace for s in self.steps if isinstance(s, Inference) and s.trace}

    @property
    def served(self) -> str:
        """The upstream's own name of the model: what the last inference says, else the config."""
        chosen = ""
        for step in reversed(self.steps):
            if isinstance(step, Inference) and step.model:
                return step.model
            if isinstance(step, Config):
                chosen = chosen or step.model
        return chosen

    @property
    def revised(self) -> bool:
        """Whether what was told is not what now stands, or not in its order."""
        told = self.voice.order
        spoken, order = set(told), list[Speaker]()
        for step in self.steps:
            for entry in step.entries:
                if entry.off:
                    return True
                if entry in spoken:
                    order.append(entry)
        return order != told or self.sources.late

    def usage(self) -> Usage | None:
        """The latest figures of each step, added up; None where there are none."""
        total: dict[str, int] = {}
        for step in self.steps:
            if isinstance(step, Inference):
                for name, figure in step.figures.items():
                    total[name] = total.get(name, 0) + figure
        if not total:
            return None
        read, wrote, cached, created = [total.get(name, 0) for name in FIGURES]
        return Usage(input=read, output=wrote, cached=cached, cache_written=created)

    def pieces(self) -> tuple[Piece, ...]:
        """The whole reply as it now stands, told in one breath."""
        sources = self.sources.afresh()
        voice = _voice(self.voice.verbatim, sources)
        for step in self.steps:
            step.replay(voice, sources)
        voice.hush()
        said = [*voice.drain(), *ending(sources)]
        return tuple(event for event in said if isinstance(event, Piece))


def _voice(verbatim: str, sources: Sources) -> Voice:
    return Voice(verbatim, sources.texts if sources.typed else None)


def ending(sources: Sources) -> list[Event]:
    block = sources.block()
    return [Text(block)] if block else []
