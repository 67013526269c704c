"""What can go wrong on purpose, word by word."""

import asyncio
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from simguest import Guest, Reading, Visit, until

from notion_manager.simulator import demo_accounts
from notion_manager.simulator.scenarios import ERRORS, HTTP, strip

ADA, GRACE = demo_accounts()
INFER = "runInferenceTranscript"

STATUSES = {
    "400": (400, '"ValidationError"'),
    "400-empty": (400, ""),
    "401": (401, "Token was invalid or expired."),
    "401-origin": (401, "Must be authenticated."),
    "403": (403, '"ForbiddenError"'),
    "403-ai": (403, "aiNotEnabled"),
    "404": (404, "Cannot POST /api/v3/runInferenceTranscript"),
    "429": (429, '"UserRateLimitResponse"'),
    "500": (500, '"UnknownApiError"'),
    "500-ai": (500, "aiNotEnabled"),
    "502": (502, "<h1>502 Bad Gateway</h1>"),
    "502-cell": (502, '"MemcachedCrossCellError"'),
    "503": (503, ""),
    "challenge": (403, "Just a moment"),
    "challenge=503": (503, "Just a moment"),
    "html": (200, "<!DOCTYPE html>"),
    "redirect": (302, ""),
    "empty": (200, ""),
    "dies": (401, "Token was invalid or expired."),
}


def test_every_http_fault_is_tried() -> None:
    assert {name.partition("=")[0] for name in STATUSES} == set(HTTP)


@pytest.mark.parametrize("word", STATUSES)
async def test_http_faults(guest: Guest, word: str) -> None:
    status, part = STATUSES[word]
    async with guest.call(INFER, guest.turn(f"[[sim:{word}]] Hi")) as response:
        text = await response.text()
        assert response.status == status
        assert part in text if part else text == ""
        assert ("html" in response.content_type) is text.startswith("<")
        assert ("cf-mitigated" in response.headers) is word.startswith("challenge")
        assert "retry-after" not in response.headers
    assert guest.sim.threads == {}


async def test_a_429_may_say_when_to_come_back(guest: Guest) -> None:
    async with guest.call(INFER, guest.turn("[[sim:429=7]] Hi")) as response:
        assert (response.status, response.headers["retry-after"]) == (429, "7")


async def test_a_token_dies_in_mid_session(guest: Guest) -> None:
    assert (await guest.ask("Hi")).text
    assert (await guest.ask("[[sim:dies]] Hi")).status == 401
    assert (await guest.ask("Hi")).status == 401
    assert (await guest.post("loadUserContent"))[0] == 401


async def test_a_redirect_leads_to_another_host(guest: Guest) -> None:
    url = "http://127.0.0.1:9/elsewhere"
    async with guest.call(INFER, guest.turn(f"[[sim:redirect={url}]] Hi")) as response:
        assert response.headers["location"] == url


async def test_a_reset_before_the_first_byte(guest: Guest) -> None:
    with pytest.raises(aiohttp.ClientOSError):
        await guest.ask("[[sim:reset]] Hi")


async def test_no_answer_at_all_until_patience_ends(visit: Visit) -> None:
    async with visit(patience=0.02) as guest:
        assert (await guest.ask("[[sim:hang]] Hi")).text, "then it answers after all"


async def test_a_client_that_leaves_a_silent_server_frees_it(guest: Guest) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await guest.ask("[[sim:stall]] Hi")
    await until(lambda: guest.sim.open_streams == 0)


# failures inside a 200


def failure(reading: Reading) -> list[Any]:
    """Every object of the stream that tells a failure, wherever it stands."""
    found: list[Any] = []
    for line in reading.lines:
        match line["type"]:
            case "error" | "premium-feature-unavailable":
                found.append(("line", line))
            case "patch-start":
                found += [("start", s) for s in line["data"]["s"]]
            case "patch":
                found += [("patch", op["v"]) for op in line["v"]]
            case "record-map":
                messages = line["recordMap"].get("thread_message", {}).values()
                found += [("record-map", m["value"]["value"]["step"]) for m in messages]
    types = {"error", "premium-feature-unavailable"}
    return [(w, s) for w, s in found if isinstance(s, dict) and s.get("type") in types]


PLACES = {
    "line": ["line"],
    "line-late": ["line"],
    "start": ["start", "record-map"],
    "append": ["patch"],
    "patch": ["patch"],
    "record-map": ["record-map"],
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ERRORS)
async def test_failures_come_in_every_place(guest: Guest, kind: str, place: str) -> None:
    reading = await guest.ask(f"[[sim:{kind}={place}]] [[sim:thinking]] Hi")
    found = failure(reading)
    assert [where for where, _ in found] == PLACES[place]
    wanted = "premium-feature-unavailable" if kind == "exhausted" else "error"
    assert {step["type"] for _, step in found} == {wanted}
    late = place in {"patch", "line-late"}
    assert bool(reading.text) is late
    _, usage = await guest.post("getAIUsageEligibility", {"spaceId": guest.space})
    assert usage["userUsage"] == late, "what was refused is not charged"


@pytest.mark.parametrize("kind", ERRORS)
async def test_failures_are_lines_of_their_own_in_full_steps(guest: Guest, kind: str) -> None:
    reading = await guest.ask(f"[[sim:{kind}]] Hi", asPatchResponse=False)
    where, step = failure(reading)[0]
    assert where == "line"
    assert (kind == "exhausted") is ("featureAvailability" in step)


async def test_denials_say_their_sub_type(guest: Guest) -> None:
    denied = failure(await guest.ask("[[sim:trust-rule-denied]] Hi"))[0][1]
    assert denied["message"] == "AI inference is not allowed."
    assert (denied["subType"], denied["isRetryable"]) == ("trust-rule-denied", False)
    plain = failure(await guest.ask("[[sim:error]] Hi"))[0][1]
    assert plain["errorCode"] == "unknown"


async def test_a_failed_turn_is_saved_as_failed(guest: Guest) -> None:
    body = guest.turn("[[sim:temporarily-unavailable]] Hi")
    await guest.read(body)
    thread = guest.sim.threads[body["threadId"]]
    assert thread.outcome
    assert thread.outcome["status"] == "failed"
    assert [s["type"] for s in thread.history()] == ["config", "user", "error"]


# endings


@pytest.mark.parametrize("patch", [True, False])
@pytest.mark.parametrize("word", ["cut", "handoff", "shutdown", "truncate", "reset-text", "stall"])
async def test_a_turn_that_stops_early_is_complete_in_the_thread(
    visit: Visit, word: str, *, patch: bool
) -> None:
    async with visit(patience=0.02) as guest:
        body = guest.turn(f"[[sim:{word}]] [[sim:long=60]]", asPatchResponse=patch)
        raw = b""
        async with guest.call(INFER, body) as response:
            try:
                async for chunk in response.content.iter_any():
                    raw += chunk
            except aiohttp.ClientError:
                assert word == "reset-text"
        part = Reading(200, {}, raw, [])
        thread = guest.sim.threads[body["threadId"]]
        assert thread.outcome is None
        await until(lambda: thread.outcome is not None)
        saved = thread.history()[-1]
        whole = saved["value"][0]["content"].split("/>")[-1].lstrip()
        assert part.text
        assert whole.startswith(part.text)
        assert len(part.text) < len(whole)
        assert not part.of("record-map")
        assert not part.of("patch-sync")
        assert raw.endswith(b"\n") is (word != "truncate")
        assert bool(part.of("queue-handoff")) is (word == "handoff")


async def test_a_turn_may_die_with_its_stream(visit: Visit) -> None:
    async with visit() as guest:
        body = guest.turn("[[sim:cut=lost]] [[sim:long=60]]")
        async with guest.call(INFER, body) as response:
            await response.read()
        await until(lambda: guest.sim.running_turns == 0)
        thread = guest.sim.threads[body["threadId"]]
        assert (thread.outcome, thread.inference_id) == (None, None)
        assert "finishedAt" not in thread.history()[-1]


async def test_silence_may_begin_before_the_first_line(visit: Visit) -> None:
    async with visit(patience=0.02) as guest:
        reading = await guest.ask("[[sim:stall=start]] Hi")
        assert (reading.status, reading.raw) == (200, b"")


async def test_a_connection_may_linger_after_the_end(guest: Guest) -> None:
    async with guest.call(INFER, guest.turn("[[sim:linger]] Hi")) as response:
        raw = b""
        while b"patch-sync" not in raw:
            raw += await response.content.readany()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await response.content.read()
        assert guest.sim.open_streams == 1
        assert guest.sim.running_turns == 0


# combinators


async def test_a_fault_that_happens_once_lets_the_next_try_pass(guest: Guest) -> None:
    text = "[[sim:429]] [[sim:fail-once]] Hi"
    assert (await guest.ask(text)).status == 429
    assert "Hello!" in (await guest.ask(text)).text
    guest.account = GRACE
    assert (await guest.ask(text)).status == 429, "each account has its own count"


async def test_a_fault_can_be_counted_over_all_accounts(guest: Guest) -> None:
    text = "[[sim:500]] [[sim:fail-total]] Hi"
    assert (await guest.ask(text)).status == 500
    guest.account = GRACE
    assert (await guest.ask(text)).status == 200


async def test_a_fault_can_stay_with_the_account(guest: Guest) -> None:
    await guest.ask("[[sim:temporarily-unavailable]] [[sim:sticky]] Hi")
    assert (await guest.ask("Hi")).shown[0]["subType"] == "temporarily-unavailable"
    assert (await guest.post("loadUserContent"))[0] == 200, "other endpoints keep answering"
    guest.account = GRACE
    assert (await guest.ask("Hi")).text


async def test_accounts_have_scenarios_of_their_own(visit: Visit) -> None:
    people = [replace(ADA, scenario="429=9 fail=2"), GRACE]
    async with visit(accounts=people) as guest:
        assert (await guest.post("getSpaces"))[0] == 200
        statuses = [(await guest.ask(f"Hi {n}")).status for n in range(3)]
        assert statuses == [429, 429, 200]
        guest.account = GRACE
        assert (await guest.ask("Hi")).status == 200


async def test_an_accounts_fault_can_be_everywhere(visit: Visit) -> None:
    async with visit(accounts=[replace(ADA, scenario="challenge everywhere")]) as guest:
        assert (await guest.post("getSpaces"))[0] == 403
        assert (await guest.ask("Hi")).status == 403


async def test_the_simulator_has_a_scenario_too_and_a_text_can_forget_it(visit: Visit) -> None:
    async with visit(scenario="lang=none thinking") as guest:
        assert [e["type"] for e in (await guest.ask("Hi")).entries] == ["thinking", "text"]
        assert [e["type"] for e in (await guest.ask("[[sim:normal]] Hi")).entries] == ["text"]


def test_words_leave_the_text_they_stand_in() -> None:
    assert strip("a [[sim:echo]] b[[sim:429=3]]") == "a b"
