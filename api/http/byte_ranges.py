"""Respond with a sound, or with the part of it that a player asks for (RFC 9110 section 14)."""

from __future__ import annotations

import re
from typing import Final

from fastapi import Response

from api.http.problems import ProblemError

# Sounds that browsers play; their bytes must say so.
_PLAYED: Final = frozenset({"audio/mpeg", "audio/wav", "audio/ogg", "audio/mp4"})
_RANGE: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)
_HEADERS: Final = {
    "Accept-Ranges": "bytes",
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    # A voice is not kept on the agent's disk.
    "Cache-Control": "no-store",
}


def played_sound(content: bytes, *, media_type: str, wanted: str) -> Response:
    """Return the sound; 404 for bytes that are none. wanted: the Range header; one that is not understood is ignored.

    media_type: as the bytes say.
    """
    if media_type not in _PLAYED:
        raise ProblemError("not-found")
    headers, size = {**_HEADERS, "Content-Type": media_type}, len(content)
    found = _RANGE.fullmatch(wanted.strip())
    if not found or not (found[1] or found[2]):
        return Response(content, headers=headers)
    start, end = _bounds(found[1], found[2], size=size)
    if start >= size or end < start:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return Response(content[start : end + 1], status_code=206, headers=headers)


def _bounds(first: str, last: str, *, size: int) -> tuple[int, int]:
    """Return the first and the last byte. Without the first, `last` counts from the end."""
    if not first:
        return max(size - int(last), 0), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1
