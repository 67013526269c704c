"""The memory of recent items is bounded, and apart for each caller."""

from notion_manager.server.memory import Memory


def test_rule_50_an_item_is_recalled_by_its_owner_alone() -> None:
    memory = Memory()
    memory.put("laptop", "msg_1", {"text": "a"})
    assert memory.get("laptop", "msg_1") == {"text": "a"}
    assert memory.get("ci", "msg_1") is None
    assert memory.get("laptop", "msg_2") is None


def test_the_oldest_is_forgotten_first() -> None:
    memory = Memory(entries=2)
    for id in "abc":
        memory.put("k", id, {})
    assert [memory.get("k", id) is not None for id in "abc"] == [False, True, True]


def test_size_is_bounded_too() -> None:
    memory = Memory(size=100)
    memory.put("k", "small", {"t": "x" * 10})
    memory.put("k", "large", {"t": "x" * 85})
    assert memory.get("k", "small") is None
    assert memory.get("k", "large") is not None
    memory.put("k", "huge", {"t": "x" * 200})
    assert memory.get("k", "huge") is None
    memory.put("k", "small", {"t": "x" * 10})
    assert memory.get("k", "small") is not None


def test_putting_again_renews() -> None:
    memory = Memory(entries=2)
    for id in ("a", "b", "a", "c"):
        memory.put("k", id, {})
    assert memory.get("k", "a") is not None
    assert memory.get("k", "b") is None
