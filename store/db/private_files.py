"""The files of the data folder: created for their owner alone, and found where an older version left them open."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

_FOLDER: Final = 0o700
_FILE: Final = 0o600
_OTHERS: Final = 0o077
# No thread uses a new file before the one that creates it has closed it.
_CREATING: Final = threading.Lock()
# What Omniyard writes there. The operator may keep files of other programs in the same folder: they are left alone.
_NAMES: Final = ("omniyard.db*", "desk.key*", "broker.url*", "up.lock", "broker", "models", "demo")


def make_private_folder(path: Path) -> None:
    """Create a folder for its owner alone, with its parents; a folder that exists stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=_FOLDER, exist_ok=True)


def make_private_file(path: Path) -> None:
    """Create an empty file for its owner alone, unless it exists. SQLite gives its journals the same mode.

    A file that exists is not opened: closing it would end all locks of this process on it (fcntl(2)), SQLite's too.
    The next program that closes the database would then take itself for the last one, and delete the journal in use.
    """
    with suppress(FileExistsError), _CREATING:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE))


def find_open_files(data: Path) -> tuple[Path, ...]:
    """Return the data folder and what Omniyard wrote there, as far as other users of the machine may use it."""
    return tuple(path for path in _written(data) if _is_open(path))


def close_files(paths: Sequence[Path]) -> None:
    """Take the other users' permissions away, and none of the owner's.

    Raises OSError for a path that belongs to another user.
    """
    for path in paths:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OTHERS)


def _written(data: Path) -> Iterator[Path]:
    if data.is_dir():
        yield data
    for name in _NAMES:
        for path in sorted(data.glob(name)):
            yield path
            if path.is_dir() and not path.is_symlink():
                yield from sorted(path.rglob("*"))


def _is_open(path: Path) -> bool:
    # A link has no permissions of its own, and may point to a file of another program.
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISLNK(mode) and bool(mode & _OTHERS)
