"""The books after a run: compare what was sent with what is in the inbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass

import sqlalchemy as sa

from benchmarks.chaos.chats import CHANNELS, NO_CHATS, ChatBooks, Chats
from benchmarks.chaos.gates import CHANNELS as GATE_CHANNELS
from benchmarks.chaos.gates import NO_GATES, GateBooks, Gates
from benchmarks.chaos.messengers import CHANNELS as MESSENGER_CHANNELS
from benchmarks.chaos.messengers import NO_MESSENGERS, MessengerBooks, Messengers
from benchmarks.chaos.visitors import CHANNEL, NO_LINES, LineBooks, Visitors
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
    unbalanced: rows that are neither routed nor a duplicate.
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
    chats: ChatBooks = NO_CHATS
    visitors: LineBooks = NO_LINES
    gates: GateBooks = NO_GATES
    messengers: MessengerBooks = NO_MESSENGERS

    @property
    def is_clean(self) -> bool:
        """Return whether nothing was lost, duplicated or left unprocessed."""
        wrong = (self.lost, self.duplicated_messages, self.duplicated_conversations, self.missing_conversations)
        books = (*astuple(self.chats), *astuple(self.visitors), *astuple(self.gates), *astuple(self.messengers))
        return not any((*wrong, self.repeated_replies, self.unrecognised, self.unbalanced, *books))

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
            "chats_lost": self.chats.lost,
            "chats_doubled": self.chats.doubled,
            "chats_answered_twice": self.chats.extra_copies,
            "lines_lost": self.visitors.lost,
            "lines_doubled": self.visitors.doubled,
            "lines_out_of_order": self.visitors.out_of_order,
            "lines_without_a_message": self.visitors.without_message,
            **{f"gates_{name}": count for name, count in asdict(self.gates).items()},
            **{f"messengers_{name}": count for name, count in asdict(self.messengers).items()},
        }


def read_ledger(
    rig: Served,
    mailbox: Mailbox,
    *,
    kills: Mapping[str, int],
    chats: Chats | None = None,
    visitors: Visitors | None = None,
    gates: Gates | None = None,
    messengers: Messengers | None = None,
) -> Ledger:
    """Compare what was written by mail and on the other channels with the contents of the database."""
    table, inbound, reply = table_of(MessageRow), table_of(InboundRow), table_of(OutboundRow)
    with rig.database.read() as connection:
        mail = table.c.channel.not_in((*CHANNELS, *GATE_CHANNELS, *MESSENGER_CHANNELS, CHANNEL))
        stored = Counter(connection.execute(sa.select(table.c.rfc_message_id).where(mail)).scalars())
        opened = connection.execute(sa.select(sa.func.count()).select_from(table_of(ConversationRow))).scalar_one()
        empty = connection.execute(_empty_conversations()).scalar_one()
        # The key ends in the period within which a reply is sent only once.
        answered = Counter(
            key.rpartition(":")[0] for key in connection.execute(sa.select(reply.c.dedupe_key)).scalars()
        )
        states = Counter(connection.execute(sa.select(inbound.c.state)).scalars())
        # A change of a message counts as a duplicate of it.
        others = inbound.c.channel.in_((*GATE_CHANNELS, *MESSENGER_CHANNELS))
        changed = sa.select(sa.func.count()).where(inbound.c.state == "duplicate", others)
        changes = connection.execute(changed).scalar_one()
    sent = {id_.strip("<>") for id_ in mailbox.ids}
    # Each customer of a chat is another person, and writes once.
    expected = mailbox.conversations + (chats.messages if chats else 0) + (visitors.conversations if visitors else 0)
    expected += (gates.messages if gates else 0) + (messengers.messages if messengers else 0)
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
        chats=chats.books(rig) if chats else NO_CHATS,
        visitors=visitors.books(rig) if visitors else NO_LINES,
        gates=gates.books(rig) if gates else NO_GATES,
        messengers=messengers.books(rig) if messengers else NO_MESSENGERS,
    )


def _empty_conversations() -> sa.Select[int]:
    conversation, message = table_of(ConversationRow), table_of(MessageRow)
    filled = sa.exists().where(message.c.conversation_id == conversation.c.id)
    return sa.select(sa.func.count()).select_from(conversation).where(~filled)
