"""`ask`: one question from the command line, the way a client's would go."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import click

from .. import logs
from ..answers import Answer
from ..errors import Problem
from ..redact import visible
from ..translators.exchange import Exchange
from ..turn import Done, Event, Message, Text, Turn, fold
from .complaints import Complaint
from .places import config_option, database, settings
from .protocols import exchange, protocol, question
from .wiring import ask, run


@click.command(
    "ask",
    epilog="\b\nExamples:\n  notion-manager ask 'What is a monad?' --model opus-4.6\n"
    "  git diff | notion-manager ask - --no-stream\n"
    "  notion-manager ask Hello --demo --as messages",
)
@click.argument("text")
@click.option("--model", default="", help="A model, by any name that the APIs accept.")
@click.option(
    "--as", "api", type=protocol, help="Ask through one of the APIs and print its raw response."
)
@click.option("--demo", is_flag=True, help="Ask a simulated Notion.")
@click.option("--no-stream", "whole", is_flag=True, help="Print the answer when it is complete.")
@config_option
def command(  # noqa: PLR0913 - click gives every option an argument
    text: str, model: str, api: str | None, config_file: Path | None, *, demo: bool, whole: bool
) -> None:
    """Ask one question, without a server.

    The question is TEXT, or stdin where TEXT is "-". The answer is printed as it arrives; which
    model and account gave it is reported on stderr.
    """
    asked = _asked(text)
    if not asked.strip():
        raise click.UsageError("the question is empty")
    config = settings(config_file)
    logs.configure(config.log)
    teller = _Raw(api, asked, model, whole=whole) if api else _Plain(asked, model, whole=whole)
    try:
        run(ask(config, database(), teller.turn, demo=demo, heed=teller.heed))
    except Problem as problem:
        teller.fail(problem)
        raise


def _asked(text: str) -> str:
    """Raises Complaint for what is no text."""
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8-sig", "surrogateescape")
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise Complaint(
            "the question is not UTF-8 text", "convert it first, for example with iconv -t utf-8"
        ) from exc
    return text


class _Plain:
    """The text of the answer, and a line about it."""

    def __init__(self, text: str, model: str, *, whole: bool) -> None:
        self.turn = Turn(model, (Message("user", (Text(text),)),))
        self._whole = whole
        self._events: list[Event] = []

    def heed(self, answer: Answer, batch: Sequence[Event]) -> None:
        self._events += batch
        if not self._whole:
            self._print("".join(e.text for e in batch if isinstance(e, Text)))
        for done in (e for e in batch if isinstance(e, Done)):
            self._end(answer, done)

    def fail(self, problem: Problem) -> None:
        if self._events and not self._whole:
            click.echo()

    def _end(self, answer: Answer, done: Done) -> None:
        if self._whole:
            parts = fold(self._events).parts
            self._print("".join(part.text for part in parts if isinstance(part, Text)))
        click.echo()
        if done.truth is not None and not self._whole:
            click.echo(
                "Notion corrected this answer at the end; --no-stream shows the corrected one.",
                err=True,
            )
        about = "about " if done.usage.estimated else ""
        tokens = f"{about}{done.usage.input} tokens in, {done.usage.output} out"
        served = f" ({done.served})" if done.served else ""
        note = f"{answer.model}{served} on {answer.account}, {tokens}"
        click.secho(visible(note), dim=True, err=True)

    def _print(self, text: str) -> None:
        """A terminal is not to obey what a model writes."""
        shown = visible(text, keep="\n\t") if sys.stdout.isatty() else text
        click.echo(shown, nl=False)


class _Raw:
    """What a client of the API would read."""

    def __init__(self, api: str, text: str, model: str, *, whole: bool) -> None:
        body = question(api, text, model=model, stream=not whole)
        self._exchange = exchange(api, body, Exchange(uuid4().hex, int(time.time())))
        self.turn = self._exchange.turn
        self._whole = whole
        self._events: list[Event] = []

    def heed(self, answer: Answer, batch: Sequence[Event]) -> None:
        first = not self._events
        self._events += batch
        if not self._whole:
            self._write((self._exchange.start() if first else b"") + self._exchange.feed(batch))
        elif any(isinstance(event, Done) for event in batch):
            self._write(self._exchange.whole(fold(self._events)) + b"\n")

    def fail(self, problem: Problem) -> None:
        if self._events and not self._whole:
            self._write(self._exchange.fail(problem))

    @staticmethod
    def _write(data: bytes) -> None:
        click.echo(data, nl=False)
