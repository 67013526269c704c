"""Who may call, and the reads that cost nothing."""

from dataclasses import replace

import pytest
from simguest import Guest, Visit

from notion_manager.simulator import SimAccount, SimSpace, demo_accounts
from notion_manager.simulator.quota import eligibility_v2, rate_limit_status

ADA, GRACE = demo_accounts()
PAID, FREE, QUIET, GONE = (space.id for space in ADA.spaces)


@pytest.mark.parametrize("wrapping", ["double", "single"])
async def test_a_token_alone_tells_who_one_is(visit: Visit, wrapping: str) -> None:
    async with visit(wrapping=wrapping) as guest:
        status, body = await guest.post("loadUserContent")
    tables = body["recordMap"]

    def value(record: dict) -> dict:
        return record["value"]["value"] if wrapping == "double" else record["value"]

    assert status == 200
    assert value(tables["notion_user"][ADA.user_id])["email"] == "ada@example.test"
    pointers = value(tables["user_root"][ADA.user_id])["space_view_pointers"]
    assert [p["spaceId"] for p in pointers] == [PAID, FREE, QUIET, GONE]
    assert set(tables["space"]) == {PAID, FREE, QUIET}, "a workspace left behind has no record"
    settings = {id: value(space)["settings"] for id, space in tables["space"].items()}
    assert settings[QUIET] == {"enable_ai_feature": False, "disable_ai_feature": True}
    assert value(tables["user_settings"][ADA.user_id])["settings"]["time_zone"] == "Europe/Paris"


async def test_an_account_without_a_workspace_still_loads(visit: Visit) -> None:
    async with visit(accounts=[replace(ADA, spaces=())]) as guest:
        status, body = await guest.post("loadUserContent")
    assert status == 200
    assert body["recordMap"]["space"] == {}


async def test_a_session_of_several_people_lists_them_all(visit: Visit) -> None:
    async with visit(accounts=[replace(ADA, others=[GRACE])]) as guest:
        _, loaded = await guest.post("loadUserContent")
        _, spaces = await guest.post("getSpaces")
        status, _ = await guest.post("loadUserContent", x_notion_active_user_header=GRACE.user_id)
    assert set(loaded["recordMap"]["notion_user"]) == {ADA.user_id, GRACE.user_id}
    assert set(spaces) == {ADA.user_id, GRACE.user_id}
    assert status == 200


async def test_the_other_two_bootstrap_reads_nest_their_tables_differently(guest: Guest) -> None:
    _, spaces = await guest.post("getSpaces")
    _, initial = await guest.post("getSpacesInitial")
    mine = spaces[ADA.user_id]
    assert mine["space"][PAID]["value"]["value"]["name"] == "Ada's Space"
    assert {"spaceId": GONE} in mine["space_view"].values()
    assert "user_root" in initial["users"][ADA.user_id]


async def test_the_catalogue_has_its_corners(guest: Guest) -> None:
    _, body = await guest.post("getAvailableModels", {"spaceId": PAID})
    models = {model["model"]: model for model in body["models"]}
    labels = [model["modelMessage"] for model in body["models"]]
    assert 28 <= len(models) <= 34
    assert labels.count("GPT-5.5") == 2, "labels collide"
    assert models["acai-budino-high"]["isDisabled"]
    assert models["acai-budino-high"]["restrictedAccessModelCodename"] == "acai-budino"
    assert not models["assam-chai"]["isDisabled"]
    restricted = {m["codename"] for m in body["restrictedAccessModelsInPickerConfig"]}
    assert restricted == {"acai-budino", "assam-chai"}
    assert "workflow" not in models["anthropic-haiku-4.5"]
    efforts = models["almond-croissant-low"]["modelConfiguration"]
    assert efforts["supportedReasoningEfforts"] == ["low", "medium", "high", "max"]
    assert efforts["defaultReasoningEffort"] == "low"
    _, flat = await guest.post("getAiPickableModels")
    assert "apple-danish" in flat["models"]
    assert "apple-danish" not in models


async def test_a_workspace_may_leave_no_choice_of_model(guest: Guest) -> None:
    guest.account = GRACE
    _, body = await guest.post("getAvailableModels", {"spaceId": GRACE.spaces[1].id})
    assert body["models"] == []
    assert body["modelSelectionRestricted"]


QUOTA = ["getAIUsageEligibility", "getAIUsageEligibilityV2", "getCreditRateLimitStatus"]


@pytest.mark.parametrize("name", [*QUOTA, "getAvailableModels", "getCustomAgents"])
async def test_reads_of_a_workspace_check_it(guest: Guest, name: str) -> None:
    assert (await guest.post(name, {"spaceId": PAID}))[0] == 200
    status, body = await guest.post(name)
    assert (status, body["name"]) == (400, "ValidationError")
    for foreign in (GRACE.spaces[0].id, GONE):
        status, body = await guest.post(name, {"spaceId": foreign})
        assert (status, body["isNotionError"]) == (403, True)


async def test_counters_move_after_each_turn(guest: Guest) -> None:
    await guest.ask("Hi", spaceId=FREE)
    _, first = await guest.post("getAIUsageEligibility", {"spaceId": FREE})
    _, second = await guest.post("getAIUsageEligibilityV2", {"spaceId": FREE})
    assert (first["userUsage"], first["userLimit"], first["isEligible"]) == (24, 75, True)
    assert first["lastSpaceUsageAtMs"] > 0
    assert second["usage"]["currentServicePeriod"]["userUsage"] == 24
    _, window = await guest.post("getCreditRateLimitStatus", {"spaceId": FREE})
    assert window == {"status": "not_applicable"}


async def test_paid_credits_move_too_and_basic_ones_mislead(guest: Guest) -> None:
    await guest.ask("Hi")
    _, body = await guest.post("getAIUsageEligibilityV2", {"spaceId": PAID})
    assert body["basicCredits"]["userUsage"] > body["basicCredits"]["userLimit"]
    assert body["premiumCredits"]["perSource"]["monthlyAllocated"] == {
        "usageTotal": 1,
        "limit": 100,
    }
    _, first = await guest.post("getAIUsageEligibility", {"spaceId": PAID})
    assert first["isEligible"]
    assert first["type"] == "unlimited"


def nearly_spent(**changes: object) -> SimAccount:
    space = SimSpace(PAID, "Small", plan="personal", tier="free", user_limit=2, used=1, premium=0)
    return replace(ADA, spaces=[replace(space, **changes)])


async def test_at_the_limit_the_wall_comes_and_nothing_more_is_charged(visit: Visit) -> None:
    async with visit(accounts=[nearly_spent()]) as guest:
        assert "capitals" in (await guest.ask("Well?")).text
        wall = await guest.ask("More?")
        _, state = await guest.post("getAIUsageEligibility", {"spaceId": PAID})
    limit = wall.of("patch-start")[0]["data"]["s"][0]["featureAvailability"]["limit"]
    assert limit["total"] == 2
    assert [line["type"] for line in wall.lines] == ["patch-start", "record-map"]
    assert (state["isEligible"], state["userUsage"]) == (False, 2)


async def test_a_workspace_limit_counts_everybody(visit: Visit) -> None:
    people = [nearly_spent(user_limit=0, space_limit=3, used=0)]
    people.append(replace(GRACE, spaces=people[0].spaces))
    async with visit(accounts=people) as guest:
        for person in (0, 1, 0):
            guest.account = people[person]
            assert (await guest.ask("Well?")).text
        assert not (await guest.ask("More?")).text


async def test_a_paid_window_that_is_spent_says_when_to_return(visit: Visit) -> None:
    space = {"plan": "team", "tier": "business"}
    async with visit(accounts=[nearly_spent(**space, used=2)]) as guest:
        world, account = guest.sim.world, guest.account
        window = rate_limit_status(world.ledger, account, account.spaces[0], 0)
        _, sent = await guest.post("getCreditRateLimitStatus", {"spaceId": PAID})
        premium = eligibility_v2(world.ledger, account, account.spaces[0])["premiumCredits"]
    assert window["status"] == sent["status"] == "rate_limited"
    assert window["retryAfterSeconds"] == 6 * 3600
    assert premium["creditsInOverage"] == 0


# who may call


async def test_without_a_token_one_must_be_authenticated(guest: Guest) -> None:
    async with guest.session.post(f"{guest.url}/api/v3/loadUserContent", json={}) as response:
        body = await response.json()
    assert (response.status, body["message"]) == (401, "Must be authenticated.")
    assert body["name"] == "UnauthorizedError"


@pytest.mark.parametrize(
    "token", ["nonsense", ADA.token_v2.replace("%3A", ":"), f'"{ADA.token_v2}"']
)
async def test_a_token_is_compared_as_it_came(guest: Guest, token: str) -> None:
    guest.account = replace(ADA, token_v2=token)
    status, body = await guest.post("loadUserContent")
    assert (status, body["debugMessage"]) == (401, "Token was invalid or expired.")


async def test_a_token_can_die_and_come_back(guest: Guest) -> None:
    guest.sim.kill_token(ADA.token_v2)
    assert (await guest.post("loadUserContent"))[0] == 401
    guest.sim.revive_token(ADA.token_v2)
    assert (await guest.post("loadUserContent"))[0] == 200


async def test_an_expired_account_is_refused_everywhere(visit: Visit) -> None:
    async with visit(accounts=[replace(ADA, expired=True)]) as guest:
        assert (await guest.post("getSpaces"))[0] == 401
        assert (await guest.ask("Hi")).status == 401


async def test_the_active_user_and_the_space_must_be_ones_own(guest: Guest) -> None:
    body = {"spaceId": PAID}
    own = {"x_notion_active_user_header": ADA.user_id, "x_notion_space_id": PAID}
    for headers, expected in [
        (own, 200),
        (own | {"x_notion_active_user_header": GRACE.user_id}, 403),
        (own | {"x_notion_space_id": GRACE.spaces[0].id}, 403),
        (own | {"x_notion_space_id": FREE}, 502),
    ]:
        status, reply = await guest.post("getAvailableModels", body, **headers)
        assert status == expected, reply


@pytest.mark.parametrize(
    ("strict", "origin", "expected"),
    [
        (False, "http://evil.test", 200),
        (True, "http://evil.test", 401),
        (True, "https://www.notion.so", 200),
        (True, "https://app.notion.com", 200),
    ],
)
async def test_origins_are_checked_behind_a_switch(
    visit: Visit, *, strict: bool, origin: str, expected: int
) -> None:
    async with visit(strict_origin=strict) as guest:
        assert (await guest.post("getSpaces", origin=origin))[0] == expected
        assert (await guest.post("getSpaces", origin=guest.url))[0] == 200
        assert (await guest.post("getSpaces"))[0] == 200


async def test_an_unknown_endpoint_is_an_html_404(guest: Guest) -> None:
    status, body = await guest.post("getEverything")
    assert status == 404
    assert "Cannot POST /api/v3/getEverything" in body


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff"])
async def test_a_body_is_a_json_object(guest: Guest, data: bytes) -> None:
    headers = guest.headers(**{"content-type": "application/json"})
    url = f"{guest.url}/api/v3/loadUserContent"
    async with guest.session.post(url, data=data, headers=headers) as response:
        assert response.status == 400


async def test_a_body_says_that_it_is_json(guest: Guest) -> None:
    url, headers = f"{guest.url}/api/v3/loadUserContent", guest.headers()
    async with guest.session.post(url, data="{}", headers=headers) as response:
        assert response.status == 400


async def test_the_page_shows_the_client_version(guest: Guest) -> None:
    async with guest.session.get(f"{guest.url}/ai") as response:
        assert 'data-notion-version="23.13.' in await response.text()


async def test_calls_are_kept_without_their_cookie(guest: Guest) -> None:
    await guest.post("getAvailableModels", {"spaceId": PAID}, notion_client_version="23.13")
    endpoint, body, headers = guest.sim.requests[-1]
    assert (endpoint, body) == ("getAvailableModels", {"spaceId": PAID})
    assert headers["notion-client-version"] == "23.13"
    assert "cookie" not in headers
    assert guest.sim.count("getAvailableModels") == 1
    assert guest.sim.count("getSpaces") == 0


async def test_large_replies_are_compressed_for_those_who_can_read_it(visit: Visit) -> None:
    for offered, expected in [(True, "gzip"), (False, None)]:
        async with visit(gzip=offered) as guest:
            call = guest.call(
                "getAvailableModels", {"spaceId": PAID}, **{"accept-encoding": "gzip"}
            )
            async with call as response:
                assert response.headers.get("content-encoding") == expected
                assert (await response.json())["models"]


async def test_a_token_is_in_no_repr(guest: Guest) -> None:
    assert ADA.token_v2 not in repr(ADA)
