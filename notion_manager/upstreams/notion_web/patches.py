"""Operations on paths, as patch lines carry them: JSON Pointers into `{"s": [step, …]}`."""

from collections.abc import Sequence
from functools import lru_cache

from .answer import Answer
from .drift import Drift
from .entries import Entry
from .lines import Op
from .loose import list_of, object_of, text_of
from .steps import Path, Step, index_of

_KNOWN_OPS = frozenset("axrdp")
STEP = 2  # segments lead to a step
PATHS = 256  # the same few come in every answer


class Patches:
    """Applies operations to an answer. The unknown is counted in `drift` and has no effect."""

    def __init__(self, answer: Answer, drift: Drift) -> None:
        self._answer = answer
        self._drift = drift
        self._found: dict[str, Entry] = {}  # where deltas go, until something moves

    def moved(self) -> None:
        """Something else changed the answer."""
        self._found.clear()

    def apply(self, ops: Sequence[Op]) -> bool:
        """Whether more changed than that a text grew. Raises the Problem of a failed step."""
        if len(ops) == 1 and self._grown(ops[0]):
            return False
        changed = False
        path, run = "", list[str]()
        for op in ops:
            if op.o == "x" and type(op.v) is str:
                if op.p != path:
                    if run:
                        self._grow(path, run)
                    path, run = op.p, []
                run.append(op.v)
            else:
                if run:
                    self._grow(path, run)
                    run = []
                self._change(op)
                changed = True
        if run:
            self._grow(path, run)
        return changed

    def _grown(self, op: Op) -> bool:
        """Whether it is a delta where the last one went, as lines of a live model mostly are."""
        entry = self._found.get(op.p)
        if entry is None or op.o != "x" or type(op.v) is not str:
            return False
        entry.append(op.v)
        return True

    def _grow(self, path: str, run: Sequence[str]) -> None:
        """Append a run of texts to what one path leads to."""
        more = "".join(run)
        entry = self._found.get(path)
        if entry is None:
            entry = self._find(path, more)
        if entry is not None:
            entry.append(more)

    def _find(self, path: str, more: str) -> Entry | None:
        """The entry whose text `path` leads to; what is no entry's text has grown by `more`."""
        segments = _segments(path)
        step = self._step(segments)
        entry = step.entry_at(segments[STEP:]) if step else None
        if entry is not None:
            self._found[path] = entry
        elif step is None or not step.grow(segments[STEP:], more):
            self._unknown("x", segments)
        return entry

    def _change(self, op: Op) -> None:
        self._found.clear()
        segments = _segments(op.p)
        match op.o:
            case "a":
                known = self._put(segments, op.v)
            case "r" | "d":
                known = self._cut(segments)
            case "p":
                known = self._patch(segments, text_of(op.v))
            case _:
                known = False
        if not known:
            self._unknown(op.o, segments)

    def _put(self, segments: Path, value: object) -> bool:
        if len(segments) > STEP:
            step = self._step(segments)
            return step is not None and step.put(segments[STEP:], value)
        match segments:
            case ["s", "-"]:
                self._answer.put(len(self._answer.steps), object_of(value))
            case ["s", place]:
                self._answer.put(self._place(place), object_of(value))
            case ["s"]:
                self._answer.sync(list_of(value))
            case _:
                return False
        return True

    def _cut(self, segments: Path) -> bool:
        step = self._step(segments)
        if step is None:
            return False
        if segments[STEP:]:
            return step.cut(segments[STEP:])
        self._answer.cut(step)
        return True

    def _patch(self, segments: Path, more: str) -> bool:
        step = self._step(segments)
        entry = step.entry_at(segments[STEP:]) if step else None
        if entry is None:
            return False
        entry.patch(more)
        return True

    def _step(self, segments: Path) -> Step | None:
        """The step that a path leads to or through, by its place or by its id."""
        if len(segments) < STEP or segments[0] != "s":
            return None
        index, steps = index_of(segments[1]), self._answer.steps
        if index is None:
            return self._answer.by_id(segments[1])
        return steps[index] if index < len(steps) else None

    def _place(self, segment: str) -> int:
        step = self._step(["s", segment])
        return self._answer.steps.index(step) if step else len(self._answer.steps)

    def _unknown(self, op: str, segments: Path) -> None:
        self._drift.note(f"op {op}" if op in _KNOWN_OPS else "op ?", *segments)


@lru_cache(PATHS)
def _segments(path: str) -> Path:
    segments = path.split("/")[1:]
    if "~" in path:
        segments = [s.replace("~1", "/").replace("~0", "~") for s in segments]
    return tuple(segments)
