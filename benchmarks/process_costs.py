"""Processor time and memory of processes, read from /proc: a measurement can begin in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
# Fields of /proc/<pid>/stat after the name, counted from 0 (proc(5), fields 4 and 14 to 17).
_PARENT: Final = 1
_OWN_AND_ENDED_CHILDREN: Final = slice(11, 15)
_OWN: Final = slice(11, 13)
_ROOT: Final = Path(__file__).parents[1]
_ROOMS: Final = ("router", "connectors", "store", "workers", "api", "cli")


def compiled() -> dict[str, str]:
    """Compile the modules of Omniyard, as pip and `make` leave them; return the environment for what is measured.

    Where PYTHONDONTWRITEBYTECODE is set, each process would compile them again, but not those of the libraries.
    """
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run([sys.executable, "-m", "compileall", "-q", *_ROOMS], cwd=_ROOT, env=environment, check=True)
    return environment


def cpu_seconds(*process_ids: int) -> float:
    """Return the processor time of these processes and all their descendants, including ended ones.

    A tick is a hundredth of a second; a process that is gone counts nothing.
    """
    parents = {process_id: int(fields[_PARENT]) for process_id, fields in _processes()}
    wanted = {process_id for process_id in parents if not set(process_ids).isdisjoint(_line(process_id, parents))}
    ticks = [map(int, fields[_OWN_AND_ENDED_CHILDREN]) for process_id, fields in _processes() if process_id in wanted]
    return sum(map(sum, ticks)) / _TICKS


def own_cpu_seconds(process_id: int) -> float:
    """Return the processor time of one process alone."""
    stat = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8")
    return sum(map(int, stat.rpartition(")")[2].split()[_OWN])) / _TICKS


def resident_mb(process_id: int) -> int:
    """Return the memory that a process holds now, in MB, including shared memory."""
    fields = Path(f"/proc/{process_id}/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def pss_mb(process_id: int) -> int:
    """Return the proportional set size of a process in MB: memory shared with others counts by their number."""
    text = Path(f"/proc/{process_id}/smaps_rollup").read_text(encoding="ascii")
    return int(text.partition("\nPss:")[2].split()[0]) // 1000


def wakeups(process_id: int) -> int:
    """Return how often the threads of a process gave the processor up and came back, since they started."""
    statuses = (folder / "status" for folder in Path(f"/proc/{process_id}/task").iterdir())
    return sum(int(text.read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0]) for text in statuses)


def family_of(process_id: int) -> dict[int, str]:
    """Return the process and its descendants, each with the last word of its command that is no path or number."""
    parents = {each: int(fields[_PARENT]) for each, fields in _processes()}
    return {each: _name_of(each) for each in parents if process_id in _line(each, parents)}


def _name_of(process_id: int) -> str:
    words = Path(f"/proc/{process_id}/cmdline").read_text().split("\0")
    module = words[words.index("-m") + 1] if "-m" in words else Path(words[0]).name
    return module.rpartition(".")[2]


def _line(process_id: int, parents: dict[int, int]) -> Iterator[int]:
    """Return the process, its parent, and so on."""
    while process_id in parents:
        yield process_id
        process_id = parents[process_id]


def _processes() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            continue
        # The name stands in brackets and may contain blanks and brackets.
        yield int(folder.name), stat.rpartition(")")[2].split()
