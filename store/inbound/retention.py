"""Delete the originals of settled messages, and the files of sent answers, after their retention time.

The masked texts for agents stay.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, table_of
from store.db.ids import first_id_at
from store.db.sealed_rows import bare_envelope
from store.inbound.fetched_files import forget_files
from store.tables.composer import AnswerFileRow
from store.tables.messages import InboundRow, InboundState, OriginalRow
from store.tables.operations import OutboundRow, OutboundState

# Quarantined messages keep their bytes: a replay needs them.
_SETTLED: Final = (InboundState.ROUTED, InboundState.DUPLICATE)


def forget_originals(connection: Connection, *, before: datetime, limit: int) -> int:
    """Delete the originals and envelopes of up to `limit` settled messages accepted before `before`; return how many.

    The oldest go first; ids are in the order of acceptance, so no other index is needed.
    The files of answers that were sent before then go with them.
    """
    _forget_files(connection, before=before, limit=limit)
    original, inbound = table_of(OriginalRow), table_of(InboundRow)
    settled = sa.or_(inbound.c.state.in_(_SETTLED), inbound.c.discarded_at.is_not(None))
    columns = (inbound.c.id, inbound.c.channel, inbound.c.source_key, inbound.c.received_at, inbound.c.discarded_at)
    statement = (
        sa.select(*columns)
        .select_from(original)
        .join(inbound, inbound.c.id == original.c.inbound_id)
        .where(original.c.inbound_id < first_id_at(before), settled)
        .order_by(original.c.inbound_id)
        .limit(limit)
    )
    rows = connection.execute(statement).all()
    if rows:
        ids = [row.id for row in rows]
        connection.execute(sa.delete(original).where(among(original.c.inbound_id, ids)))
        forget_files(connection, ids)
        connection.execute(sa.update(inbound).where(among(inbound.c.id, ids)).values(envelope=""))
    for row in rows:
        if row.discarded_at is not None:
            # The list of discarded messages still shows these values.
            bare = bare_envelope(channel=row.channel, source_key=row.source_key, received_at=row.received_at)
            connection.execute(sa.update(inbound).where(inbound.c.id == row.id).values(envelope=bare))
    return len(rows)


def _forget_files(connection: Connection, *, before: datetime, limit: int) -> None:
    file, outbound = table_of(AnswerFileRow), table_of(OutboundRow)
    sent = sa.select(outbound.c.id).where(outbound.c.state == OutboundState.SENT, outbound.c.sent_at < before)
    statement = sa.select(file.c.id).where(file.c.id < first_id_at(before), file.c.outbound_id.in_(sent))
    ids = list(connection.execute(statement.order_by(file.c.id).limit(limit)).scalars())
    connection.execute(sa.delete(file).where(among(file.c.id, ids)))
