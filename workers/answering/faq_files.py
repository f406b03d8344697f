"""Find and read the files of the FAQ and its neighbours, without a database or an index."""

from __future__ import annotations

from pathlib import Path

from router.answers.faq import Faq, read_faq
from router.errors import ConfigError
from router.settings import Settings
from router.settings.files import find_settings, shipped_file
from router.settings.intents import Intents, load_intents


def faq_folder(config: Path | None = None) -> Path:
    """Return the folder of the answers: next to the operator's file, else the shipped one."""
    own = (config or find_settings(None)).parent / "faq"
    return own if own.is_dir() else shipped_file().parent / "faq"


def read_faq_folder(folder: Path, *, before: Faq | None = None) -> Faq:
    """Return the answers of a folder; a file that cannot be read is among the problems."""
    files: list[tuple[str, str]] = []
    problems: list[str] = []
    for file in sorted(folder.glob("*.md")):
        try:
            files.append((file.name, file.read_text(encoding="utf-8-sig")))
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{file.name}:1: cannot be read as UTF-8 text: {type(error).__name__}")
    read = read_faq(files, before=before)
    return Faq(read.texts, (*problems, *read.problems))


def intents_next_to(config: Path, settings: Settings) -> Intents:
    """Return the sub-intents; none if a file of them is broken, which `omniyard check` says."""
    try:
        return load_intents(config, settings)
    except ConfigError:
        return {}
