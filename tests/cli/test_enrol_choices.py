from itertools import permutations

from notion_manager.cli.enrol import obvious
from notion_manager.upstreams.notion_web.account import Workspace

PAID = Workspace("w1", "Work", "v1", "team", "business", ai=True)
FREE = Workspace("w2", "Home", "v2", "personal", "free", ai=True)
UNSAID = Workspace("w3", "Club", "v3", "personal", "free", ai=None)
QUIET = Workspace("w4", "Quiet Office", "v4", "team", "business", ai=False)


def test_the_only_paid_workspace_with_ai_is_obvious_among_others_with_ai() -> None:
    for workspaces in permutations([PAID, FREE, UNSAID, QUIET]):
        assert obvious(workspaces) == PAID


def test_two_free_ones_with_ai_are_a_choice_for_a_person() -> None:
    assert obvious([FREE, UNSAID]) is None
    assert obvious([FREE, UNSAID, QUIET]) is None


def test_paid_without_ai_is_never_obvious_beside_another() -> None:
    assert obvious([QUIET, UNSAID]) == UNSAID
