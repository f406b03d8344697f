"""The labels that agents have given to conversations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.conversations.lists import IS_LABELLED, seen_by_teams
from store.db.bulk import table_of
from store.tables.messages import ConversationRow

# Of the newest labelled conversations: labels that are not used any more are not offered.
_MOST_READ: Final = 1_000
_MOST_OFFERED: Final = 30


def labels_in_use(connection: Connection, *, begins: str = "", only_teams: Collection[str] | None = None) -> list[str]:
    """Return labels of the newest labelled conversations, the most used first.

    begins: how they begin, in any case; empty for all.  only_teams: the reader's teams; None means all.
    """
    columns = table_of(ConversationRow).c
    statement = sa.select(columns.labels).where(IS_LABELLED, *seen_by_teams(only_teams))
    rows: Any = connection.execute(statement.order_by(columns.last_message_at.desc()).limit(_MOST_READ)).scalars()
    counted = Counter(label for labels in rows for label in labels)
    wanted = begins.strip().casefold()
    found = [(label, number) for label, number in counted.items() if label.casefold().startswith(wanted)]
    return [label for label, _ in sorted(found, key=lambda each: (-each[1], each[0]))[:_MOST_OFFERED]]
