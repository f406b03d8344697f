"""Read parts of stored originals in a sandboxed child process, because a stored mail is as hostile as a new one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from router.envelope import from_json
from router.errors import PermanentError
from store.conversations.messages import PackedOriginal
from store.db.engine import Database
from store.inbound.quarantine import QuarantinedRecord, find_with_originals

if TYPE_CHECKING:
    from connectors.email.sandbox.parent import Guard


# Of originals that are read in one transaction, and held until their reading is done.
_MOST_BYTES: Final = 64_000_000


class OriginalReader:
    """Reads originals for all threads of the application; starts the child process on first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guard: Guard | None = None

    def whole(self, original: PackedOriginal) -> bytes:
        """Return the bytes as received.

        Raises PermanentError if they are damaged.
        """
        # Imported here because most web processes never read an original.
        from connectors.originals import unpack  # noqa: PLC0415

        return unpack(original.content, size=original.size)

    def part(self, original: PackedOriginal, part: int) -> bytes:
        """Return the decoded bytes of one part. part: see `Attachment.part`.

        Raises PermanentError if it cannot be read, TransientError if no child process starts.
        """
        from connectors.json_messages import attachment_content, looks_like_document  # noqa: PLC0415  (loaded with the first file)

        content = self.whole(original)
        if looks_like_document(content):
            return attachment_content(content, part)
        with self._lock:
            return self._started().attachment(content, part)

    def envelope(self, original: PackedOriginal, *, row: QuarantinedRecord) -> str:
        """Read a quarantined message again and return its envelope as JSON.

        Raises PermanentError if it still cannot be read, TransientError if no child process starts.
        """
        from connectors.base import RawMessage  # noqa: PLC0415  (loaded with the first replay)
        from connectors.normalise import keep_findings, reread  # noqa: PLC0415

        content = self.whole(original)
        raw = RawMessage(source_key=row.source_key, content=content, received_at=row.received_at)
        stored = from_json(row.envelope)
        arrival = reread(raw, channel=row.channel, stored=stored)
        if arrival is None:
            with self._lock:
                (arrival,) = self._started().normalise_batch([raw], channel=row.channel)
        if arrival.unreadable:
            raise PermanentError(arrival.unreadable)
        return keep_findings(arrival, stored=stored).envelope.decode()

    def close(self) -> None:
        """End the child process, if there is one."""
        with self._lock:
            if self._guard is not None:
                self._guard.close()
                self._guard = None

    def _started(self) -> Guard:
        from connectors.email.sandbox.parent import Guard  # noqa: PLC0415  (loaded with the first mail)

        if self._guard is None:
            self._guard = Guard()
        return self._guard


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """What came of it. envelopes: JSON, of what can be routed.  unreadable: of the rest, why not.

    What is not in quarantine is in neither.
    """

    envelopes: dict[UUID, str] = field(default_factory=dict)
    unreadable: dict[UUID, str] = field(default_factory=dict)


def read_again(database: Database, inbound_ids: Sequence[UUID], *, reader: OriginalReader) -> ReadAgain:
    """Read the originals of quarantined messages with today's reader. Slow: not to be called inside a transaction."""
    found, left = ReadAgain(), tuple(inbound_ids)
    while left:
        with database.read() as connection:
            page = find_with_originals(connection, left, most_bytes=_MOST_BYTES)
        found.unreadable.update(page.damaged)
        for row, original in page.opened:
            try:
                found.envelopes[row.id] = _envelope(original, row=row, reader=reader)
            except PermanentError as error:
                found.unreadable[row.id] = str(error)
        left = page.left
    return found


def _envelope(original: PackedOriginal, *, row: QuarantinedRecord, reader: OriginalReader) -> str:
    if row.shut:
        raise PermanentError(row.shut)
    if not original.size:
        raise PermanentError("its channel never gave us its bytes")
    return reader.envelope(original, row=row)
