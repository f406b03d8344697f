"""Collect the rows that a route shows, with a fixed number of queries for any number of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from types import MappingProxyType
from uuid import UUID

from sqlalchemy.engine import Connection

from api.desk import Desk
from api.http.permissions import Actor, Verb, can
from api.text.phrases import Language, Words
from api.text.reasons import ReasonReader
from api.text.terms.config_names import ConfigNames
from router.errors import NotFound
from store.conversations.lists import Filter, Sort, first_pages, list_conversations
from store.conversations.messages import (
    AttachmentRecord,
    MessageRecord,
    PendingOutbound,
    files_of_newest,
    messages_of,
    missing_files,
    newest_attachments,
    newest_messages,
    outbound_of,
    pending_outbound,
)
from store.conversations.read import (
    NO_CONVERSATION,
    ConversationRecord,
    LastMessage,
    Position,
    find_conversation,
    glimpses,
    handles,
    known_handles,
    newest_glimpses,
    one_conversation,
)
from store.db.plain_rows import Question, asked_ahead
from store.desk.channel_status import DeskStatus, read_status
from store.inbound.contact_points import KnownContactPoint, contact_points_of

Listed = tuple[ConversationRecord, list[str], LastMessage | None]
# What is asked of a page's conversations.
AskedOfPage = Callable[[Sequence[UUID]], Sequence[Question]]


class Story:
    """One conversation with its newest messages. earlier: the end of the page before them; None if there is none.

    points, missing: where else its contact can be reached, and which files are not here; pages alone load them.
    """

    points: Sequence[KnownContactPoint] = ()
    missing: Mapping[UUID, str] = MappingProxyType({})

    def __init__(self, connection: Connection, conversation: ConversationRecord, *, limit: int) -> None:
        self.conversation = conversation
        with asked_ahead(connection, questions_of(conversation, limit=limit)):
            self._load(connection, conversation, limit=limit)

    def _load(self, connection: Connection, conversation: ConversationRecord, *, limit: int) -> None:
        self.handles = handles(connection, [conversation.contact_id])[conversation.contact_id]
        self.glimpse = glimpses(connection, [conversation.id]).get(conversation.id)
        self.messages, self.earlier = read_messages(connection, conversation.id, before=None, limit=limit)
        files = newest_attachments(connection, conversation.id, limit=limit + 1)
        self.attachments = {message.id: files.get(message.id, []) for message in self.messages}
        self.outgoing: list[PendingOutbound] = outbound_of(connection, conversation.id)

    def load_page_facts(self, connection: Connection) -> None:
        """Load what the conversation's page shows besides."""
        self.points = contact_points_of(connection, self.conversation.contact_id)
        self.missing = missing_files(connection, [file.id for files in self.attachments.values() for file in files])

    @property
    def timeline(self) -> list[MessageRecord | PendingOutbound]:
        """Return its messages and the pending outgoing ones, by time."""
        dated: list[tuple[datetime, MessageRecord | PendingOutbound]] = [
            (row.received_at, row) for row in self.messages
        ]
        since = self.messages[0].received_at if self.earlier and self.messages else None
        dated += [(row.created_at, row) for row in self.outgoing if since is None or row.created_at >= since]
        return [row for _, row in sorted(dated, key=itemgetter(0))]

    def files(self, message: MessageRecord) -> list[AttachmentRecord]:
        """Return the attachments of one message; none of one that its author took back, as its words."""
        return [] if message.withdrawn_at else self.attachments[message.id]


def questions_of(row: ConversationRecord, *, limit: int) -> list[Question]:
    """Return what a `Story` asks of its conversation."""
    return [
        known_handles([row.contact_id]),
        newest_glimpses([row.id]),
        newest_messages(row.id, limit=limit + 1),
        files_of_newest(row.id, limit=limit + 1),
        pending_outbound(row.id),
    ]


def read_list(
    connection: Connection,
    wanted: Filter,
    *,
    sort: Sort = Sort.NEWEST,
    after: Position | None,
    limit: int,
    also: AskedOfPage = lambda _: (),
) -> tuple[list[Listed], Position | None]:
    """Return a page of conversations, and where the next one begins, if there is one.

    also: what the caller asks of the page next; it is asked ahead within a block of `asked_ahead`.
    """
    with asked_ahead(connection, [] if after else first_pages(wanted, sort=sort, limit=limit + 1)):
        found = list_conversations(connection, wanted, sort=sort, after=after, limit=limit + 1)
    page, more = [row for row, _ in found[:limit]], len(found) > limit
    ids, contacts = [row.id for row in page], {row.contact_id for row in page}
    with asked_ahead(connection, [newest_glimpses(ids), known_handles(contacts), *also(ids)] if page else []):
        seen = glimpses(connection, ids) if page else {}
        known = handles(connection, contacts) if page else {}
    listed = [(row, known[row.contact_id], seen.get(row.id)) for row in page]
    return listed, found[limit - 1][1] if more else None


def read_messages(
    connection: Connection, conversation_id: UUID, *, before: Position | None, limit: int
) -> tuple[list[MessageRecord], Position | None]:
    """Return a page of messages, oldest first, and where the page before it ends, if there is one."""
    rows = messages_of(connection, conversation_id, before=before, limit=limit + 1)
    page = rows[-limit:]
    return page, Position(page[0].received_at, page[0].id) if len(rows) > limit else None


def find_for(connection: Connection, key: str, *, actor: Actor) -> ConversationRecord:
    """Return the conversation with this id or reference.

    Raises NotFound when there is none, or when its team is hidden from the actor: both look the same.
    """
    found = find_conversation(connection, _id_or_reference(key))
    if not can(actor, Verb.READ_INBOX, found):
        raise NotFound(NO_CONVERSATION)
    return found


def wanted_conversation(key: str) -> Question:
    """Return the question of `find_for`."""
    return one_conversation(_id_or_reference(key))


def _id_or_reference(key: str) -> UUID | str:
    try:
        return UUID(key)
    except ValueError:
        return key


def require_sight(connection: Connection, conversation_id: UUID, *, actor: Actor) -> None:
    """Raise NotFound unless the actor may see the conversation."""
    if actor.sees_only is not None:
        find_for(connection, str(conversation_id), actor=actor)


def channels_seen(desk: Desk, actor: Actor) -> frozenset[str] | None:
    """Return the channels whose quarantine and state the actor sees: those that a team of theirs answers.

    None means all. What is in quarantine has no team yet.
    """
    if actor.sees_only is None:
        return None
    settings = desk.settings
    return frozenset(name for name in settings.channels if settings.team_of_channel(name) in actor.sees_only)


def status_seen(connection: Connection, desk: Desk, *, actor: Actor) -> DeskStatus:
    """Return the desk's state, with the channels and the counts of outgoing messages that the actor sees."""
    status = read_status(connection, channels=tuple(desk.settings.channels), only_teams=actor.sees_only)
    seen = channels_seen(desk, actor)
    return replace(status, channels=tuple(row for row in status.channels if seen is None or row.channel in seen))


def category_title(desk: Desk, name: str, *, language: Language) -> str:
    """Return the category's title; its name when the configuration has none."""
    return ConfigNames(desk.settings, Words(language))("category", name)


def program_reader(desk: Desk) -> ReasonReader:
    """Return the reader for the API's summaries: English, times in ISO 8601."""
    return ReasonReader(
        words=Words("en"),
        title=lambda kind, name: category_title(desk, name, language="en") if kind == "category" else name,
        moment=datetime.isoformat,
    )


def contact_of(text: str | None) -> UUID | str | None:
    """Return the contact's id or handle that the text is; None when it is empty."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return text
