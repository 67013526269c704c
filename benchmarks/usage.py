"""What a process and its children use, as Linux's /proc tells it."""

import os
from pathlib import Path

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def cpu(pids: list[int]) -> float:
    """Seconds of CPU of the threads that live: nanoseconds are counted, not ticks."""
    paths = (path for pid in pids for path in (PROC / str(pid) / "task").glob("*/schedstat"))
    return sum(int(_read(path).partition(" ")[0] or 0) for path in paths) / 1e9


def resident(pids: list[int]) -> int:
    """Bytes in memory, shared pages included."""
    return PAGE * sum(int(fields[21]) for pid in pids if (fields := _stat(pid)))


def _stat(pid: int) -> list[str]:
    """The fields behind the name, from the state on; none if the process is gone."""
    return _read(PROC / str(pid) / "stat").rpartition(") ")[2].split()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
