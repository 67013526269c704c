"""A turn as the service lives it: patches of its state, lines beside them, silences, endings."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, cast

from .shapes import Json


class Ending(Enum):
    """What happens to the connection."""

    CLOSE = auto()
    TRUNCATE = auto()
    RESET = auto()
    STALL = auto()


@dataclass(frozen=True, slots=True)
class Start:
    """A `patch-start`: the state is these steps from now on."""

    steps: Sequence[Json] = ()


@dataclass(frozen=True, slots=True)
class Patch:
    """Operations that travel together. A lost one changes the state and is never sent."""

    ops: Sequence[Json]
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of its own, the same in both encodings."""

    value: Json


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that are no line of the protocol."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Sync:
    """The whole state once more; full-step streams have no such line."""


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Nothing after this is sent, though the turn goes on."""

    ending: Ending


Beat = Start | Patch | Line | Raw | Sync | Pause | Cut


def op(kind: str, path: str, value: Any = None) -> Json:
    return {"o": kind, "p": path, "v": value}


@dataclass(slots=True)
class State:
    """The steps that patches change; paths are JSON pointers that begin with `/s`."""

    steps: list[Json] = field(default_factory=list[Json])

    def reset(self, steps: Sequence[Json]) -> None:
        self.steps = deepcopy(list(steps))

    def apply(self, operation: Json) -> int:
        """Change the state; the index of the step that changed."""
        _, _, *path = (p.replace("~1", "/").replace("~0", "~") for p in operation["p"].split("/"))
        if path == ["-"]:
            self.steps.append(deepcopy(operation["v"]))
            return len(self.steps) - 1
        index = self._index(path[0])
        target: Any = self.steps[index]
        for key in path[1:-1]:
            target = _child(target, key)
        _change(target, path[-1], operation["o"], deepcopy(operation["v"]))
        return index

    def _index(self, key: str) -> int:
        if key.isdigit():
            return int(key)
        return next(n for n, step in enumerate(self.steps) if step["id"] == key)


def _child(parent: Any, key: str) -> Any:
    return cast("list[Any]", parent)[int(key)] if isinstance(parent, list) else parent[key]


def _change(target: Any, key: str, kind: str, value: Any) -> None:
    """`a` sets or appends, `x` grows a string, `p` mends its lang tag, `r` removes."""
    if isinstance(target, list):
        _change_list(cast("list[Any]", target), key, kind, value)
        return
    match kind:
        case "a":
            target[key] = value
        case "x":
            target[key] = target.get(key, "") + value
        case "p":
            target[key] = target[key][: target[key].rindex("<lang")] + value
        case _:
            del target[key]


def _change_list(target: list[Any], key: str, kind: str, value: Any) -> None:
    if kind == "r":
        del target[int(key)]
    elif key == "-" or int(key) == len(target):
        target.append(value)
    else:
        target[int(key)] = value


@dataclass(slots=True)
class Writer:
    """Writes beats and keeps the state that they lead to."""

    beats: list[Beat] = field(default_factory=list[Beat])
    state: State = field(default_factory=State)

    def start(self, *steps: Json) -> None:
        self.beats.append(Start(deepcopy(steps)))
        self.state.reset(steps)

    def patch(self, *ops: Json, lost: bool = False) -> None:
        self.beats.append(Patch(ops, lost))
        for operation in ops:
            self.state.apply(operation)

    def step(self, step: Json) -> int:
        """Append a step; its index."""
        self.patch(op("a", "/s/-", step))
        return len(self.state.steps) - 1

    def put(self, step: int, values: Json) -> None:
        """Set leaves of a step, all in one patch."""
        self.patch(*(op("a", f"/s/{step}/{key}", value) for key, value in values.items()))

    def line(self, value: Json) -> None:
        self.beats.append(Line(value))

    def beat(self, beat: Beat) -> None:
        self.beats.append(beat)
