"""What an answer can be made to look like, word by word."""

import json
from typing import Any

import pytest
from simguest import Guest, Reading, Visit

from notion_manager.simulator import demo_accounts

ADA, GRACE = demo_accounts()
INFER = "runInferenceTranscript"


async def tell(guest: Guest, words: str, text: str = "Hi", **changes: Any) -> Reading:
    joined = "".join(f"[[sim:{word}]]" for word in words.split())
    return await guest.ask(f"{joined}{text}", **changes)


async def test_the_list_names_what_there_is(guest: Guest) -> None:
    text = (await tell(guest, "list")).text
    assert "`trust-rule-denied`" in text
    assert "`fail-total`" in text


async def test_echo_gives_back_exactly_the_text(guest: Guest) -> None:
    for lang in ("none", "whole", "split"):
        text = f"  two\n\nlines{lang} \t "
        assert (await tell(guest, f"echo lang={lang} no-inline", text)).text == text.removeprefix(
            " "
        )
    assert (await tell(guest, "echo=fixed")).text == "fixed"


@pytest.mark.parametrize(("word", "text"), [("blank", ""), ("blank=spaces", " \n ")])
async def test_a_blank_answer_ends_like_any_other(guest: Guest, word: str, text: str) -> None:
    reading = await tell(guest, f"{word} lang=none")
    assert reading.text == text
    assert reading.steps("agent-inference")[0]["finishedAt"]
    assert reading.synced is not None


@pytest.mark.parametrize(
    ("word", "content"),
    [("thinking=Hmm,|well.", "Hmm,|well."), ("thinking-signature", "")],
)
async def test_thinking_comes_first_and_signed(guest: Guest, word: str, content: str) -> None:
    first, second = (await tell(guest, word)).entries
    assert (first["type"], first["content"]) == ("thinking", content)
    assert first["signature"]
    assert first["modelProvider"] == "anthropic"
    assert second["type"] == "text"


async def test_older_models_think_inside_the_text(guest: Guest) -> None:
    text = (await tell(guest, "thinking-tags echo lang=none")).text
    assert text == "<thinking>I should say hello.</thinking>Hi"


FORMS = {
    "": ["[^https://news.example.test/bridge]", "[^1toolu_"],
    "url": ["[^https://wiki.example.test/Bridge]"],
    "call": ["[^toolu_"],
    "index": ["[^2toolu_", "[^1toolu_"],
    "braces": ["[^{{https://news.example.test/bridge}}]"],
    "compressed": ["[^{{c7}}]"],
    "object": ["[^view://0a1b]", "[^block://0a1b]"],
    "glued": ["[^https://news.example.test/bridgeview://0a1b]"],
    "artifact": ["[^step-0a1b2c,artifact,1]"],
    "unfinished": ["[^https://wiki.exampl"],
    "plain": ["[https://news.example.test/bridge]"],
    "none": ["The bridge opened on 3 May. It spans"],
    "all": ["[^{{c7}}]", "[^2toolu_", "[^view://0a1b]"],
}


@pytest.mark.parametrize("patch", [True, False])
@pytest.mark.parametrize("form", FORMS)
async def test_search_cites_in_every_form(guest: Guest, form: str, *, patch: bool) -> None:
    reading = await tell(guest, f"search={form}", "When?", asPatchResponse=patch)
    assert all(part in reading.text for part in FORMS[form])
    first, second = reading.steps("agent-inference")
    call = first["value"][-1]
    result = reading.steps("agent-tool-result")[-1]
    assert (call["type"], call["id"]) == ("tool_use", result["toolCallId"])
    assert json.loads(call["content"]) == result["input"]
    assert result["state"] == "applied"
    assert second["inputTokens"] > 18_000
    found = reading.of("agent-search-extracted-results")[0]
    assert found["toolCallId"] == call["id"]
    assert len(found["results"]) == 2


@pytest.mark.parametrize(
    ("words", "function", "where"),
    [
        ("tool-style=new", "callFunction", "output"),
        ("tool-style=old", "search", "structuredContent"),
        ("tool-style=old results=extracted", "search", "extractedResults"),
    ],
)
async def test_results_are_in_several_places(
    guest: Guest, words: str, function: str, where: str
) -> None:
    result = (await tell(guest, f"search {words}")).steps("agent-tool-result")[-1]
    assert result["toolName"] == function
    assert where in result["result"]


async def test_results_may_stand_beside_the_result(guest: Guest) -> None:
    reading = await tell(guest, "search results=web", debugOverrides={})
    rows = reading.steps("agent-tool-result")[-1]["additionalResultForRender"]["webResults"]
    assert rows[0][0]["title"] == "Bridge opens"
    assert not reading.of("agent-search-extracted-results"), "nobody asked for them"


async def test_asking_for_a_search_searches_where_it_is_on(guest: Guest) -> None:
    question = "Please search the web for bridges."
    off = await guest.ask(question)
    on = await guest.ask(question, config={"useWebSearch": True})
    assert not off.steps("agent-tool-result") or off.steps("agent-inference")[0] is not None
    assert "[^" in on.text
    assert "simulated" in on.text
    assert "[^" not in off.text


async def test_a_preamble_stands_in_a_step_of_its_own(guest: Guest) -> None:
    first, second = (await tell(guest, "preamble=Wait. echo")).steps("agent-inference")
    assert first["value"][0]["content"] == "Wait."
    assert first["value"][1]["type"] == "tool_use"
    assert second["value"][0]["content"].endswith("Hi")


async def test_a_tool_may_wait_for_a_confirmation_that_never_comes(guest: Guest) -> None:
    reading = await tell(guest, "pending-tool")
    assert reading.steps("agent-tool-result")[-1]["state"] == "pending"
    assert reading.synced is not None


async def test_workspace_markup_stays_in_the_answer(guest: Guest) -> None:
    assert "<mention-user" in (await tell(guest, "markup")).text


@pytest.mark.parametrize("patch", [True, False])
@pytest.mark.parametrize("how", ["", "=whole"])
async def test_the_legacy_line_type(guest: Guest, how: str, *, patch: bool) -> None:
    reading = await tell(guest, f"markdown-chat{how} echo", "Hello there.", asPatchResponse=patch)
    record = reading.of("record-map")[0]["recordMap"]["thread_message"].values()
    assert "Hello there." in [r["value"]["value"]["step"].get("value") for r in record]
    values = [line["value"] for line in reading.of("markdown-chat")]
    if patch:
        assert reading.steps("markdown-chat")[0]["value"] == "Hello there."
    else:
        assert (values[-1] if how else "".join(values)) == "Hello there."


async def test_an_inlined_answer_has_its_usage_in_the_append(guest: Guest) -> None:
    reading = await tell(guest, "inline thinking echo")
    appended = [op["v"] for line in reading.of("patch") for op in line["v"] if op["p"] == "/s/-"]
    step = next(v for v in appended if v["type"] == "agent-inference")
    assert [e["type"] for e in step["value"]] == ["thinking", "text"]
    assert step["outputTokens"]
    assert step["finishedAt"]
    assert not any(op["o"] == "x" for line in reading.of("patch") for op in line["v"])


async def test_rewritten_text_gets_shorter_before_it_grows(guest: Guest) -> None:
    reading = await tell(guest, "rewrite long=40", asPatchResponse=False)
    sizes = [
        len(line["value"][0]["content"]) for line in reading.of("agent-inference") if line["value"]
    ]
    assert sizes != sorted(sizes)
    assert sizes[-1] == max(sizes)


async def test_a_withdrawn_attempt_moves_aside(guest: Guest) -> None:
    reading = await tell(guest, "previous-attempt echo")
    step = reading.steps("agent-inference")[0]
    assert step["previousAttemptValues"][0][0]["content"] == "This attempt will be withdrawn"
    assert reading.text == "Hi"
    assert reading.shown == reading.synced


@pytest.mark.parametrize(("word", "kind"), [("op-p", "p"), ("op-r", "r"), ("by-id", "x")])
async def test_rare_operations_lead_to_the_same_state(guest: Guest, word: str, kind: str) -> None:
    reading = await tell(guest, f"{word} echo", "Some words that are said in pieces.")
    ops = [op for line in reading.of("patch") for op in line["v"]]
    assert kind in {op["o"] for op in ops}
    assert (word == "by-id") is any(len(op["p"].split("/")[2]) == 36 for op in ops)
    assert reading.text == "Some words that are said in pieces."
    assert reading.shown == reading.synced


async def test_a_second_start_brings_the_state_so_far(guest: Guest) -> None:
    reading = await tell(guest, "restart echo no-inline", "Some words that are said in pieces.")
    assert len(reading.of("patch-start")) == 2
    assert reading.shown == reading.synced


async def test_the_final_snapshot_may_come_twice(guest: Guest) -> None:
    patched = await tell(guest, "duplicate-final")
    full = await tell(guest, "duplicate-final", asPatchResponse=False)
    assert len(patched.of("patch-sync")) == 2
    assert patched.shown == patched.synced
    counted = [
        line["outputTokens"] for line in full.of("agent-inference") if "outputTokens" in line
    ]
    assert len(counted) >= 2
    assert len(set(counted)) == 1


async def test_lost_patches_are_healed_by_the_last_line(guest: Guest) -> None:
    reading = await tell(guest, "lost-patches long=200")
    assert reading.shown != reading.synced
    assert len(reading.text.split()) == 200


async def test_the_last_line_may_be_missing_or_bare(guest: Guest) -> None:
    assert (await tell(guest, "no-sync")).synced is None
    assert not (await tell(guest, "bare-end")).raw.endswith(b"\n")
    assert (await tell(guest, "done")).lines[-1] == {"type": "done"}


@pytest.mark.parametrize("patch", [True, False])
async def test_lines_may_be_huge(guest: Guest, *, patch: bool) -> None:
    reading = await tell(guest, "huge=1 echo", asPatchResponse=patch)
    sizes = sorted(len(line) for line in reading.raw.split(b"\n"))
    assert sizes[-2] > 1_000_000
    assert reading.text == "Hi"


async def test_noise_changes_nothing(guest: Guest) -> None:
    reading = await tell(guest, "noise echo")
    assert b"\n\n" in reading.raw
    assert reading.of("heartbeat")
    assert reading.text == "Hi"
    framed = await tell(guest, "noise=sse echo")
    lines = [line[6:] for line in framed.raw.split(b"\n") if line.startswith(b"data: {")]
    assert Reading(200, {}, b"\n".join(lines), []).text == "Hi"


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("none", "Hi"),
        ("split", '<lang primary="en-US"/>\nHi'),
        ("whole", '<lang primary="en-US"/>\nHi'),
        ("closing", '<lang primary="en-US">Hi</lang>'),
        ("stray", 'primary="en-US">Hi'),
    ],
)
async def test_language_tags(guest: Guest, lang: str, text: str) -> None:
    reading = await tell(guest, f"echo lang={lang}")
    assert reading.entries[0]["content"] == text
    changes = [op for line in reading.of("patch") for op in line["v"]]
    first = next(op["v"] for op in changes if op["p"].endswith("/value/-"))["content"]
    assert text.startswith(first)
    assert (first.startswith("<") and ">" not in first) is (lang in {"split", "closing"})


@pytest.mark.parametrize(
    ("how", "keys"),
    [
        ("none", set()),
        ("partial", {"outputTokens"}),
        ("late", {"inputTokens", "outputTokens", "cachedTokensRead", "cachedTokensCreated"}),
        ("append", {"inputTokens", "outputTokens", "cachedTokensRead", "cachedTokensCreated"}),
    ],
)
async def test_usage_may_be_missing_or_late(guest: Guest, how: str, keys: set[str]) -> None:
    reading = await tell(guest, f"usage={how}")
    assert {k for k in reading.steps("agent-inference")[0] if "Token" in k} == keys
    paths = [[op["p"] for op in line["v"]] for line in reading.of("patch")]
    if how == "late":
        assert any(path.endswith("Tokens") for path in paths[-1])
    assert any("inputTokens" in path for ops in paths for path in ops) is (how == "late")


async def test_a_title_can_be_chosen(guest: Guest) -> None:
    body = guest.turn("[[sim:title=Bridges]] Hi")
    reading = await guest.read(body)
    assert reading.steps("title")[0]["value"] == "Bridges"
    thread = reading.of("record-map")[0]["recordMap"]["thread"][body["threadId"]]
    assert thread["value"]["value"]["data"]["title"] == "Bridges"


async def test_bytes_can_be_cut_one_by_one(visit: Visit) -> None:
    inside = False
    for seed in range(3):
        async with visit(seed=seed, chunks="byte") as guest:
            reading = await tell(guest, "inline echo", "東京")
        assert reading.text == "東京"
        assert max(map(len, reading.chunks)) < 200
        inside = inside or any(c.decode(errors="ignore").encode() != c for c in reading.chunks)
    assert inside, "some cut was inside a character"
