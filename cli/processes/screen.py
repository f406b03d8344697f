"""The screen of `omniyard up`: the processes' own lines, and the addresses of the desk with the first sign-in."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli.processes.log_file import LogFile
from cli.processes.ports import Listener
from router.settings import Settings

_COLOURS: Final = ("cyan", "green", "magenta", "yellow", "blue", "red")
# What goes well would push the desk's address and the first sign-in out of sight; a start says that a process is back.
_ONLY_IN_FILE: Final = re.compile(r"\[(?:info|debug) *\] (?!\S+\.started)")
# A log line may contain text from outside; it must not control the terminal.
_CONTROLS: Final = dict.fromkeys((*range(9), *range(10, 32), *range(127, 160)), "�")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskOpening:
    """The values of the screen when the desk opens. first_token: empty when there were agents before.

    log: the file with every line of the processes.
    """

    settings: Settings
    data: Path
    log: Path
    desk: Listener
    database: str
    broker: str
    first_token: str
    taken_over: int


class LogLines:
    """The processes' lines, each after the name of its process; held back until the desk has opened.

    file: gets every line; the terminal gets starts, trouble, and what has no level.
    """

    def __init__(self, names: Sequence[str], *, file: LogFile) -> None:
        self._file = file
        width = max(len(name) for name in names)
        colours = _COLOURS if sys.stdout.isatty() else (None,)
        self._prefixes = {
            name: typer.style(f"{name:<{width}} | ", fg=colours[place % len(colours)], reset=colours != (None,))
            for place, name in enumerate(names)
        }
        self._held: list[str] | None = []

    def __call__(self, name: str, line: str) -> None:
        """Keep one line of `name`, and print it or hold it back."""
        said = line.translate(_CONTROLS)
        self._file.write(f"{name} | {said}")
        if _ONLY_IN_FILE.search(said):
            return
        text = self._prefixes[name] + said
        if self._held is None:
            _write(text)
        else:
            self._held.append(text)

    def close(self) -> None:
        """Close the file of the lines."""
        self._file.close()

    def release(self) -> None:
        """Print the lines held back, and all later lines at once."""
        held, self._held = self._held, None
        for text in held or ():
            _write(text)


def _write(text: str) -> None:
    # The terminal may be closed; the desk runs on without it, and must still stop in order.
    with suppress(OSError):
        print(text, flush=True)


def show_opening(opening: DeskOpening, *, processes: dict[str, int], ready: bool) -> None:
    """Print the screen. ready: whether the desk responds already."""
    rows = Table.grid(padding=(0, 2))
    for name, value in _rows(opening, processes=processes, ready=ready):
        rows.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
    title = (
        f"{opening.settings.omniyard.name} is open" if ready else "The desk does not answer yet; its lines stand above"
    )
    console = Console(highlight=False, soft_wrap=True)
    console.print(Panel(rows, title=title, title_align="left", expand=False, padding=(1, 2)), soft_wrap=False)
    if opening.first_token:
        # On a line of its own: inside the frame it would be cut or wrapped, and it must be copied.
        console.print(Text(f"\n  Open http://{opening.desk} and sign in with this token of the first agent, admin."))
        console.print(Text(f"  It is shown this once: {opening.first_token}\n"))
    sys.stdout.flush()


def _rows(opening: DeskOpening, *, processes: dict[str, int], ready: bool) -> list[tuple[str, str]]:
    rows = [("Desk", f"http://{opening.desk}" + ("" if ready else "  (not yet)"))]
    for name, channel in opening.settings.channels.items():
        rows.append((f"Channel {name}", channel.intake_words if channel.enabled else "off"))
    rows += [
        ("Database", opening.database),
        ("Broker", opening.broker),
        ("Data", str(opening.data)),
        ("Log", f"{opening.log} (each request and message)"),
        ("Processes", "  ".join(f"{name} {process}" for name, process in processes.items())),
        ("Stop", "Ctrl-C"),
    ]
    if opening.taken_over:
        many = "1 process" if opening.taken_over == 1 else f"{opening.taken_over} processes"
        rows.append(("Note", f"stopped {many} that an earlier start had left running"))
    return rows
