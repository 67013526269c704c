"""`serve`: the daemon."""

import os
from pathlib import Path

import click

from ..secret import Secret
from .places import config_option, database, settings
from .wiring import Started, run, serve

_CURL = """curl -N {url}/v1/chat/completions \\
    -H "Authorization: Bearer $NOTION_MANAGER_API_KEY" -H "Content-Type: application/json" \\
    -d '{{"stream": true, "messages": [{{"role": "user", "content": "Hello"}}]}}'"""


@click.command(
    "serve",
    epilog="\b\nExamples:\n  notion-manager serve --demo --port 4000\n"
    "  NOTION_MANAGER_API_KEY=$SECRET notion-manager serve\n\n"
    "NOTION_MANAGER_API_KEY adds a key for automation. Ctrl-C lets answers under way finish; a "
    "second one does not wait.",
)
@click.option("--host", help="The address to listen on (server.host).")
@click.option("--port", help="The port to listen on, 0 for any (server.port).")
@click.option(
    "--expose",
    is_flag=True,
    help="Allow a --host beyond loopback: then whoever reaches this machine and holds a key uses "
    "your Notion accounts, and keys cross the network readable unless a TLS proxy stands in front.",
)
@click.option("--demo", is_flag=True, help="Use a simulated Notion; nothing of yours is touched.")
@config_option
def command(
    host: str | None, port: str | None, config_file: Path | None, *, expose: bool, demo: bool
) -> None:
    """Answer the three APIs on this machine.

    At the first start a key is made and shown, this once, with the lines to paste.
    """
    flags = {
        "server.host": host,
        "server.port": port,
        "server.expose": "true" if expose else None,
    }
    config = settings(config_file, flags)
    key = Secret(os.environ.get("NOTION_MANAGER_API_KEY", ""))
    run(serve(config, database(), demo=demo, key=key, announce=_announce))


def _announce(started: Started) -> None:
    """On stdout: the log has stderr to itself."""
    click.secho(f"notion-manager listens on {started.url}", bold=True)
    if started.demo:
        click.echo("Answers are simulated: this is a demo.")
    elif not started.accounts:
        click.echo("There is no account yet: run `notion-manager accounts add`, then start again.")
    if not started.key:
        click.echo("Clients show a key; `notion-manager keys add NAME` makes one.")
        return
    key, url = started.key.reveal(), started.url
    click.echo(f"\nA key was made. It is shown this once:\n\n    {key}\n")
    click.echo(f"For this terminal:\n\n    export NOTION_MANAGER_API_KEY={key}\n")
    click.echo(f"Try it:\n\n    {_CURL.format(url=url)}\n")
    click.echo(
        f"Claude Code:\n\n    export ANTHROPIC_BASE_URL={url}"
        " ANTHROPIC_AUTH_TOKEN=$NOTION_MANAGER_API_KEY\n"
    )
    click.echo(
        f"OpenAI SDKs:\n\n    export OPENAI_BASE_URL={url}/v1"
        " OPENAI_API_KEY=$NOTION_MANAGER_API_KEY\n"
    )
