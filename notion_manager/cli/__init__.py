"""The command line: one file a command group; each command is one call into the rest."""

import os
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from .. import __version__
from .complaints import EXIT_CODES, complaining, of_the_system
from .streams import let_go, opened

__all__ = ["main"]

COMMANDS = {
    "serve": "Serve the three APIs on this machine.",
    "accounts": "Add, list, check and remove Notion workspaces.",
    "keys": "Create, list and remove the API keys that clients use.",
    "usage": "Count requests and tokens, by account, key or model.",
    "threads": "List and delete the chats that answers made in Notion.",
    "models": "List the models that your accounts offer.",
    "ask": "Ask one question, without a server.",
    "config": "Check, show and locate the configuration.",
    "translate": "Show what a request body means here.",
    "replay": "Show what a recorded answer from Notion means here.",
}

VARIABLES = {
    "NOTION_MANAGER_API_KEY": "an extra API key, for this run of `serve` only",
    "NOTION_MANAGER_CONFIG": "the configuration file",
    "NOTION_MANAGER_STATE_DIR": "the directory that holds accounts and keys",
    "NOTION_MANAGER_…": "any setting; `config show --json` names them",
}


class Commands(click.Group):
    """Loads a command when it is called, so that one does not pay for what another imports."""

    def main(self, *args: Any, **options: Any) -> Any:
        opened()
        try:
            return super().main(*args, **options)
        except OSError as exc:  # of what is no command, such as --help
            complaint = of_the_system(exc)
            complaint.show()
            sys.exit(complaint.exit_code)
        finally:
            let_go()

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            near = get_close_matches(cmd_name, COMMANDS, 1)
            ctx.fail(f"no such command: {cmd_name}" + "".join(f"; did you mean {n}?" for n in near))
        return import_module(f".{cmd_name}", __package__).command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        with complaining(ctx):
            return super().invoke(ctx)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nGetting started:\n  notion-manager serve --demo     with simulated answers\n"
    "  notion-manager accounts add     with your own workspace, then\n  notion-manager serve\n\n"
    "\b\nEnvironment:\n"
    + "".join(f"  {name:<24}  {what}\n" for name, what in VARIABLES.items())
    + "\n\b\nExit codes:\n"
    + "\n".join(f"  {code:<4} {what}" for code, what in EXIT_CODES.items()),
)
@click.version_option(__version__, prog_name="notion-manager")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Use your own Notion AI from tools that speak Anthropic Messages or OpenAI's APIs."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False
