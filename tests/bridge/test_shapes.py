"""What a schema says of its values, and where its references lead."""

from typing import Any

from notion_manager.bridge.references import References
from notion_manager.bridge.shapes import Shape


def test_a_reference_leads_where_it_says_or_nowhere() -> None:
    named = {"$anchor": "name", "$id": "part", "$defs": {"x": 3}}
    root = {"a": [{"b/c": {"~": 1}}, named], "a b": 2}
    found = References(root).found
    assert found("#/a/0/b~1c/~0") == 1
    assert found("#/a%20b") == 2
    assert found("#") == root
    assert found("#name") == found("part") == named
    assert found("part#/$defs/x") == 3
    for nowhere in ("#/a/7", "#/a/x", "#/z", "http://x.test/#/a", "#other", "#/a/99999999999"):
        assert found(nowhere) == {}


def test_a_shape_knows_lists_and_free_text() -> None:
    listed = Shape({"anyOf": [{"const": 1}, {"enum": [2]}, {"type": "string"}]}, {})
    assert listed.listed is None
    assert Shape({"anyOf": [{"const": 1}, {"enum": ["a"]}]}, {}).listed == ("a",)
    nested: Any = {"type": "string"}
    for _ in range(30):
        nested = {"type": "array", "items": nested}
    assert Shape(nested, nested).free_text
    for other, free in ({"type": "integer"}, False), ({"type": "string"}, True):
        closed = {"type": "object", "additionalProperties": other}
        assert Shape(closed, closed).free_text is free
