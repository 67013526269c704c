"""How accounts stand, in rows of a list."""

from notion_manager.allowance import Allowance, Meter
from notion_manager.cli.described import Known, described
from notion_manager.redact import visible
from notion_manager.standing import Standing, Terms
from tests.rig import account_of, someone

NOW = 1_795_000_000.0
ONE = account_of(someone(), "one")


def row(
    standing: Standing = Standing("one"),
    terms: Terms = Terms(),
    allowance: Allowance | None = None,
) -> dict[str, object]:
    allowances = {} if allowance is None else {"one": allowance}
    known = Known((ONE,), {"one": standing}, {"one": terms}, allowances, {})
    (found,) = described(known, NOW)
    assert all(visible(str(value)) == str(value) for value in found.values())
    return found


def test_what_is_left_is_a_bar_with_its_times() -> None:
    window = Meter("window", 42, 100, resets_at=NOW + 60, pace=0.0001)
    spare = Meter("premium", 100, 100, binds=False)
    assert str(row(allowance=Allowance(NOW, meters=(window, spare)))["left"]).startswith(
        "######.... 58%, resets 20"
    )
    lasting = Meter("user", 74, 75, pace=0.01)
    assert "used up by 20" in str(row(allowance=Allowance(NOW, meters=(lasting,)))["left"])
    assert row(allowance=Allowance(NOW))["left"] == "not metered"
    assert row(allowance=Allowance(NOW, eligible=False))["left"] == "nothing"
    assert row()["left"] == "unknown"


def test_every_way_to_stand_has_its_words() -> None:
    resting = Standing("one", ready_at=NOW + 60, reason="upstream_denied", since=NOW, careful=True)
    assert str(row(resting)["standing"]).startswith("resting until 20")
    assert row(resting)["scope"] == "account"
    assert row(Standing("one", careful=True))["standing"] == "ready, one at a time"
    assert row(Standing("one", careful=True))["concurrency"] == 1
    off = row(terms=Terms(enabled=False))
    assert (off["standing"], off["reason"], off["evidence"]) == (
        "disabled", "disabled", "by `accounts set`",
    )  # fmt: skip
    lacking = row(Standing("one", models={"opus": NOW + 60, "old": NOW - 60}))
    assert (lacking["standing"], lacking["scope"], lacking["evidence"]) == (
        "ready",
        "model",
        "opus",
    )
    retired = row(Standing("one", retired=True, reason="account_unauthorized", since=NOW))
    assert (retired["scope"], retired["until"]) == ("login", "accounts check")
