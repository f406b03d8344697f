"""One process that reads the mails of many tests: its start takes longer than the rest of a test. A plain module.

Tests of the reader itself start their own (`tests/connectors/email/sandbox/test_sandbox.py`).
"""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from functools import cache

from connectors.base import Arrival, RawMessage
from connectors.email.sandbox.parent import Guard


class LentReader(Guard):
    """The run's one reader. Closing it ends nothing: it has no process of its own."""

    def normalise_page(self, messages: Sequence[RawMessage], *, channel: str) -> list[Arrival]:
        """See `Guard`."""
        return _reader().normalise_page(messages, channel=channel)


@cache
def _reader() -> Guard:
    reader = Guard()
    atexit.register(reader.close)
    return reader
