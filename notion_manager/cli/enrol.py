"""From a login to an account: which workspace, and under which name. Pure."""

import re
import unicodedata
from collections.abc import Collection, Sequence

from ..secret import Secret
from ..upstreams.notion_web.account import Account, Login, Workspace


def account_of(login: Login, workspace: Workspace, token: Secret, alias: str) -> Account:
    return Account(
        alias=alias,
        token_v2=token,
        user_id=login.user_id,
        user_name=login.name,
        email=login.email,
        space_id=workspace.id,
        space_name=workspace.name,
        space_view_id=workspace.view_id,
        plan=workspace.tier or workspace.plan,
        timezone=login.timezone,
    )


def named(workspaces: Sequence[Workspace], wanted: str) -> list[Workspace]:
    """Those with this id, dashes or not; else those with this name, in any case."""
    bare = wanted.replace("-", "").lower()
    by_id = [w for w in workspaces if w.id.replace("-", "").lower() == bare]
    return by_id or [w for w in workspaces if w.name.casefold() == wanted.strip().casefold()]


def obvious(workspaces: Sequence[Workspace]) -> Workspace | None:
    """The one that needs no question.

    That is the only one, else the only paid one with AI, else the only one with AI.
    """
    with_ai = [w for w in workspaces if w.ai is not False]
    paid = [w for w in with_ai if not w.free]
    return next((some[0] for some in (workspaces, paid, with_ai) if len(some) == 1), None)


def slug(name: str) -> str:
    """A name for the command line and for headers: lower-case ASCII letters, digits, dashes."""
    ascii_ = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", ascii_.lower().replace("'", ""))
    return "-".join(words)[:40].strip("-") or "workspace"


def free_alias(wanted: str, taken: Collection[str]) -> str:
    """The first of `wanted`, `wanted-2`, … that nobody has."""
    number, alias = 1, wanted
    while alias in taken:
        number += 1
        alias = f"{wanted}-{number}"
    return alias


def masked(email: str) -> str:
    """`a…@example.test`: enough for its owner to know it."""
    local, at, domain = email.partition("@")
    return f"{local[:1]}…{at}{domain}" if email else ""


def state(workspace: Workspace) -> str:
    """What to know of a workspace before choosing it."""
    ai = {True: "AI on", False: "AI off", None: "AI not said"}[workspace.ai]
    return f"{workspace.tier or workspace.plan or 'free'}, {ai}"
