"""One call of a tool, read as it is written: tagged arguments in, JSON text out."""

import re
from collections.abc import Callable
from json.encoder import encode_basestring as quoted

from . import elements
from .jsontext import LONG, escaped
from .marks import LONGEST_TAG, WORDLESS_ENDS, Marks, attributes
from .offer import INPUT, Entry, Offer
from .values import WHOLE, Kind, laid_out

MOST_ARGUMENTS = 256
LONGEST = 4 << 20  # characters of one argument
DOUBTED = 16 << 10  # characters behind an end that may be quoted


class Call:
    """Fed a growing buffer; `take` gives what it came to since the last time.

    What it gave is at any time the beginning of one JSON object, from its brace on, or the free
    text itself where the tool takes that. `over` once the block ended. `complete` is then false if
    it ended in the midst of an argument: what was given stays open, since half a file must not look
    like a whole one.
    """

    def __init__(self, marks: Marks, entry: Entry, offer: Offer) -> None:
        self.entry = entry
        self.freeform = entry.freeform
        self.over = False
        self.complete = True
        self.endless = False  # so long that nobody waits for its end
        self.notes: list[str] = []
        self.left_out: list[str] = []  # arguments that the tool does not have
        self.repeated: list[str] = []  # those that it has already
        self.behind = ""  # what was said behind it, where another began before its end
        self._marks = marks
        self._offer = offer
        self._step: Callable[[str, int], int] = self._between
        self._out: list[str] = [] if entry.freeform else ["{"]
        self._keys = set[str]()
        self._begun = 0  # arguments, known or not
        self._misnamed = False  # free text under another name: a second may be the right one
        self._key = ""
        self._collected: list[str] = []  # a value that is read when it is whole, or stray text
        self._strayed = ""  # how that begins which stands where no argument is
        self._torn = False  # an argument's end is in it, behind another argument
        self._size = 0
        self._block = False  # the value began with a newline: so the last one is layout too
        self._streaming = False  # plain text goes straight through

    def take(self) -> str:
        given = "".join(self._out)
        self._out.clear()
        return given

    def stream(self, text: str) -> str | None:
        """What `text` adds, if it is nothing but more of a text argument; else None, not read."""
        if not self._streaming or text[-1:] in ("\n", ""):
            return None
        if "<" in text and not self._marks.is_content(text):
            return None
        size = self._size + len(text)
        if size > LONGEST:
            text = text[: self._grow(len(text))]
        else:  # as `_grow` has it, and `escaped` below: each call takes a tenth of the time
            self._size = size
        if self.freeform:
            return text
        return quoted(text)[1:-1] if len(text) <= LONG else escaped(text)

    def read(self, text: str, at: int) -> int:
        """Read from `at` as far as `text` decides anything; the place where to go on."""
        while not self.over:
            step, before = self._step, at
            at = step(text, at)
            if at == before and self._step == step:
                break
        return at

    def finish(self, rest: str) -> None:
        """The answer ended by itself, with `rest` unread. Only a missing end is forgiven."""
        left: str | None = rest
        if self._step != self._doubt:
            is_all = self._step == self._between and self._has_all()
            left = self._marks.left("".join([*self._collected, rest])) if is_all else None
        if left is None:
            self.break_off()
            return
        if self._step == self._between:
            self.notes.append("no closing tag")
            self._collected.clear()
        self.close()
        self.behind = left

    def break_off(self) -> None:
        """The answer did not end by itself: whatever is missing may have been meant to follow."""
        self.over, self.complete, self._streaming = True, False, False

    def _has_all(self) -> bool:
        """Whether all that was begun is there, but perhaps the closing tag."""
        if self.freeform:
            return bool(self._keys)
        return WHOLE in self._keys or not self.entry.parameters.may_lack(self._keys)

    # Between arguments

    def _between(self, text: str, at: int) -> int:
        end = self._marks.next_end(text, at)
        if end is None:
            stop = self._marks.held(text, at)
            self._stray(text[at:stop])
            return stop
        self._stray(text[at : end.start()])
        at = end.start()
        if self.over:
            return at
        if self._marks.begins_argument(end[0]):
            return self._open(text, at)
        if not self._marks.ends_argument(end[0]):
            if self._marks.begins_call(end[0]):
                return self._next_head(text, at)
            self.close()
            return end.end()
        if elements.may_begin(self._strayed):
            self._stray(end[0])
            self._torn = self._torn or bool(self._begun)
        elif self._begun and self._strayed:
            self.notes.append("an end within an argument")
            self.break_off()  # what was taken for all of it was half
        else:
            self.notes.append("an end of nothing")
        return end.end()

    def _next_head(self, text: str, at: int) -> int:
        """The head of another call, or of this one again: models stutter before an argument."""
        head = self._marks.head(text, at)
        if not (self._begun or self._strayed):
            if head is None and self._marks.may_be_head(text, at):
                return at
            if head is not None and self._is_said_again(head):
                return head.end()
        self.notes.append("no closing tag")
        self.close()
        self.behind = WORDLESS_ENDS.sub("", "".join(self._collected), 1)
        return at

    def _is_said_again(self, head: re.Match[str]) -> bool:
        """Whether it is this call's. It may end itself where nothing is needed."""
        entry, _, is_all = self._offer.begun(head[1], head[2])
        lost = is_all and any(map(self.entry.parameters.key, attributes(head[0])))
        again = entry is self.entry and not lost
        if again and is_all and not self.entry.parameters.needed:
            self.close()
        return again

    def _stray(self, text: str) -> None:
        self._grow(len(text))
        self._collected.append(text)
        if len(self._strayed) < elements.LONGEST_BEGINNING:
            self._strayed = (self._strayed + text).lstrip()[: elements.LONGEST_BEGINNING]

    def _take_elements(self) -> None:
        """What stands where no argument is may be some in another form; free text must say so."""
        given = elements.read("".join(self._collected)) if self._strayed else ()
        if self.freeform and [key for key, _ in given] != [INPUT]:
            given = ()
        if given:
            self.notes.append("arguments in another form")
            self._collected.clear()
            self._strayed, self._torn = "", False
        elif self._torn:
            self.notes.append("an end within an argument")
            self.break_off()
        for written, value in given:
            self._take_element(written, value)

    def _take_element(self, written: str, value: str) -> None:
        if not self.over:
            self._begin(written)
        if self._key and not self.over:
            if self.freeform:
                self._out.append(laid_out(value))
            else:
                self._end_value(value, streamed=False)
        self._step = self._between

    def _open(self, text: str, at: int) -> int:
        """An argument's tag, once it is all there."""
        head = self._marks.key(text, at)
        if head is None:
            if len(text) - at < LONGEST_TAG and text.find(">", at) < 0:
                return at
            self.notes.append("a tag that is none")
            self.break_off()  # whatever it says would be lost
            return at
        beside = attributes(head[0])
        if (beside and head[2]) or "value" in beside:
            self.notes.append("a value within a tag")
            self.break_off()
            return at
        self._take_elements()
        if self._strayed:
            self.notes.append("text between arguments")
        self._collected.clear()
        self._strayed = ""
        if not self.over:
            self._begin(head[1])
        if head[2] and not self.over:
            self._end_empty()
        return head.end()

    def _end_empty(self) -> None:
        if self._step == self._collect:
            self._end_value("", streamed=False)
        elif self._step != self._skip and not self.freeform:
            self._member('""')
        self._step = self._between

    def _begin(self, written: str) -> None:
        self._size, self._block = 0, False
        key = INPUT if self.freeform else self._known(written)
        self._begun += 1
        if self._begun > MOST_ARGUMENTS or self._misnamed:
            self.notes.append("too many arguments")
            self.break_off()
            return
        self._misnamed = self.freeform and not self._keys and written != INPUT
        if key is None or key in self._keys or WHOLE in self._keys:
            (self.left_out if key is None else self.repeated).append(written)
            self.notes.append("an argument that is unknown or given twice")
            self._key, self._step = "", self._skip
            return
        self._key = key
        self._keys.add(key)
        kind = Kind.OTHER if key == WHOLE else self.entry.parameters.kind(key)
        if kind is Kind.TEXT:
            self._step = self._first
        elif kind is Kind.TEXT_OR_NULL:
            self._step = self._perhaps_null
        else:
            self._step = self._collect

    def _known(self, written: str) -> str | None:
        if written == WHOLE:
            return None if self._keys else WHOLE
        return self.entry.parameters.key(written)

    # A text argument, streamed

    def _perhaps_null(self, text: str, at: int) -> int:
        if "null".startswith(text[at : at + 4]):
            end = self._marks.end.match(text, at + 4)
            if end is not None and self._begins_anew(end[0]):
                return at
            if end is not None:
                self._member("null")
                return self._past(end.start(), end.end(), end[0])
            if len(text) < at + 4 or self._marks.held(text, at + 4) == at + 4:
                return at
        self._step = self._first
        return at

    def _first(self, text: str, at: int) -> int:
        """The newline right after the tag is layout, and then so is the one before the end."""
        if at == len(text):
            return at
        self._block = text[at] == "\n"
        if not self.freeform:
            self._member('"')
        self._step = self._stream
        self._streaming = not self._block
        return at + self._block

    def _stream(self, text: str, at: int) -> int:
        end = self._marks.next_end(text, at)
        stop = self._marks.held(text, at) if end is None else end.start()
        newline = stop > at and text[stop - 1] == "\n"  # layout perhaps: its time has not come
        self._say(text[at : stop - newline])
        if end is None or self.over or self._begins_anew(end[0]):
            return stop - newline
        if newline and not self._block and self._marks.ends_argument(end[0]):
            self._say("\n")
        self._end_value("", streamed=True)
        return self._past(stop, end.end(), end[0])

    def _say(self, text: str) -> None:
        text = text[: self._grow(len(text))]
        if text:
            self._out.append(text if self.freeform else escaped(text))

    # An argument that is read when it is whole

    def _collect(self, text: str, at: int) -> int:
        end = self._marks.next_end(text, at)
        stop = self._marks.held(text, at) if end is None else end.start()
        self._grow(stop - at)
        self._collected.append(text[at:stop])
        if end is None or self.over or self._begins_anew(end[0]):
            return stop
        self._end_value("".join(self._collected), streamed=False)
        return self._past(stop, end.end(), end[0])

    def _skip(self, text: str, at: int) -> int:
        end = self._marks.next_end(text, at)
        if end is None:
            return self._marks.held(text, at)
        if self._begins_anew(end[0]):
            return end.start()
        return self._past(end.start(), end.end(), end[0])

    def _begins_anew(self, found: str) -> bool:
        """Another call begins in the midst of an argument: whoever wrote this one gave it up."""
        if self._marks.begins_call(found):
            self.break_off()
        return self.over

    def _past(self, start: int, after: int, found: str) -> int:
        """Behind the argument's own end; before whatever else ended it."""
        self._step = self._between
        if self._marks.ends_argument(found):
            return after
        self.notes.append("an argument without its end")
        if self._marks.begins_argument(found):
            return start
        self._step = self._doubt
        return after

    def _doubt(self, text: str, at: int) -> int:
        """The call's end within an argument: that may be its value, of which more follows.

        It ended if it stands alone on what is left of its line, and another call follows or none.
        """
        end = self._marks.next_end(text, at)
        stop = self._marks.held(text, at) if end is None else end.start()
        line = text[at:stop].partition("\n")[0]
        begins = end is not None and self._marks.begins_call(end[0])
        if line.strip() or (end is not None and not begins):
            self.notes.append("an end within an argument")
            self.break_off()
        elif begins or len(text) - at > DOUBTED:
            self.close()
        return at

    def _end_value(self, value: str, *, streamed: bool) -> None:
        self._collected.clear()
        self._streaming = False
        self._step = self._between
        if streamed:
            self._out.append("" if self.freeform else '"')
        elif self._key == WHOLE:
            self._spread(value)
        else:
            self._member(self.entry.parameters.read(self._key, laid_out(value)))

    # The JSON object

    def _member(self, value: str) -> None:
        comma = "," if len(self._keys) > 1 else ""
        self._out.append(f"{comma}{quoted(self._key)}:{value}")

    def _spread(self, value: str) -> None:
        """All arguments at once: the members of an object. No more may follow."""
        self.left_out += self.entry.parameters.strangers(value)
        self._out.append(self.entry.parameters.whole(value)[1:-1])

    def close(self) -> None:
        """The block is whole."""
        self._take_elements()
        self.over = True
        if not self.complete:
            return
        stray = "".join(self._collected)
        if self.freeform:
            if not self._keys and stray:
                self._out.append(laid_out(stray))
                self._collected.clear()
            return
        if not self._keys and stray.strip() and self.entry.parameters.may_lack(()):
            self._keys.add(WHOLE)
            self._spread(stray)
            self._collected.clear()
        elif stray.strip():
            self.notes.append("text between arguments")
        if WHOLE not in self._keys:
            for key in self.entry.parameters.omitted(self._keys):
                self._key = key
                self._keys.add(key)
                self._member("null")
        self._out.append("}")

    def _grow(self, more: int) -> int:
        """How many of so many characters more there is room for."""
        room = LONGEST - self._size
        self._size += more
        if more > room:
            self.notes.append("an argument that is too long")
            self.endless = True
            self.break_off()
        return min(more, room)
