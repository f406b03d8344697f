"""A file of NAME=value lines, as systemd's `EnvironmentFile=` reads it, so that no command line holds a secret."""

from __future__ import annotations

import re
import shlex
import stat
import sys
from pathlib import Path
from typing import Final

from router.errors import ConfigError

_LINE: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_ESCAPED: Final = re.compile(r"\\(.)")
_OTHERS: Final = 0o077


def read_env_file(path: Path) -> dict[str, str]:
    """Return the variables of the file; warn on standard error when other users of the machine may read it.

    Empty lines and lines that begin with `#` or `;` say nothing. Quotes are those of a shell.
    Raises ConfigError, which names the line and repeats nothing of it.
    Source: systemd.exec(5), "EnvironmentFile=".
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        mode = stat.S_IMODE(path.stat().st_mode)
    except (OSError, UnicodeDecodeError) as error:
        # A decoding error carries the file's bytes.
        raise ConfigError(f"{path} cannot be read ({type(error).__name__})") from None
    if mode & _OTHERS:
        print(f"omniyard: other users of this machine may use {path}: chmod 600 it", file=sys.stderr)
    said = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()[:1] not in {"", "#", ";"}]
    return dict(_variable(line, where=f"{path}:{number}") for number, line in said)


def _variable(line: str, *, where: str) -> tuple[str, str]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ConfigError(f"{where}: expected NAME=value")
    if found[2][:1] not in {"'", '"'}:
        return found[1], _ESCAPED.sub(r"\1", found[2])
    try:
        return found[1], "".join(shlex.split(found[2]))
    except ValueError:
        raise ConfigError(f"{where}: a quote is not closed") from None
