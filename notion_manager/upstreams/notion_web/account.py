"""An account of the service, and what it tells of itself when given nothing but its cookie."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from ...errors import AccountRefused, BadRequest, UpstreamBroken, WorkspaceRefused
from ...keys import digest
from ...secret import Secret
from .loose import list_of, object_of, record_of, text_of


@dataclass(frozen=True, slots=True)
class Account:
    """One workspace of one user, and the cookie that opens it. Its repr names nobody."""

    alias: str
    token_v2: Secret
    user_id: str
    user_name: str = field(repr=False)
    email: str = field(repr=False)
    space_id: str
    space_name: str = field(repr=False)
    space_view_id: str
    plan: str
    timezone: str = "UTC"

    @property
    def identity(self) -> str:
        """A hash, the same whatever its alias and its token."""
        return identity_of(self.user_id, self.space_id)


def identity_of(user_id: str, space_id: str) -> str:
    return digest(f"{user_id} {space_id}")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace that the user can read. `ai` is None where its settings do not say."""

    id: str
    name: str = field(repr=False)
    view_id: str
    plan: str
    tier: str
    ai: bool | None

    @property
    def free(self) -> bool:
        return self.plan in ("", "personal") or self.tier == "free"


@dataclass(frozen=True, slots=True)
class Login:
    """Whose cookie it is. There is at least one workspace."""

    user_id: str
    name: str = field(repr=False)
    email: str = field(repr=False)
    timezone: str
    workspaces: tuple[Workspace, ...]


def parse_login(body: bytes, *, user: str = "") -> Login:
    """Read a 200 answer of loadUserContent. `user` is an id or an e-mail address.

    Raises UpstreamBroken where it is not such an answer, AccountRefused where it names no user (so
    an expired token is answered), WorkspaceRefused where the user can read no workspace, and
    BadRequest where the cookie's users do not decide which one is meant.
    """
    tables = _tables(body)
    users = _records(tables, "notion_user")
    user_id = _pick_user(users, user)
    workspaces = _workspaces(tables, user_id)
    if not workspaces:
        raise WorkspaceRefused("this account has no workspace to use; join or create one in Notion")
    settings = object_of(_record(tables, "user_settings", user_id).get("settings"))
    record = users[user_id]
    return Login(
        user_id,
        _full_name(record),
        text_of(record.get("email")),
        text_of(settings.get("time_zone")) or "UTC",
        workspaces,
    )


def preferred(workspaces: Sequence[Workspace]) -> Workspace | None:
    """The one to use when nobody says: paid and with AI, else with AI, else the first."""
    with_ai = [w for w in workspaces if w.ai is not False]
    paid = [w for w in with_ai if not w.free]
    return next(iter([*paid, *with_ai, *workspaces]), None)


# What a browser lets out in a Cookie header (RFC 6265, cookie-octet).
_COOKIE_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]+")


def cookie_token(text: str) -> Secret:
    """The token in a bare value, in `token_v2=…`, or in a whole Cookie header line.

    It is kept as it is written, never decoded. Raises BadRequest, which does not repeat it.
    """
    line = re.sub(r"(?i)\A\s*cookie:", "", text).strip()
    pairs = [pair.strip().partition("=") for pair in line.split(";")]
    tokens = [value for name, _, value in pairs if name == "token_v2"]
    bare = line if line == text.strip() and len(pairs) == 1 else ""
    token = tokens[0] if tokens else bare
    if not token:
        raise BadRequest("there is no token_v2 in that; paste its value or the whole Cookie header")
    if not _COOKIE_VALUE.fullmatch(token):
        raise BadRequest(
            "that token_v2 has spaces, quotes or other characters that no cookie can have;"
            " copy its value again, exactly as the browser shows it"
        )
    return Secret(token)


# Records, by their table and id


def _tables(body: bytes) -> Mapping[str, Any]:
    try:
        tables = object_of(orjson.loads(body)).get("recordMap")
    except orjson.JSONDecodeError:
        tables = None
    if not isinstance(tables, dict):
        raise UpstreamBroken("Notion's answer to loadUserContent has no recordMap")
    return cast("Mapping[str, Any]", tables)


def _record(tables: Mapping[str, Any], table: str, id: str) -> Mapping[str, Any]:
    return record_of(object_of(tables.get(table)).get(id))


def _records(tables: Mapping[str, Any], table: str) -> dict[str, Mapping[str, Any]]:
    found = {key: _record(tables, table, key) for key in object_of(tables.get(table))}
    return {key: record for key, record in found.items() if record}


def _pick_user(users: Mapping[str, Mapping[str, Any]], wanted: str) -> str:
    if not users:
        raise AccountRefused("the token is no longer valid; copy a fresh token_v2")
    meant = [key for key, record in users.items() if not wanted or _is(wanted, key, record)]
    if len(meant) == 1:
        return meant[0]
    known = ", ".join(_masked(key, record) for key, record in users.items())
    if not meant:
        raise BadRequest(f"the cookie does not belong to the user asked for, but to {known}")
    raise BadRequest(f"the cookie belongs to several users: {known}; choose one with --user")


def _is(wanted: str, id: str, record: Mapping[str, Any]) -> bool:
    same_id = wanted.replace("-", "").lower() == id.replace("-", "").lower()
    return same_id or wanted.lower() == text_of(record.get("email")).lower()


def _masked(id: str, record: Mapping[str, Any]) -> str:
    """Enough for its owner to know it: `a…@example.test (11111111…)`."""
    local, at, domain = text_of(record.get("email")).partition("@")
    return f"{local[:1]}…{at}{domain} ({id[:8]}…)"


def _full_name(record: Mapping[str, Any]) -> str:
    parts = text_of(record.get("given_name")), text_of(record.get("family_name"))
    return text_of(record.get("name")) or " ".join(filter(None, parts))


def _workspaces(tables: Mapping[str, Any], user_id: str) -> tuple[Workspace, ...]:
    pointers = list_of(_record(tables, "user_root", user_id).get("space_view_pointers"))
    found = (_workspace(tables, object_of(pointer)) for pointer in pointers)
    return tuple(workspace for workspace in found if workspace is not None)


def _workspace(tables: Mapping[str, Any], pointer: Mapping[str, Any]) -> Workspace | None:
    """None where the workspace was left or deleted: then its record is absent."""
    space_id, view_id = text_of(pointer.get("spaceId")), text_of(pointer.get("id"))
    record = _record(tables, "space", space_id)
    if not record or not view_id:
        return None
    plan, tier = text_of(record.get("plan_type")), text_of(record.get("subscription_tier"))
    ai = _ai(object_of(record.get("settings")))
    return Workspace(space_id, text_of(record.get("name")), view_id, plan, tier, ai)


def _ai(settings: Mapping[str, Any]) -> bool | None:
    enabled, disabled = settings.get("enable_ai_feature"), settings.get("disable_ai_feature")
    if disabled is True or enabled is False:
        return False
    return True if enabled is True else None
