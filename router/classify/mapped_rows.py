"""A large table of bytes in a file that processes share, instead of a copy in each of them."""

from __future__ import annotations

import mmap
import os
import secrets
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


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


def map_rows(table: Bytes, file: Path) -> MappedRows:
    """Return a table as its file has it; the file is written if it is absent, or holds anything else.

    Raises OSError if it can be neither read nor written.
    """
    try:
        mapped = MappedRows(file, shape=table.shape)
        if np.array_equal(mapped.rows, table):
            return mapped
    except (FileNotFoundError, ValueError):
        # Nobody has written it yet, or another than we.
        pass
    _write(file, table)
    return MappedRows(file, shape=table.shape)


def _write(file: Path, table: Bytes) -> None:
    """Write a file whole or not at all: another process may map it at any moment."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    try:
        with draft.open("wb") as opened:
            opened.write(table.data)
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
