"""A large table of bytes in a file that processes share, instead of a copy in each of them."""

from __future__ import annotations

import mmap
import os
import secrets
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

# How many rows are compared at once: a few megabytes, where the whole would hold the table twice more.
_COMPARED: Final = 8_192


class MappedRows:
    """A table whose rows the kernel reads when they are asked for, and may forget whenever memory is scarce."""

    def __init__(self, file: Path, *, shape: tuple[int, ...]) -> None:
        """Map a file. Raises OSError if it cannot be read, ValueError if it is not of that shape."""
        with file.open("rb") as opened:
            self._map = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        self.rows: Bytes = np.frombuffer(self._map, np.uint8).reshape(shape)

    def let_go(self) -> None:
        """Count no longer as this process's memory; what is asked for again is still at hand in the kernel's cache."""
        self._map.madvise(mmap.MADV_DONTNEED)

    def equals(self, table: Bytes) -> bool:
        """Tell whether the file holds this very table."""
        for first in range(0, len(table), _COMPARED):
            if not np.array_equal(self.rows[first : first + _COMPARED], table[first : first + _COMPARED]):
                return False
            self.let_go()
        return True


def map_rows(table: Bytes, file: Path) -> MappedRows:
    """Return a table as its file has it; the file is written if it is absent, or holds anything else.

    Raises OSError if it can be neither read nor written.
    """
    if mapped := _mapped(table, file):
        return mapped
    _write(file, table)
    # Of two processes that wrote at once the file is one's: both map that one.
    if mapped := _mapped(table, file):
        return mapped
    raise OSError(f"{file} does not keep what is written to it")


def _mapped(table: Bytes, file: Path) -> MappedRows | None:
    try:
        mapped: MappedRows | None = MappedRows(file, shape=table.shape)
    except FileNotFoundError:
        return None
    except ValueError:
        mapped = None
    if mapped and mapped.equals(table):
        return mapped
    # Out of the way of whoever writes it anew; who reads it goes on reading what they have.
    file.unlink(missing_ok=True)
    return None


def _write(file: Path, table: Bytes) -> None:
    """Write a file whole or not at all, and never in the place of one that another process has just written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    try:
        with draft.open("wb") as opened:
            opened.write(table.data)
            opened.flush()
            os.fsync(opened.fileno())
        _publish(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _publish(draft: Path, file: Path) -> None:
    try:
        os.link(draft, file)
    except FileExistsError:
        return
    except OSError:
        # A file system without links: the last one wins, and only memory is lost by it.
        draft.replace(file)
