"""The books after a run: what was sent in against what stands in the inbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from benchmarks.mailbox import Mailbox, message_id
from benchmarks.rig import Rig
from store.bulk import table_of
from store.models import Inbound, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Every figure but kills and messages is 0 if the promises were kept.

    lost: mails sent in that no message tells of.  unbalanced: rows that are neither routed nor a duplicate.
    """

    messages: int
    kills: Mapping[str, int]
    lost: int
    duplicated_messages: int
    duplicated_conversations: int
    unbalanced: int

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing was lost, doubled or left."""
        return not (self.lost or self.duplicated_messages or self.duplicated_conversations or self.unbalanced)

    def figures(self) -> dict[str, object]:
        """Return the figures to print."""
        return {
            "messages": self.messages,
            "kills": sum(self.kills.values()),
            "killed": dict(self.kills),
            "lost": self.lost,
            "duplicated_messages": self.duplicated_messages,
            "duplicated_conversations": self.duplicated_conversations,
            "unbalanced": self.unbalanced,
        }


def read_ledger(rig: Rig, mailbox: Mailbox, *, kills: Mapping[str, int]) -> Ledger:
    """Compare what `mailbox` held with what the database holds."""
    table, inbound = table_of(Message), table_of(Inbound)
    with rig.database.read() as connection:
        seen = Counter(connection.execute(sa.select(table.c.rfc_message_id)).scalars())
        opened = connection.execute(sa.select(sa.func.count(sa.distinct(table.c.conversation_id)))).scalar_one()
        states = Counter(connection.execute(sa.select(inbound.c.state)).scalars())
    sent = {message_id(number).strip("<>") for number in range(mailbox.messages)}
    return Ledger(
        messages=mailbox.messages,
        kills=kills,
        lost=len(sent - seen.keys()),
        duplicated_messages=sum(count - 1 for count in seen.values()),
        duplicated_conversations=abs(opened - mailbox.conversations),
        unbalanced=sum(count for state, count in states.items() if state not in {"routed", "duplicate"}),
    )
