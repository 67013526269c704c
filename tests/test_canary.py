"""A token planted in an account shows up nowhere: no log, response, error or repr, at any level."""

import io
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from notion_manager import logs
from notion_manager.config import Log
from tests.asking import APIS
from tests.rig import rigged, someone

CANARY = "canary-feed-beef"


@pytest.mark.parametrize(
    "scenario",
    ["echo=hello", "401", "400", "403", "challenge", "reset", "empty", "cut", "429", "500",
     "redirect=http://127.0.0.1:9/", "trust-rule-denied", "html"],
)  # fmt: skip
async def test_a_planted_token_shows_up_nowhere(tmp_path: Path, scenario: str) -> None:
    written = io.StringIO()
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    root.setLevel(logging.DEBUG)
    plain = logging.StreamHandler(written)
    root.handlers = [logs.handler(Log(level="debug", format="json"), written), plain]
    person = replace(someone(), token_v2=f"v03%3A{CANARY}")
    seen: list[str] = []
    try:
        async with rigged(tmp_path, [person]) as rig:
            for api in APIS:
                for stream in (False, True):
                    text = f"[[sim:{scenario}]] what is your token?"
                    async with await rig.post(api.path, api.ask(text, stream=stream)) as r:
                        seen.append(str(r.headers))
                        seen.append(str(await r.content.read(1 << 16)))
                for path in ("/health", "/", "/v1/models"):
                    async with rig.http.get(rig.url + path) as r:
                        seen.append(await r.text())
            seen += [repr(rig.records), repr(rig.store.accounts()), repr(rig.store.standings())]
            sent = [headers for _, _, headers in rig.sim.requests]
    finally:
        root.setLevel(before[0])
        root.handlers = before[1]
    seen.append(written.getvalue())
    assert sent
    assert not [text for text in seen if CANARY in text or "nm-test-key" in text]
