"""What this machine's pip is set to, for the pip that builds the image: where packages come from, and by which certificate."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_MOUNTED: Final = "/own"
_URL: Final = "file://"
# From what pip reads first to what counts most.
_SECTIONS: Final = ("global", "install", ":env:")


def read_settings() -> dict[str, str]:
    """Return what this machine's files and environment say to `pip install`, by name, such as "index-url"."""
    pip = [sys.executable, "-m", "pip", "config", "list"]
    said = subprocess.run(pip, capture_output=True, text=True, check=True)
    return parse_settings(said.stdout)


def parse_settings(listed: str) -> dict[str, str]:
    """Return the settings in the words of `pip config list`; of two with one name, the one that pip obeys."""
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in listed.splitlines():
        name, separator, value = line.partition("=")
        section, dot, key = name.partition(".")
        if separator and dot and section in found:
            found[section][key] = str(ast.literal_eval(value))
    return {key: value for section in _SECTIONS for key, value in found[section].items()}


def build_options(settings: Mapping[str, str], folder: Path) -> list[str]:
    """Return buildah's options that give a build these settings, and leave nothing of them in the image.

    folder: gets the file with the settings. Files and folders of this machine that they name are mounted for the build.
    """
    lines, options = ["[global]"], []
    mounts: dict[Path, str] = {}
    for key, value in settings.items():
        words = [_moved(word, mounts) for word in value.split()]
        lines.append(f"{key} = " + "\n    ".join(words))
    for path, place in mounts.items():
        options += ["--volume", f"{path}:{place}:ro"]
    file = folder / "pip.conf"
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return [*options, "--secret", f"id=pip.conf,src={file}"] if settings else []


def _moved(word: str, mounts: dict[Path, str]) -> str:
    """Return a word of a value; if it is a path of this machine, where the build finds that."""
    path = Path(word.removeprefix(_URL))
    if not path.is_absolute() or not path.exists():
        return word
    if not word.startswith(_URL):
        return mounts.setdefault(path, f"{_MOUNTED}/{len(mounts)}")
    # The pages of an index may name files next to it.
    place = mounts.setdefault(path.parent, f"{_MOUNTED}/{len(mounts)}")
    return f"{_URL}{place}/{path.name}"
