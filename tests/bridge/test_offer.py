import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolkit import OFFER, TOOLS

from notion_manager.bridge.offer import LONGEST, Offer
from notion_manager.turn import FreeformTool, Tool, ToolCall


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Read", "Read"),
        (" Read ", "Read"),
        ("read", "Read"),
        ("functions.Read", "Read"),
        ("default_api.Read", "Read"),
        ("todo_write", None),
        ("todowrite", "TodoWrite"),
        ("mcp--github--create-issue", "mcp__github__create_issue"),
        ("create_issue", "mcp__github__create_issue"),
        ("agents.spawn", "agents.spawn"),
        ("spawn", "agents.spawn"),
        ("Delete", None),
        ("", None),
    ],
)
def test_a_name_means_one_tool_or_none(written: str, meant: str | None) -> None:
    entry = OFFER.find(written)
    assert (entry.name if entry else None) == meant


def test_a_name_that_could_mean_two_means_none() -> None:
    offer = Offer(
        [Tool("a__run", "", {}), Tool("b__run", "", {}), Tool("GO", "", {}), Tool("go", "", {})]
    )
    assert offer.find("run") is None
    assert offer.find("Go") is None
    assert offer.find("go") is offer.entries[3]


def test_a_prefix_that_is_part_of_a_name_stays() -> None:
    offer = Offer([Tool("tools.list", "", {}), Tool("list", "", {})])
    assert offer.find("tools.list") is offer.entries[0]


def test_names_of_any_language_are_told_as_they_are() -> None:
    offer = Offer([Tool("读取", "", {}), Tool("写入", "", {}), Tool("mon outil", "", {})])
    assert [entry.name for entry in offer.entries] == ["读取", "写入", "mon_outil"]
    assert offer.find("写入") is offer.entries[1]
    assert offer.find("mon outil") is offer.entries[2]


def test_tools_whose_names_are_written_alike_are_numbered() -> None:
    offer = Offer([Tool(name, "", {}) for name in ("a b", "a?b", "a_b_2", "a\nb")])
    assert [entry.name for entry in offer.entries] == ["a_b", "a_b_2", "a_b_2_2", "a_b_3"]
    assert offer.called(ToolCall("1", "a?b", "{}")) is offer.entries[1]


names = st.text(min_size=1, max_size=200)


@given(st.lists(st.tuples(names, st.sampled_from(["", "ns", "mcp__x"])), max_size=8))
def test_every_tool_has_a_name_of_its_own_that_finds_it(tools: list[tuple[str, str]]) -> None:
    offer = Offer([Tool(name, "", {}, namespace) for name, namespace in tools])
    assert len({entry.name for entry in offer.entries}) == len(tools)
    for entry in offer.entries:
        assert len(entry.name) <= LONGEST
        assert offer.find(entry.name) is entry


def test_a_call_of_the_history_finds_its_tool_by_namespace_and_name() -> None:
    assert OFFER.called(ToolCall("1", "spawn", "{}", "agents")) is OFFER.find("agents.spawn")
    assert OFFER.called(ToolCall("1", "spawn", "{}")) is None


def test_free_text_has_one_parameter() -> None:
    offer = Offer([FreeformTool("apply_patch", "Patches.")])
    assert offer.entries[0].freeform
    assert not offer.entries[0].strict
    assert offer.entries[0].parameters.errors('{"input":"x"}') == ()
    assert len(TOOLS) == len(OFFER.entries)
