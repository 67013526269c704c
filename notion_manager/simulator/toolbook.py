"""What a model learns of tools from a prompt, and how it writes a call: as text, by the example."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_EXAMPLE = re.compile(
    r'<(?P<call>\w+) name="TOOL">\s*<(?P<arg>\w+) name="PARAMETER">value</(?P=arg)>\s*</(?P=call)>'
)
_RESULTS = re.compile(r"inside <(\w+)>\s+tags")
_HEADING = re.compile(r"^### (\S+)$", re.MULTILINE)
_MEMBER = re.compile(
    r'^  (?P<key>[A-Za-z_]\w*|"(?:[^"\\]|\\.)*")(?P<optional>\??): (?P<type>.*?)(?:  //.*)?$'
)
_TEXTS = re.compile(r'(?:string|"(?:[^"\\]|\\.)*"|null)(?: \| (?:string|"(?:[^"\\]|\\.)*"|null))*')

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    optional: bool
    text: bool
    """Written as it is; all else is written as JSON."""


@dataclass(frozen=True, slots=True)
class Toolbook:
    """The tags that the prompt shows, and the parameters of every tool that it lists."""

    call: str
    arg: str
    result: str
    tools: Mapping[str, Mapping[str, Parameter]] = field(
        default_factory=dict[str, Mapping[str, Parameter]]
    )

    def block(self, tool: str, arguments: Arguments) -> str:
        return "\n".join(
            (f'<{self.call} name="{tool}">', *self.lines(tool, arguments), f"</{self.call}>")
        )

    def lines(self, tool: str, arguments: Arguments) -> Iterable[str]:
        for key, value in arguments.items():
            yield f'<{self.arg} name="{key}">{self.spelled(tool, key, value)}</{self.arg}>'

    def spelled(self, tool: str, key: str, value: Any) -> str:
        known = self.tools[tool].get(key)
        raw = isinstance(value, str) and (known is None or known.text)
        return value if raw else json.dumps(value, ensure_ascii=False)

    def results(self, text: str) -> Sequence[str]:
        """What came back, in order."""
        found = re.findall(rf"<{self.result}[^>]*>\n(.*?)\n</{self.result}>", text, re.DOTALL)
        return [str(each) for each in found]


def read(prompt: str) -> Toolbook | None:
    """The tools of a prompt; None where it tells of none."""
    example = _EXAMPLE.search(prompt)
    if example is None:
        return None
    results = _RESULTS.search(prompt)
    named = _HEADING.finditer(prompt, example.end())
    tools = {
        heading[1]: parameters
        for heading in named
        if (parameters := _parameters(prompt, heading.end(), heading[1])) is not None
    }
    return Toolbook(example["call"], example["arg"], results[1] if results else "result", tools)


def _parameters(prompt: str, start: int, name: str) -> Mapping[str, Parameter] | None:
    """The members of the block that begins with the tool's name on a line of its own."""
    opened = re.compile(rf"^{re.escape(name)} (\{{\}}|\{{|json-schema .*)$", re.MULTILINE).search(
        prompt, start
    )
    if opened is None:
        return None
    if opened[1] != "{":
        return {}
    found: dict[str, Parameter] = {}
    for line in prompt[opened.end() + 1 :].split("\n"):
        if line == "}":
            return found
        if member := _MEMBER.match(line):
            key = json.loads(member["key"]) if member["key"].startswith('"') else member["key"]
            text = _TEXTS.fullmatch(member["type"]) is not None
            found[key] = Parameter(bool(member["optional"]), text)
    return None
