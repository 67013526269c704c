"""Why an account answered, from a running daemon: by its admin pages and from its notes."""

from pathlib import Path
from typing import Any

import pytest

from notion_manager.config import Config, Proxy
from notion_manager.explanations import Offers, past
from notion_manager.journal import Journal
from notion_manager.models import Naming
from notion_manager.notes import FILE, Notes
from notion_manager.pool import Pool
from notion_manager.standing import Standing
from tests.asking import CHAT
from tests.rig import Rig, rigged, someone
from tests.scripted import MODELS

HOST = {"Host": "localhost"}


async def asked(rig: Rig, text: str = "[[sim:echo=ok]]") -> str:
    """The id of a request."""
    async with await rig.post(CHAT.path, CHAT.ask(text)) as r:
        return r.headers["x-request-id"]


async def read(rig: Rig, path: str, key: str, **headers: str) -> tuple[int, Any]:
    sent = {"Authorization": f"Bearer {key}", **headers}
    async with await rig.get(path, **sent) as r:
        return r.status, await r.json()


async def test_a_request_is_explained_by_who_failed_who_answered_and_who_could_not(
    tmp_path: Path,
) -> None:
    people = [someone(1, "429"), someone(2), someone(3, "401")]
    async with rigged(tmp_path, people) as rig:
        key = rig.store.add_key("me", now=0, admin=True).reveal()
        ids = [await asked(rig) for _ in range(4)]
        told = [(await read(rig, f"/admin/requests/{id}", key))[1] for id in ids]
        kinds = [{a["account"]: (a["verdict"], a["reason"]) for a in t["accounts"]} for t in told]
        assert all(kind["two"] == ("answered", "") for kind in kinds)
        assert {kind["one"] for kind in kinds} >= {("failed", "rate_limit_exceeded")}
        assert kinds[-1]["one"] == ("resting", "rate_limit_exceeded")
        assert kinds[-1]["three"] == ("retired", "account_unauthorized")
        assert told[0]["request"]["id"] == ids[0]
        status, now = await read(rig, "/admin/accounts?model=opus-4.6", key)
        assert (status, now["accounts"][0]["account"]) == (200, "two")
        assert now["accounts"][0]["place"] == 1
        assert {a["account"]: a["verdict"] for a in now["accounts"]}["three"] == "retired"
        assert (await read(rig, "/admin/requests/unknown", key))[0] == 404
        status, now = await read(rig, "/admin/accounts?model=zzz", key)
        verdicts = {a["account"]: (a["verdict"], a["reason"]) for a in now["accounts"]}
        assert verdicts["two"] == ("lacking", "model_not_found")
    notes = Notes(tmp_path / FILE)
    found = past(Journal(notes), Pool([Standing("two")]), ids[-1], Naming())
    notes.close()
    assert found is not None
    assert {a.account for a in found.accounts} == {"one", "two", "three"}
    assert "canary" not in (tmp_path / FILE).read_bytes().decode("latin-1")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "Origin"])
async def test_the_admin_pages_are_not_for_proxies_and_web_pages(
    tmp_path: Path, header: str
) -> None:
    async with rigged(tmp_path) as rig:
        key = rig.store.add_key("me", now=0, admin=True).reveal()
        assert (await read(rig, "/admin/accounts", key))[0] == 200
        assert (await read(rig, "/admin/accounts", key, **{header: "http://x"}))[0] == 403


async def test_each_kind_of_key_opens_its_own(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        admin = rig.store.add_key("me", now=0, admin=True).reveal()
        client = rig.store.add_key("laptop", now=0).reveal()
        assert (await read(rig, "/admin/accounts", client))[0] == 401
        assert (await read(rig, "/v1/models", admin))[0] == 401
        assert (await read(rig, "/v1/models", client))[0] == 200
        async with rig.http.post(f"{rig.url}/admin/accounts", json={}, headers={
            "Authorization": f"Bearer {admin}"
        }) as r:  # fmt: skip
            assert r.status == 405


async def test_a_model_that_an_account_was_found_to_lack_is_known_by_what_it_is_asked_for(
    tmp_path: Path,
) -> None:
    """Without a name the default is asked for, now and by a request that is over."""
    config = Config(proxy=Proxy(default_model="opus-4.6"))
    people = [someone(1, "model-unavailable"), someone(2)]
    async with rigged(tmp_path, people, config=config) as rig:
        key = rig.store.add_key("me", now=0, admin=True).reveal()
        for text in ("hi", "hi again"):
            async with await rig.post(CHAT.path, {**CHAT.ask(text), "model": ""}) as r:
                id = r.headers["x-request-id"]
        for path in ("accounts?model=%20opus-4.6", "accounts?model=default", f"requests/{id}"):
            _, told = await read(rig, f"/admin/{path}", key)
            (one,) = [a for a in told["accounts"] if a["account"] == "one"]
            assert (one["verdict"], one["evidence"]) == ("lacking", "opus-4.6")


async def test_a_request_that_nobody_could_answer_is_explained(tmp_path: Path) -> None:
    async with rigged(tmp_path, [someone(1, "401")]) as rig:
        key = rig.store.add_key("me", now=0, admin=True).reveal()
        first, second = await asked(rig), await asked(rig)
        _, told = await read(rig, f"/admin/requests/{first}", key)
        ((verdict, reason, said),) = (
            (a["verdict"], a["reason"], a["evidence"]) for a in told["accounts"]
        )
        assert (verdict, reason) == ("failed", "account_unauthorized")
        assert "Notion answered 401" in said
        _, told = await read(rig, f"/admin/requests/{second}", key)
        assert [(a["verdict"], a["reason"]) for a in told["accounts"]] == [
            ("retired", "account_unauthorized")
        ]


def test_what_equal_lists_of_models_lack_is_found_out_once() -> None:
    """Most accounts have the same, and the nearest names take a while to find."""
    lists = {"one": MODELS, "two": (*MODELS[:1], *MODELS[1:]), "three": MODELS[:1]}
    unknown = dict(Offers(Naming(), lists).refusals("zzz"))
    assert unknown["one"] is unknown["two"]
    assert unknown["two"] is not unknown["three"]
