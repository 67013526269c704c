"""`config`: what the settings are, where they come from, and what is wrong with them."""

from dataclasses import asdict
from pathlib import Path

import click

from ..reading import describe
from .complaints import mistaken
from .places import config_option, config_place, reading, settings, state_dir
from .tables import dump, json_option, show


@click.group(
    "config",
    epilog="\b\nExample:\n  notion-manager config check --config ./config.toml\n\n"
    "Flags override the environment (NOTION_MANAGER_SERVER_PORT=4000), the environment overrides"
    " the file, and the file overrides the defaults.",
)
def command() -> None:
    """Check, show and locate the configuration."""


@command.command(epilog="\b\nExample:\n  notion-manager config check && notion-manager serve")
@config_option
def check(config_file: Path | None) -> None:
    """Report every mistake at once, with its key, reason and remedy."""
    settings(config_file)
    place = config_place(config_file).path
    click.echo(f"no mistakes ({place}{'' if place.exists() else ', which does not exist'})")


@command.command("show", epilog="\b\nExample:\n  notion-manager config show --json")
@config_option
@json_option
def show_(config_file: Path | None, *, as_json: bool) -> None:
    """Print every setting, where its value came from and its purpose.

    This works even with mistakes: they are reported on stderr, and each refused value is shown
    beside the one used instead.
    """
    result = reading(config_file)
    rows = [
        {
            "source": result.sources.get(row.key, "default"),
            "refused": result.refused.get(row.key, ""),
            **asdict(row),
        }
        for row in describe(result.config)
    ]
    if not as_json:
        rows = [{**row, "source": _told(row["source"], row["refused"])} for row in rows]
    show(rows, ("key", "value", "source", "why"), as_json=as_json, empty="")
    if result.mistakes:
        raise mistaken(result.mistakes, str(config_place(config_file).path))


@command.command(epilog='\b\nExample:\n  ${EDITOR:-vi} "$(notion-manager config path | head -1)"')
@json_option
@config_option
def path(config_file: Path | None, *, as_json: bool) -> None:
    """Print where the configuration file and the state directory are."""
    places = {"config": str(config_place(config_file).path), "state": str(state_dir())}
    if as_json:
        dump(places)
    else:
        click.echo("\n".join(places.values()))


def _told(source: str, refused: str) -> str:
    return f"{source} ({refused} refused)" if refused else source
