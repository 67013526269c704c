"""`serve`: the daemon."""

import os
from pathlib import Path
from shlex import quote
from urllib.parse import urlsplit

import click

from ..secret import Secret
from ..settings import loopback
from .complaints import Misconfigured
from .places import config_option, database, settings
from .wiring import Started, run, serve

VARIABLE = "NOTION_MANAGER_API_KEY"
LEAST = 16  # characters of it
_FAULTS = """Ask `[[sim:list]]` for the faults that you can provoke. An account that was refused
(401, 403, AI switched off) stays retired until it is checked. Commands reach the demo's accounts
in this way:

    NOTION_MANAGER_STATE_DIR={state} NOTION_MANAGER_NOTION_BASE_URL={notion} \\
    notion-manager accounts check
"""
_CURL = """curl -N {url}/v1/chat/completions \\
    -H "Authorization: Bearer $NOTION_MANAGER_API_KEY" -H "Content-Type: application/json" \\
    -d '{{"stream": true, "messages": [{{"role": "user", "content": "Hello"}}]}}'"""


@click.command(
    "serve",
    epilog="\b\nExamples:\n  notion-manager serve --demo --port 4000\n"
    "  NOTION_MANAGER_API_KEY=$SECRET notion-manager serve\n\n"
    "NOTION_MANAGER_API_KEY adds a key for automation, of at least 16 characters. "
    "NOTION_MANAGER_CONFIG names the configuration file, NOTION_MANAGER_STATE_DIR the directory "
    "that holds accounts and keys. Ctrl-C lets running answers finish; a second Ctrl-C stops at "
    "once.",
)
@click.option("--host", help="The address to listen on (server.host).")
@click.option("--port", help="The port to listen on; 0 for any (server.port).")
@click.option(
    "--expose",
    is_flag=True,
    help="Allow a --host beyond loopback: anyone who reaches this machine and has a key can use "
    "your Notion accounts, and keys cross the network unencrypted unless a TLS proxy is in front.",
)
@click.option("--demo", is_flag=True, help="Use a simulated Notion; nothing of yours is touched.")
@config_option
def command(
    host: str | None, port: str | None, config_file: Path | None, *, expose: bool, demo: bool
) -> None:
    """Serve the three APIs on this machine.

    The first start creates an API key and shows it, just this once, with the lines to paste.
    """
    flags = {
        "server.host": host,
        "server.port": port,
        "server.expose": "true" if expose else None,
    }
    config = settings(config_file, flags)
    run(serve(config, database(), demo=demo, key=_own_key(), announce=_announce))


def _own_key() -> Secret:
    """The key in the environment, or an empty one. Raises Complaint, which does not repeat it."""
    said = os.environ.get(VARIABLE, "")
    if said and len(said.strip()) < LEAST:
        raise Misconfigured(
            f"{VARIABLE} is shorter than {LEAST} characters",
            "it opens your Notion accounts: use a long random one, for example from `openssl rand"
            " -hex 32`, or unset it",
        )
    return Secret(said.strip())


def reach(url: str) -> str:
    """What it means to listen there; empty where only this machine can reach it."""
    host = urlsplit(url).hostname or ""
    if loopback(host):
        return ""
    return (
        "Other machines can reach this address: anyone with a key can use your accounts, and "
        "nothing is encrypted on the way. Requests that use another host name than the one above "
        "are refused; list such names in `server.allowed_hosts`."
    )


def _announce(started: Started) -> None:
    """On stdout: the log has stderr to itself."""
    click.secho(f"notion-manager is listening on {started.url}", bold=True)
    if meaning := reach(started.url):
        click.secho(meaning, fg="yellow")
    if started.demo:
        click.echo("Answers are simulated: this is a demo.")
    elif not started.accounts:
        click.echo("No account yet: `notion-manager accounts add` adds one, even while this runs.")
    if _told_key(started):
        _show_use(started.url)
    if started.demo:
        there = started.demo
        click.echo(_FAULTS.format(state=quote(str(there.state)), notion=there.notion))


def _show_use(url: str) -> None:
    click.echo(f"Try it:\n\n    {_CURL.format(url=url)}\n")
    click.echo(
        f"Claude Code:\n\n    export ANTHROPIC_BASE_URL={url} ANTHROPIC_AUTH_TOKEN=${VARIABLE}\n"
    )
    click.echo(f"OpenAI SDKs:\n\n    export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY=${VARIABLE}\n")


def _told_key(started: Started) -> bool:
    """Whether the person now knows a key, for the lines to paste."""
    if started.made:
        key = started.made.reveal()
        whose = "It lasts as long as this process" if started.demo else "It is shown just this once"
        click.echo(f"\nAn API key was created. {whose}:\n\n    {key}\n")
        click.echo(f"For this terminal:\n\n    export {VARIABLE}={key}\n")
    elif started.given:
        click.echo(f"\nThe key is the one in {VARIABLE}, for this process alone.\n")
    else:
        count = "one is" if started.keys == 1 else f"{started.keys} are"
        click.echo(
            f"Clients need a key: {count} stored; `notion-manager keys add NAME` creates another."
        )
        return False
    return True
