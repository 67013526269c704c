"""What we say of ourselves: a line an event, for a person at a terminal or for a program.

Bodies are never handed to it. What could carry one by accident (messages of exceptions that are
not ours, long reports of other libraries) is left out, and the rest passes a redactor.
"""

import json
import logging
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from traceback import extract_tb
from typing import TextIO, cast

import msgspec
import orjson
from msgspec import Struct
from msgspec.structs import asdict

from .config import Log
from .errors import Problem
from .redact import Redactor, redactor, visible
from .secret import Secret

NAME = "notion_manager"
LONGEST = 300  # characters of one value
DEEPEST = 8  # exceptions of one chain
_encode = json.JSONEncoder().encode
_HOME = Path(__file__).parent


class RequestRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request, told when it is over. Times are seconds; `asked` is what the client wrote.

    `tried` names the accounts that failed before, each with its problem; `waited` is for a seat;
    `thread` says whether the conversation went on where it was. `method` and `path` say what was
    wanted where that is not to ask `api` something.
    """

    id: str
    key: str = ""
    api: str = ""
    asked: str = ""
    served: str = ""
    account: str = ""
    status: int
    first_content: float | None = None
    duration: float
    input_tokens: int | None = None
    output_tokens: int | None = None
    problem: str = ""
    reasks: int | None = None
    tried: str = ""
    waited: float | None = None
    thread: str = ""
    method: str = ""
    path: str = ""


def configure(log: Log, stream: TextIO | None = None, known: Iterable[Secret] = ()) -> "RequestLog":
    """Send every log line to `stream` (stderr). `known` secrets are masked wherever they appear.

    `log.level` is for our own lines; other libraries are heard from warnings on.
    """
    logging.logProcesses = logging.logThreads = logging.logMultiprocessing = False  # never shown
    # Nor is the caller, which costs a walk up the stack: the advice of the logging cookbook.
    logging._srcfile = None  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    made = handler(log, stream or sys.stderr, known)
    logging.basicConfig(handlers=[made], level="WARNING", force=True)
    logging.getLogger(NAME).setLevel(log.level.upper())
    return RequestLog(made, log.level)


def handler(log: Log, stream: TextIO, known: Iterable[Secret] = ()) -> "Handler":
    as_text = log.format == "text" or (log.format == "auto" and stream.isatty())
    return Handler(stream, (TextLines if as_text else JsonLines)(redactor(known)))


class RequestLog:
    """A line for each request, told when it is over; a fault of ours or of the upstream's warns.

    It writes past `logging`, whose way to the same stream costs more than the line itself.
    """

    def __init__(self, handler: "Handler", level: str) -> None:
        self._handler = handler
        self._least = logging.getLevelNamesMapping()[level.upper()]

    def __call__(self, record: RequestRecord) -> None:
        level = logging.WARNING if record.status >= 500 else logging.INFO  # noqa: PLR2004 - HTTP
        if level >= self._least:
            head = Head(time.time(), "info" if level == logging.INFO else "warning", _REQUESTS)
            self._handler.write(self._handler.lines.request(head, record))


_REQUESTS = f"{NAME}.request"


class Handler(logging.StreamHandler[TextIO]):
    def __init__(self, stream: TextIO, lines: "Lines") -> None:
        super().__init__(stream)
        self.lines = lines
        self.setFormatter(lines)

    def write(self, line: str) -> None:
        with self.lock or nullcontext():
            try:
                self.stream.write(f"{line}\n")
                self.stream.flush()
            except Exception:  # noqa: BLE001 - as `logging` has it: a log that fails fails nobody
                self._complain()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        self._complain()

    def _complain(self) -> None:
        """The default prints the arguments of the call that failed, and so perhaps a secret."""
        kind = sys.exc_info()[0]
        if kind is not None and not issubclass(kind, OSError):
            sys.stderr.write(f"a log line could not be written: {kind.__name__}\n")


class Raised(Struct, frozen=True):
    """An exception as it may be shown. `frames` are ours, and the innermost whoever's it is."""

    type: str
    message: str
    frames: tuple[str, ...]


class Head(Struct, frozen=True):
    """What every line begins with; `created` is in Unix seconds."""

    created: float
    level: str
    logger: str


class Lines(logging.Formatter):
    """How a line is spelled. Its fields and messages come redacted."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def line(
        self,
        head: Head,
        message: str,
        fields: Mapping[str, object],
        raised: Sequence[Raised] = (),
    ) -> str:
        raise NotImplementedError

    def request(self, head: Head, record: RequestRecord) -> str:
        return self.line(head, "request", self.fields(asdict(record)))

    def format(self, record: logging.LogRecord) -> str:
        head = Head(record.created, record.levelname.lower(), record.name)
        said: Mapping[str, object] = {}
        if _ours(record) and isinstance(record.args, Mapping):
            said = record.args
        fields = self.fields(said)
        raised = tuple(_raised(record, self._redact))
        return self.line(head, self._redact(_message(record)), fields, raised)

    def fields(self, said: Mapping[str, object]) -> Mapping[str, object]:
        """What is said beside the message; `logging` takes it as the only argument, a mapping.

        What is empty is left out.
        """
        kept = {
            k: v if type(v) is str or type(v) is int else _value(v)
            for k, v in said.items()
            if v is not None and v != ""
        }
        texts = "\n".join([v for v in kept.values() if type(v) is str])
        if len(texts) <= LONGEST and self._redact(texts) == texts:  # one look at all of them
            return kept
        return {
            k: self._redact(v[: 4 * LONGEST])[:LONGEST] if isinstance(v, str) else v
            for k, v in kept.items()
        }


class JsonLines(Lines):
    """An object a line, printable ASCII."""

    def line(
        self,
        head: Head,
        message: str,
        fields: Mapping[str, object],
        raised: Sequence[Raised] = (),
    ) -> str:
        line = {
            "time": _moment(head.created),
            "level": head.level,
            "logger": head.logger,
            "message": message,
            **fields,
        }
        if raised:
            line["exception"] = [asdict(each) for each in raised]
        return _encoded(line)

    def request(self, head: Head, record: RequestRecord) -> str:
        """Nearly all are short and plain, and need no look at each of their fields."""
        said = msgspec.json.encode(record).decode()
        plain = len(said) <= LONGEST and said.isascii() and said.isprintable() and "\\" not in said
        if not plain or self._redact(said) != said:
            return super().request(head, record)
        moment = _moment(head.created)
        begun = f'{{"time":"{moment}","level":"{head.level}","logger":"{head.logger}",'
        return f'{begun}"message":"request",{said[1:]}'


class TextLines(Lines):
    """Key and value, in local time; the frames of an exception follow, indented."""

    def line(
        self,
        head: Head,
        message: str,
        fields: Mapping[str, object],
        raised: Sequence[Raised] = (),
    ) -> str:
        moment = datetime.fromtimestamp(head.created, UTC).astimezone()
        spelled = (f"{k}={_quoted(v)}" for k, v in fields.items())
        lines = [
            " ".join((f"{moment:%Y-%m-%d %H:%M:%S} {head.level:7}", visible(message), *spelled))
        ]
        for each in raised:
            lines.append(f"  {each.type}: {visible(each.message)}".rstrip(": "))
            lines += [f"    {visible(frame)}" for frame in each.frames]
        return "\n".join(lines)


def report(exc: BaseException) -> str:
    """An exception that nobody expected, for a bug report: types and places, no values."""
    shown = (
        "\n".join((f"{r.type}: {r.message}".rstrip(": "), *(f"  {frame}" for frame in r.frames)))
        for r in _chain(exc, redactor())
    )
    return "\n".join(shown)


def _moment(created: float) -> str:
    second, thousandths = divmod(round(created * 1000), 1000)
    return f"{_second(second)}.{thousandths:03}+00:00"


@lru_cache(1)
def _second(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


def _encoded(line: Mapping[str, object]) -> str:
    try:
        text = orjson.dumps(line).decode()
    except TypeError:  # half a surrogate pair, or a number that no parser reads
        text = _encode(line)
    text = text if text.isascii() else _encode(line)
    return text.replace("\x7f", "\\u007f")  # the control character that no encoder escapes


def _ours(record: logging.LogRecord) -> bool:
    return record.name.split(".", 1)[0] == NAME


def _message(record: logging.LogRecord) -> str:
    """Other libraries put values into what follows their first line."""
    message = record.getMessage()
    return message if _ours(record) else (message.splitlines() or [""])[0][:LONGEST]


def _value(value: object) -> str | float:
    match value:
        case str() | int():
            return value
        case float():
            return round(value, 3)
        case _:
            return str(value)


def _quoted(value: object) -> str:
    text = str(value)
    if not isinstance(value, str) or (text.isalnum() and text.isascii()):
        return text
    plain = all(c.isascii() and (c.isalnum() or c in "._-/:@+,[]") for c in text)
    return text if plain else visible(json.dumps(text, ensure_ascii=False))


def _raised(record: logging.LogRecord, redact: Redactor) -> Iterator[Raised]:
    exc = record.exc_info[1] if record.exc_info else None
    if exc is not None:
        yield from _chain(exc, redact)


def _chain(exc: BaseException, redact: Redactor) -> Iterator[Raised]:
    """What was raised, then what caused it."""
    waiting, seen = [exc], set[int]()
    while waiting and len(seen) < DEEPEST:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield Raised(type(one).__qualname__, redact(_said(one))[:LONGEST], tuple(_frames(one)))
        if isinstance(one, BaseExceptionGroup):
            waiting += cast("BaseExceptionGroup[BaseException]", one).exceptions
        earlier = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        waiting += [earlier] if earlier else []


def _said(exc: BaseException) -> str:
    """Only what cannot quote a value: our own words, and the system's."""
    return str(exc) if isinstance(exc, Problem | OSError | ImportError) else ""


def _frames(exc: BaseException) -> Iterator[str]:
    frames = extract_tb(exc.__traceback__)
    for index, frame in enumerate(frames):
        path = Path(frame.filename)
        if path.is_relative_to(_HOME) or index == len(frames) - 1:
            home = _HOME.parent if path.is_relative_to(_HOME) else path.parent.parent
            yield f"{path.relative_to(home)}:{frame.lineno} in {frame.name}"
