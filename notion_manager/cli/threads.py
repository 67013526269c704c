"""`threads`: the chats that were made in Notion."""

import time
from pathlib import Path

import click

from .complaints import Complaint
from .places import config_option, settings, store
from .tables import json_option, moment, show
from .wiring import purge as delete
from .wiring import run

HOUR = 3600.0


@click.group("threads", epilog="\b\nExample:\n  notion-manager threads purge --older 24")
def command() -> None:
    """List and delete the chats that were made in Notion.

    They are remembered where `threads.retention` says that they are to be deleted some time.
    """


@command.command("list", epilog="\b\nExample:\n  notion-manager threads list --json")
@json_option
def list_(*, as_json: bool) -> None:
    """List the chats that are remembered, the oldest first."""
    with store() as opened:
        threads = opened.threads()
    rows = [
        {"id": t.id, "account": t.account, "used": moment(t.used_at), "used_at": t.used_at}
        for t in threads
    ]
    empty = "No chats are remembered; `threads.retention` makes a server remember and delete them."
    show(rows, ("id", "account", "used"), as_json=as_json, empty=empty)


@command.command(epilog="\b\nExample:\n  notion-manager threads purge --older 24")
@click.option("--older", type=click.FloatRange(min=0), default=0.0, metavar="HOURS",
              help="Only those that nobody used for so long.")  # fmt: skip
@config_option
def purge(older: float, config_file: Path | None) -> None:
    """Delete in Notion the chats that are remembered."""
    config = settings(config_file)
    with store() as opened:
        due = opened.threads(time.time() - older * HOUR)
        gone = run(delete(config, opened, due))
    click.echo(f"deleted {gone} of {len(due)}", err=True)
    if gone < len(due):
        raise Complaint("not all could be deleted now", "see `notion-manager accounts check`")
