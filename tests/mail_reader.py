"""One process that reads the mails of many tests: its start takes longer than the rest of a test. A plain module.

Tests of the reader itself start their own (`tests/connectors/email/sandbox/test_sandbox.py`).
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping, Sequence
from functools import cache

from connectors.base import Arrival, RawMessage
from connectors.email.sandbox.parent import Guard


class LentReader(Guard):
    """The run's one reader, or the one that verifies signatures. Closing it ends nothing: it has no process."""

    def __init__(self, *, signatures: bool = False) -> None:
        super().__init__(signatures=signatures)
        self._lender = _reader(signatures=signatures)

    def normalise_batch(self, messages: Sequence[RawMessage], *, channel: str) -> list[Arrival]:
        """See `Guard`."""
        return self._lender.normalise_batch(messages, channel=channel)

    def attachment(self, original: bytes, part: int) -> bytes:
        """See `Guard`."""
        return self._lender.attachment(original, part)

    def signed_by(self, original: bytes, *, keys: Mapping[str, bytes]) -> tuple[str, ...]:
        """See `Guard`."""
        return self._lender.signed_by(original, keys=keys)


@cache
def _reader(*, signatures: bool) -> Guard:
    reader = Guard(signatures=signatures)
    atexit.register(reader.close)
    return reader
