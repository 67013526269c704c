"""Where configuration and state are, and what the configuration says."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import platformdirs

from ..config import Config
from ..reading import Reading, read
from ..store import Store
from .complaints import Complaint, Misconfigured, mistaken

NAME = "notion-manager"

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration file; `config path` prints the default.",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A file of settings. One that somebody named must exist."""

    path: Path
    named: bool

    def text(self) -> str:
        """Raises Complaint."""
        try:
            return self.path.read_text("utf-8-sig")
        except FileNotFoundError as exc:
            if not self.named:
                return ""
            raise self._unread("it does not exist", "name another with --config") from exc
        except UnicodeDecodeError as exc:
            raise self._unread("it is not UTF-8 text", "save it as UTF-8") from exc
        except OSError as exc:
            raise self._unread(
                str(exc.strerror), "make sure that it is a file you may read"
            ) from exc

    def _unread(self, reason: str, remedy: str) -> Complaint:
        return Misconfigured(f"{self.path} cannot be read: {reason}", remedy)


def config_place(named: Path | None) -> Place:
    """What was named on the command line, else in the environment, else the user's own."""
    said = str(named or os.environ.get("NOTION_MANAGER_CONFIG", ""))
    if said:
        return Place(Path(said), named=True)
    return Place(platformdirs.user_config_path(NAME) / "config.toml", named=False)


def state_dir() -> Path:
    said = os.environ.get("NOTION_MANAGER_STATE_DIR", "")
    return Path(said) if said else platformdirs.user_state_path(NAME)


def database() -> Path:
    return state_dir() / "state.db"


def store() -> Store:
    """Raises StoreProblem."""
    return Store(database())


def reading(named: Path | None, flags: Mapping[str, str | None] | None = None) -> Reading:
    """What file, environment and flags say, mistakes and all. A flag of None was not given."""
    given = {key: text for key, text in (flags or {}).items() if text is not None}
    return read(config_place(named).text(), os.environ, given)


def settings(named: Path | None, flags: Mapping[str, str | None] | None = None) -> Config:
    """Raises Complaint, with every mistake told."""
    result = reading(named, flags)
    if result.mistakes:
        raise mistaken(result.mistakes, str(config_place(named).path))
    return result.config
