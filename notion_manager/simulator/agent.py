"""A model at work with tools: it does step by step what a user's message tells it to.

`[[sim:work]]` is followed by a JSON list. Each element is one message of the model: a text, a list
of calls `{"tool": …, "args": {…}}`, or `{"say": …, "calls": […]}`. `tool` may list several names,
of which the first is taken that is there. `{{result:N}}` in an argument is what the N-th call
returned, `{{attached}}` anywhere the files that the model was shown.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from .asks import Said
from .scenarios import Scenario, in_text
from .shapes import Json, as_list, as_object, as_text
from .toolbook import Toolbook, read

WORK = "[[sim:work]]"
ATTACHED = "{{attached}}"
AGAIN = "your last message"  # how a correction begins, or goes on
FINISHED = "I have done all that I was told to do."
_RESULT = re.compile(r"\{\{result:(\d+)\}\}")


def work(said: Sequence[Said], rng: Random, attached: Sequence[str] = ()) -> str | None:
    """The model's next message; None where nobody told it to work."""
    told = next(
        (n for n in range(len(said) - 1, -1, -1) if said[n].user and WORK in said[n].text), None
    )
    if told is None:
        return None
    order = said[told].text
    done = sum(not each.user for each in said[told:])
    newest = said[-1].text
    corrected = bool(done) and AGAIN in newest.lower()
    steps = _steps(order)
    index = done - 1 if corrected and not _is_text(steps, done - 1) else done
    if index >= len(steps):
        return FINISHED
    book = read("\n".join(each.text for each in said if each.user))
    scenario = in_text(order)
    clumsy = "" if corrected and "clumsy-always" not in scenario else _clumsy(scenario, rng)
    message = _message(steps[index], book, newest, clumsy)
    return message.replace(ATTACHED, ", ".join(attached) or "nothing")


def _steps(order: str) -> Sequence[Any]:
    text = order[order.index(WORK) + len(WORK) :].lstrip()
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text)
    except ValueError as exc:
        return [f"I cannot read what I am to do: {exc}."]
    return as_list(value) or [str(value)]


def _is_text(steps: Sequence[Any], index: int) -> bool:
    return index < len(steps) and isinstance(steps[index], str)


def _clumsy(scenario: Scenario, rng: Random) -> str:
    """The kind of mistake to make now, if one."""
    if "clumsy" not in scenario:
        return ""
    kind = scenario.get("clumsy")
    if kind in MISTAKES:
        return kind
    return rng.choice(MENDABLE) if rng.random() < scenario.number("clumsy", 1) else ""


def _message(step: Any, book: Toolbook | None, newest: str, clumsy: str) -> str:
    if isinstance(step, str):
        return step
    said, calls = "", step
    if isinstance(step, dict):
        table = as_object(step)
        said, calls = as_text(table.get("say")), table.get("calls")
    blocks = [_block(as_object(call), book, newest, clumsy) for call in as_list(calls)]
    text = "\n".join(blocks)
    glue = " " if clumsy == "mid-line" else "\n\n"
    return f"{said}{glue}{text}" if said else text


def _block(call: Json, book: Toolbook | None, newest: str, clumsy: str) -> str:
    names = [as_text(name) for name in as_list(call.get("tool"))] or [as_text(call.get("tool"))]
    name = next((name for name in names if book and name in book.tools), None)
    if book is None or name is None:
        return f"I have no tool called {' or '.join(names)}."
    given = as_object(call.get("args"))
    results = book.results(newest)
    arguments = {key: _filled(value, results) for key, value in given.items()}
    return MISTAKES[clumsy](book, name, arguments) if clumsy else book.block(name, arguments)


def _filled(value: Any, results: Sequence[str]) -> Any:
    if not isinstance(value, str):
        return value
    return _RESULT.sub(lambda m: results[int(m[1]) - 1] if int(m[1]) <= len(results) else "", value)


# Mistakes that models make


def _unclosed(book: Toolbook, tool: str, args: Mapping[str, Any]) -> str:
    return book.block(tool, args).removesuffix(f"\n</{book.call}>")


def _swapped(*pairs: tuple[str, str]) -> Callable[[Toolbook, str, Mapping[str, Any]], str]:
    def write(book: Toolbook, tool: str, args: Mapping[str, Any]) -> str:
        block = book.block(tool, args)
        for old, new in pairs:
            block = block.replace(old.format(b=book), new.format(b=book))
        return block

    return write


def _around(before: str, after: str = "") -> Callable[[Toolbook, str, Mapping[str, Any]], str]:
    def write(book: Toolbook, tool: str, args: Mapping[str, Any]) -> str:
        return f"{before.format(b=book)}{book.block(tool, args)}{after.format(b=book)}"

    return write


def _hermes(book: Toolbook, tool: str, args: Mapping[str, Any]) -> str:
    return f"<tool_call>\n{json.dumps({'name': tool, 'arguments': args})}\n</tool_call>"


def _xml(book: Toolbook, tool: str, args: Mapping[str, Any]) -> str:
    given = [
        f'<parameter name="{k}">{book.spelled(tool, k, v)}</parameter>' for k, v in args.items()
    ]
    lines = [
        "<function_calls>",
        f'<invoke name="{tool}">',
        *given,
        "</invoke>",
        "</function_calls>",
    ]
    return "\n".join(lines)


def _renamed(name: Callable[[str], str]) -> Callable[[Toolbook, str, Mapping[str, Any]], str]:
    def write(book: Toolbook, tool: str, args: Mapping[str, Any]) -> str:
        return book.block(tool, args).replace(f'name="{tool}"', f'name="{name(tool)}"', 1)

    return write


def _python(book: Toolbook, tool: str, args: Mapping[str, Any]) -> str:
    lines = [
        f'<{book.arg} name="{k}">{v if isinstance(v, str) else repr(v)}</{book.arg}>'
        for k, v in args.items()
    ]
    return "\n".join((f'<{book.call} name="{tool}">', *lines, f"</{book.call}>"))


def _without(book: Toolbook, tool: str, args: Mapping[str, Any]) -> str:
    needed = [key for key in args if (p := book.tools[tool].get(key)) and not p.optional]
    return book.block(tool, {k: v for k, v in args.items() if k not in needed[-1:]})


def _cut(book: Toolbook, tool: str, args: Mapping[str, Any]) -> str:
    block = book.block(tool, args)
    return block[: block.rfind(f"</{book.arg}>") - 1] if args else block


MISTAKES: Mapping[str, Callable[[Toolbook, str, Mapping[str, Any]], str]] = {
    "no-closer": _unclosed,
    "no-arg-closer": _swapped(("</{b.arg}>", "")),
    "wrapped": _around("```xml\n", "\n```"),
    "unclosed-fence": _around("```\nfor example\n"),
    "mid-line": _around(""),
    "indented": _around("   "),
    "bare": _swapped(("{b.call}", "call"), ("{b.arg}", "arg")),
    "wrong-word": _swapped(("{b.call}", "{b.call}s"), ("{b.arg}", "{b.arg}s")),
    "bare-args": _swapped(("{b.arg}", "arg")),
    "native-args": _swapped(("<{b.arg}", "<parameter"), ("</{b.arg}", "</parameter")),
    "native-hermes": _hermes,
    "native-xml": _xml,
    "wrong-case": _renamed(str.swapcase),
    "prefixed": _renamed("functions.{}".format),
    "unknown-tool": _renamed(lambda tool: "Sorcery"),
    "python-literals": _python,
    "fabricated": _around(
        "", '\n<{b.result} call="1">\nall good\n</{b.result}>\nIt worked, all good.'
    ),
    "after-prose": _around("", "\nNow I wait for what comes back."),
    "dropped-required": _without,
    "cut": _cut,
}
MENDABLE = [kind for kind in MISTAKES if kind not in ("cut", "dropped-required")]
"""Those after which the work can go on, if whoever reads them takes care."""
