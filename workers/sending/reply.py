"""Turn an agent's request into a message of the conversation and a row of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Connection

from connectors.registry import kind_of
from router.conversation_status import Status
from router.delivery import TextLimit
from router.errors import PermanentError
from router.hours.calendar import Calendar
from router.hours.from_settings import build_calendars
from router.masking.mask import mask, mask_address
from router.replies.markup import to_plain
from router.replies.placeholders import fill
from router.replies.quotation import below, forward, quote
from router.settings import Settings
from router.settings.channels.base import ChannelSettings
from router.settings.values import title_in
from router.threads.correlation import make_message_id, make_token
from router.threads.subject_lines import answer_subject
from store.conversations.messages import find_message
from store.conversations.read import ConversationRecord, find_conversation
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.db.keys import desk_key
from store.desk.composer.signatures import signed_by
from store.outbound.answer_addresses import answer_address
from store.outbound.replies import FORWARD, Answerable, NewReply, add_note, add_reply


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRequest:
    """What an agent wants to send. key: of the request, unique for the agent.

    send_at: when, instead of now.  hold_until_opening: when the channel opens; at once while it is open.
    copies: further recipients, only on mail channels.
    blind_copies: recipients whom the others do not see.
    forward_to: another recipient, to whom the customer's last message is passed on.
    opens_with: the customer's address, if the message opens the conversation.
    rich: the text has markup.  signs, quotes: with the signature, and the customer's message below.
    files: the ids of the draft's files.
    undo: how long one that is sent now waits, so that it can be taken back; zero for at once.
    then: the status of the conversation when it is sent; None for pending.
    """

    key: str
    agent_id: UUID
    author: str
    text: str
    send_at: datetime | None = None
    hold_until_opening: bool = False
    copies: tuple[str, ...] = field(default=())
    template: str | None = None
    variables: dict[str, str] | None = None
    blind_copies: tuple[str, ...] = field(default=())
    forward_to: str = ""
    opens_with: str = ""
    rich: bool = False
    signs: bool = False
    quotes: bool = False
    files: tuple[UUID, ...] = field(default=())
    undo: timedelta = timedelta(0)
    then: Status | None = None


class TooLongError(PermanentError):
    """The text is longer than its channel takes."""

    def __init__(self, limit: TextLimit, *, length: int, channel: str) -> None:
        super().__init__(f"the text has {length} {limit.unit}; the channel {channel} takes at most {limit.longest}")
        self.longest, self.length = limit.longest, length


class ReplyService:
    """Writes replies and notes; may be used by several threads."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._key = desk_key(settings, purpose="thread tokens")

    @cached_property
    def _calendars(self) -> Mapping[str, Calendar]:
        return build_calendars(self._settings)

    def reply(self, connection: Connection, case: Answerable, request: ReplyRequest) -> UUID:
        """Queue the reply; return its message's id.

        case: locked.
        Raises PermanentError when there is no recipient or no sender, or the text must not be sent.
        """
        if request.opens_with:
            case = replace(case, recipient=request.opens_with)
        channel = self._way_out(case, forwards=bool(request.forward_to))
        masked = mask(to_plain(request.text) if request.rich else request.text)
        if "card" in masked.kinds:
            # PCI DSS 4.0 4.2.2: a card number is never sent by mail or chat.
            raise PermanentError("the text has a card number; a reply must not have one")
        can = kind_of(channel).can
        if (request.copies or request.blind_copies or request.forward_to) and not can.mail:
            raise PermanentError(f"the channel {case.channel} has no copies; expected one recipient")
        if request.files and not can.files:
            raise PermanentError(f"the channel {case.channel} carries no files")
        limit = channel.text_limit
        # A template has the provider's own text.
        if limit and not request.template and not limit.allows(request.text):
            raise TooLongError(limit, length=limit.units_of(request.text), channel=case.channel)
        now = read_clock(connection)
        due_at = self._due_at(case, request, now=now)
        # A line of a chat is spoken at once; everything else waits some seconds if its author may take it back.
        undo = timedelta(0) if due_at > now or kind_of(channel).can.at_once else request.undo
        undo_until = now + undo if undo else None
        reply = self._reply(
            case, request, channel=channel, masked=masked.text, due_at=due_at + undo, undo_until=undo_until
        )
        if can.mail:
            reply = replace(reply, **self._mail(connection, case, request))
        return add_reply(connection, case, reply=reply, now=now)

    def _reply(
        self,
        case: Answerable,
        request: ReplyRequest,
        *,
        channel: ChannelSettings,
        masked: str,
        due_at: datetime,
        undo_until: datetime | None,
    ) -> NewReply:
        outbound_id, address = new_id(), channel.address or ""
        token = make_token(self._key, reference=case.reference, contact_id=case.contact_id)
        return NewReply(
            id=outbound_id,
            dedupe_key=f"{request.agent_id}:{request.key}",
            author=request.author,
            sender=address,
            subject=answer_subject(case.subject, token=token) if kind_of(channel).can.mail else "",
            text=request.text,
            masked=masked,
            # Fixed before the first attempt, so that every attempt has it and the customer's answer is recognised.
            rfc_message_id=make_message_id(token, outbound_id=outbound_id, sender=address),
            due_at=due_at,
            copies=request.copies,
            template=request.template,
            variables=request.variables,
            undo_until=undo_until,
            then_status=request.then,
            rich=request.rich,
            files=request.files,
        )

    def _mail(self, connection: Connection, case: Answerable, request: ReplyRequest) -> dict[str, Any]:
        """Return what a mail has besides its text. See `NewReply`."""
        row = find_conversation(connection, case.id)
        team, desk = self._settings.teams.get(row.team), self._settings.omniyard.name_in(row.language)
        by = signed_by(
            connection, agent_id=request.agent_id, agent=request.author, team=row.team, language=row.language
        )
        title = title_in(team.title, row.language.partition("-")[0], name=row.team) if team else row.team
        places = {"agent": by.name, "team": title, "desk": desk}
        places["reference"] = case.reference
        signature = fill(by.signature, places) if request.signs else ""
        found: dict[str, Any] = {"sender_name": fill(self._settings.desk.from_name, places) if request.signs else ""}
        found |= {"blind_copies": request.blind_copies}
        found["below"] = below(signature=signature, quotation=self._quotation(connection, row, request))
        if request.opens_with:
            token = make_token(self._key, reference=case.reference, contact_id=case.contact_id)
            found["subject"] = f"{case.subject} [{token}]"
        if request.forward_to:
            title = f"Fwd: {case.subject}".strip()
            found |= {"kind": FORWARD, "recipient": request.forward_to, "subject": title}
        return found

    def _quotation(self, connection: Connection, row: ConversationRecord, request: ReplyRequest) -> str:
        """Return the customer's last message on the channel, masked as agents see it, as a quotation."""
        last = answer_address(connection, row.id, contact_id=row.contact_id, channel=row.channel)
        if last.message_id is None or not (request.quotes or request.forward_to):
            return ""
        message, zone = find_message(connection, last.message_id), self._settings.omniyard.timezone
        name = message.sender_name or mask_address(message.sender_handle)
        if request.forward_to:
            return forward(
                message.text,
                name=name,
                at=message.received_at,
                zone=zone,
                language=row.language,
                subject=row.subject,
            )
        return quote(message.text, name=name, at=message.received_at, zone=zone, language=row.language)

    def note(self, connection: Connection, case: Answerable, *, author: str, text: str) -> UUID:
        """Store a note, which only agents see; return its message's id."""
        return add_note(connection, case, author=author, masked=mask(text).text, now=read_clock(connection))

    def opening(self, channel: str, *, now: datetime) -> datetime | None:
        """Return when a channel opens; None while it is open, if it never does, or if it is not configured."""
        known = self._settings.channels.get(channel)
        calendar = self._calendars.get(known.calendar) if known else None
        return None if calendar is None or calendar.is_open(now) else calendar.next_opening(now)

    def _way_out(self, case: Answerable, *, forwards: bool = False) -> ChannelSettings:
        channel = self._settings.channels.get(case.channel)
        if channel is None or not channel.has_way_out:
            raise PermanentError(f"the channel {case.channel} cannot send: it has no `send` table")
        if not case.recipient and not forwards:
            raise PermanentError(f"there is no sender on {case.channel} in this conversation to reply to")
        return channel

    def _due_at(self, case: Answerable, request: ReplyRequest, *, now: datetime) -> datetime:
        if request.send_at is not None:
            return max(now, request.send_at)
        if not request.hold_until_opening:
            return now
        name = self._settings.channels[case.channel].calendar
        calendar = self._calendars[name]
        opens_at = calendar.next_opening(now)
        if opens_at is None:
            raise PermanentError(f"the calendar {name} does not open again; expected a time in send_at")
        return opens_at
