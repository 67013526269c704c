"""What models write, good and bad, case by case: `make golden` rewrites what comes of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from toolkit import cuts, fed, parser, plain

from notion_manager.bridge.calls import Policy

CORPUS = Path(__file__).parents[1] / "golden" / "calls"
FILES = sorted(CORPUS.glob("*.json"))
LONG = 2000  # characters, beyond which not every cut is tried


def outcome(case: dict[str, Any], texts: list[str]) -> dict[str, Any]:
    given = case.get("policy", {})
    lists = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
    it = parser(Policy(**{**given, **lists}))
    pieces = [plain(piece) for piece in fed(it, texts)]
    said: dict[str, Any] = {"pieces": pieces}
    if it.cut:
        said["cut"] = True
    if it.trouble is not None:
        said["trouble"] = it.trouble.fault.value
    return said


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_models_write_is_what_they_mean(file: Path, rewrite: bool) -> None:
    cases = json.loads(file.read_text())
    for case in cases:
        text = case["text"]
        whole = outcome(case, [text])
        if rewrite:
            case["means"] = whole
        assert case["means"] == whole, case["about"]
        assert outcome(case, list(text)) == whole, case["about"]
        for place in range(1, len(text) if len(text) < LONG else 0):
            assert outcome(case, cuts(text, [place])) == whole, (case["about"], place)
    if rewrite:
        file.write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n")
