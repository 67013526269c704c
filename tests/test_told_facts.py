"""What responses and log lines say about a request, and how soon keys count; over real sockets."""

import asyncio
import io
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest

from notion_manager.config import Log
from notion_manager.errors import RateLimited
from notion_manager.logs import RequestLog, RequestRecord, handler
from notion_manager.server.app import _refusal
from notion_manager.server.trace import Trace
from notion_manager.store import Store
from notion_manager.translators.openai_chat import OpenAIChat
from tests.asking import APIS, Api
from tests.rig import Rig, rigged

each_api = pytest.mark.parametrize("api", APIS, ids=lambda a: a.name)


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


# What a response and the log say


@each_api
async def test_figures_that_nobody_gave_are_marked_as_estimated(rig: Rig, api: Api) -> None:
    for words, marked in (("[[sim:usage=none]]", "estimated"), ("", None)):
        async with await rig.post(api.path, api.ask(f"{words}[[sim:echo=ok]]")) as r:
            assert api.text(await r.json()) == "ok"
        assert r.headers.get("x-notion-manager-usage") == marked
        assert rig.records[-1].output_tokens


async def test_gpt_5_takes_272000_tokens_and_who_says_nothing_promises_nothing(rig: Rig) -> None:
    async with await rig.get("/v1/models") as r:
        listed = {m["id"]: m for m in (await r.json())["data"]}
    five = [m for id, m in listed.items() if id.startswith("gpt-5.")]
    assert len(five) > 3
    assert {(m["max_input_tokens"], m["context_window"], m["max_tokens"]) for m in five} == {
        (272_000, 400_000, 128_000)
    }
    assert "max_input_tokens" not in listed["opus-4.6"]
    assert "max_input_tokens" not in listed["auto"]


@pytest.mark.parametrize(
    ("wait", "told", "should_retry"),
    [
        (0.0, "1", None),
        (0.2, "1", None),
        (1.5, "2", None),
        (60.0, "60", None),
        (60.5, None, "false"),
        (None, None, None),
    ],
)
def test_retry_after_is_whole_seconds_rounded_up_and_never_more_than_a_minute(
    wait: float | None, told: str | None, should_retry: str | None
) -> None:
    trace = Trace(id="0" * 32, api="chat", id_headers=("x-request-id",), began=0.0)
    headers = _refusal(RateLimited("slow", retry_after=wait), trace, OpenAIChat).headers
    assert (headers.get("Retry-After"), headers.get("x-should-retry")) == (told, should_retry)


async def test_asking_for_health_is_not_logged(rig: Rig) -> None:
    for path in ("/health", "/", "/v1/models"):
        async with await rig.get(path) as r:
            assert r.status == 200
    assert [(record.api, record.status) for record in rig.records] == [("", 200)]  # the list alone


@pytest.mark.parametrize(
    ("status", "level"), [(200, "info"), (499, "info"), (500, "warning"), (503, "warning")]
)
def test_a_fault_of_ours_or_of_the_upstreams_is_logged_as_a_warning(
    status: int, level: str
) -> None:
    out = io.StringIO()
    RequestLog(handler(Log(format="json"), out), "info")(
        RequestRecord(
            id="0" * 32, key="k", api="chat", asked="m", served="m", account="one",
            status=status, first_content=None, duration=0.1, input_tokens=None,
            output_tokens=None,
        )
    )  # fmt: skip
    assert json.loads(out.getvalue())["level"] == level


# Keys


async def test_a_key_made_or_removed_elsewhere_counts_within_about_a_second(
    rig: Rig, tmp_path: Path
) -> None:
    elsewhere = Store(tmp_path / "state.sqlite3")
    made = elsewhere.add_key("laptop", 0).reveal()

    async def status() -> int:
        async with await rig.get("/v1/models", Authorization=f"Bearer {made}") as r:
            return r.status

    assert await status() == 200  # the keyring is read at the first request
    elsewhere.remove_key("laptop")
    assert await _becomes(status, 401) < 1.5
    with elsewhere:
        made = elsewhere.add_key("laptop", 0).reveal()
    assert await _becomes(status, 200) < 1.5
    assert rig.records[-1].key == "laptop"


async def _becomes(status: Callable[[], Awaitable[int]], wanted: int) -> float:
    """Seconds until the status is the one that is wanted."""
    began = time.perf_counter()
    async with asyncio.timeout(5):
        while await status() != wanted:  # noqa: ASYNC110 - it is another process's doing
            await asyncio.sleep(0.02)
    return time.perf_counter() - began
