"""What a turn means where it does not say."""

from msgspec import Struct
from msgspec.structs import replace

from .models import Choice, Naming, fit_effort
from .turn import Citations, Search, Turn


class Habits(Struct, frozen=True):
    """`attempts` bound how often one request is tried, at however many accounts."""

    naming: Naming = Naming()
    web_search: bool = True
    workspace_search: bool = False
    citations: Citations = "inline"
    ask_mode: bool = True
    attempts: int = 17


def settle(turn: Turn, choice: Choice, habits: Habits) -> Turn:
    """The turn with the model's own name and every open question answered.

    An effort in the model's name comes before the request's own, which many clients always send.
    """
    asked = choice.read_only if turn.read_only is None else turn.read_only
    effort = choice.effort or turn.effort
    search = turn.search
    return replace(
        turn,
        model=choice.model.codename if choice.model else "",
        effort=fit_effort(choice.model, effort) if choice.model and effort else "",
        search=Search(
            web=habits.web_search if search.web is None else search.web,
            workspace=habits.workspace_search if search.workspace is None else search.workspace,
        ),
        citations=turn.citations or habits.citations,
        read_only=habits.ask_mode if asked is None else asked,
    )
