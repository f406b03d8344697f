"""Read parts of stored originals in a sandboxed child process, because a stored mail is as hostile as a new one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from router.envelope import from_json
from router.errors import PermanentError
from store.conversations.messages import PackedOriginal
from store.inbound.quarantine import QuarantinedRecord

if TYPE_CHECKING:
    from connectors.email.sandbox.parent import Guard


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
        from connectors.json_messages import attachment_content, looks_like_document  # noqa: PLC0415

        content = self.whole(original)
        if looks_like_document(content):
            return attachment_content(content, part)
        with self._lock:
            return self._started().attachment(content, part)

    def envelope(self, original: PackedOriginal, *, row: QuarantinedRecord) -> str:
        """Read a quarantined message again and return its envelope as JSON.

        Raises PermanentError if it still cannot be read, TransientError if no child process starts.
        """
        from connectors.base import RawMessage  # noqa: PLC0415
        from connectors.normalise import reread  # noqa: PLC0415

        content = self.whole(original)
        raw = RawMessage(source_key=row.source_key, content=content, received_at=row.received_at)
        arrival = reread(raw, channel=row.channel, stored=from_json(row.envelope))
        if arrival is None:
            with self._lock:
                (arrival,) = self._started().normalise_page([raw], channel=row.channel)
        if arrival.unreadable:
            raise PermanentError(arrival.unreadable)
        return arrival.envelope.decode()

    def close(self) -> None:
        """End the child process, if there is one."""
        with self._lock:
            if self._guard is not None:
                self._guard.close()
                self._guard = None

    def _started(self) -> Guard:
        from connectors.email.sandbox.parent import Guard  # noqa: PLC0415

        if self._guard is None:
            self._guard = Guard()
        return self._guard
