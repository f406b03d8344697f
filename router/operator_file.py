"""Find the operator's file, by its name alone: this loads no model of the settings.

It is here because every folder above finds the same file by the same rules, and none may import another.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

VARIABLE: Final = "OMNIYARD_CONFIG"
# The data folder of a file that names none.
USUAL_DATA: Final = "var"
_USUAL: Final = Path("config/channels.toml")
# In a wheel the shipped file is in `cli/shipped`; in a checkout (or an editable install) in `config`.
_ROOT: Final = Path(__file__).parents[1]
_SHIPPED: Final = (_ROOT / "cli" / "shipped" / "channels.toml", _ROOT / "config" / "channels.toml")


def find_settings(path: Path | None = None) -> Path:
    """Return `path`, else $OMNIYARD_CONFIG, else config/channels.toml of the working folder, else the shipped file."""
    named = path or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named:
        return named
    return next((candidate for candidate in (_USUAL, *_SHIPPED) if candidate.is_file()), _USUAL)


def shipped_file() -> Path:
    """Return the file that is shipped with this installation."""
    return next((candidate for candidate in _SHIPPED if candidate.is_file()), _SHIPPED[-1])
