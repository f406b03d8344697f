"""Whether a connection of the pool still leads to PostgreSQL: its socket says so, and after a pause the server itself.

A question to the server at the begin of each transaction is a round trip as long as most statements. A server that
ended, restarted or failed over has closed its sockets; one that vanished silently is detected by the question,
or by the time limit of the statement that follows within the second.
"""

from __future__ import annotations

import select
from time import monotonic
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import InvalidatePoolError

# A connection that served so recently is believed unless its socket says otherwise.
_TRUSTED_SECONDS: Final = 1.0
_SERVED_AT: Final = "served_at"


def replace_dead(engine: sa.Engine) -> None:
    """Let the engine's pool connect again, each time that it would give out a connection that is dead."""
    # Its class has no name that is the same in all drivers.
    dialect: Any = engine.dialect

    @sa.event.listens_for(engine, "checkin")
    def _served(_: object, record: Any) -> None:  # noqa: ANN401  (the pool's)
        record.info[_SERVED_AT] = monotonic()

    @sa.event.listens_for(engine, "checkout")
    def _check(connection: Any, record: Any, _: object) -> None:  # noqa: ANN401
        served_at = record.info.get(_SERVED_AT)
        if served_at is None:
            # A new one.
            return
        try:
            if monotonic() - served_at >= _TRUSTED_SECONDS or _has_news(connection.fileno()):
                dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            # The others that are as old lead to the same server.
            raise InvalidatePoolError from error


def _has_news(socket: int) -> bool:
    """Return whether the server has said something unasked, or closed: no question waits for an answer."""
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))
