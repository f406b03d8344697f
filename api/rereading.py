"""Read quarantined originals anew before they are routed again: a newer reader may manage what an older could not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from api.services.originals import OriginalReader
from router.errors import NotFound, PermanentError
from store.db.engine import Database
from store.inbound.quarantine import find_quarantined, find_quarantined_original


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """What came of it. envelopes: JSON, of what can be routed.  unreadable: of the rest, why not.

    What is not in quarantine is in neither.
    """

    envelopes: dict[UUID, str] = field(default_factory=dict)
    unreadable: dict[UUID, str] = field(default_factory=dict)


def read_again(database: Database, inbound_ids: Collection[UUID], *, reader: OriginalReader) -> ReadAgain:
    """Read each message's original with today's reader. Slow: not to be called inside a transaction."""
    found = ReadAgain()
    for inbound_id in dict.fromkeys(inbound_ids):
        try:
            found.envelopes[inbound_id] = _envelope(database, inbound_id, reader=reader)
        except NotFound:
            continue
        except PermanentError as error:
            found.unreadable[inbound_id] = str(error)
    return found


def _envelope(database: Database, inbound_id: UUID, *, reader: OriginalReader) -> str:
    with database.read() as connection:
        row, original = find_quarantined(connection, inbound_id), find_quarantined_original(connection, inbound_id)
    if not original.size:
        raise PermanentError("its channel never gave us its bytes")
    return reader.envelope(original, row=row)
