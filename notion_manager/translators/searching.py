"""What a request's headers say of searching; they come before its body, and that before config."""

from collections.abc import Mapping

from ..errors import BadRequest
from ..turn import Search

WEB = "X-Web-Search"
WORKSPACE = "X-Workspace-Search"


def searched(asked: Search, headers: Mapping[str, str]) -> Search:
    """Raises BadRequest where a header is neither true nor false."""
    web, workspace = _said(WEB, headers), _said(WORKSPACE, headers)
    if web is None and workspace is None:
        return asked
    return Search(
        web=asked.web if web is None else web,
        workspace=asked.workspace if workspace is None else workspace,
    )


def _said(name: str, headers: Mapping[str, str]) -> bool | None:
    said = headers.get(name.lower())
    if said is None:
        return None
    word = said.strip().lower()
    if word not in ("true", "false"):
        raise BadRequest(f"expected true or false, not {said[:32]!r}", field=name)
    return word == "true"
