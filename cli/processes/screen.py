"""The screen of `omniyard up` when the desk opens: its addresses, its processes, the first sign-in.

`python -m cli.processes.screen` shows the one that standard input describes: a process of its own, because a supervisor
that runs for months needs no library for one screen.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskOpening:
    """The values of the screen. channels: name and what it reads.  first_token: empty when there were agents before.

    log: the file with every line of the processes.  taken_over: how many processes of an earlier start were ended.
    """

    name: str
    desk: str
    channels: tuple[tuple[str, str], ...]
    database: str
    broker: str
    data: str
    log: str
    first_token: str
    taken_over: int


def show_apart(opening: DeskOpening, *, processes: dict[str, int], ready: bool) -> None:
    """Show the screen by a process of its own. A closed terminal is no error."""
    said = json.dumps({"opening": asdict(opening), "processes": processes, "ready": ready})
    sys.stdout.flush()
    with suppress(OSError):
        subprocess.run([sys.executable, "-m", "cli.processes.screen"], input=said, text=True, check=False)


def show_opening(opening: DeskOpening, *, processes: dict[str, int], ready: bool) -> None:
    """Print the screen. ready: whether the desk responds already."""
    from rich.console import Console  # noqa: PLC0415  (10 MB that the supervisor, who imports this, is spared)
    from rich.panel import Panel  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    rows = Table.grid(padding=(0, 2))
    for name, value in _rows(opening, processes=processes, ready=ready):
        rows.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
    title = f"{opening.name} is open" if ready else "The desk does not answer yet; its lines stand above"
    console = Console(highlight=False, soft_wrap=True)
    console.print(Panel(rows, title=title, title_align="left", expand=False, padding=(1, 2)), soft_wrap=False)
    if opening.first_token:
        # On a line of its own: inside the frame it would be cut or wrapped, and it must be copied.
        console.print(Text(f"\n  Open http://{opening.desk} and sign in with this token of the first agent, admin."))
        console.print(Text(f"  It is shown this once: {opening.first_token}\n"))
    sys.stdout.flush()


def _rows(opening: DeskOpening, *, processes: dict[str, int], ready: bool) -> list[tuple[str, str]]:
    rows = [("Desk", f"http://{opening.desk}" + ("" if ready else "  (not yet)"))]
    rows += [(f"Channel {name}", reads) for name, reads in opening.channels]
    rows += [
        ("Database", opening.database),
        ("Broker", opening.broker),
        ("Data", opening.data),
        ("Log", f"{opening.log} (each request and message)"),
        ("Processes", "  ".join(f"{name} {process}" for name, process in processes.items())),
        ("Stop", "Ctrl-C"),
    ]
    if opening.taken_over:
        many = "1 process" if opening.taken_over == 1 else f"{opening.taken_over} processes"
        rows.append(("Note", f"stopped {many} that an earlier start had left running"))
    return rows


def _main() -> None:
    said: dict[str, Any] = json.load(sys.stdin)
    channels = tuple((name, reads) for name, reads in said["opening"].pop("channels"))
    opening = DeskOpening(**said["opening"], channels=channels)
    show_opening(opening, processes=said["processes"], ready=said["ready"])


if __name__ == "__main__":
    _main()
