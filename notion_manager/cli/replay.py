"""`replay`: a recorded answer of Notion's to what it means here. Nothing is sent."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import BinaryIO

import click
import orjson

from ..errors import Problem
from ..redact import visible
from ..tokens import of_exchange
from ..turn import Event, Message, Text, Turn, fold
from ..upstreams.notion_web.answer import STEPS
from ..upstreams.notion_web.failures import FAILURES
from ..upstreams.notion_web.stream import MOVED, Decoder
from .complaints import Complaint, about
from .protocols import exchange, protocol, question
from .spelling import plain
from .tables import dump

PIECE = 16 << 10  # bytes, about what one read of a socket gives
KINDS = frozenset({"patch-start", "patch", "patch-sync", "record-map", *STEPS, *FAILURES, *MOVED})
"""Lines that only an answer's stream has."""


@click.command(
    "replay",
    epilog="\b\nExamples:\n  notion-manager replay answer.ndjson\n"
    "  notion-manager replay answer.ndjson --as responses\n\n"
    "A recording is the body of a runInferenceTranscript response, exactly as received. It holds "
    "part of a conversation: look through it before you share it.",
)
@click.argument("recording", type=click.File("rb"), default="-", metavar="[FILE]")
@click.option(
    "--as", "api", type=protocol, help="Print the bytes that a client of this API would get."
)
@click.option(
    "--no-stream", "whole", is_flag=True, help="Print the whole answer at once, not its pieces."
)
def command(recording: BinaryIO, api: str | None, *, whole: bool) -> None:
    """Show what a recorded answer from Notion means here.

    Reads FILE or stdin and prints events as JSON or, with --as, what a client would receive. For a
    recording that ends in a failure, prints what came before it, then the failure. Nothing is sent
    anywhere.
    """
    recorded = recording.read()
    if not any(map(_of_answer, recorded.splitlines())):
        raise Complaint(
            "this is not a recording of an answer stream",
            "it takes the body of a runInferenceTranscript response: JSON lines, just as received",
        )
    try:
        _show(_batches(recorded), api, whole=whole)
    except Problem as problem:
        told = about(problem)
        raise type(told)(
            told.message, "this is how the recording ends; nothing was sent"
        ) from problem


def _of_answer(line: bytes) -> bool:
    with suppress(orjson.JSONDecodeError):
        match orjson.loads(line.strip().removeprefix(b"data:")):
            case {"type": str(kind)} if kind in KINDS:
                return True
            case {"isNotionError": True}:
                return True
            case _:
                pass
    return False


def _show(batches: Iterator[Sequence[Event]], api: str | None, *, whole: bool) -> None:
    if api:
        _as_client(api, batches, whole=whole)
    elif whole:
        dump(plain(fold(event for batch in batches for event in batch)))
    else:
        for batch in batches:
            for event in batch:
                dump(plain(event))


def _as_client(api: str, batches: Iterator[Sequence[Event]], *, whole: bool) -> None:
    client = exchange(api, question(api, "…", model="replayed", stream=not whole))
    if whole:
        click.echo(client.whole(fold(event for batch in batches for event in batch)))
        return
    click.echo(client.start(), nl=False)
    try:
        for batch in batches:
            click.echo(client.feed(batch), nl=False)
    except Problem as problem:
        click.echo(client.fail(problem), nl=False)
        raise


def _batches(recorded: bytes) -> Iterator[Sequence[Event]]:
    asked = Turn("", (Message("user", (Text("…"),)),))
    decoder = Decoder(partial(of_exchange, asked))
    try:
        for start in range(0, len(recorded), PIECE):
            yield decoder.feed(recorded[start : start + PIECE])
        yield decoder.finish()
    finally:
        for shape, count in decoder.drift.items():
            click.echo(f"unknown: {visible(shape)} ({count} times)", err=True)
