"""List the outgoing messages of channels that keep them in the outbox."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, table_of
from store.tables.messages import ConversationRow
from store.tables.operations import OutboundRow


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMessage:
    """One message. reference: of its conversation.  author: the agent; empty for an automatic reply."""

    id: UUID
    reference: str
    channel: str
    recipient: str
    copies: list[str] | None
    subject: str
    text: str
    author: str
    state: str
    created_at: datetime
    sent_at: datetime | None


def list_kept(
    connection: Connection,
    *,
    channels: Collection[str],
    only_teams: Collection[str] | None,
    before: UUID | None,
    limit: int,
) -> Sequence[KeptMessage]:
    """Return the messages of these channels, newest first.

    only_teams: whose conversations are shown; None means all.  before: the last id of the page before.
    """
    sent, case = table_of(OutboundRow), table_of(ConversationRow)
    columns = [sent.c[name] for name in KeptMessage.__dataclass_fields__ if name != "reference"]
    query = sa.select(*columns, case.c.reference).join_from(sent, case, sent.c.conversation_id == case.c.id)
    query = query.where(among(sent.c.channel, channels)).order_by(sent.c.id.desc()).limit(limit)
    if only_teams is not None:
        query = query.where(among(case.c.team, only_teams))
    if before is not None:
        query = query.where(sent.c.id < before)
    return [KeptMessage(**row) for row in connection.execute(query).mappings()]
