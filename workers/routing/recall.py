"""Read from the database what a page's decisions depend on: one way for the routing of a page and its explanation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.engine import Connection

from router.threads.cross_channel import WITHIN
from store.contacts.blocked import blocked_among
from store.contacts.identities import Handle, known_contacts
from store.inbound import history
from store.inbound.first_words import asked_last
from store.inbound.history import KnownConversation, KnownWords, recently_said
from workers.routing.arrival import Incoming
from workers.routing.brain import Brain
from workers.routing.page_history import LINKED_WITHIN, SAME_SUBJECT_WITHIN, History


def recall(
    connection: Connection,
    page: Sequence[Incoming],
    *,
    brain: Brain,
    now: datetime,
    new_contacts: Collection[UUID] = (),
) -> History:
    """Return the stored facts about the senders of a page and about what its messages refer to. now: aware.

    new_contacts: those that this transaction has made: nothing is stored about them yet, so nothing is read.
    """
    signs = [incoming.analysis.signs for incoming in page]
    references = {reference for sign in signs for reference in sign.references}
    message_ids = {message_id for sign in signs for message_id in sign.message_ids}
    by_reference = history.conversations_by_reference(connection, references)
    contacts = {incoming.contact_id for incoming in page}
    by_message_id = history.conversations_by_message_id(connection, message_ids, contacts=contacts)
    earlier = [incoming for incoming in page if incoming.contact_id not in new_contacts]
    known_before = contacts.difference(new_contacts)
    chats, recent = _chats(connection, earlier, brain=brain), _recent(connection, earlier, now=now)
    found = (by_reference.values(), *by_message_id.values(), chats, (words.conversation for words in recent))
    known = {each.conversation_id for cases in found for each in cases}
    known_history = History(
        labels=history.labels_of(connection, known_before) if brain.table.asks_for_labels else {},
        replies=history.automatic_replies(connection, known),
        blocked=blocked_among(connection, known_before),
        written_to=_written_to(connection, page),
        asked=_asked(connection, page, known),
    )
    known_history.add_references(by_reference)
    known_history.add_message_ids(by_message_id)
    known_history.add_chats(chats)
    known_history.add_subjects(_by_subject(connection, earlier))
    for message_id, message in history.sent_by_us(connection, message_ids).items():
        known_history.add_sent(message_id, message)
    known_history.add_recent(recent)
    known_history.add_stored(
        history.messages_like(
            connection,
            said={(incoming.contact_id, incoming.analysis.fingerprint) for incoming in earlier},
            message_ids=message_ids,
            hashes={incoming.row.content_hash for incoming in page},
        )
    )
    return known_history


def _recent(connection: Connection, page: Sequence[Incoming], *, now: datetime) -> list[KnownWords]:
    # What our own side said is compared with when its customer wrote.
    live = [each for each in page if each.may_repeat or each.analysis.envelope.from_colleague]
    since = min((each.row.received_at for each in live), default=now) - WITHIN
    return recently_said(connection, contacts={each.contact_id for each in live}, since=since)


def _chats(connection: Connection, page: Sequence[Incoming], *, brain: Brain) -> list[KnownConversation]:
    # A page with mail only needs no query.
    within = {each.row.channel: brain.join_within(each.row.channel) for each in page}
    lasting = {channel: window for channel, window in within.items() if window is not None}
    if not lasting:
        return []
    asking = [each for each in page if each.row.channel in lasting]
    contacts = {each.contact_id for each in asking}
    since = min(each.row.received_at for each in asking) - max(lasting.values()) - LINKED_WITHIN
    return history.chat_conversations(connection, contacts=contacts, channels=lasting, since=since)


def _written_to(connection: Connection, page: Sequence[Incoming]) -> dict[str, UUID]:
    """Return the contacts to whom our own side writes, by their addresses."""
    ours = (each.analysis.envelope for each in page if each.analysis.voice)
    handles = {Handle(party.kind.value, party.handle) for envelope in ours for party in envelope.recipients}
    return {handle.handle: contact_id for handle, contact_id in known_contacts(connection, handles).items()}


def _asked(connection: Connection, page: Sequence[Incoming], known: Collection[UUID]) -> set[UUID]:
    """Return the conversations in which we asked something last; read only if one of the page may answer."""
    answers = any(incoming.may_answer for incoming in page)
    return {*asked_last(connection, known)} if answers else set()


def _by_subject(connection: Connection, page: Sequence[Incoming]) -> list[KnownConversation]:
    asking = [each for each in page if each.needs_subject]
    if not asking:
        return []
    since = min(each.row.received_at for each in asking) - SAME_SUBJECT_WITHIN
    return history.recent_conversations(connection, contacts={each.contact_id for each in asking}, since=since)
