"""Receive one mail after DATA (RFC 5321 section 4.1.1.4) in one buffer: no more memory than the mail has bytes.

The library keeps an object for each line, so a mail of empty lines takes thirty times its size.
"""

from __future__ import annotations

import asyncio
from asyncio import LimitOverrunError, StreamReader
from typing import Final

_DOT_LINE: Final = b".\r\n"
_END: Final = b"\r\n.\r\n"
# Pieces may be as short as three bytes, and are taken without a pause while there are any: others wait for their turn.
_PIECES_A_TURN: Final = 1_000


async def read_mail(reader: StreamReader, *, first: bytes, largest: int) -> bytes | None:
    """Return `first` and the mail up to its end; None for a mail of more than `largest` bytes, which is not kept.

    first: a whole line with its end.
    Nothing but a dot alone between two CR LF ends the mail.
    """
    mail, size, pieces = bytearray(first), 0, 0
    try:
        while not (size and mail.endswith(_END)):
            piece = await _next_piece(reader)
            size += len(piece)
            if size > largest + len(_END):
                # Its end is still looked for.
                del mail[: -len(_END)]
            mail += piece
            pieces += 1
            if pieces % _PIECES_A_TURN == 0:
                await asyncio.sleep(0)
        return _without_dots(mail) if size - len(_DOT_LINE) <= largest else None
    finally:
        # A client that goes away leaves an exception with this frame, which lives until the garbage collector runs.
        mail.clear()


def _without_dots(mail: bytearray) -> bytes:
    """Return the mail without its end, and without the dots that its client doubled (section 4.5.2)."""
    del mail[-len(_DOT_LINE) :]
    return bytes(mail.replace(b"\r\n.", b"\r\n") if b"\r\n." in mail else mail)


async def _next_piece(reader: StreamReader) -> bytes:
    """Return what comes up to the next line that ends with a dot, or as much as the reader buffers."""
    try:
        return await reader.readuntil(_DOT_LINE)
    except LimitOverrunError as error:
        return await reader.read(error.consumed)
