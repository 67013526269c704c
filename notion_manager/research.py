"""What of a request a research can use: it takes one question, and nothing that came before."""

from collections.abc import Iterator

from .errors import BadRequest, Unsupported
from .turn import File, FileLink, Message, Search, Text, ToolResult, Turn


def narrowed(turn: Turn, model: str) -> tuple[Turn, tuple[str, ...]]:
    """The question alone, put to that model of research; and what else was asked is left out.

    Raises Unsupported for what would be a lie, and BadRequest where there is no question.
    """
    _refuse(turn)
    question = "\n\n".join(p.text for p in turn.messages[-1].parts if isinstance(p, Text))
    if not question.strip():
        raise BadRequest("research needs a question in the last message", field=turn.path)
    asked = Turn(
        model=model,
        messages=(Message("user", (Text(question),)),),
        limits=turn.limits,
        search=Search(web=True, workspace=True),
        citations=turn.citations,
        path=turn.path,
    )
    return asked, tuple(_left_out(turn))


def _refuse(turn: Turn) -> None:
    if turn.output is not None:
        why = "research answers with a report, not with JSON; leave the format out"
        raise Unsupported(why, field=turn.output.path)
    if turn.tool_choice.mode == "required":
        raise Unsupported("research cannot call tools", field="tool_choice")
    for name, wish in (("Web", turn.search.web), ("Workspace", turn.search.workspace)):
        if wish is False:
            where = f"X-{name}-Search"
            raise Unsupported("research always searches the web and the workspace", field=where)


def _left_out(turn: Turn) -> Iterator[str]:
    parts = [part for message in turn.messages for part in message.parts]
    inner = [p for part in parts if isinstance(part, ToolResult) for p in part.parts]
    if turn.system:
        yield "system"
    if len(turn.messages) > 1:
        yield "earlier messages"
    if turn.tools:
        yield "tools"
    if any(isinstance(part, File | FileLink) for part in (*parts, *inner)):
        yield "files"
    if turn.effort:
        yield "effort"
