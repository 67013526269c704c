"""`threads`: the chats that were made in Notion."""

import time
from pathlib import Path

import click

from ..config import Config
from .complaints import Complaint
from .places import config_option, settings, store
from .tables import json_option, moment, show
from .wiring import purge as delete
from .wiring import run

HOUR = 3600.0
FORGETFUL = (
    "Chats are not remembered while `threads.retention` is -1, so they can only be deleted in"
    " Notion itself. Set it to a number of hours, 8760 at most, and restart the server: chats made"
    " from then on are listed here, can be purged, and are deleted when their time is up."
)


@click.group("threads", epilog="\b\nExample:\n  notion-manager threads purge --older 24")
def command() -> None:
    """List and delete the chats that answers made in Notion.

    Chats are remembered only if `threads.retention` says that they are to be deleted one day. With
    the default, -1, none are.
    """


@command.command("list", epilog="\b\nExample:\n  notion-manager threads list --json")
@json_option
@config_option
def list_(config_file: Path | None, *, as_json: bool) -> None:
    """List the chats that are remembered, oldest first."""
    config = settings(config_file)
    with store() as opened:
        threads = opened.threads()
        names = {account.identity: account.alias for account in opened.accounts()}
    rows = [
        {"id": t.id, "account": names[t.account], "used": moment(t.used_at), "used_at": t.used_at}
        for t in threads
        if t.account in names  # it may have been removed just now
    ]
    show(rows, ("id", "account", "used"), as_json=as_json, empty="No chats are remembered.")
    _tell_of_others(config)


@command.command(epilog="\b\nExample:\n  notion-manager threads purge --older 24")
@click.option("--older", type=click.FloatRange(min=0), default=0.0, metavar="HOURS",
              help="Only those that have not been used for this long.")  # fmt: skip
@config_option
def purge(older: float, config_file: Path | None) -> None:
    """Delete in Notion the chats that are remembered."""
    config = settings(config_file)
    with store() as opened:
        due = opened.threads(time.time() - older * HOUR)
        gone = run(delete(config, opened, due))
    click.echo(f"deleted {gone} of {len(due)}", err=True)
    _tell_of_others(config)
    if gone < len(due):
        raise Complaint("some could not be deleted just now", "see `notion-manager accounts check`")


def _tell_of_others(config: Config) -> None:
    """What one would look for here in vain."""
    if config.threads.retention < 0:
        click.echo(FORGETFUL, err=True)
