"""Read the Procfile, which names the processes of a desk for both `omniyard up` and the systemd units."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from honcho.environ import parse_procfile

from router.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ProcfileEntry:
    """One line of the Procfile."""

    name: str
    arguments: tuple[str, ...]

    def command(self, python: str = sys.executable) -> list[str]:
        """Return the command line, with `python` in place of the Procfile's word `python`."""
        return [python if word == "python" else word for word in self.arguments]


def procfile_path() -> Path:
    """Return this installation's Procfile: the checkout's, or the one shipped in the package."""
    package = Path(__file__).parents[1]
    for path in (package.parent / "Procfile", package / "shipped" / "Procfile"):
        if path.is_file():
            return path
    raise ConfigError("this installation has no Procfile; install the package again")


def read_procfile(path: Path | None = None) -> tuple[ProcfileEntry, ...]:
    """Return the daemons in the Procfile, in its order."""
    text = (path or procfile_path()).read_text(encoding="utf-8")
    return tuple(ProcfileEntry(name, tuple(shlex.split(line))) for name, line in parse_procfile(text).processes.items())
