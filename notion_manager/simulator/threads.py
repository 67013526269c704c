"""Conversations as the service keeps them: records, messages, the lease of a running turn."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .shapes import Json, Wrapping, as_list, as_object, as_text, wrap

LEASE_MS = 300_000
KEPT = 5_000


@dataclass(slots=True)
class Thread:
    """One conversation. `messages` keeps order, `steps` what each of them says."""

    id: str
    space_id: str
    owner: str
    type: str = "workflow"
    created_ms: int = 0
    updated_ms: int = 0
    title: str = ""
    model: str = ""
    alive: bool = True
    saved: bool = True
    unread: bool = False
    version: int = 1
    messages: list[str] = field(default_factory=list[str])
    steps: dict[str, Json] = field(default_factory=dict[str, Json])
    message_data: dict[str, Json] = field(default_factory=dict[str, Json])
    inference_id: str | None = None
    lease_ms: int | None = None
    outcome: Json | None = None

    def held(self, now_ms: int) -> bool:
        """Whether a turn in progress holds the thread."""
        return self.inference_id is not None and (self.lease_ms or 0) > now_ms

    def lease(self, inference_id: str, now_ms: int) -> None:
        self.inference_id, self.lease_ms = inference_id, now_ms + LEASE_MS

    def release(self, inference_id: str) -> None:
        """Give the lease back, unless another turn has taken it meanwhile."""
        if self.inference_id == inference_id:
            self.inference_id = self.lease_ms = None

    def add(self, steps: Iterable[Json]) -> None:
        """Append steps that are new; an id that is known already is the same message."""
        for step in steps:
            id = step["id"]
            if id not in self.messages:
                self.messages.append(id)
            self.steps[id] = step

    def finish(self, steps: Iterable[Json], outcome: Json, title: str) -> None:
        steps = list(steps)
        self.add(steps)
        done = {"completed": True, "completed_time": outcome["completed_time"]}
        for step in steps:
            self.message_data[step["id"]] = {**done, "inference_id": outcome["inference_id"]}
        self.outcome, self.title = outcome, title or self.title
        self.updated_ms = outcome["completed_time"]
        self.version += 1
        self.release(outcome["inference_id"])

    def history(self) -> list[Json]:
        return [self.steps[id] for id in self.messages if id in self.steps]

    def value(self) -> Json:
        data: Json = {"title": self.title} if self.title else {}
        if self.outcome:
            data["last_turn_outcome"] = self.outcome
        return {
            "id": self.id,
            "version": self.version,
            "type": self.type,
            "space_id": self.space_id,
            "parent_id": self.space_id,
            "parent_table": "space",
            "alive": self.alive,
            "created_time": self.created_ms,
            "created_by_id": self.owner,
            "created_by_table": "notion_user",
            "updated_time": self.updated_ms,
            "messages": list(self.messages),
            "data": data,
            "current_inference_id": self.inference_id,
            "current_inference_lease_expiration": self.lease_ms,
        }

    def message_value(self, id: str) -> Json:
        return {
            "id": id,
            "version": 1,
            "parent_id": self.id,
            "parent_table": "thread",
            "space_id": self.space_id,
            "step": self.steps[id],
            "data": self.message_data.get(id, {}),
        }

    def records(self, message_ids: Iterable[str], wrapping: Wrapping) -> Json:
        """The record map that a stream ends with: the thread and the named messages."""
        space = {"spaceId": self.space_id}
        messages = {id: space | wrap(self.message_value(id), wrapping) for id in message_ids}
        return {
            "thread": {self.id: space | wrap(self.value(), wrapping)},
            "thread_message": messages,
        }


@dataclass(slots=True)
class Threads:
    """The conversations of one simulator, by id: the newest few thousand.

    `overlooked` counts the reads that a scenario made fail.
    """

    known: dict[str, Thread] = field(default_factory=dict[str, Thread])
    overlooked: int = 0

    def keep(self, thread: Thread) -> None:
        self.known[thread.id] = thread
        if len(self.known) > KEPT:
            del self.known[next(iter(self.known))]

    def of(self, owner: str, space_id: str) -> list[Thread]:
        """The person's living threads in a workspace, the newest first."""
        mine = (t for t in self.known.values() if (t.owner, t.space_id) == (owner, space_id))
        return sorted((t for t in mine if t.alive and t.saved), key=lambda t: -t.updated_ms)

    def message(self, id: str, owner: str) -> Thread | None:
        """The thread of that person which holds the message."""
        mine = (t for t in self.known.values() if t.owner == owner)
        return next((t for t in mine if id in t.steps), None)


def operate(threads: Threads, operation: Json, owner: str, now_ms: int) -> None:
    """Carry out one operation of a transaction. Raises LookupError where it may not or cannot.

    The target is a `pointer`, or, in an older form, `table` and `id` in the operation itself.
    """
    pointer = as_object(operation.get("pointer")) or operation
    table, id = as_text(pointer.get("table")), as_text(pointer.get("id"))
    command, args = as_text(operation.get("command")), as_object(operation.get("args"))
    path = tuple(as_list(operation.get("path")))
    match table, command, path:
        case "thread", "set", ():
            if id in threads.known:
                raise LookupError(f"thread {id} exists")
            threads.keep(_created(id, args, as_text(pointer.get("spaceId")), owner, now_ms))
        case "thread_message", "set", ():
            thread = _mine(threads, as_text(args.get("parent_id")), owner)
            thread.steps[id] = as_object(args.get("step"))
        case "thread", "listAfterMulti", ("messages",):
            thread = _mine(threads, id, owner)
            thread.messages += [i for i in as_list(args.get("ids")) if i not in thread.messages]
        case "thread", "update", ():
            _update(_mine(threads, id, owner), args)
        case "thread", "update", ("data",):
            thread = _mine(threads, id, owner)
            thread.title = as_text(args.get("title")) or thread.title
        case _:
            raise LookupError(f"{command} {table}")


def _created(id: str, args: Json, space_id: str, owner: str, now_ms: int) -> Thread:
    return Thread(
        id=id,
        space_id=as_text(args.get("space_id")) or space_id,
        owner=owner,
        type=as_text(args.get("type")) or "workflow",
        created_ms=now_ms,
        updated_ms=now_ms,
    )


def _mine(threads: Threads, id: str, owner: str) -> Thread:
    thread = threads.known.get(id)
    if thread is None or thread.owner != owner:
        raise LookupError(f"no thread {id}")
    return thread


def _update(thread: Thread, args: Json) -> None:
    thread.version += 1
    if "alive" in args:
        thread.alive = bool(args["alive"])
    if "current_inference_id" in args:
        thread.inference_id = args["current_inference_id"]
    if "current_inference_lease_expiration" in args:
        thread.lease_ms = args["current_inference_lease_expiration"]
    if isinstance(args.get("updated_time"), int):
        thread.updated_ms = args["updated_time"]
