"""The calls of one answer: those that are made, and why others are not."""

import json
from collections.abc import Callable, Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ..turn import ToolCall
from . import lapses
from .call import Call
from .faults import MEANT, Fault, Trouble
from .marks import Marks, attributes
from .offer import Entry, Offer
from .speech import Speech

MOST = 64


class Policy(Struct, frozen=True):
    """`checked` names the tools whose calls are held until they are whole and valid.

    `only` is the one tool that may be called, where there is one. `lapses` are the ways in which a
    call in another form may begin: those that the model cannot have copied from the request. Where
    it may also have read what nobody here has seen, such a call is `doubtful`: not made, but asked
    about. `made` are the calls of an earlier try, as `named`: none is made twice, so each call is
    held until it is whole.
    """

    parallel: bool = True
    allowed: bool = True
    only: str = ""
    required: bool = False
    checked: Collection[str] = ()
    made: Collection[tuple[str, str]] = ()
    lapses: tuple[str, ...] = lapses.OPENINGS
    doubtful: bool = False


class Calls:
    """Made one after another, each said to `speech` as it comes, or when it is whole and valid.

    `made` is their number. `cut` says that the text ended in the midst of one, which then stays
    open; `over` that no more are wanted.
    """

    def __init__(
        self,
        marks: Marks,
        offer: Offer,
        policy: Policy,
        id: Callable[[int], str],
        speech: Speech,
    ) -> None:
        self.made = 0
        self.cut = False
        self.over = False
        self.open: Call | None = None
        self.trouble: Trouble | None = None
        self.notes: list[str] = []
        self._marks = marks
        self._offer = offer
        self._policy = policy
        self._make_id = id
        self._speech = speech
        self._held: list[str] | None = None  # the arguments of a call that waits
        self._id = ""

    def begin(self, entry: Entry | None, name: str, tag: str) -> Call | None:
        """The call of a tool; None where it is not to be called. `tag` may say too much."""
        if not self._policy.allowed:
            self.refuse(Fault.FORBIDDEN, name)
        elif entry is None:
            self.refuse(Fault.UNKNOWN, name)
        elif not self._is_wanted(entry):
            self.refuse(Fault.UNWANTED, name, (self._policy.only,))
        elif lost := _within(tag, entry):
            self.refuse(Fault.INVALID, entry.name, lost)
        else:
            return self._begun(entry)
        return None

    def _begun(self, entry: Entry) -> Call:
        self.open = call = Call(self._marks, entry, self._offer)
        self._id = self._make_id(self.made)
        self._held = [] if self._policy.made or entry.name in self._policy.checked else None
        if self._held is None:
            self._speech.call(self._fragment(entry, ""))
        return call

    def stream(self, text: str) -> ToolCall | None:
        """What `text` adds to the open call, if it is no more than that and does not wait."""
        call = self.open
        if call is None or self._held is not None:
            return None
        more = call.stream(text)
        if more is None:
            return None
        tool = call.entry.tool  # as `_fragment` has it, a call less
        return ToolCall(self._id, tool.name, more, tool.namespace, call.freeform)

    def take(self, call: Call) -> None:
        """Say what the open call came to since the last time."""
        if more := call.take():
            if self._held is None:
                self._speech.call(self._fragment(call.entry, more))
            else:
                self._held.append(more)

    def end(self, call: Call) -> None:
        """The open call is over."""
        self.take(call)
        self.open = None
        self.notes += call.notes
        if call.complete:
            if self._held is None or self._passes(call, "".join(self._held)):
                self._count()
        elif call.entry.name in self._policy.checked:  # nothing of it was given
            self.fault(Fault.CUT, call.entry.name)
        else:
            self.cut = True
            if self._held is not None:
                self._speech.call(self._fragment(call.entry, "".join(self._held)))

    def _passes(self, call: Call, arguments: str) -> bool:
        """Whether a call that was held is to be made; if so, it is said."""
        entry = call.entry
        errors: tuple[str, ...] = ()
        if entry.name in self._policy.checked and not entry.freeform:
            unknown = (f"{name}: there is no such parameter" for name in call.left_out)
            twice = (f"{name}: it was given already" for name in call.repeated)
            errors = (*unknown, *twice, *entry.parameters.errors(arguments))
        if errors:
            self.refuse(Fault.INVALID, entry.name, errors)
            return False
        if self._was_made(entry, arguments):
            self._speech.after_call()
            return False
        self._speech.call(self._fragment(entry, arguments))
        return True

    def _was_made(self, entry: Entry, arguments: str) -> bool:
        """Whether an earlier try has made this very call."""
        made = bool(self._policy.made) and named(entry, arguments) in self._policy.made
        if made:
            self.notes.append("a call that was made before")
        return made

    def _count(self) -> None:
        self.made += 1
        self._speech.after_call()
        self.over = not self._policy.parallel

    def is_full(self) -> bool:
        """Whether there are so many that one more is not made."""
        full = self.over or self.made >= MOST
        if full:
            self.notes.append("too many calls")
        return full

    # Calls in another form

    def has_room(self, found: lapses.Found) -> bool:
        """Whether all of them may be made."""
        wanted = all(self._is_wanted(entry) for entry, _ in found)
        return wanted and len(found) <= MOST - self.made

    def take_over(self, found: lapses.Found, meant: Sequence[Entry]) -> None:
        """Make them, or ask about them where there are none or they may be quoted."""
        self.notes.append(Fault.FORM.value)
        if self._policy.doubtful or not found:
            for entry in meant:
                self.refuse(Fault.FORM, entry.name)
            return
        for entry, arguments in found:
            if self._was_made(entry, arguments):
                continue
            self._id = self._make_id(self.made)
            self._speech.call(self._fragment(entry, arguments))
            self._count()
            if self.over:
                break

    # Calls that are not made

    def refuse(self, fault: Fault, tool: str = "", details: tuple[str, ...] = ()) -> None:
        """A block calls nothing, for this reason. No result is awaited where none could come."""
        self.fault(fault, tool, details)
        if fault is not Fault.FORBIDDEN:
            self._speech.after_call()

    def made_up_result(self) -> None:
        """The model wrote one itself. A call that is there, or missing, counts for more."""
        if self.made or self._policy.required:
            self.notes.append(Fault.RESULT.value)
        else:
            self.fault(Fault.RESULT)

    def fault(self, fault: Fault, tool: str = "", details: tuple[str, ...] = ()) -> None:
        """Note the first trouble there is, and which calls were not made beside."""
        self.notes.append(fault.value)
        if self.trouble is None:
            self.trouble = Trouble(fault, tool, details)
        elif fault in MEANT:
            self.trouble = replace(self.trouble, others=(*self.trouble.others, tool))

    def _is_wanted(self, entry: Entry) -> bool:
        return self._policy.only in ("", entry.name)

    def _fragment(self, entry: Entry, arguments: str) -> ToolCall:
        tool = entry.tool
        return ToolCall(self._id, tool.name, arguments, tool.namespace, entry.freeform)


def named(entry: Entry, arguments: str) -> tuple[str, str]:
    """The same for two calls that say the same, in whatever order."""
    given = arguments if entry.freeform else json.loads(arguments)
    return entry.name, json.dumps(given, sort_keys=True)


def _within(tag: str, entry: Entry) -> tuple[str, ...]:
    """What is wrong with a call that says all in its tag."""
    given = (name for name in sorted(attributes(tag)) if entry.parameters.key(name))
    return tuple(f"{name}: it stands in the tag, not in a block of its own" for name in given)
