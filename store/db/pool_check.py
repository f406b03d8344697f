"""Ask a pooled connection whether its server is still there, if it was not used for a while.

SQLAlchemy's own check asks before each transaction, which on a busy desk is a round trip for nothing: a connection that
worked a moment ago mostly works. Where it does not, the transaction fails as it would have failed a moment later.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

import sqlalchemy as sa

_SILENT_SECONDS: Final = 1.0
_USED: Final = "omniyard_used_at"


def ask_after_silence(engine: sa.Engine) -> None:
    """Check the engine's connections when they leave the pool; all of a server that has gone are opened again."""

    @sa.event.listens_for(engine, "checkin")
    def _note(_: Any, record: Any) -> None:  # noqa: ANN401  (psycopg's; SQLAlchemy declares the event so)
        record.info[_USED] = monotonic()

    @sa.event.listens_for(engine, "checkout")
    def _check(connection: Any, record: Any, _: Any) -> None:  # noqa: ANN401
        used_at = record.info.get(_USED)
        if used_at is None or monotonic() - used_at < _SILENT_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.InvalidatePoolError from error
