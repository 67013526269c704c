"""The systemd unit of the manual runs this program, and shuts it in."""

import re
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
EXPOSURE = 50  # of 100, as `systemd-analyze security` counts: from 50 on it calls a service medium
ANALYZER = shutil.which("systemd-analyze")


def unit() -> str:
    found = re.search(r"```ini\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_service_writes_its_state_and_speaks_to_the_network_alone() -> None:
    parser = RawConfigParser()
    parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue] - its documented use
    parser.read_string(unit())
    service = parser["Service"]
    assert service["ExecStart"].endswith("/.venv/bin/notion-manager serve")
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] == "%h/.local/state/notion-manager"
    assert service["RestrictAddressFamilies"] == "AF_INET AF_INET6 AF_UNIX"
    assert (service["NoNewPrivileges"], service["UMask"]) == ("yes", "0077")


@pytest.mark.skipif(ANALYZER is None, reason="there is no systemd here")
def test_systemd_finds_it_little_exposed(tmp_path: Path) -> None:
    if "--offline" not in analyzer("--help").stdout:
        pytest.skip("this systemd judges no units that it does not run")
    path = tmp_path / "notion-manager.service"
    path.write_text(unit().replace("%h/notion-manager/.venv/bin/notion-manager", "/bin/true"))
    done = analyzer("security", "--offline=yes", f"--threshold={EXPOSURE}", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def analyzer(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the system's own
        [str(ANALYZER), *arguments], capture_output=True, text=True, check=False, timeout=20
    )
