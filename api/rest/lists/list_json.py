"""The list as JSON: a conversation is written once, as long as nothing changes that stands in it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from fastapi import Response
from pydantic_core import to_json

from api.rest.schemas import summary_fields
from store.conversations.read import ConversationRecord, LastMessage

# About 1 kB each: what programs and agents of a desk ask for again and again.
_ROWS: Final = 2_000


@lru_cache(maxsize=_ROWS)
def summary_json(
    row: ConversationRecord, *, handles: tuple[str, ...], glimpse: LastMessage | None, unread: bool
) -> bytes:
    """Return a conversation's summary as its model would write it."""
    return to_json(summary_fields(row, handles=handles, glimpse=glimpse, unread=unread))


def list_response(summaries: Iterable[bytes], *, next_cursor: str | None) -> Response:
    """Return the response of a page."""
    content = b'{"conversations":[%b],"next_cursor":%b}' % (b",".join(summaries), to_json(next_cursor))
    return Response(content, media_type="application/json")
