"""Answers to a turn with tools, in the words of its conversation."""

from collections.abc import Sequence

from msgspec.structs import replace
from test_lift_laws import HI, Outcome, answered, marked
from toolkit import TOOLS

from notion_manager.bridge import Lowered, lower
from notion_manager.turn import Done, Event, Search, Text, Turn

GOOD = '<call_amber name="Read">\n<arg_amber name="file_path">a.py</arg_amber>\n</call_amber>\n'
READ = '{"file_path":"a.py"}'
ASK = Turn("m", (HI,), tools=TOOLS, search=Search(web=False))


def answer(turn: Turn, *answers: str | Sequence[Event]) -> Outcome:
    lowered = lower(turn)
    assert lowered is not None
    said = [[Text(a)] if isinstance(a, str) else a for a in (*answers, "Well.")]
    return answered(lowered, [[in_its_words(event, lowered) for event in a] for a in said])


def in_its_words(event: Event, lowered: Lowered) -> Event:
    match event:
        case Text(text):
            return Text(marked(text, lowered), event.cites)
        case Done(truth=truth) if truth is not None:
            return replace(event, truth=tuple(Text(marked(p.text, lowered)) for p in truth))
        case _:
            return event


def calls(found: Outcome) -> list[tuple[str, str]]:
    return [(call.name, call.arguments) for call in found.calls]
