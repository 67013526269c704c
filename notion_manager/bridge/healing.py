"""What was streamed, against what the service holds to be its answer in the end."""

from collections.abc import Sequence

from ..turn import Piece, Text, ToolCall, coalesce


def missing(sent: Sequence[Piece], held: Sequence[Piece], *, verbatim: bool) -> list[Piece] | None:
    """The pieces that are still to be sent; None where what was sent was another thing.

    Calls count to the letter. So does text where it is `verbatim`, as in a document; else it is
    only words, and those that were said stay.
    """
    calls = _missing_calls(sent, held)
    if calls is None or not verbatim:
        return None if calls is None else list(calls)
    said, whole = _text(sent), _text(held)
    if not whole.startswith(said):
        return None
    more = whole[len(said) :]
    text = [Text(more)] if more else []
    goes_on = bool(calls) and calls[0].id in {call.id for call in _calls(sent)}
    return [*calls[:goes_on], *text, *calls[goes_on:]]


def _missing_calls(sent: Sequence[Piece], held: Sequence[Piece]) -> list[ToolCall] | None:
    given, wanted = _calls(sent), _calls(held)
    if not given:
        return list(wanted)
    *before, last = given
    if before != wanted[: len(before)] or len(wanted) < len(given):
        return None
    found = wanted[len(before)]
    if (last.id, last.name, last.namespace) != (found.id, found.name, found.namespace):
        return None
    if not found.arguments.startswith(last.arguments):
        return None
    more = found.arguments[len(last.arguments) :]
    if more and not isinstance(sent[-1], ToolCall):
        return None  # something else was said since: a call cannot be gone on with
    rest = ToolCall(last.id, last.name, more, last.namespace, last.freeform)
    return [*([rest] if more else ()), *wanted[len(given) :]]


def _calls(pieces: Sequence[Piece]) -> list[ToolCall]:
    return [piece for piece in coalesce(pieces) if isinstance(piece, ToolCall)]


def _text(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))
