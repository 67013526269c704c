"""Golden cases: files that say what must come out."""

import json
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

GOLDEN = Path(__file__).parent / "golden"


def check(path: Path, actual: str, *, rewrite: bool) -> None:
    """Compare with the file, or write it when asked to; a missing file is a failure otherwise."""
    if rewrite:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(actual)
    assert path.exists(), f"{path.name} is missing: run `make golden` and review it"
    assert path.read_text() == actual


def spell(value: Any) -> str:
    """Values as JSON that names their types; empty fields are left out, so that a diff is short."""
    return json.dumps(_plain(value), indent=1, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        fields = {
            f.name: _plain(getattr(value, f.name))
            for f in structs.fields(value)
            if getattr(value, f.name) not in ("", (), None, False, b"")
        }
        return {"": type(value).__name__, **fields}
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return getattr(value, "value", value)
