"""Pieces of replies that go on, and a count of their words."""

from collections.abc import Iterable

from hypothesis import strategies as st

from notion_manager.bridge.bounds import Bounds
from notion_manager.turn import Done, Piece, Text, Thinking, ToolCall, coalesce


def words(text: str) -> int:
    return len(text.split())


def shown(bounds: Bounds, texts: Iterable[str]) -> str:
    pieces: list[Piece] = []
    for text in texts:
        pieces += bounds.feed([Text(text)])
    return "".join(p.text for p in [*pieces, *bounds.finish()] if isinstance(p, Text))


sequences = st.lists(st.text(alphabet="abc\n", max_size=4), max_size=4)


def call(number: int, arguments: str) -> ToolCall:
    return ToolCall(str(number), "f", arguments)


few = st.text(alphabet="abc", max_size=8)
kinds = st.one_of(
    st.builds(Text, few), st.builds(Thinking, few), st.builds(call, st.integers(0, 1), few)
)


def plain(pieces: Iterable[Piece]) -> list[Piece]:
    said = coalesce(p for p in pieces if p != Text(""))
    return [p for p in said if not isinstance(p, Done)]
