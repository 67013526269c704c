"""Accounts that other tools know: in the environment, and in their files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from ..errors import BadRequest
from ..secret import Secret
from ..upstreams.notion_web.account import cookie_token

MOST = 16  # numbered variables: NOTION_TOKEN_V2, NOTION_TOKEN_V2_2 … _16
LARGEST = 1 << 20  # bytes of a file
TOKEN = "NOTION_TOKEN_V2"  # noqa: S105 - a variable's name


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token, whose session is meant, and which workspace; empty where nothing is said.

    `email` is whose it should be.
    """

    token: Secret
    user: str = ""
    space: str = ""
    email: str = ""


class Source(NamedTuple):
    """A variable or a file. Reading it raises BadRequest where it holds no account."""

    name: str
    read: Callable[[], Candidate]


def of_environment(env: Mapping[str, str]) -> Iterator[Source]:
    for number in range(1, MOST + 1):
        suffix = f"_{number}" if number > 1 else ""
        if env.get(TOKEN + suffix, "").strip():
            yield Source(TOKEN + suffix, partial(_of_variables, env, suffix))


def of_path(path: Path) -> Iterator[Source]:
    """A file, or all `*.json` files right in a directory."""
    for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
        yield Source(str(file), partial(_of_file, file))


def _of_variables(env: Mapping[str, str], suffix: str) -> Candidate:
    names = ("NOTION_ACTIVE_USER_ID", "NOTION_SPACE_ID", "NOTION_EXPECTED_EMAIL")
    user, space, email = (env.get(name + suffix, "").strip() for name in names)
    return Candidate(cookie_token(env[TOKEN + suffix]), user, space, email)


def _of_file(file: Path) -> Candidate:
    """One account a file, as other tools for Notion AI keep them. What else they know is left."""
    try:
        with file.open("rb") as opened:
            record: Any = orjson.loads(opened.read(LARGEST))
    except OSError as exc:
        raise BadRequest(f"{file} cannot be read: {exc.strerror}") from None
    except orjson.JSONDecodeError:
        record = None
    if not isinstance(record, dict):
        raise BadRequest(f"{file} holds no account: it is not a JSON object")
    texts: dict[str, str] = {k: v.strip() for k, v in record.items() if isinstance(v, str)}  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    token = texts.get("token_v2") or texts.get("full_cookie")
    if not token:
        raise BadRequest(f"{file} holds no account: it has no token_v2")
    selectors = (texts.get(name, "") for name in ("user_id", "space_id", "user_email"))
    return Candidate(cookie_token(token), *selectors)
