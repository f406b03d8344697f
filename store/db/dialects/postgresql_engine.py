"""Open PostgreSQL, with time limits for each session and for a peer that has vanished."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import URL

from store.db.dialects.database_errors import LOCK_SECONDS
from store.db.dialects.live_connections import replace_dead
from store.db.packed_arrays import introduce
from store.db.written_json import json_text

_STATEMENT_SECONDS: Final = 30
_CONNECT_SECONDS: Final = 5
# A process that is suspended in a transaction holds locks: the server ends its session, and so the transaction.
_FROZEN_SECONDS: Final = 60
# A peer that vanished silently is detected after this time, also during a COMMIT: half of what a takeover may take.
_SILENCE_MILLISECONDS: Final = 15_000
_PROBES: Final = {"idle": 5, "interval": 5, "count": 2}
# The same on the server: else the locks of a host without power hold up the others until `_FROZEN_SECONDS`.
_SERVER_PROBES: Final = " ".join(
    f"-c {name}={value}"
    for name, value in (
        ("tcp_user_timeout", _SILENCE_MILLISECONDS),
        *((f"tcp_keepalives_{name}", value) for name, value in _PROBES.items()),
    )
)


def postgresql_engine(url: URL) -> sa.Engine:
    """Return an engine of psycopg."""
    # The operator's come first: our time limits hold. Our statements take milliseconds, and to compile one takes up to
    # seconds: PostgreSQL would do it for a name of two words on a large desk, for a part that hardly ever runs.
    options = (
        f"{url_parameter(url, 'options')} -c statement_timeout={_STATEMENT_SECONDS}s -c lock_timeout={LOCK_SECONDS}s "
        f"-c idle_in_transaction_session_timeout={_FROZEN_SECONDS}s -c timezone=UTC -c datestyle=ISO "
        f"-c jit=off {_SERVER_PROBES}"
    )
    waits = {
        "connect_timeout": _CONNECT_SECONDS,
        "tcp_user_timeout": _SILENCE_MILLISECONDS,
        **{f"keepalives_{name}": value for name, value in _PROBES.items()},
    }
    # Before the engine: it copies what the driver knows.
    introduce()
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        # Parameters contain message text: no error may show them.
        hide_parameters=True,
        json_serializer=json_text,
        connect_args={name: value for name, value in waits.items() if name not in url.query} | {"options": options},
    )
    replace_dead(engine)
    return engine


def url_parameter(url: URL, name: str) -> str:
    """Return a parameter of the address; one that is given several times in one text, with spaces between."""
    value = url.query.get(name, "")
    return value if isinstance(value, str) else " ".join(value)
