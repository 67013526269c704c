"""Where the service fails: a status before the first byte, and after it a word in the stream."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.asking import APIS, CHAT, Api, until_cut
from tests.rig import QUICK, Rig, rigged, someone, until

each_api = pytest.mark.parametrize("api", APIS, ids=lambda a: a.name)


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


# Failures before the first byte: a real status, in the API's own shape

FAULTS = [
    ("401", 503, "account_unauthorized", False),
    ("400", 502, "upstream_rejected", False),
    ("400-empty", 503, "upstream_unavailable", False),
    ("429", 429, "rate_limit_exceeded", True),
    ("403", 503, "workspace_unavailable", False),
    ("403-ai", 503, "ai_not_enabled", False),
    ("500-ai", 503, "ai_not_enabled", False),
    ("404", 502, "upstream_rejected", False),
    ("429=60", 429, "rate_limit_exceeded", True),
    ("500", 502, "upstream_error", True),
    ("502", 502, "upstream_error", True),
    ("502-cell", 502, "upstream_error", True),
    ("503", 502, "upstream_error", True),
    ("challenge", 503, "upstream_challenge", False),
    ("challenge=503", 503, "upstream_challenge", False),
    ("html", 503, "upstream_challenge", False),
    ("redirect=http://127.0.0.1:9/", 502, "upstream_rejected", False),
    ("empty", 502, "upstream_empty", True),
    ("blank", 502, "upstream_empty", True),
    ("reset", 502, "upstream_error", True),
    ("trust-rule-denied=start", 403, "upstream_denied", False),
    ("trust-rule-denied=record-map", 403, "upstream_denied", False),
    ("temporarily-unavailable=line", 503, "upstream_unavailable", False),
    ("quota-exhausted=start", 429, "insufficient_quota", False),
    ("exhausted=start", 404, "model_not_available", False),  # the reads say that there is room
    ("exhausted=line", 404, "model_not_available", False),
    ("ai-not-enabled=start", 503, "ai_not_enabled", False),
    ("model-unavailable=start", 404, "model_not_available", False),
    ("error=line", 502, "upstream_error", True),
]


@pytest.mark.parametrize(
    ("scenario", "status", "code", "heals"), FAULTS, ids=[f[0] for f in FAULTS]
)
async def test_rule_10_rule_11_a_fault_of_the_service_is_a_status(
    rig: Rig, scenario: str, status: int, code: str, heals: bool
) -> None:
    async with await rig.post(CHAT.path, CHAT.ask(f"[[sim:{scenario}]] hi", stream=True)) as r:
        body = await r.json()
    assert (r.status, CHAT.error(body)[0]) == (status, code)
    assert r.headers.get("x-should-retry") == (None if heals else "false")


@each_api
async def test_rule_10_retry_after_is_small_whole_seconds(rig: Rig, api: Api) -> None:
    async with await rig.post(api.path, api.ask("[[sim:429=50]] hi")) as r:
        assert (r.status, r.headers["Retry-After"]) == (429, "50")
    async with await rig.post(api.path, api.ask("hi")) as r:
        assert r.status == 429
        assert 1 <= int(r.headers["Retry-After"]) <= 50
        assert "resting" in api.error(await r.json())[1]


@each_api
async def test_rule_10_a_limit_without_a_time_gets_that_of_the_rest(rig: Rig, api: Api) -> None:
    """As the service does: it names none."""
    async with await rig.post(api.path, api.ask("[[sim:429]] hi")) as r:
        assert (r.status, r.headers["Retry-After"]) == (429, "45")


@each_api
async def test_rule_10_a_long_rest_is_told_and_not_waited_for(rig: Rig, api: Api) -> None:
    async with await rig.post(api.path, api.ask("[[sim:temporarily-unavailable]] hi")) as r:
        assert r.status == 503
    async with await rig.post(api.path, api.ask("hi")) as r:
        assert (r.status, r.headers["x-should-retry"]) == (429, "false")
        assert "Retry-After" not in r.headers
        assert "1800 s" in api.error(await r.json())[1]


@each_api
@pytest.mark.parametrize(
    "scenario",
    [
        "cut=lost",
        "truncate=lost",
        "reset-text=lost",
        "error=patch",
        "trust-rule-denied=patch",
        "exhausted=line-late",
        "handoff=lost",
        "shutdown=lost",
    ],
)
async def test_rule_8_a_failure_in_mid_stream_is_told_and_never_ends_cleanly(
    rig: Rig, api: Api, scenario: str
) -> None:
    text = f"[[sim:{scenario}]][[sim:long=300]] go"
    async with await rig.post(api.path, api.ask(text, stream=True)) as r:
        assert r.status == 200
        body = await until_cut(r)
    assert api.said(body)
    assert api.broken in body
    assert api.last not in body
    assert rig.sim.count("runInferenceTranscript") == 1
    assert rig.records[-1].problem


async def test_a_stream_that_fails_after_a_ping_is_logged_as_what_it_was(tmp_path: Path) -> None:
    timeouts = replace(QUICK, commit_after=0.05, ping_every=0.05)
    async with rigged(tmp_path, timeouts=timeouts) as rig:
        text = "[[sim:think=0.3]][[sim:cut=lost]][[sim:long=300]] go"
        async with await rig.post(CHAT.path, CHAT.ask(text, stream=True)) as r:
            await until_cut(r)
        await until(lambda: bool(rig.records))
        assert (rig.records[-1].status, rig.records[-1].problem) == (200, "upstream_error")


async def test_the_log_names_the_account_that_a_failure_came_from(rig: Rig) -> None:
    async with await rig.post(CHAT.path, CHAT.ask("[[sim:trust-rule-denied]]")) as r:
        assert r.headers["x-notion-manager-account"] == "one"
    assert (rig.records[-1].account, rig.records[-1].problem) == ("one", "upstream_denied")


@each_api
async def test_after_content_nothing_is_sent_again_even_unstreamed(rig: Rig, api: Api) -> None:
    async with await rig.post(api.path, api.ask("[[sim:cut=lost]][[sim:long=300]] go")) as r:
        assert r.status == 502
    assert rig.sim.count("runInferenceTranscript") == 1


@pytest.mark.parametrize("scenario", ["500", "empty", "blank", "blank=spaces", "reset", "502-cell"])
async def test_a_hiccup_is_smoothed_by_one_retry(rig: Rig, scenario: str) -> None:
    text = f"[[sim:{scenario}]][[sim:fail-once]][[sim:echo=fine]]"
    async with await rig.post(CHAT.path, CHAT.ask(text)) as r:
        assert CHAT.text(await r.json()) == "fine"


async def test_another_account_answers_where_one_fails(tmp_path: Path) -> None:
    people = [someone(1, "429=600"), someone(2)]
    async with rigged(tmp_path, people) as rig:
        async with await rig.post(CHAT.path, CHAT.ask("[[sim:echo=fine]]")) as r:
            assert CHAT.text(await r.json()) == "fine"
            assert r.headers["x-notion-manager-account"] == "two"


async def test_a_denial_is_not_taken_to_another_account(tmp_path: Path) -> None:
    people = [someone(1, "trust-rule-denied"), someone(2)]
    async with rigged(tmp_path, people) as rig:
        async with await rig.post(CHAT.path, CHAT.ask()) as r:
            assert r.status == 403
        assert rig.sim.count("runInferenceTranscript") == 1


async def test_the_cookie_never_follows_a_redirect(tmp_path: Path) -> None:
    async with rigged(tmp_path / "b") as other, rigged(tmp_path / "a") as rig:
        before = len(other.sim.requests)
        text = f"[[sim:redirect={other.url}/api/v3/runInferenceTranscript]] hi"
        async with await rig.post(CHAT.path, CHAT.ask(text)) as r:
            assert r.status == 502
        assert len(other.sim.requests) == before
