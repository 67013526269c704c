"""What the upstream's events come to: text and calls, within the bounds that were set."""

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ..errors import Unformed, WrongDocument
from ..tokens import of_exchange
from ..turn import (
    APART,
    Done,
    Event,
    JsonOutput,
    Limits,
    Message,
    Piece,
    Stop,
    Text,
    ToolCall,
    Turn,
    Usage,
    coalesce,
)
from . import documents
from .bounds import Bounds
from .calls import Policy, named
from .corrections import correction, surrender
from .faults import Fault, Trouble
from .healing import missing
from .marks import Marks
from .offer import Offer
from .parser import Parser

BLANK_LINE = "\n\n"
_MENDED_BY_TEXT = (Fault.FORBIDDEN, Fault.RESULT)
"""What does no harm once something was said: that is then the answer."""


class Lowered(Struct, frozen=True):
    """A turn in plain text, and what it takes to read its answer.

    `marks` is None where no call can come, `output` where no document is wanted.
    """

    turn: Turn
    offer: Offer
    policy: Policy = Policy()
    marks: Marks | None = None
    output: JsonOutput | None = None
    limits: Limits = Limits()

    @property
    def only_limited(self) -> bool:
        """Whether nothing can happen to the answer but that it becomes too long."""
        return self.marks is None and self.output is None and not self.limits.stop


class Reading:
    """One answer, as far as it is text: what is said, what is called, which document it is."""

    def __init__(self, lowered: Lowered, id: Callable[[int], str], *, live: bool) -> None:
        self.spoke = False
        self._offer = lowered.offer
        self._marks = lowered.marks
        self._output = lowered.output
        self._policy = lowered.policy
        self._parser = None
        if lowered.marks is not None:
            self._parser = Parser(lowered.marks, lowered.offer, lowered.policy, id)
        self._document: list[str] = []
        self._opening = None
        free = lowered.output is not None and lowered.output.schema is None
        if live and free and self._parser is None:  # else it can wait until it is whole
            self._opening = documents.Opening()
        self._whole = False  # the document was given at the end
        self._errors: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        return self._closed or (self._parser is not None and self._parser.stopped)

    @property
    def calls(self) -> int:
        return self._parser.calls if self._parser else 0

    @property
    def cut(self) -> bool:
        return self._parser is not None and self._parser.cut

    @property
    def _closed(self) -> bool:
        """The document is there: whatever was read behind it does not count."""
        return self._opening is not None and self._opening.closed

    @property
    def notes(self) -> Sequence[str]:
        return self._parser.notes if self._parser else ()

    def feed(self, event: Piece) -> list[Piece]:
        if not isinstance(event, Text):
            said = self._said(self._parser.interrupt()) if self._parser else []
            return said if event == APART else [*said, event]
        if self._parser is None:
            return self._said([event])
        pieces = self._parser.feed(event.text)
        if event.cites:
            pieces = [*pieces, *self._parser.interrupt(), Text("", event.cites)]
        return self._said(pieces)

    def finish(self, *, by_itself: bool = True) -> list[Piece]:
        """The last pieces, among them a whole document that was checked."""
        pieces = self._said(self._parser.finish(by_itself=by_itself)) if self._parser else []
        if self._output is None:
            return pieces
        return [*pieces, *self._found(self._output, by_itself=by_itself)]

    def _found(self, output: JsonOutput, *, by_itself: bool) -> list[Piece]:
        if self._opening is not None and not self._opening.hidden:
            self._errors = self._opening.errors()
            return []
        found = documents.find(output, "".join(self._document), by_itself=by_itself)
        if found.errors:
            self._errors = () if self.calls or self.cut else found.errors  # prose before a call
            return []
        self._whole = True
        return [Text(found.text)]

    def _said(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Where a document is wanted, text waits until it is one."""
        if self._output is not None:
            pieces = [kept for piece in pieces if (kept := self._documented(piece)) is not None]
        self.spoke = self.spoke or any(isinstance(piece, Text) for piece in pieces)
        return list(pieces)

    def _documented(self, piece: Piece) -> Piece | None:
        if not isinstance(piece, Text):
            return piece
        self._document.append(piece.text)
        more = self._opening.feed(piece.text) if self._opening else ""
        return Text(more) if more else None

    @property
    def trouble(self) -> Trouble | None:
        """What calls for another try. What was said already is not taken back."""
        answered = self._closed or self._whole
        trouble = self._parser.trouble if self._parser and not answered else None
        if trouble and trouble.fault in _MENDED_BY_TEXT and self.spoke:
            return None
        return None if trouble and trouble.fault is Fault.UNWANTED and self.calls else trouble

    def correction(self) -> str:
        """What to tell the model; empty where nothing is wrong, or it is too late to mend."""
        if self.cut or (self.calls and not self._policy.parallel):
            return ""
        if (trouble := self.trouble) and self._marks is not None:
            return correction(trouble, self._offer, self._marks)
        return documents.correction(self._errors) if self._errors and not self.spoke else ""

    def last_words(self) -> str:
        """What the client must know of a fault that remains where nothing was called.

        Raises Unformed where the answer is not one. A document has no room for words.
        """
        if self._errors:
            found = "; ".join(self._errors)
            raise WrongDocument(f"the model's answer is not the JSON that was asked for: {found}")
        trouble = self.trouble
        if trouble is None:
            return ""
        if self._policy.required or trouble.fault in _MENDED_BY_TEXT:
            raise Unformed(f"the model was asked again and gave {trouble.fault.value}")
        return surrender(trouble) if self._output is None else ""


class Lift:
    """Turns what the upstream says into what the client asked for.

    Feed it events until `over` or the end of the stream, then `finish`. Where `retry` then gives a
    turn, ask that and feed its answer too, after a `restart`: once. `end` gives the last events.
    `id` names calls by their number. Nothing is shown before its end where it is not `live`, so
    that all of it can be checked. `misled` says that a call or a document was given that the
    service takes back in the end: `Done.truth` has what it should have been.
    """

    def __init__(
        self,
        lowered: Lowered,
        count: Callable[[str], int],
        id: Callable[[int], str],
        *,
        live: bool = True,
    ) -> None:
        self._live = live
        self.asked_again = False
        self.misled = False
        self._lowered = lowered
        self._make_id = id
        self._first = 0  # the number of the first call of this answer
        self._count = count
        self._bounds = Bounds(lowered.limits, count)
        self._reading = self._read_anew()
        self._raw: list[Piece] = []  # the answer, as the model wrote it
        self._done: Done | None = None
        self._former: tuple[Reading, Done | None] = (self._reading, None)
        self.notes: Counter[str] = Counter()  # how the model strayed from the form, if it did
        self._usage = Usage()
        self._calls = 0
        self._apart = ""  # what parts the text of a second answer from that of the first

    @property
    def over(self) -> bool:
        """Nothing that may follow is wanted: the upstream can be left."""
        return self._reading.over or self._bounds.stop is not None

    def feed(self, events: Sequence[Event]) -> list[Piece]:
        """What may be passed on now. Where it is `over`, what came with it does not count."""
        pieces: list[Piece] = []
        for event in events:
            if self.over:
                break
            if isinstance(event, Done):
                self._done = event
            else:
                self._raw.append(event)
                pieces += self._bounded(self._reading.feed(event))
        return pieces

    def _bounded(self, pieces: list[Piece]) -> list[Piece]:
        """Within the bounds, and apart from the text of an earlier answer."""
        for index, piece in enumerate(pieces if self._apart else ()):
            if isinstance(piece, Text):
                apart, self._apart = self._apart, ""
                before = [*self._bounds.feed(pieces[:index]), *self._bounds.say(apart)]
                return [*before, *self._bounds.feed(pieces[index:])]
        return self._bounds.feed(pieces)

    def finish(self) -> list[Piece]:
        """What was held. An answer that was left has no figures of the service's own."""
        truth = self._done.truth if self._done else None
        rest = self._finished(self._reading) if truth is None else self._healed(truth)
        pieces = [*self._bounded(rest), *self._bounds.finish()]
        self._calls += self._reading.calls
        self.notes.update(self._reading.notes)
        done = self._done
        usage = done.usage if done else of_exchange(self._lowered.turn, self._raw)
        self._usage = _sum(self._usage, usage)
        return pieces

    def _finished(self, reading: Reading) -> list[Piece]:
        return reading.finish(by_itself=self._done is not None and self._done.stop is Stop.END)

    def _healed(self, truth: Sequence[Piece]) -> list[Piece]:
        """What is to be sent yet, now that the service says what its answer was after all.

        From here on that is the answer; what was streamed of it is read again to compare.
        """
        streamed, held = self._read_anew(), self._read_anew()
        self._reading = held
        sent = [piece for event in self._raw for piece in streamed.feed(event)]
        pieces = [piece for event in truth for piece in held.feed(event)] + self._finished(held)
        self._raw = list(truth)
        rest = missing(sent, pieces, verbatim=self._lowered.output is not None)
        self.misled = rest is None and self._bounds.stop is None
        held.spoke = held.spoke or streamed.spoke
        return rest or []

    def _read_anew(self) -> Reading:
        first = self._first
        lowered = self._lowered
        return Reading(lowered, lambda number: self._make_id(first + number), live=self._live)

    def retry(self) -> Turn | None:
        """The turn that asks the model once more, where its answer will not do."""
        if self.asked_again or self.misled or self._bounds.stop is not None:
            return None
        wrong = self._reading.correction()
        if not wrong:
            return None
        said = "".join(piece.text for piece in self._raw if isinstance(piece, Text))
        asked = (Message("assistant", (Text(said),)), Message("user", (Text(wrong),)))
        turn = self._lowered.turn
        return replace(turn, messages=(*turn.messages, *asked))

    def restart(self) -> None:
        self.asked_again = True
        if self._calls:
            self._lowered = self._without(self._calls_made())
        self._first = self._calls
        self._apart = BLANK_LINE if self._reading.spoke else ""
        self._former = self._reading, self._done
        self._done = None
        self._raw = []
        self._reading = self._read_anew()

    def take_back(self) -> None:
        """The second answer came to nothing: the first one is the answer after all."""
        self._reading, self._done = self._former
        self._bounds.forget()

    def _calls_made(self) -> frozenset[tuple[str, str]]:
        """The calls of the answer so far, by the names that the model has for the tools."""
        reading = self._read_anew()
        pieces = [piece for event in self._raw for piece in reading.feed(event)]
        read = coalesce([*pieces, *self._finished(reading)])
        calls = [piece for piece in read if isinstance(piece, ToolCall)]
        called = [(self._lowered.offer.called(call), call.arguments) for call in calls]
        return frozenset(named(entry, arguments) for entry, arguments in called if entry)

    def _without(self, made: frozenset[tuple[str, str]]) -> Lowered:
        """A model that is asked for one call may repeat the others."""
        return replace(self._lowered, policy=replace(self._lowered.policy, made=made))

    def end(self) -> list[Event]:
        """The last events. Raises Unformed where the answer is not what was asked for."""
        called = self._calls or self._reading.cut
        told = self._bounds.stop is None and not self.misled and not called
        words = self._reading.last_words() if told else ""
        if words and (self._reading.spoke or self._apart):
            words = BLANK_LINE + words
        pieces = self._bounds.say(words) if words else []
        return [*pieces, *self._bounds.finish(), self._last()]

    def _last(self) -> Done:
        done, usage, most = self._done, self._usage, self._lowered.limits.max_tokens
        if self._bounds.stop is Stop.LENGTH and most is not None and usage.output > most:
            usage = replace(usage, output=most, estimated=True)  # what came behind is not shown
        return Done(
            self._stop(),
            usage,
            sequence=self._bounds.sequence,
            served=done.served if done else "",
            truth=self._truth(done),
            reasks=int(self.asked_again),
            bookmark=done.bookmark if done and self._is_all() else "",
        )

    def _is_all(self) -> bool:
        """Whether the client has all that the model said, as far as it counts."""
        left_out = self.asked_again or self.notes or self._reading.cut
        return not left_out and self._bounds.stop is None

    def _stop(self) -> Stop:
        if self._bounds.stop is not None:
            return self._bounds.stop
        if self._reading.cut:
            return Stop.LENGTH
        if self._calls:
            return Stop.TOOL
        return self._done.stop if self._done else Stop.END

    def _truth(self, done: Done | None) -> tuple[Piece, ...] | None:
        """What the service says its answer was after all, read anew."""
        if done is None or done.truth is None or self.asked_again:
            return None
        lift = Lift(self._lowered, self._count, self._make_id, live=self._live)
        pieces = lift.feed([*done.truth, Done(done.stop)])
        return (*pieces, *lift.finish())


def _sum(a: Usage, b: Usage) -> Usage:
    return Usage(
        input=a.input + b.input,
        output=a.output + b.output,
        cached=a.cached + b.cached,
        cache_written=a.cache_written + b.cache_written,
        thinking=a.thinking + b.thinking,
        estimated=a.estimated or b.estimated,
    )
