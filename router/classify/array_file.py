"""Arrays in one file, which processes map: they share its pages, and the kernel reads and drops them as it needs.

A file begins with a mark, the size of its description, and a checksum of what follows; then the description as JSON and
the arrays, each on pages of its own.

What happens to a file happens to all that have mapped it: one that is cut short kills them at the next access (SIGBUS).
So a file is never written in its place, here or by a copy: it gets its name when it is complete, and is read-only.
"""

from __future__ import annotations

import contextlib
import json
import logging
import mmap
import os
import secrets
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import IO, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]
# The type of its numbers, its shape, its place behind the description, and its size in bytes.
_Described = tuple[str, tuple[int, ...], int, int]

_MARK: Final = b"omniyard arrays\n"
# The mark, the size of the description, and the checksum.
_BEGINNING: Final = struct.Struct(f"<{len(_MARK)}sII")
# The kernel maps and releases pages. The largest usual ones, because a data folder may move to another machine.
_ALIGNMENT: Final = 65_536
# A draft that is so much older than the next one was left by a process that was killed: a write takes seconds.
_ABANDONED_SECONDS: Final = 3_600
# How the name of a file ends while it is written.
_DRAFT: Final = ".part"
# How many bytes are written or checked at once.
_AT_ONCE: Final = 4 * 1024 * 1024
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MappedArrays:
    """The arrays of a file, read-only, by their names."""

    arrays: Arrays
    _map: mmap.mmap
    _places: Mapping[str, int]

    def release(self, name: str = "") -> None:
        """Release this process's pages of one array, or of all; the kernel's cache keeps them for the next access."""
        if name:
            self._map.madvise(mmap.MADV_DONTNEED, self._places[name], self.arrays[name].nbytes)
        else:
            self._map.madvise(mmap.MADV_DONTNEED)


def kept_arrays(file: Path, read: Callable[[], Arrays]) -> tuple[Arrays, MappedArrays | None]:
    """Return the arrays of a file; write it first if it is absent or damaged.

    read: makes the arrays, which takes long; the file must be named so that its name changes with them.
    Without free space or write permission the second value is None: then each process has the arrays for itself.
    """
    with contextlib.suppress(OSError):
        try:
            mapped = map_arrays(file)
        except ValueError as error:
            _log.warning("%s; it is written again", error)
        else:
            return mapped.arrays, mapped
    arrays = read()
    with contextlib.suppress(OSError, ValueError):
        # A process that has mapped a damaged file keeps it.
        file.unlink(missing_ok=True)
        write_arrays(arrays, file)
        mapped = map_arrays(file)
        return mapped.arrays, mapped
    return arrays, None


def map_arrays(file: Path) -> MappedArrays:
    """Map a file. Raises OSError if it cannot be read, ValueError if it is not as it was written."""
    with file.open("rb") as opened:
        if os.fstat(opened.fileno()).st_size < _BEGINNING.size:
            raise ValueError(f"{file} is too short")
        mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    mark, size, checksum = _BEGINNING.unpack_from(mapped)
    described = _described(mapped[_BEGINNING.size : _BEGINNING.size + size]) if mark == _MARK else None
    if described is None:
        raise ValueError(f"{file} is not as it was written")
    first = _padded(_BEGINNING.size + size)
    whole_size = first + sum(_padded(length) for _, _, _, length in described.values())
    if len(mapped) != whole_size:
        raise ValueError(
            f"{file} has {len(mapped)} bytes and {whole_size} by its header: it was cut, or written over, "
            "or is for pages of another size"
        )
    if _checksum(mapped) != checksum:
        raise ValueError(f"{file} is not as it was written")
    places = {name: first + at for name, (_, _, at, _) in described.items()}
    # A view from the front: NumPy makes no array of zero bytes at the end of a buffer.
    whole = np.frombuffer(mapped, np.uint8)
    arrays = {
        name: whole[places[name] : places[name] + length].view(dtype).reshape(shape)
        for name, (dtype, shape, _, length) in described.items()
    }
    return MappedArrays(arrays, mapped, places)


def _described(text: bytes) -> Mapping[str, _Described] | None:
    """Return what a header says; None if it is none, as its checksum is not known to be right yet."""
    try:
        said = json.loads(text)
        return {name: (str(dtype), tuple(shape), int(at), int(size)) for name, (dtype, shape, at, size) in said.items()}
    except (ValueError, TypeError, AttributeError):
        return None


def write_arrays(arrays: Arrays, file: Path) -> None:
    """Write a file completely or not at all, and never replace one that another process has just written.

    It is for its owner alone, as all in the data folder, and read-only.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}{_DRAFT}")
    try:
        with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as opened:
            _remove_abandoned(draft)
            _write(arrays, opened)
            opened.flush()
            os.fchmod(opened.fileno(), 0o400)
            os.fsync(opened.fileno())
        _publish(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _write(arrays: Arrays, opened: IO[bytes]) -> None:
    contents = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    ends = [0, *accumulate(_padded(content.nbytes) for content in contents.values())]
    # Places count from the end of the description.
    described = {
        name: (content.dtype.str, arrays[name].shape, at, content.nbytes)
        for (name, content), at in zip(contents.items(), ends, strict=False)
    }
    text = json.dumps(described).encode()
    first = _padded(_BEGINNING.size + len(text))
    opened.truncate(first + ends[-1])
    opened.seek(_BEGINNING.size)
    opened.write(text)
    for content, at in zip(contents.values(), ends, strict=False):
        opened.seek(first + at)
        opened.write(content.reshape(-1).view(np.uint8).data)
    opened.flush()
    with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as written:
        checksum = _checksum(written)
    opened.seek(0)
    opened.write(_BEGINNING.pack(_MARK, len(text), checksum))


def _remove_abandoned(draft: Path) -> None:
    # By the clock of the file system alone.
    before = draft.stat().st_mtime - _ABANDONED_SECONDS
    for other in draft.parent.glob(f"*{_DRAFT}"):
        with contextlib.suppress(OSError):
            if other.stat().st_mtime < before:
                other.unlink()


def remove_others(file: Path, *, pattern: str) -> None:
    """Remove the file's predecessors, which match the pattern too; a process that has mapped one keeps it."""
    for other in file.parent.glob(pattern):
        if other != file and other.suffix != _DRAFT:
            with contextlib.suppress(OSError):
                other.unlink()


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _checksum(mapped: mmap.mmap) -> int:
    """Return the checksum of all but the beginning, a part at a time: the whole file need not be in memory."""
    checksum = 0
    for start in range(_BEGINNING.size, len(mapped), _AT_ONCE):
        with memoryview(mapped) as view:
            checksum = crc32(view[start : start + _AT_ONCE], checksum)
        mapped.madvise(mmap.MADV_DONTNEED)
    return checksum


def _publish(draft: Path, file: Path) -> None:
    try:
        os.link(draft, file)
    except FileExistsError:
        return
    except OSError:
        # On a file system without links the last writer wins; that only costs memory.
        draft.replace(file)
