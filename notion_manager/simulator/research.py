"""The script of a research turn: planned questions, agents, and a report in pieces."""

from collections.abc import Callable, Sequence

from .answers import NOTICE, title
from .perform import Stage
from .script import Beat, Writer, op
from .shapes import Json, new_id, signature
from .speech import cut, pause, pieces, stall


def research(stage: Stage, out: Writer, interrupt: Callable[[], bool]) -> Sequence[Beat]:
    """Always in whole steps; no token figures. After a failure the turn is over."""
    stall(out, stage.scenario)
    out.start({"id": new_id(stage.rng), "type": "researcher-text-observation", "value": ""})
    pause(out, stage.scenario)
    _look(stage, out)
    if not _report(stage, out, interrupt):
        saved = [step for step in out.state.steps if step["type"] == "researcher-report"]
        closing = stage.closing(saved, title(stage.seen))
        out.line({"type": "record-map", "recordMap": closing})
    return out.beats


def _look(stage: Stage, out: Writer) -> None:
    rng, question = stage.rng, stage.seen.question
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


def _report(stage: Stage, out: Writer, interrupt: Callable[[], bool]) -> bool:
    """Whether the turn failed in its middle."""
    if "blank" in stage.scenario:
        return False
    text = f"# {title(stage.seen)}\n\n{NOTICE}[step-0a1b2c,artifact,1] It found two pages."
    first, *rest = pieces(text, stage.rng)
    at = out.step({"id": new_id(stage.rng), "type": "researcher-report", "value": first})
    for number, piece in enumerate(rest):
        if number == len(rest) // 2:
            if interrupt():
                return True
            cut(out, stage.scenario)
        out.patch(op("x", f"/s/{at}/value", piece))
    return False


def _steps(id: str, question: str, thought: str, *, done: bool = False) -> Json:
    return {
        "id": id,
        "type": "researcher-next-steps",
        "done": done,
        "value": {"nextSteps": [], "userQuestion": question},
        "output": [{"type": "thinking", "content": thought}],
        "rawOutput": [],
    }
