"""What a call of `runInferenceTranscript` asks for: its checks, and the conversation it means."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from . import uploads
from .accounts import SimAccount, SimSpace
from .catalogue import EFFORTS
from .replies import Refused, Reply, forbidden, invalid
from .shapes import Era, Json, as_list, as_object, as_text, is_uuid, new_id
from .threads import Thread
from .world import World

TYPES = frozenset({"workflow", "markdown-chat", "researcher"})
RICH = 2  # a run of rich text is its text, and perhaps its formats
ATTACHMENT_KEYS = frozenset({"type", "id", "fileUrl", "fileName", "contentType", "metadata"})
METADATA_KEYS = frozenset({
    "fileSizeBytes", "truncatedContent", "wasTruncated", "estimatedTokens", "attachmentSource",
    "aiTraceId", "guardrail", "width", "height", "moderation", "numRows", "numFields",
    "contentType",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance as the model sees it."""

    user: bool
    text: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What the config step switches."""

    effort: str
    read_only: bool
    web: bool
    workspace: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """A call that passed the checks. `model` is "" where the service may choose.

    `said` is the whole conversation, the newest utterance last; `steps` are those that the thread
    does not have yet. `brittle`: the history came in a shape that often gets no answer.
    """

    trace_id: str
    space: SimSpace
    thread: Thread
    new: bool
    patch: bool
    titled: bool
    model: str
    wish: Wish
    results: bool
    said: Sequence[Said]
    attachments: Sequence[str]
    brittle: bool
    steps: Sequence[Json] = field(default_factory=tuple)

    @property
    def newest(self) -> str:
        return self.said[-1].text

    @property
    def research(self) -> bool:
        return self.thread.type == "researcher"


def newest_text(body: Json) -> str:
    """The newest user text of a body that nobody has checked yet."""
    steps = [as_object(step) for step in as_list(body.get("transcript"))]
    return next((_rich(s.get("value")) for s in reversed(steps) if s.get("type") == "user"), "")


def understand(body: Json, account: SimAccount, world: World, rng: Random) -> Ask:
    """Check a body and find its conversation. Raises Refused, also for the empty 200."""
    space = _space(body, account, rng)
    steps = _steps(body, rng)
    type = as_text(body.get("threadType")) or "workflow"
    _check_type(type, steps, rng, world.options.era)
    if any("id" in step and not is_uuid(step["id"]) for step in steps):
        raise Refused(Reply(200))
    steps = [step if "id" in step else {**step, "id": new_id(rng)} for step in steps]
    thread, new = _thread(body, account, space, world, rng)
    if thread.held(world.now_ms):
        raise Refused(Reply(200))
    fresh = [step for step in steps if step["id"] not in thread.steps]
    history = _ordered([*thread.history(), *fresh], as_text(body.get("submittedUserStepId")))
    uploads.check(world.uploads, thread, fresh, rng)
    said = list(_conversation(history))
    if not said or not said[-1].user:
        raise Refused(invalid(rng))
    if new:
        world.threads.keep(thread)
    thread.type = type if new else thread.type
    config = _config(steps, history)
    debug = as_object(body.get("debugOverrides"))
    return Ask(
        trace_id=as_text(body.get("traceId")) or new_id(rng),
        space=space,
        thread=thread,
        new=new or thread.outcome is None,
        patch=body.get("asPatchResponse") is True,
        titled=body.get("generateTitle") is True,
        results=debug.get("emitAgentSearchExtractedResults") is True,
        model=as_text(config.get("model")) or as_text(debug.get("model")),
        wish=_wish(config),
        said=said,
        attachments=list(_seen(history, world, config)),
        brittle=any(step["type"] in {"assistant", "assistant-reply"} for step in fresh),
        steps=fresh,
    )


def _wish(config: Json) -> Wish:
    return Wish(
        effort=as_text(config.get("reasoningEffort")),
        read_only=config.get("useReadOnlyMode") is True,
        web=config.get("useWebSearch") is True,
        workspace=bool(as_list(config.get("searchScopes")) or as_object(config.get("searchScope"))),
    )


def _space(body: Json, account: SimAccount, rng: Random) -> SimSpace:
    id = as_text(body.get("spaceId"))
    if not id:
        raise Refused(invalid(rng))
    space = account.space(id)
    if space is None:
        raise Refused(forbidden(rng))
    return space


def _steps(body: Json, rng: Random) -> list[Json]:
    transcript = body.get("transcript")
    steps = [as_object(step) for step in as_list(transcript)]
    known = all(as_text(step.get("type")) for step in steps)
    good = isinstance(transcript, list) and known and all(_well_formed(s) for s in steps)
    if not good:
        raise Refused(invalid(rng))
    return steps


def _well_formed(step: Json) -> bool:
    match step["type"]:
        case "user":
            runs = as_list(step.get("value"))
            return bool(runs) and all(_is_run(run) for run in runs)
        case "attachment":
            metadata = as_object(step.get("metadata"))
            named = all(as_text(step.get(k)) for k in ("fileUrl", "fileName", "contentType"))
            return named and step.keys() <= ATTACHMENT_KEYS and metadata.keys() <= METADATA_KEYS
        case _:
            return True


def _is_run(run: object) -> bool:
    parts = as_list(run)
    return 0 < len(parts) <= RICH and isinstance(parts[0], str)


def _check_type(type: str, steps: Sequence[Json], rng: Random, era: Era) -> None:
    """The config's own type must equal the thread's; the legacy type went away in June 2026."""
    configs = [as_object(s.get("value")) for s in steps if s["type"] == "config"]
    wrong = any(config.get("type") != type for config in configs)
    efforts = [config["reasoningEffort"] for config in configs if "reasoningEffort" in config]
    gone = type == "markdown-chat" and era == "2026-08"
    if wrong or gone or type not in TYPES or any(effort not in EFFORTS for effort in efforts):
        raise Refused(invalid(rng))


def _thread(
    body: Json, account: SimAccount, space: SimSpace, world: World, rng: Random
) -> tuple[Thread, bool]:
    """The thread and whether this call creates it."""
    id, create = body.get("threadId"), body.get("createThread") is True
    if id is None and create:
        id = new_id(rng)
    if not is_uuid(id):
        raise Refused(invalid(rng))
    known = world.threads.known.get(str(id))
    if create is (known is not None):
        raise Refused(invalid(rng, "Thread already exists." if create else "Thread not found."))
    if known is None:
        saved = body.get("saveAllThreadOperations") is not False
        now_ms = world.now_ms
        return Thread(str(id), space.id, account.user_id, created_ms=now_ms, saved=saved), True
    if (known.owner, known.space_id) != (account.user_id, space.id):
        raise Refused(forbidden(rng, "User does not have access to this thread."))
    if not (known.alive and known.saved):
        raise Refused(invalid(rng, "Thread not found."))
    return known, False


def _ordered(history: list[Json], submitted: str) -> list[Json]:
    """The step that was saved before, and is submitted by its id, is the newest one."""
    return [s for s in history if s["id"] != submitted] + [
        s for s in history if s["id"] == submitted
    ]


def _config(steps: Iterable[Json], history: Iterable[Json]) -> Json:
    """The config of this call, else the thread's, with what `updated-config` steps change in it."""
    configs = [
        *(s for s in history if s["type"] == "config"),
        *(s for s in steps if s["type"] == "config"),
    ]
    config = as_object(configs[-1].get("value")) if configs else {}
    for step in history:
        if step["type"] == "updated-config":
            config = {**config, **as_object(step.get("value"))}
    return config


def _conversation(history: Iterable[Json]) -> Iterable[Said]:
    for step in history:
        match step["type"]:
            case "user":
                yield Said(True, _rich(step.get("value")))
            case "agent-inference" | "assistant-reply" | "assistant" | "markdown-chat":
                yield Said(False, _answer(step.get("value")))
            case _:
                pass


def _seen(history: Iterable[Json], world: World, config: Json) -> Iterable[str]:
    """The files as the model has them: attached, or written into a message as a line of JSON."""
    csv = config.get("enableCsvAttachmentSupport") is True
    for step in history:
        if step["type"] == "attachment":
            upload = world.uploads.at(as_text(step["fileUrl"]))
            if upload and (csv or upload.content_type != "text/csv"):
                yield upload.seen(as_text(step["fileName"]))
        elif step["type"] == "user":
            yield from (f"{name} (written out)" for name in _INLINED.findall(_rich(step["value"])))


_INLINED = re.compile(
    r'(?m)^\{"file":\{"file_data":"data:text/csv;base64,[A-Za-z0-9+/=]*","filename":"([^"]*)"\},"type":"file"\}$'
)


def _rich(value: object) -> str:
    return "".join(as_text(as_list(run)[0]) for run in as_list(value) if as_list(run))


def _answer(value: object) -> str:
    """The text of an earlier answer, in any of the shapes in which clients replay one."""
    if isinstance(value, str):
        return value
    entries = [as_object(entry) for entry in as_list(value)]
    return "".join(
        _answer(e["value"]) if e.get("type") == "agent-inference" else as_text(e.get("content"))
        for e in entries
        if e.get("type") in {"text", "agent-inference"} and (e.get("value") or "content" in e)
    )
