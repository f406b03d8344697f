"""The books after a run: compare what was sent with what is in the inbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from benchmarks.chaos.customers import Customers
from benchmarks.mailbox import Mailbox
from benchmarks.rig import Served
from store.db.bulk import table_of
from store.tables.messages import ConversationRow, InboundRow, MessageRow
from store.tables.operations import OutboundRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Every figure except kills and messages is 0 if the promises were kept.

    lost: mails that are in no message.  repeated_replies: automatic answers sent twice in one conversation.
    unrecognised: redeliveries that were not recognised as duplicates, or the other way round.
    unbalanced: rows that are neither routed nor a duplicate.  customers: the figures of those who write no mail.
    """

    messages: int
    kills: Mapping[str, int]
    lost: int
    duplicated_messages: int
    duplicated_conversations: int
    missing_conversations: int
    repeated_replies: int
    unrecognised: int
    unbalanced: int
    customers: Mapping[str, int]

    @property
    def is_clean(self) -> bool:
        """Return whether nothing was lost, duplicated or left unprocessed."""
        figures = self.figures()
        return not any(count for name, count in figures.items() if name not in {"messages", "kills", "killed"})

    def figures(self) -> dict[str, object]:
        """Return the figures to print."""
        return {
            "messages": self.messages,
            "kills": sum(self.kills.values()),
            "killed": dict(self.kills),
            "lost": self.lost,
            "duplicated_messages": self.duplicated_messages,
            "duplicated_conversations": self.duplicated_conversations,
            "missing_conversations": self.missing_conversations,
            "repeated_replies": self.repeated_replies,
            "unrecognised": self.unrecognised,
            "unbalanced": self.unbalanced,
            **self.customers,
        }


def read_ledger(
    rig: Served, mailbox: Mailbox, *, kills: Mapping[str, int], customers: Sequence[Customers] = ()
) -> Ledger:
    """Compare what was written by mail and on the other channels with the contents of the database."""
    table, inbound, reply = table_of(MessageRow), table_of(InboundRow), table_of(OutboundRow)
    with rig.database.read() as connection:
        mail = table.c.channel.not_in([channel for some in customers for channel in some.channels])
        stored = Counter(connection.execute(sa.select(table.c.rfc_message_id).where(mail)).scalars())
        opened = connection.execute(sa.select(sa.func.count()).select_from(table_of(ConversationRow))).scalar_one()
        empty = connection.execute(_empty_conversations()).scalar_one()
        # The key ends in the period within which a reply is sent only once.
        answered = Counter(
            key.rpartition(":")[0] for key in connection.execute(sa.select(reply.c.dedupe_key)).scalars()
        )
        states = Counter(connection.execute(sa.select(inbound.c.state)).scalars())
        # A change of a message counts as a duplicate of it.
        changing = inbound.c.channel.in_([channel for some in customers if some.changes for channel in some.channels])
        changed = sa.select(sa.func.count()).where(inbound.c.state == "duplicate", changing)
        changes = connection.execute(changed).scalar_one()
    sent = {id_.strip("<>") for id_ in mailbox.ids}
    expected = mailbox.conversations + sum(some.conversations for some in customers)
    return Ledger(
        messages=mailbox.messages,
        kills=kills,
        lost=len(sent - stored.keys()),
        duplicated_messages=sum(count - 1 for count in stored.values()),
        duplicated_conversations=max(opened - expected, empty),
        missing_conversations=max(expected - opened, 0),
        repeated_replies=sum(count - 1 for count in answered.values()),
        unrecognised=abs(states["duplicate"] - changes - mailbox.redeliveries),
        unbalanced=sum(count for state, count in states.items() if state not in {"routed", "duplicate"}),
        customers={
            f"{some.name}_{name}": count for some in customers for name, count in asdict(some.books(rig)).items()
        },
    )


def _empty_conversations() -> sa.Select[int]:
    conversation, message = table_of(ConversationRow), table_of(MessageRow)
    filled = sa.exists().where(message.c.conversation_id == conversation.c.id)
    return sa.select(sa.func.count()).select_from(conversation).where(~filled)
