"""Cursors of pages: opaque for clients; inside is the sort key of a row."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from api.http.problems import ProblemError
from store.conversations.read import Position

LARGEST_PAGE: Final = 200
USUAL_PAGE: Final = 50
_MALFORMED: Final = "`cursor` is not from this desk; start without one"


def write_cursor(at: datetime, row_id: UUID, *, part: int = 0) -> str:
    """Return the cursor of the page that follows the row with this sort key. part: see `Position`."""
    plain = f"1|{at.astimezone(UTC).isoformat()}|{row_id.hex}|{part}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def cursor_of(position: Position | None) -> str | None:
    """Return the cursor of a position, None for none."""
    return write_cursor(position.at, position.id, part=position.part) if position else None


def read_cursor(cursor: str | None) -> Position | None:
    """Return the position in the cursor.

    Raises ProblemError when the cursor is not ours.
    """
    if cursor is None:
        return None
    try:
        plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        version, at, row_id, part = plain.split("|")
        position = Position(datetime.fromisoformat(at).astimezone(UTC), UUID(hex=row_id), int(part))
    except (ValueError, binascii.Error, OverflowError) as error:
        raise ProblemError("invalid", _MALFORMED) from error
    if version != "1":
        raise ProblemError("invalid", _MALFORMED)
    return position
