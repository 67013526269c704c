"""A plan as a script: the service's own steps, the rounds, the usage, the end."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from .answers import Seen, title
from .failures import Failure
from .plan import MEGABYTE, Round, Say, Think, Tool
from .scenarios import Scenario
from .script import Beat, Raw, Sync, Writer, op
from .shapes import Era, Json, new_id, signature
from .speech import Speaker, pause, pieces, stall

HIDDEN_PROMPT = 18_000
PER_TOKEN = 4  # characters
INLINE = 40  # characters
OFTEN = 0.5
FULL_PLAIN = frozenset({"echo", "title", "lang", "chunks", "usage"})
SAVED = frozenset({
    "agent-inference", "agent-tool-result", "error", "markdown-chat", "premium-feature-unavailable",
    "researcher-report",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """What a performance is told from outside. `closing` makes the record map of saved steps."""

    seen: Seen
    scenario: Scenario
    rng: Random
    now_ms: int
    era: Era
    failure: Failure | None
    closing: Callable[[Sequence[Json], str], Json]


@dataclass(slots=True)
class Performance:
    """One turn being written."""

    stage: Stage
    out: Writer = field(default_factory=Writer)
    late: list[tuple[int, Json]] = field(default_factory=list[tuple[int, Json]])

    @property
    def saved(self) -> list[Json]:
        return [step for step in self.out.state.steps if step["type"] in SAVED]

    @property
    def title(self) -> str:
        titles = [step["value"] for step in self.out.state.steps if step["type"] == "title"]
        return titles[-1] if titles else ""

    def play(self, rounds: Sequence[Round]) -> Sequence[Beat]:
        """The script. After a failure the turn is over."""
        failure = self.stage.failure
        stall(self.out, self.stage.scenario)
        self._open()
        pause(self.out, self.stage.scenario)
        if failure and not failure.late:
            self._fail(failure)
            return self.out.beats
        if not any(self._round(r, last=r is rounds[-1]) for r in rounds):
            self._close()
        return self.out.beats

    def _open(self) -> None:
        """The steps that the service puts before an answer, more of them in a new thread."""
        seen, rng, failure = self.stage.seen, self.stage.rng, self.stage.failure
        record_map: Json = {
            "id": new_id(rng),
            "type": "agent-turn-full-record-map",
            "recordMap": {},
        }
        if failure and failure.place == "start":
            self.out.start(failure.step)
            return
        if self.stage.era == "2026-03":
            self.out.start()
        elif seen.ask.new:
            self.out.start(_instructions(rng))
            self.out.step(record_map)
            self._autoload()
        else:
            self.out.start(record_map)
        if seen.ask.new:
            self.out.step({"id": new_id(rng), "type": "config", "value": self._config()})
        if "noise" in self.stage.scenario:
            _noise(self.out, rng)

    def _autoload(self) -> None:
        rng = self.stage.rng
        if rng.random() < OFTEN:
            return
        for function in ("connections.fs.readFiles", "connections.notion.loadUser"):
            asked: Json = {"function": function, "args": {}}
            tool = Tool(f"auto_{rng.getrandbits(32):08x}", "callFunction", asked)
            done = {"state": "applied", "result": {"output": "{}"}, "finishedAt": self.stage.now_ms}
            self.out.step(self._result(tool, agent="") | done)

    def _config(self) -> Json:
        seen = self.stage.seen
        return {
            "type": seen.ask.thread.type,
            "model": seen.model.name,
            "modelFromUser": bool(seen.ask.model),
            "useWebSearch": seen.ask.wish.web,
        }

    def _fail(self, failure: Failure) -> None:
        match failure.place:
            case "line" | "line-late":
                self.out.line(failure.line())
            case "append" | "patch":
                self.out.step(failure.step)
            case _:
                self.out.line(
                    {"type": "record-map", "recordMap": self.stage.closing([failure.step], "")}
                )

    def interrupt(self) -> bool:
        """Fail where that is planned; whether it was."""
        if self.stage.failure:
            self._fail(self.stage.failure)
        return self.stage.failure is not None

    def _round(self, round: Round, *, last: bool) -> bool:
        """Write one inference step and its tool; whether the turn failed in it."""
        seen, rng = self.stage.seen, self.stage.rng
        step: Json = {"id": new_id(rng), "type": "agent-inference", "traceId": seen.ask.trace_id}
        step["startedAt"] = self.stage.now_ms
        if last and "markdown-chat" in self.stage.scenario:
            self._legacy(round)
            return False
        if last and self._inlined(round):
            entries = [self._entry(entry) for entry in round.entries]
            tokens = {} if self._usage == "none" else self._tokens(round)
            self.out.step({**step, "value": entries, **tokens, **self._done()})
            self._entitle()
            return False
        if self._usage == "append":
            step |= self._tokens(round)
        index = self.out.step({**step, "previousAttemptValues": [], "value": []})
        if self._speak(index, round, last=last):
            return True
        if round.tool:
            self._call(index, round, round.tool)
        if last:
            self._entitle()
        if round.tool is None:
            self._account(index, round)
        return False

    def _speak(self, index: int, round: Round, *, last: bool) -> bool:
        speaker = Speaker(self.out, self.stage.scenario, self.stage.rng)
        for entry in round.entries:
            if isinstance(entry, Think):
                speaker.think(index, self._thinking(), entry.text, signed=entry.signed)
            elif not last:
                speaker.preamble(index, entry.text)
            elif speaker.answer(index, entry.text, self.interrupt):
                return True
        return False

    def _inlined(self, round: Round) -> bool:
        """Whether the answer comes whole: asked for, or a short one in an old thread."""
        words = self.stage.scenario.words
        if round.tool or "no-inline" in words or self.stage.failure:
            return False
        short = sum(len(entry.text) for entry in round.entries) <= INLINE
        old = not self.stage.seen.ask.new and not words.keys() - FULL_PLAIN
        return "inline" in words or (short and old and self.stage.rng.random() < OFTEN)

    def _entry(self, entry: Think | Say) -> Json:
        if isinstance(entry, Say):
            return {"type": "text", "content": entry.text}
        return {**self._thinking(), "content": entry.text, "signature": signature(self.stage.rng)}

    def _thinking(self) -> Json:
        model = self.stage.seen.model
        provider = model.provider or model.family
        return {"type": "thinking", "modelProvider": provider, "notionModelName": model.name}

    def _call(self, index: int, round: Round, tool: Tool) -> None:
        at = len(self.out.state.steps[index]["value"])
        entry = {"type": "tool_use", "id": tool.id, "name": tool.name, "content": ""}
        self.out.patch(op("a", f"/s/{index}/value/-", entry))
        for piece in pieces(json.dumps(tool.input, ensure_ascii=False), self.stage.rng):
            self.out.patch(op("x", f"/s/{index}/value/{at}/content", piece))
        self._account(index, round)
        result = self.out.step(self._result(tool, agent=self.out.state.steps[index]["id"]))
        if tool.found and self.stage.seen.ask.results:
            extracted = {"toolCallId": tool.id, "results": list(tool.found)}
            self.out.line({"type": "agent-search-extracted-results", **extracted})
        if tool.done:
            grown = {f"result/{key}": value for key, value in tool.done.items()}
            timing = {"finishedAt": self.stage.now_ms + 20, "durationMs": 20}
            self.out.put(result, {**grown, **tool.extra, "state": "applied", **timing})

    def _result(self, tool: Tool, agent: str) -> Json:
        return {
            "id": new_id(self.stage.rng),
            "type": "agent-tool-result",
            "toolCallId": tool.id,
            "agentStepId": agent,
            "toolName": tool.name,
            "toolType": tool.name,
            "traceId": self.stage.seen.ask.trace_id,
            "startedAt": self.stage.now_ms,
            "state": "pending",
            "input": tool.input,
            "result": tool.pending,
        }

    def _legacy(self, round: Round) -> None:
        """The older line type: its value is the text."""
        text = "".join(entry.text for entry in round.entries if isinstance(entry, Say))
        first, *rest = list(pieces(text, self.stage.rng)) or [""]
        index = self.out.step(
            {"id": new_id(self.stage.rng), "type": "markdown-chat", "value": first}
        )
        whole = self.stage.scenario.get("markdown-chat") == "whole"
        for piece in rest:
            first += piece
            change = (
                op("a", f"/s/{index}/value", first)
                if whole
                else op("x", f"/s/{index}/value", piece)
            )
            self.out.patch(change)

    def _entitle(self) -> None:
        if self.stage.seen.ask.titled:
            value = self.stage.scenario.get("title") or title(self.stage.seen)
            self.out.step({"id": new_id(self.stage.rng), "type": "title", "value": value})

    def _account(self, index: int, round: Round) -> None:
        """The end of a step with its token figures: in one patch, or a patch each."""
        usage = self._done() | (self._tokens(round) if self._usage == "" else {})
        if self._usage == "partial":
            usage |= {"outputTokens": _output(round)}
        if self._usage == "late":
            self.late.append((index, self._tokens(round)))
        if "duplicate-final" in self.stage.scenario:
            self.out.put(index, usage)
        if self.stage.rng.random() < OFTEN:
            self.out.put(index, usage)
        else:
            for key, value in usage.items():
                self.out.put(index, {key: value})

    @property
    def _usage(self) -> str:
        return self.stage.scenario.get("usage")

    def _done(self) -> Json:
        return {"model": self.stage.seen.model.name, "finishedAt": self.stage.now_ms + 40}

    def _tokens(self, round: Round) -> Json:
        rng, said = self.stage.rng, sum(len(s.text) for s in self.stage.seen.ask.said)
        return {
            "inputTokens": HIDDEN_PROMPT + rng.randint(0, 500) + said // PER_TOKEN,
            "outputTokens": _output(round),
            "cachedTokensRead": HIDDEN_PROMPT - rng.randint(100, 900),
            "cachedTokensCreated": 0,
        }

    def _close(self) -> None:
        scenario = self.stage.scenario
        versions = {"thread": {self.stage.seen.ask.thread.id: self.stage.seen.ask.thread.version}}
        types = [step["type"] for step in self.out.state.steps]
        if "agent-inference" in types:
            newest = len(types) - 1 - types[::-1].index("agent-inference")
            self.out.put(newest, {"recordVersions": versions})
        for index, tokens in self.late:
            self.out.put(index, tokens)
        record_map = self.stage.closing(self.saved, self.title)
        if "huge" in scenario:
            record_map |= _ballast(int(scenario.number("huge", 2) * MEGABYTE))
        self.out.line({"type": "record-map", "recordMap": record_map})
        if self.stage.era == "2026-08" and "no-sync" not in scenario:
            self.out.beat(Sync())
            if "duplicate-final" in scenario:
                self.out.beat(Sync())
        if "done" in scenario:
            self.out.line({"type": "done"})


def _output(round: Round) -> int:
    return 2 - sum(len(entry.text) for entry in round.entries) // -PER_TOKEN


def _instructions(rng: Random) -> Json:
    return {
        "id": new_id(rng),
        "type": "agent-instruction-state",
        "owner": "regular",
        "root": {"type": "none"},
        "sources": [],
        "selectedSkillPageIds": [],
        "trackedInstructionTreePages": [],
    }


def _noise(out: Writer, rng: Random) -> None:
    """Lines and leaves that nobody promised."""
    out.beat(Raw(b"\n\r\n"))
    out.line({"type": "heartbeat"})
    out.beat(Raw(b'{"type":"patch","v":[{"o":"a"\n'))
    out.line({"type": "agent-turn-telemetry", "spans": [{"ms": 3}]})
    out.beat(Raw(b"[]\nnull\n17\n"))
    index = out.step({"id": new_id(rng), "type": "agent-mood", "value": {"kind": "calm"}})
    out.put(index, {"unheardOf": {"deep": [1, None]}})


def _ballast(size: int) -> Json:
    text = "A line can be as long as it likes. " * (size // 35)
    return {"block": {"0" * 32: {"value": {"value": {"title": [[text]]}, "role": "reader"}}}}
