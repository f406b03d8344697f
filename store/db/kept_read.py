"""The transaction that a thread's first read leaves to its second one, within `Database.read_in_one`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection


class KeptRead(threading.local):
    """What this thread keeps: nothing, except between `begin` and the second read."""

    _keeps = False
    _connection: Connection | None = None

    def begin(self) -> None:
        """Keep the next read's transaction."""
        self._keeps = True

    def take(self) -> Connection | None:
        """Return the transaction that is kept, which ends with its next block; None for none."""
        taken, self._connection = self._connection, None
        self._keeps = self._keeps and taken is None
        return taken

    @contextmanager
    def keeping(self, connection: Connection) -> Iterator[None]:
        """Keep the transaction after the block if another read may follow; close it otherwise, and after an error."""
        try:
            yield
        except BaseException:
            connection.close()
            raise
        if self._keeps and self._connection is None:
            self._connection = connection
        else:
            connection.close()

    def drop(self) -> None:
        """Close what is kept, and keep no more."""
        kept = self.take()
        self._keeps = False
        if kept is not None:
            kept.close()
