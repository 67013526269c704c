"""The steps of a turn, as far as the answer needs them."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from .entries import Entry, Prose, Thought
from .loose import count_of, list_of, object_of, text_of
from .sources import Sources
from .voice import Voice

FIGURES = ("inputTokens", "outputTokens", "cachedTokensRead", "cachedTokensCreated")
PLACES = 256  # the same few come in every answer
LONGEST_INDEX = 10  # digits: beyond, it is no place in any list
_IDLE_LEAVES = frozenset(
    {
        "id",
        "startedAt",
        "recordVersions",
        "previousAttemptValues",
        "maxContextTokens",
        "maxInputTokens",
    }
)
_IDLE_FIELDS = frozenset({"id", "name", "input", "modelProvider", "notionModelName"})

Path = Sequence[str]


@lru_cache(PLACES)
def index_of(segment: str) -> int | None:
    """A segment of a path that is a place in a list."""
    plain = len(segment) < LONGEST_INDEX and segment.isascii() and segment.isdigit()
    return int(segment) if plain else None


class Step:
    """A step that says nothing. It holds its place, since paths count it."""

    def __init__(self, id: str, type: str) -> None:
        self.id = id
        self.type = type
        self.entries: list[Entry] = []

    @property
    def blank(self) -> bool:
        for entry in self.entries:  # noqa: SIM110 - a generator is dear
            if not entry.blank:
                return False
        return True

    def become(self, value: Mapping[str, Any]) -> None:
        """The whole step, new or as it now stands."""

    def again(self, value: Mapping[str, Any]) -> None:
        """A line for a step that is known, where every line is a step."""
        self.become(value)

    def retract(self) -> None:
        """The step is gone, perhaps to return."""

    def close(self) -> None:
        """Say what is still held: nothing more comes."""
        for entry in self.entries:
            entry.close()

    def replay(self, voice: Voice, sources: Sources) -> None:
        """Say all of it again elsewhere, as it stands now."""
        for entry in self.entries:
            entry.replay(voice, sources)

    def put(self, path: Path, value: Any) -> bool:
        """Set what `path` leads to from here; False where the path is unknown."""
        return True

    def cut(self, path: Path) -> bool:
        """Remove what `path` leads to; False where there is no such thing."""
        return True

    def grow(self, path: Path, more: str) -> bool:
        """Append to what `path` leads to, which is no entry's text; False where it is unknown."""
        return True

    def entry_at(self, path: Path) -> Entry | None:
        """The entry whose text `path` leads to."""
        return None


class Config(Step):
    """Names the model that the service chose."""

    def __init__(self, id: str, type: str) -> None:
        super().__init__(id, type)
        self.model = ""

    def become(self, value: Mapping[str, Any]) -> None:
        self.model = text_of(object_of(value.get("value")).get("model")) or self.model

    def put(self, path: Path, value: Any) -> bool:
        self.become(nest(path, value))
        return True


class Inference(Step):
    """What the model wrote in one go, and what it cost."""

    def __init__(self, id: str, type: str, voice: Voice, sources: Sources) -> None:
        super().__init__(id, type)
        self._voice = voice
        self._sources = sources
        self._gone: dict[int, Entry] = {}  # entries that were taken back, by their place
        self.figures: dict[str, int] = {}
        self.finished = False
        self.model = ""
        self.trace = ""

    @property
    def calls(self) -> bool:
        """Whether the model asked for tools here: then the turn goes on elsewhere."""
        for entry in self.entries:  # noqa: SIM110 - a generator is dear
            if entry.type == "tool_use":
                return True
        return False

    def become(self, value: Mapping[str, Any]) -> None:
        if "value" in value:
            self._read_entries(list_of(value["value"]))
        self.finished = bool(value.get("finishedAt"))
        self._read_facts(value)

    def retract(self) -> None:
        self._read_entries(())

    def put(self, path: Path, value: Any) -> bool:
        match path:
            case ["value"]:
                self._read_entries(list_of(value))
            case ["value", place]:
                return self._put_entry(place, object_of(value))
            case ["value", place, field]:
                return self._put_field(place, field, value)
            case ["finishedAt"]:
                self.finished = bool(value)
            case [leaf] if leaf in FIGURES:
                self._count(leaf, value)
            case ["model" | "traceId" as leaf]:
                self._read_facts({leaf: value})
            case _:
                return bool(path) and path[0] in _IDLE_LEAVES
        return True

    def cut(self, path: Path) -> bool:
        match path:
            case ["value", place]:
                return self._cut_entry(index_of(place))
            case _:
                return self.put(path, None)

    def grow(self, path: Path, more: str) -> bool:
        match path:
            case ["value", place, "signature"] if entry := self._entry(place):
                entry.sign(entry.signature + more)
            case _:
                return bool(path) and path[0] in _IDLE_LEAVES
        return True

    def entry_at(self, path: Path) -> Entry | None:
        match path:
            case ["value", place, "content"]:
                return self._entry(place)
            case _:
                return None

    def _entry(self, place: str) -> Entry | None:
        index = index_of(place)
        return self.entries[index] if index is not None and index < len(self.entries) else None

    def _read_facts(self, value: Mapping[str, Any]) -> None:
        for name in FIGURES:
            if name in value:
                self._count(name, value[name])
        self.model = text_of(value.get("model")) or self.model
        self.trace = text_of(value.get("traceId")) or self.trace

    def _count(self, name: str, value: Any) -> None:
        if (figure := count_of(value)) is not None:
            self.figures[name] = figure

    def _read_entries(self, items: Sequence[Any]) -> None:
        for index in range(len(self.entries) - 1, len(items) - 1, -1):
            self._take_back(index)
        for index, item in enumerate(map(object_of, items)):
            self._set_entry(index, item)

    def _put_entry(self, place: str, item: Mapping[str, Any]) -> bool:
        index = len(self.entries) if place == "-" else index_of(place)
        if index is None:
            return False
        self._set_entry(min(index, len(self.entries)), item)
        return True

    def _set_entry(self, index: int, item: Mapping[str, Any]) -> None:
        type = text_of(item.get("type"))
        if index < len(self.entries) and self.entries[index].type != type:
            self._replace(index, self._made(index, type))
        elif index == len(self.entries):
            self.entries.append(self._made(index, type))
        self.entries[index].read(item)

    def _put_field(self, place: str, field: str, value: Any) -> bool:
        entry = self._entry(place)
        if entry is None:
            return False
        match field:
            case "content":
                entry.become(text_of(value))
            case "signature":
                entry.sign(text_of(value))
            case "type" if text_of(value) != entry.type:
                index = self.entries.index(entry)
                content = entry.value()
                self._replace(index, self._made(index, text_of(value)))
                self.entries[index].become(content)
            case _:
                return field == "type" or field in _IDLE_FIELDS
        return True

    def _cut_entry(self, index: int | None) -> bool:
        if index is None or index >= len(self.entries):
            return False
        self.entries.pop(index).become("")
        return True

    def _made(self, index: int, type: str) -> Entry:
        """A new entry, or the one of this kind that was taken back from here."""
        entry = self._gone.pop(index, None)
        if entry is None or entry.type != type:
            entry = ENTRIES.get(type, _silent)(type, self._voice, self._sources)
        self._voice.attend(entry)
        return entry

    def _replace(self, index: int, entry: Entry) -> None:
        self.entries[index].become("")
        self.entries[index] = entry

    def _take_back(self, index: int) -> None:
        entry = self.entries.pop(index)
        entry.become("")
        self._gone[index] = entry


class Plan(Inference):
    """Research says what it looks into next; its thinking is all of its words that is told."""

    def become(self, value: Mapping[str, Any]) -> None:
        shown = _thoughts(value.get("rawOutput")) or _thoughts(value.get("output"))
        super().become({"value": shown})


class Chat(Step):
    """A step whose value is its text."""

    def __init__(self, id: str, type: str, voice: Voice, sources: Sources) -> None:
        super().__init__(id, type)
        self.prose = Prose(voice, sources)
        self.entries = [self.prose]
        voice.attend(self.prose)

    def become(self, value: Mapping[str, Any]) -> None:
        self.prose.become(text_of(value.get("value")))

    def again(self, value: Mapping[str, Any]) -> None:
        """A delta, unless it repeats all that came before: clients have seen both."""
        text = text_of(value.get("value"))
        least = self.prose.size + (self.type == "researcher-report")
        if len(text) >= least and text.startswith(self.prose.value()):
            self.prose.become(text)
        else:
            self.prose.append(text)

    def retract(self) -> None:
        self.prose.become("")

    def put(self, path: Path, value: Any) -> bool:
        if list(path) == ["value"]:
            self.prose.become(text_of(value))
        return bool(path)

    def cut(self, path: Path) -> bool:
        return self.put(path, None)

    def entry_at(self, path: Path) -> Entry | None:
        return self.prose if list(path) == ["value"] else None


def _silent(type: str, voice: Voice, sources: Sources) -> Entry:
    return Entry(type)


def _thought(type: str, voice: Voice, sources: Sources) -> Entry:
    return Thought(voice)


def _prose(type: str, voice: Voice, sources: Sources) -> Entry:
    return Prose(voice, sources)


ENTRIES: Mapping[str, Callable[[str, Voice, Sources], Entry]] = {
    "thinking": _thought,
    "text": _prose,
}


def _thoughts(items: Any) -> list[Any]:
    return [item for item in list_of(items) if object_of(item).get("type") == "thinking"]


def nest(path: Path, value: Any) -> Mapping[str, Any]:
    """A step that holds nothing but `value`, where `path` leads."""
    for segment in reversed(path):
        value = {segment: value}
    return object_of(value)
