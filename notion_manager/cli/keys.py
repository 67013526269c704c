"""`keys`: what clients show to be let in."""

import time

import click

from ..keys import ENVIRONMENT
from .complaints import Complaint
from .places import store
from .tables import json_option, moment, show


@click.group("keys", epilog="\b\nExample:\n  notion-manager keys add laptop")
def command() -> None:
    """Create, list and remove the API keys that clients use."""


@command.command(epilog="\b\nExample:\n  export ANTHROPIC_AUTH_TOKEN=$(notion-manager keys add ci)")
@click.argument("name")
@click.option(
    "--admin",
    is_flag=True,
    help="A key for /admin/accounts and /admin/requests/ID, which serve this machine only.",
)
def add(name: str, *, admin: bool) -> None:
    """Create a key called NAME and print it once: only its hash is kept.

    An --admin key opens the pages that say why accounts are used or not, but none of the APIs.
    """
    if not name.isprintable() or not name.strip():
        raise click.BadParameter("a name must be printable and not blank", param_hint="NAME")
    if name == ENVIRONMENT:
        raise click.BadParameter(
            "the key in NOTION_MANAGER_API_KEY goes by that name; choose another", param_hint="NAME"
        )
    with store() as opened:
        made = opened.add_key(name, now=int(time.time()), admin=admin)
    click.echo(made.reveal())
    note = "Save it now: it cannot be shown again. A running server accepts it within a second."
    click.echo(note, err=True)


@command.command("list", epilog="\b\nExample:\n  notion-manager keys list --json")
@json_option
def list_(*, as_json: bool) -> None:
    """List keys by name. The keys themselves are not kept."""
    with store() as opened:
        keys = opened.keys()
    rows = [
        {
            "name": key.name,
            "opens": "the admin pages" if key.admin else "the APIs",
            "created": moment(key.created_at),
            "created_at": key.created_at,
            "admin": key.admin,
        }
        for key in keys
    ]
    empty = "No keys; `notion-manager serve` creates one, `notion-manager keys add NAME` adds more."
    show(rows, ("name", "opens", "created"), as_json=as_json, empty=empty)


@command.command(epilog="\b\nExample:\n  notion-manager keys remove laptop")
@click.argument("name")
def remove(name: str) -> None:
    """Remove the key called NAME; it stops working within a second."""
    with store() as opened:
        if not opened.remove_key(name):
            raise Complaint(f"there is no key named {name}", "see `notion-manager keys list`")
    click.echo(f"removed {name}; a running server refuses it within a second", err=True)
