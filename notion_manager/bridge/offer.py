"""The tools that a turn offers, each under one plain name of its own."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from ..errors import BadRequest
from ..turn import FreeformTool, Tool, ToolCall
from . import jsontext
from .values import Parameters

INPUT = "input"  # the one argument of a tool that takes free text
_UNFIT = re.compile(r"[^\w.:/-]")
_PREFIXES = ("functions.", "default_api.", "tools.", "tool.")
LONGEST = 128  # characters of a name
_TEXT = {"type": "object", "properties": {INPUT: {"type": "string"}}, "required": [INPUT]}


class Entry:
    """A tool under the name that the model knows it by."""

    def __init__(self, name: str, tool: Tool | FreeformTool) -> None:
        self.name = name
        self.tool = tool
        self.freeform = isinstance(tool, FreeformTool)
        self.strict = isinstance(tool, Tool) and tool.strict

    @cached_property
    def parameters(self) -> Parameters:
        return Parameters(self.tool.schema if isinstance(self.tool, Tool) else _TEXT)

    @cached_property
    def rules(self) -> str:
        """What its input must be: the schema as JSON, or the grammar. Raises BadRequest."""
        return written(self.tool.schema) if isinstance(self.tool, Tool) else self.tool.grammar


def written(schema: Mapping[str, Any]) -> str:
    """A schema as JSON. Raises BadRequest."""
    try:
        return jsontext.dumps(schema)
    except RecursionError:
        raise BadRequest("a schema is nested too deeply", field="tools") from None


class Offer:
    """Finds a tool by what a model wrote, or by what a client's history calls it."""

    def __init__(self, tools: Iterable[Tool | FreeformTool]) -> None:
        self.entries: Sequence[Entry] = tuple(_named(tools))
        self._by_name = {entry.name: entry for entry in self.entries}
        self._by_call = {(e.tool.namespace, e.tool.name): e for e in self.entries}

    def called(self, call: ToolCall) -> Entry | None:
        """The tool that a call of the history was for, if it is still offered."""
        return self._by_call.get((call.namespace, call.name))

    def find(self, written: str) -> Entry | None:
        """The one tool that a written name can mean, or None."""
        name = _fit(written.strip())
        for prefix in _PREFIXES:
            name = name if name in self._by_name else name.removeprefix(prefix)
        if name in self._by_name:
            return self._by_name[name]
        same = self._by_fold.get(_folded(name)) or self._by_bare.get(name) or ()
        return same[0] if len(same) == 1 else None

    def begun(self, name: str, slash: str) -> tuple[Entry | None, str, bool]:
        """The tool that a tag calls, the name it says, and whether it ends itself.

        Without quotes round the name the slash is glued to it.
        """
        entry = self.find(name)
        if entry is None and name.endswith("/"):
            return self.find(name[:-1]), name[:-1], True
        return entry, name, bool(slash)

    @cached_property
    def _by_fold(self) -> Mapping[str, Sequence[Entry]]:
        return _grouped((_folded(entry.name), entry) for entry in self.entries)

    @cached_property
    def _by_bare(self) -> Mapping[str, Sequence[Entry]]:
        named = ((_bare(entry.name), entry) for entry in self.entries)
        return _grouped((bare, entry) for bare, entry in named if bare)


def _named(tools: Iterable[Tool | FreeformTool]) -> Iterable[Entry]:
    taken = set[str]()
    numbers: dict[str, int] = {}
    for tool in tools:
        full = f"{tool.namespace}.{tool.name}" if tool.namespace else tool.name
        fit = _fit(full)[:LONGEST] or "tool"
        name, number = fit, numbers.get(fit, 1)
        while name in taken:
            number += 1
            name = f"{fit[: LONGEST - 8]}_{number}"
        taken.add(name)
        numbers[fit] = number
        yield Entry(name, tool)


def _fit(name: str) -> str:
    return _UNFIT.sub("_", name)


def _grouped(pairs: Iterable[tuple[str, Entry]]) -> Mapping[str, Sequence[Entry]]:
    groups = defaultdict[str, list[Entry]](list)
    for key, entry in pairs:
        groups[key].append(entry)
    return groups


def _folded(name: str) -> str:
    return name.replace("-", "_").lower()


def _bare(name: str) -> str:
    """A name without what says whose it is: `mcp__server__tool`, `namespace.tool`."""
    return name.rsplit("__", 1)[-1].rsplit(".", 1)[-1]
