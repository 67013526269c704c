"""What goes wrong, told at the terminal: a line of what, a line of what to do, an exit code."""

import errno
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import IO, Any

import click

from ..config import Server
from ..database import StoreProblem
from ..errors import (
    AccountRefused,
    AiDisabled,
    BadRequest,
    Busy,
    ContextTooLong,
    Denied,
    EdgeChallenged,
    ModelUnavailable,
    NoAccount,
    Problem,
    QuotaExhausted,
    RateLimited,
    TemporarilyUnavailable,
    UnknownModel,
    Unsupported,
    UpstreamBroken,
    UpstreamRejected,
    WorkspaceRefused,
)
from ..logs import report
from ..reading import Mistake
from ..redact import visible

EXIT_CODES = {
    0: "success",
    1: "a problem, reported on stderr",
    2: "the command was not understood",
    3: "the configuration has mistakes",
    4: "Notion refused the account or the workspace",
    5: "Notion cannot answer at the moment",
    130: "interrupted",
}


class Complaint(click.ClickException):
    """Ends the command. `lines` say what to do; all texts are safe to show."""

    def __init__(self, message: str, *lines: str) -> None:
        super().__init__(message)
        self.lines = lines

    def show(self, file: IO[Any] | None = None) -> None:
        head = click.style("error:", fg="red", bold=True)
        click.echo(f"{head} {visible(self.message)}", err=True, color=self.show_color)
        for line in self.lines:
            click.echo(f"  {visible(line)}", err=True)


class Misconfigured(Complaint):
    exit_code = 3


class Refused(Complaint):
    exit_code = 4


class Unavailable(Complaint):
    exit_code = 5


INTERRUPTED = 130

_MODELS = "`notion-manager models` lists what your accounts offer"
_WAIT = "wait a little, then try again"

_REMEDIES: tuple[tuple[type[Problem], type[Complaint], str], ...] = (
    (AccountRefused, Refused, "copy a fresh token_v2; `notion-manager accounts add` renews it"),
    (AiDisabled, Refused, "turn Notion AI on in the workspace's settings, or add another"),
    (WorkspaceRefused, Refused, "check in Notion that you are a member, or add another workspace"),
    (Denied, Refused, "Notion's rules refused this; wait a while, and ask Notion if it persists"),
    (EdgeChallenged, Unavailable, "it concerns this machine's address; wait a few minutes"),
    (QuotaExhausted, Unavailable, "wait until the allowance renews, or add another workspace"),
    (RateLimited, Unavailable, _WAIT),
    (Busy, Unavailable, _WAIT),
    (TemporarilyUnavailable, Unavailable, "wait a few minutes, or add another workspace"),
    (UpstreamRejected, Unavailable, "Notion may have changed; check for an update"),
    (UpstreamBroken, Unavailable, "check that this machine reaches notion.base_url; try again"),
    (UnknownModel, Complaint, _MODELS),
    (ModelUnavailable, Complaint, _MODELS),
    (NoAccount, Complaint, "`--demo` works without any account"),
    (ContextTooLong, Complaint, "send less, or choose a model that takes more"),
    (Unsupported, Complaint, "leave it out of the request"),
    (BadRequest, Complaint, "change what is named there, then try again"),
    (Problem, Complaint, 'try again; if it persists, log.level = "debug" shows more'),
)  # fmt: skip


def about(problem: Problem) -> Complaint:
    """Of a BadRequest that names no place in a body, the message says all."""
    kind, remedy = next((k, r) for type_, k, r in _REMEDIES if isinstance(problem, type_))
    said = isinstance(problem, BadRequest) and not problem.field
    return kind(str(problem), *([] if said else [remedy]))


def unbound(server: Server, exc: OSError) -> Complaint:
    """The address cannot be had."""
    where = f"{server.host}, port {server.port}"
    if exc.errno == errno.EADDRINUSE:
        return Complaint(
            f"something else is listening on {where}",
            "stop it, or choose another --port (0 for any)",
        )
    reason = os.strerror(exc.errno) if exc.errno else str(exc)
    return Complaint(f"cannot listen on {where}: {reason}", "choose another --host or --port")


def of_the_system(exc: OSError) -> Complaint:
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return Complaint(os.strerror(exc.errno), "make room, then try again")
    return Complaint(str(exc), "check that it exists and that you may use it")


def mistaken(mistakes: Sequence[Mistake], file: str) -> Complaint:
    """All of them in one complaint, each with its remedy, and where they are."""
    names = {"file": file, "environment": "the environment", "flag": "the command line"}
    sources = {m.source for m in mistakes}
    places = ", ".join(name for source, name in names.items() if source in sources)
    count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    lines = ((f"{m.key}: {m.reason}", f"  {m.remedy}") for m in mistakes)
    return Misconfigured(f"the configuration has {count} ({places})", *chain(*lines))


@contextmanager
def complaining(ctx: click.Context) -> Generator[None]:
    """Turns what our parts raise into complaints; what nobody expected becomes a bug report."""
    try:
        yield
    except Problem as problem:
        raise about(problem) from problem
    except StoreProblem as problem:
        raise Complaint(str(problem), problem.remedy) from problem
    except (KeyboardInterrupt, click.Abort):
        click.echo("\ninterrupted", err=True)
        ctx.exit(INTERRUPTED)
    except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
        raise
    except OSError as exc:
        raise of_the_system(exc) from exc
    except Exception as exc:  # the last stop: what it says would otherwise be a traceback
        click.echo(report(exc), err=True)
        raise Complaint(
            "this is a bug in notion-manager", "please report it with the lines above"
        ) from exc
