"""A model's text, read as it streams: what is said, and which tools are called.

All decisions are functions of what was read and of what is certain to follow: where more must be
known, text waits. So any cut of the same text gives the same pieces.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial

from ..turn import Piece
from . import lapses
from .call import Call
from .calls import Calls, Policy
from .faults import Fault, Trouble
from .fences import ITEM, ITEM_BEGUN, MARKERS, Fence, fence_at, item_at
from .marks import LONGEST_TAG, Marks, begins, goes_on, unfinished
from .offer import Offer
from .quoting import Quoting
from .speech import Speech

_NOTABLE = re.compile(rf"\n(?=[ \t\r\ufeff]*+(?:[<`~>]|\Z|{ITEM}|{ITEM_BEGUN}))")
_NO_BLANK = re.compile(r"[^ \t\r\ufeff]")
_MARKS = re.compile(r"[\n<`]")
"""All that text in the midst of a line can change its meaning by."""


class Parser:
    """Fed text, gives pieces. `stopped` once nothing that follows is wanted.

    `cut` says that the text ended in the midst of a call that was begun, which then stays open.
    `id` names the calls by their number.
    """

    def __init__(
        self, marks: Marks, offer: Offer, policy: Policy, id: Callable[[int], str]
    ) -> None:
        self.stopped = False
        self._marks = marks
        self._offer = offer
        self._policy = policy
        self._head = f"<{marks.call}"
        self._result = f"<{marks.result}"
        self._lapses = policy.lapses if policy.allowed else ()
        self._text = ""
        self._at = 0
        self._notable = -1  # where the next line is that may not be text; -1: not known
        self._step: Callable[[], bool] = self._line
        self._speech = Speech()
        self._calls = Calls(marks, offer, policy, id, self._speech)
        self._quoting = Quoting()
        self._lapse: lapses.Lapse | None = None

    @property
    def calls(self) -> int:
        return self._calls.made

    @property
    def cut(self) -> bool:
        return self._calls.cut

    @property
    def trouble(self) -> Trouble | None:
        return self._calls.trouble

    @property
    def notes(self) -> Sequence[str]:
        return self._calls.notes

    def feed(self, text: str) -> list[Piece]:
        if self._at == len(self._text):
            more = self._calls.stream(text)
            if more is not None:  # the commonest, so the shortest way
                return [more]
            quiet = not (self.stopped or self._quoting.run or _MARKS.search(text))
            if quiet and self._step == self._flow:
                self._say(text)  # as `_flow` would, after many a look
                return self._speech.drain()
        self._text = self._text[self._at :] + text
        self._at = 0
        self._notable = -1
        self._run()
        return self._speech.drain()

    def interrupt(self) -> list[Piece]:
        """Something that is no text comes in between: no call goes on behind it."""
        if self._calls.open is not None:
            self._calls.open.break_off()
            self._end_broken(self._calls.open)
        return self._speech.drain()

    def finish(self, *, by_itself: bool = True) -> list[Piece]:
        """What was held. A text that did not end `by_itself` lacks some of what was meant."""
        if not self.stopped:
            self._end(by_itself=by_itself)
        if self._policy.required and not self.calls and not self.cut:
            self._calls.fault(Fault.MISSING, self._policy.only)
        if not (self.calls or self.stopped or self.cut):
            self._speech.end()
        return self._speech.drain()

    def _run(self) -> None:
        while not self.stopped and self._at < len(self._text) and self._step():
            pass

    def _end(self, *, by_itself: bool) -> None:
        if (call := self._calls.open) is not None:
            if by_itself:
                call.finish(self._text[self._at :])
            else:
                call.break_off()
            self._end_broken(call)
            self._run()
        if self._lapse is not None and by_itself:
            self._end_lapse(self._lapse.form, lapses.End(len(self._text), alone=True))
            self._run()
        self._release()
        if self._step == self._swallow:
            return
        if by_itself and self._step == self._flow:
            self._enter_last()
        rest = self._text[self._at :]
        if self._quoting.hides_call(rest) and not self.calls:
            self._calls.fault(Fault.QUOTED)
        self._say(rest)

    # Lines

    def _line(self) -> bool:
        """At the beginning of a line: only here can a tag or a fence stand."""
        window = self._at + LONGEST_TAG
        found = _NO_BLANK.search(self._text, self._at, window)
        if found is None:
            return self._go_on() if len(self._text) >= window else False
        first, mark = found.start(), found[0]
        if mark == "\n":
            return self._pass(first + 1)
        if not self._quoting.fence and mark in MARKERS:
            return self._item(first)
        self._quoting.cited = mark == ">"
        if self._quoting.fence:
            return self._fenced_line(first)
        if mark == "<":
            return self._tag(first)
        return self._fence_line(first) if mark in "`~" else self._go_on()

    def _item(self, first: int) -> bool:
        """An item of a list, in which a fence or a quotation may begin at once."""
        inner = item_at(self._text, first)
        if isinstance(inner, bool):
            return not inner and self._go_on()
        self._quoting.cited = self._text[inner] == ">"
        return self._go_on() if self._quoting.cited else self._fence_line(inner)

    def _go_on(self) -> bool:
        """The rest of the line is text."""
        self._release()
        self._step = self._flow
        return True

    def _pass(self, end: int) -> bool:
        """A line without anything visible, or one that opens a fence."""
        line = self._text[self._at : end]
        if self._quoting.waiting:
            self._quoting.waiting.append(line)
        else:
            self._say(line)
        self._at = end
        return True

    def _flow(self) -> bool:
        """Text, up to the next line that begins like a tag or a fence, or may yet."""
        text, at = self._text, self._at
        if self._notable <= at:
            found = _NOTABLE.search(text, at)
            self._notable = found.start() + 1 if found else len(text) + 1
        is_line = self._notable <= len(text)
        end = min(self._notable, len(text))
        if not self._quoting.fence:
            glued = text.find(self._head, at, end)
            if glued >= 0:
                return self._glued(glued)
            if not is_line:
                end = unfinished(text, at, self._head)
        self._quoting.read(text, at, end)
        self._say(text[at:end])
        self._at = end
        if is_line:
            self._step = self._line
        return end > at

    def _glued(self, at: int) -> bool:
        """A tag in the middle of a line: meant if an argument follows, and nothing quotes it."""
        self._quoting.read(self._text, self._at, at)
        found = self._marks.head(self._text, at)
        meant = False if self._quoting.in_line else self._marks.calls(self._text, at, found)
        if meant is False:
            at += len(self._head)
            self._quoting.read(self._text, at - 1, at)
        self._say(self._text[self._at : at])
        self._at = at
        if found is not None and meant:
            return not self.stopped and self._enter(found)
        return meant is not None

    def _enter_last(self) -> None:
        """A tag in the middle of the last line ends all of it: then it is meant."""
        found = self._marks.head(self._text, self._at)
        if found is not None and found[2] and not self._text[found.end() :].strip():
            self._enter(found)

    # Tags at the beginning of a line

    def _tag(self, first: int) -> bool:
        text = self._text
        if begins(text, first, self._head) and not goes_on(text, first + len(self._head)):
            return self._exact(first)
        if begins(text, first, self._result):
            return self._made_up()
        rest = text[first : first + LONGEST_TAG]
        if self._speech.follows and (end := self._marks.closed(text, first)):  # an end too many
            self._at = end
            return True
        is_own = first == self._at  # what is indented is an example, in a list or as code
        if is_own and rest.startswith(self._lapses) and (form := lapses.begun(text, first)):
            self._lapse = lapses.Lapse(form)
            self._step = partial(self._in_lapse, self._lapse)
            return True
        return not self._may_be_tag(rest, is_own=is_own) and self._go_on()

    def _may_be_tag(self, rest: str, *, is_own: bool) -> bool:
        """Whether it depends on what follows."""
        ours = any(tag.startswith(rest.lower()) for tag in (self._head, self._result))
        if ours or (self._speech.follows and self._marks.may_close(rest)):
            return True
        begun = rest.startswith(self._lapses) and lapses.may_begin(rest)
        return is_own and (begun or any(tag.startswith(rest) for tag in self._lapses))

    def _made_up(self) -> bool:
        """The model plays the application: nothing it says from here on is true."""
        self._calls.made_up_result()
        self._at = len(self._text)
        self.stopped = True
        return False

    def _exact(self, first: int) -> bool:
        found = self._marks.head(self._text, first)
        if found is not None:
            return self._enter(found)
        if self._marks.may_be_head(self._text, first):
            return False
        if stray := self._marks.stray(self._text, first):
            self._at = first
            said = stray[1].strip("/= \t\r\n")
            self._calls.refuse(Fault.FORM if said else Fault.UNKNOWN, said)
            self._step = self._swallow
            return True
        return not self._marks.may_be_stray(self._text, first) and self._go_on()

    def _enter(self, head: re.Match[str]) -> bool:
        self._at = head.end()
        if self._calls.is_full():  # nor is said what was to introduce it
            self.stopped = True
            return False
        self._quoting.wrap()
        self._speech.before_call()
        entry, name, is_all = self._offer.begun(head[1], head[2])
        call = self._calls.begin(entry, name, head[0])
        if call is None:
            self._step = self._behind if is_all else self._swallow
            return True
        self._step = partial(self._in_call, call)
        if is_all:
            call.close()
            self._end_call(call)
        return True

    def _swallow(self) -> bool:
        """Pass over a block that calls nothing."""
        end = self._marks.closing.search(self._text, self._at)
        if end is None:
            before = self._at
            tail = self._text.rfind("<", max(before, len(self._text) - LONGEST_TAG))
            self._at = tail if tail >= 0 else len(self._text)
            return self._at > before
        self._at = end.end()
        self._step = self._behind
        return True

    def _behind(self) -> bool:
        """Right behind a call blanks indent nothing: what follows begins a line."""
        found = _NO_BLANK.search(self._text, self._at)
        self._at = found.start() if found else len(self._text)
        if found is not None:
            self._step = self._line
        return found is not None

    # Calls

    def _in_call(self, call: Call) -> bool:
        self._at = call.read(self._text, self._at)
        if call.over:
            self._end_call(call)
        else:
            self._calls.take(call)
        return call.over

    def _end_broken(self, call: Call) -> None:
        """The rest of the text is not there, or is no part of the call."""
        self._at = len(self._text)
        self._end_call(call)

    def _end_call(self, call: Call) -> None:
        self._calls.end(call)
        if call.behind:  # there the call may be quoted that seems to follow
            self._text = call.behind + self._text[self._at :]
            self._at, self._notable = 0, -1
        self._step = self._behind if call.complete else self._ignore
        self.stopped = call.endless

    def _ignore(self) -> bool:
        """Behind a call that broke off nothing counts, until the service says what it should be."""
        self._at = len(self._text)
        return False

    # Calls in another form than was asked for

    def _in_lapse(self, lapse: lapses.Lapse) -> bool:
        end = lapse.end(self._text, self._at, self._offer)
        if isinstance(end, lapses.End):
            self._end_lapse(lapse.form, end)
            return True
        if end:
            return False
        if lapse.hopeless:
            self._lapses = ()
        self._lapse = None
        return self._go_on()

    def _end_lapse(self, form: lapses.Form, end: lapses.End) -> None:
        block = self._text[self._at : end.at]
        self._lapse = None
        self._at = end.at
        calls = form.read(block, self._offer) or ()
        meant = [entry for entry, _ in calls] or form.meant(block, self._offer)
        if meant and self._calls.is_full():
            self.stopped = True
            return
        if not (meant and self._calls.has_room(calls)):
            self._say(block)
            self._step = self._flow
            return
        self._speech.before_call()
        self._step = self._behind
        self._calls.take_over(calls if end.alone else (), meant)

    # Fences

    def _fence_line(self, first: int) -> bool:
        """A line outside a fence that begins like one."""
        fence = fence_at(self._text, first)
        if not isinstance(fence, Fence):
            return not fence and self._go_on()
        self._quoting.open(fence, self._text[self._at : fence.end])
        self._at = fence.end
        return True

    def _fenced_line(self, first: int) -> bool:
        if begins(self._text, first, self._head):
            found = self._marks.head(self._text, first)
            if found is None and self._marks.may_be_head(self._text, first):
                return False
            if found is not None and self._quoting.waiting:
                return self._enter(found)
            if found is not None:
                self._quoting.show()
            return self._go_on()
        if self._text[first] == self._quoting.fence[0]:
            return self._fence_end(first)
        hopeful = self._head.startswith(self._text[first : first + len(self._head)].lower())
        return not hopeful and self._go_on()

    def _fence_end(self, first: int) -> bool:
        """A line within a fence that begins like its end."""
        fence = fence_at(self._text, first)
        if not isinstance(fence, Fence) or not fence.closes(self._quoting.fence):
            return fence is not True and self._go_on()
        self._release()
        self._quoting.close()
        return self._pass(fence.end)

    def _say(self, text: str) -> None:
        self._speech.say(text)
        self.stopped = self.stopped or self._speech.idle

    def _release(self) -> None:
        """The fence wraps no call: so it is text."""
        for line in self._quoting.release():
            self._say(line)
