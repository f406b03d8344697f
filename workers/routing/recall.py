"""Read from the database what a batch's decisions depend on: one way for the routing of a batch and its explanation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.threads.correlation import ANSWERED_WITHIN
from router.threads.cross_channel import WITHIN
from store.contacts.blocked import blocked_among
from store.contacts.contact_labels import labels_of
from store.contacts.identities import Handle, known_contacts
from store.inbound.first_words import answered_last, asked_last
from store.inbound.known_conversations import (
    KnownConversation,
    chat_conversations,
    conversations_by_message_id,
    conversations_by_reference,
    recent_conversations,
)
from store.inbound.known_messages import (
    KnownWords,
    automatic_replies,
    messages_like,
    recently_said,
    said_before,
    sent_by_us,
)
from workers.routing.arrival import Incoming
from workers.routing.batch_history import LINKED_WITHIN, SAME_SUBJECT_WITHIN, History
from workers.routing.brain import Brain


def recall(
    connection: Connection,
    batch: Sequence[Incoming],
    *,
    brain: Brain,
    now: datetime,
    new_contacts: Collection[UUID] = (),
) -> History:
    """Return the stored facts about the senders of a batch and about what its messages refer to. now: aware.

    new_contacts: those that this transaction has made: nothing is stored about them yet, so nothing is read.
    """
    signs = [incoming.analysis.signs for incoming in batch]
    references = {reference for sign in signs for reference in sign.references}
    message_ids = {message_id for sign in signs for message_id in sign.message_ids}
    by_reference = conversations_by_reference(connection, references)
    contacts = {incoming.contact_id for incoming in batch}
    by_message_id = conversations_by_message_id(connection, message_ids, contacts=contacts)
    earlier = [incoming for incoming in batch if incoming.contact_id not in new_contacts]
    known_before = contacts.difference(new_contacts)
    chats, recent = _chats(connection, earlier, brain=brain), _recent(connection, earlier, now=now)
    found = (by_reference.values(), *by_message_id.values(), chats, (words.conversation for words in recent))
    known = {each.conversation_id for cases in found for each in cases}
    known_history = History(
        labels=labels_of(connection, known_before) if brain.table.asks_for_labels else {},
        replies=automatic_replies(connection, known),
        blocked=blocked_among(connection, known_before),
        written_to=_written_to(connection, batch),
        asked=_asked(connection, batch, known),
        answered=_answered(connection, chats, batch),
    )
    known_history.add_references(by_reference)
    known_history.add_message_ids(by_message_id)
    known_history.add_chats(chats)
    known_history.add_subjects(_by_subject(connection, earlier))
    known_history.add_resent(_resent(connection, earlier, known=known_history))
    for message_id, message in sent_by_us(connection, message_ids).items():
        known_history.add_sent(message_id, message)
    known_history.add_recent(recent)
    known_history.add_stored(
        messages_like(
            connection,
            said={(incoming.contact_id, incoming.analysis.fingerprint) for incoming in earlier},
            message_ids=message_ids,
            hashes={incoming.row.content_hash for incoming in batch},
        )
    )
    return known_history


def _recent(connection: Connection, batch: Sequence[Incoming], *, now: datetime) -> list[KnownWords]:
    # What our own side said is compared with when its customer wrote.
    live = [each for each in batch if each.may_repeat or each.analysis.envelope.from_colleague]
    since = min((each.row.received_at for each in live), default=now) - WITHIN
    return recently_said(connection, contacts={each.contact_id for each in live}, since=since)


def _chats(connection: Connection, batch: Sequence[Incoming], *, brain: Brain) -> list[KnownConversation]:
    # A batch with mail only needs no query.
    within = {each.row.channel: brain.join_within(each.row.channel) for each in batch}
    lasting = {channel: window for channel, window in within.items() if window is not None}
    if not lasting:
        return []
    asking = [each for each in batch if each.row.channel in lasting]
    contacts = {each.contact_id for each in asking}
    since = min(each.row.received_at for each in asking) - max(lasting.values()) - LINKED_WITHIN
    return chat_conversations(connection, contacts=contacts, channels=lasting, since=since)


def _written_to(connection: Connection, batch: Sequence[Incoming]) -> dict[str, UUID]:
    """Return the contacts to whom our own side writes, by their addresses."""
    ours = (each.analysis.envelope for each in batch if each.analysis.voice)
    handles = {Handle(party.kind.value, party.handle) for envelope in ours for party in envelope.recipients}
    return {handle.handle: contact_id for handle, contact_id in known_contacts(connection, handles).items()}


def _asked(connection: Connection, batch: Sequence[Incoming], known: Collection[UUID]) -> set[UUID]:
    """Return the conversations in which we asked something last; read only if one of the batch may answer."""
    answers = any(incoming.may_answer for incoming in batch)
    return {*asked_last(connection, known)} if answers else set()


def _answered(connection: Connection, chats: Collection[KnownConversation], batch: Sequence[Incoming]) -> set[UUID]:
    """Return the resolved chats in which an agent has the last word, and had it a short time ago."""
    oldest = min((each.row.received_at for each in batch), default=None)
    recent = {
        each.conversation_id
        for each in chats
        if oldest and each.status == Status.RESOLVED and each.last_message_at >= oldest - ANSWERED_WITHIN
    }
    return {*answered_last(connection, recent)}


def _resent(connection: Connection, batch: Sequence[Incoming], *, known: History) -> list[tuple[UUID, str, KnownWords]]:
    """Return what mails of the batch say again; read only for those with a case under their subject."""
    asking = [each for each in batch if each.needs_subject and each.may_repeat and known.waits_under_subject(each)]
    if not asking:
        return []
    said = {(each.contact_id, each.analysis.fingerprint) for each in asking}
    since = min(each.row.received_at for each in asking) - SAME_SUBJECT_WITHIN
    return said_before(connection, said=said, since=since)


def _by_subject(connection: Connection, batch: Sequence[Incoming]) -> list[KnownConversation]:
    asking = [each for each in batch if each.needs_subject]
    if not asking:
        return []
    since = min(each.row.received_at for each in asking) - SAME_SUBJECT_WITHIN
    return recent_conversations(connection, contacts={each.contact_id for each in asking}, since=since)
