"""Find and read the operator's file: with `Secret.reveal`, the only code of the brain that reads a disk.

It is here because every folder above reads the same file by the same rules, and none may import another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from router.errors import ConfigError
from router.operator_file import find_settings, shipped_file
from router.settings.danger_words import DangerWords, read_danger_words
from router.settings.model import Settings
from router.settings.validation import read_settings

__all__ = ["find_settings", "load_channels", "load_danger_words", "load_settings", "read_file", "shipped_file"]

_DANGER: Final = "danger.toml"


def load_settings(path: Path | None = None) -> Settings:
    """Return the settings of the file at `path`, or of the one that `find_settings` finds.

    Raises ConfigError, one line per problem, if the file is absent, unreadable or not valid.
    """
    return load_channels(path).with_danger(load_danger_words(find_settings(path)))


def load_channels(path: Path | None = None) -> Settings:
    """See `load_settings`; without the words of danger, for what decides nothing about messages."""
    found = find_settings(path)
    return read_settings(read_file(found), file=str(found))


def load_danger_words(config: Path) -> DangerWords:
    """Return what `danger.toml` next to the operator's file says; where there is none, the file that was shipped.

    Raises ConfigError, one line a problem.
    """
    found = next((file for file in (config.parent / _DANGER, shipped_file().parent / _DANGER) if file.is_file()), None)
    return read_danger_words(read_file(found), file=str(found)) if found else DangerWords()


def read_file(path: Path) -> str:
    """Return the text of the file, or raise ConfigError saying why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
