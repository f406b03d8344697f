"""Store what a visitor of the chat sends: the message, its line and its number in one transaction, then ring the bell.

A send may be repeated for ever: the client's id decides, and the answer is the same.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from connectors.email.mime.attachments import safe_name
from connectors.normalise import normalise_batch
from connectors.web.chat.messages import FORM, ChatMessage, batch_of
from router.envelope import PartyKind
from router.masking.mask import mask
from router.settings import Settings
from router.text.visible import tame
from store.chat.line_log import ChatLine, VisitorLine, add_visitor_line, find_sent
from store.chat.visitor_sessions import BlockedVisitor, ChatSession, find_session
from store.db.engine import Database
from store.inbound.accept import InboundMessage, accept, find_inbound
from workers.intake.first_look import FirstLook
from workers.intake.intake import delivery_of
from workers.runtime.failpoints import reach

if TYPE_CHECKING:
    from workers.broker.doorbell import Bell


class ChatIntake:
    """Takes visitors' lines for all chats of a process; its methods are thread-safe."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._look = FirstLook(settings)
        self._lock = threading.Lock()
        self._bell: Bell | None = None

    def take(self, session: ChatSession, line: VisitorLine, *, now: datetime) -> ChatLine:
        """Store a line once, however often it is sent, and return it.

        Raises BlockedVisitor, NotFound when the chat is gone, TransientError when it cannot be stored now.
        """
        delivery, shown = self._delivery(session, line, now=now), mask(line.text)
        reach("chat.before")
        with self._database.write() as connection:
            locked = find_session(connection, session.id, lock=True)
            known = find_sent(connection, session.id, line.client_id)
            if known:
                return known
            if locked.is_blocked(now):
                raise BlockedVisitor("an agent has blocked this visitor")
            accepted = accept(connection, channel=session.channel, deliveries=[delivery], backfill=False)
            inbound_id = find_inbound(connection, channel=session.channel, source_key=delivery.source_key)
            values = {"text": tame(shown.text), "masked": bool(shown.kinds), "files": _named(line)}
            taken = add_visitor_line(connection, locked, client_id=line.client_id, inbound_id=inbound_id, values=values)
            reach("chat.written")
        reach("chat.after")
        self._ring(accepted.ids, urgent=accepted.urgent)
        return taken

    def _delivery(self, session: ChatSession, line: VisitorLine, *, now: datetime) -> InboundMessage:
        message = ChatMessage(
            session=session.id.hex,
            client_id=line.client_id,
            kind=PartyKind(session.party),
            handle=session.handle,
            name=session.called,
            text=line.text,
            files=line.files,
        )
        batch = batch_of(session.channel, message, now=now)
        (arrival,) = normalise_batch(batch.messages, channel=session.channel, form=FORM)
        return delivery_of(arrival, sealer=self._database.sealer, urgent=bool(self._look.urgent([arrival])))

    def _ring(self, ids: Sequence[UUID], *, urgent: bool) -> None:
        # The libraries of the broker are loaded with the first message.
        from workers.broker.doorbell import Bell, broker_url  # noqa: PLC0415

        with self._lock:
            if self._bell is None:
                self._bell = Bell(lambda: broker_url(self._settings))
        self._bell.ring(ids, urgent=urgent)


def _named(line: VisitorLine) -> list[dict[str, object]]:
    return [{"name": mask(safe_name(name) or "file").text, "size": len(content)} for name, content in line.files]
