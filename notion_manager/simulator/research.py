"""The script of a research turn: planned questions, agents, and a report in pieces."""

from collections.abc import Sequence

from .answers import NOTICE, title
from .perform import Stage
from .script import Beat, Writer, op
from .shapes import Json, new_id, signature
from .speech import pieces


def research(stage: Stage, out: Writer) -> Sequence[Beat]:
    """Always in whole steps; no token figures."""
    rng, question = stage.rng, stage.seen.question
    out.start({"id": new_id(rng), "type": "researcher-text-observation", "value": ""})
    out.step({"id": new_id(rng), "type": "title", "value": title(stage.seen)})
    steps = out.step(_steps(new_id(rng), question, "I will look at"))
    asked = {"agent": "search", "question": question, "key": "first", "searchType": "web"}
    thought = {"type": "thinking", "content": "I will look at two pages."}
    out.put(steps, {
        "value": {"nextSteps": [{**asked, "displayName": question[:40]}], "userQuestion": question},
        "output": [thought],
        "rawOutput": [{**thought, "signature": signature(rng)}],
        "done": True,
    })  # fmt: skip
    agent = {"key": "first", "agent": "search", "input": question, "timestampStartMs": stage.now_ms}
    at = out.step(
        {"id": new_id(rng), "type": "researcher-agent", "value": {**agent, "status": "in-progress"}}
    )
    done = {
        "key": "first",
        "timestampEndMs": stage.now_ms + 900,
        "status": "done",
        "output": "Two.",
    }
    out.put(at, {"value": done})
    out.step(_steps(new_id(rng), question, "Enough material; write the report.", done=True))
    _report(
        stage, out, f"# {title(stage.seen)}\n\n{NOTICE}[step-0a1b2c,artifact,1] It found two pages."
    )
    out.line(
        {"type": "record-map", "recordMap": stage.closing([out.state.steps[-1]], title(stage.seen))}
    )
    return out.beats


def _report(stage: Stage, out: Writer, text: str) -> None:
    first, *rest = pieces(text, stage.rng)
    at = out.step({"id": new_id(stage.rng), "type": "researcher-report", "value": first})
    for piece in rest:
        out.patch(op("x", f"/s/{at}/value", piece))


def _steps(id: str, question: str, thought: str, *, done: bool = False) -> Json:
    return {
        "id": id,
        "type": "researcher-next-steps",
        "done": done,
        "value": {"nextSteps": [], "userQuestion": question},
        "output": [{"type": "thinking", "content": thought}],
        "rawOutput": [],
    }
