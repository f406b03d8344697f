"""The prompts of a desk: each a file in `prompts` next to the operator's file, else the shipped one."""

from __future__ import annotations

from pathlib import Path

from router.generated.prompts import Prompt, read_prompt
from router.generated.purposes import Purpose
from router.settings.files import find_settings, read_file, shipped_file


def load_prompt(purpose: Purpose, *, config: Path | None = None) -> Prompt:
    """Return a prompt. Raises ConfigError, naming the file, if it cannot be used."""
    here = (config or find_settings(None)).parent
    name = f"{purpose}.txt"
    own = here / "prompts" / name
    file = own if own.is_file() else shipped_file().parent / "prompts" / name
    return read_prompt(read_file(file), purpose=purpose, file=str(file))
