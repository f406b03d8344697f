"""The database's clock, which leases and due times go by, so that no worker's own clock can move them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlmodel.sql.sqltypes import UTCDateTime

from store.db.engine import database_now


def read_clock(connection: Connection) -> datetime:
    """Return the database's time, aware UTC."""
    now: datetime = connection.execute(sa.select(sa.type_coerce(database_now(), UTCDateTime()))).scalar_one()
    return now
