"""The chats that agents have open now; there are never more of them than agents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.chat.visitor_sessions import ChatSession
from store.db.bulk import columns_of, table_of
from store.tables.chat import ChatSessionRow
from store.tables.messages import ConversationRow
from store.tables.readers import PresenceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedChat:
    """A chat that an agent looks at. case_id: the conversation that is open, which another may be merged into."""

    case_id: UUID
    team: str
    session: ChatSession


def watched_chats(connection: Connection, *, now: datetime) -> list[WatchedChat]:
    """Return the latest session of each open conversation that is a chat."""
    table, here = table_of(ChatSessionRow), table_of(PresenceRow)
    case, shown = table_of(ConversationRow), table_of(ConversationRow).alias("shown")
    names = [column.label(f"s_{column.name}") for column in columns_of(ChatSessionRow, ChatSession)]
    open_now = sa.select(here.c.conversation_id).where(here.c.until > now)
    is_part = sa.or_(case.c.id == shown.c.id, case.c.merged_into == shown.c.id)
    found = sa.select(shown.c.id.label("case_id"), shown.c.team, *names).where(shown.c.id.in_(open_now))
    joined = found.select_from(shown).join(case, is_part).join(table, table.c.conversation_id == case.c.id)
    latest: dict[UUID, WatchedChat] = {}
    for row in connection.execute(joined.order_by(table.c.heard_at)).mappings():
        session = ChatSession(**{name[2:]: value for name, value in row.items() if name.startswith("s_")})
        latest[row["case_id"]] = WatchedChat(case_id=row["case_id"], team=row["team"], session=session)
    return list(latest.values())
