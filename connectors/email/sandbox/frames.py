"""The frames on the socket between a guard and its reader: lists of byte strings, lengths first.

No pickle and no marshal: the reader has parsed hostile mail, so its answers are read as bytes only.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import Final

# The requests of a guard: read a batch of mails, return one part of a mail, or verify the signatures of a mail.
BATCH: Final = b"batch"
PART: Final = b"part"
SIGNED: Final = b"signed"
_TOTAL: Final = struct.Struct("<Q")
# Larger than any honest batch (see `guard`); a larger length means that the other side is corrupt.
_LARGEST: Final = 256 * 1024 * 1024
_LARGE: Final = 256 * 1024


class FrameError(Exception):
    """The other side closed the connection, or sent an invalid frame."""


def write_frame(connection: socket.socket, fields: Sequence[bytes]) -> None:
    """Send the byte strings as one frame. Raises OSError (TimeoutError when the other side does not read it)."""
    lengths = struct.pack(f"<I{len(fields)}I", len(fields), *map(len, fields))
    total = _TOTAL.pack(len(lengths) + sum(map(len, fields)))
    small = [total, lengths]
    for field in fields:
        # Large fields are sent without a copy: a copy of a batch of large mails would double the memory in use.
        if len(field) > _LARGE:
            connection.sendall(b"".join(small))
            connection.sendall(field)
            small = []
        else:
            small.append(field)
    connection.sendall(b"".join(small))


def read_frame(connection: socket.socket) -> list[bytes]:
    """Receive one frame. Raises FrameError at the end of the stream, OSError when the connection breaks."""
    (total,) = _TOTAL.unpack(_exactly(connection, _TOTAL.size))
    if total > _LARGEST:
        raise FrameError(f"A frame of {total} bytes was announced.")
    return _fields(_exactly(connection, total))


def _fields(body: memoryview) -> list[bytes]:
    try:
        (count,) = struct.unpack_from("<I", body)
        lengths = struct.unpack_from(f"<{count}I", body, 4)
    except struct.error as error:
        raise FrameError("A frame's lengths are cut short.") from error
    position, fields = 4 + 4 * count, []
    for length in lengths:
        fields.append(bytes(body[position : position + length]))
        position += length
    if position != len(body):
        raise FrameError("A frame's lengths do not add up.")
    return fields


def _exactly(connection: socket.socket, size: int) -> memoryview:
    view = memoryview(bytearray(size))
    received = 0
    while received < size:
        count = connection.recv_into(view[received:])
        if not count:
            raise FrameError("The other side closed the connection.")
        received += count
    return view
