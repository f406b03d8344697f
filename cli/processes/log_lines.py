"""The processes' lines on the terminal of `omniyard up` and in its log file."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from cli.processes.log_file import LogFile

# Cyan, green, magenta, yellow, blue, red (ECMA-48, SGR).
_COLOURS: Final = tuple(f"\x1b[{number}m" for number in (36, 32, 35, 33, 34, 31))
_NO_COLOUR: Final = "\x1b[0m"
# What goes well would push the desk's address and the first sign-in out of sight; a start says that a process is back.
_ONLY_IN_FILE: Final = re.compile(r"\[(?:info|debug) *\] (?!\S+\.started)")
# A log line may contain text from outside; it must not control the terminal.
_CONTROLS: Final = dict.fromkeys((*range(9), *range(10, 32), *range(127, 160)), "�")


class LogLines:
    """The processes' lines, each after the name of its process; held back until the desk has opened.

    file: gets every line; the terminal gets starts, trouble, and what has no level.
    """

    def __init__(self, names: Sequence[str], *, file: LogFile) -> None:
        self._file = file
        width = max(len(name) for name in names)
        before, after = (_COLOURS, _NO_COLOUR) if sys.stdout.isatty() else (("",), "")
        self._prefixes = {
            name: f"{before[place % len(before)]}{name:<{width}} | {after}" for place, name in enumerate(names)
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
