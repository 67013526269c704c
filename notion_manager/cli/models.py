"""`models`: what the accounts offer."""

from pathlib import Path

import click
from msgspec.structs import asdict

from ..models import AUTO, Model
from .places import config_option, database, settings
from .tables import json_option, show
from .wiring import models, run

_AUTO = Model(AUTO, "", "Auto (Notion chooses)", "notion")


@click.command("models", epilog="\b\nExample:\n  notion-manager models --json | jq -r '.[].id'")
@click.option("--demo", is_flag=True, help="Ask a simulated Notion.")
@json_option
@config_option
def command(config_file: Path | None, *, demo: bool, as_json: bool) -> None:
    """List the models that your accounts offer. All three APIs accept these ids."""
    found = run(models(settings(config_file), database(), demo=demo))
    offered = [_AUTO, *found] if found else []
    rows = [
        {
            **asdict(model),
            "name": model.label,
            "efforts": ", ".join(model.efforts),
            "usable": model.refusal or "yes",
        }
        for model in offered
    ]
    if as_json:
        rows = [asdict(model) for model in offered]
    empty = "No models: add an account with `notion-manager accounts add`."
    show(rows, ("id", "name", "vendor", "efforts", "usable"), as_json=as_json, empty=empty)
