"""Automatic replies in the response to their message: what routing has committed, claimed once, repeated unchanged."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.engine import Connection

from connectors.registry import sender_of
from router.settings import Settings
from router.settings.channels.base import ChannelSettings
from store.db.engine import Database
from store.events.append import EventKind, NewEvent, append_events
from store.outbound import ledger, limits
from store.outbound.standing_replies import passive_id, standing_reply
from workers.sending.deliver import USUAL_PACE
from workers.sending.preflight import Preflight

# Routing takes tenths of a second; the provider waits five seconds for all of it.
_PATIENCE_SECONDS: Final = 2.0
_LOOK_EVERY_SECONDS: Final = 0.1
# Claimed and settled in one transaction.
_LEASE: Final = timedelta(minutes=1)


class PassiveReplies:
    """Finds the reply of a message that has just come; used by all threads of a process."""

    def __init__(self, settings: Settings, database: Database, *, patience: float = _PATIENCE_SECONDS) -> None:
        self._settings, self._database, self._patience = settings, database, patience

    def text_for(self, channel: str, inbound_id: UUID) -> str:
        """Return the text that leaves in the response; empty if none is ready in time.

        It counts as sent from here on: if the response is lost it is not sent again, unless the provider repeats the
        message. Raises TransientError when the store cannot be reached.
        """
        configured = self._settings.channels[channel]
        until = time.monotonic() + self._patience
        while True:
            with self._database.read() as connection:
                standing = standing_reply(connection, inbound_id)
            if standing.said or standing.waiting is not None or standing.is_decided or time.monotonic() > until:
                break
            time.sleep(_LOOK_EVERY_SECONDS)
        if standing.said or standing.waiting is None:
            return standing.said
        with self._database.write() as connection:
            return self._claim(connection, standing.waiting, configured, channel=channel, inbound_id=inbound_id)

    def _claim(
        self, connection: Connection, outbound_id: UUID, configured: ChannelSettings, *, channel: str, inbound_id: UUID
    ) -> str:
        row, limit = ledger.find(connection, outbound_id), configured.text_limit
        if row is None or row.attempts or limits.frozen(connection) or (limit and not limit.allows(row.text)):
            return ""
        preflight = self._preflight(channel, configured)
        if preflight is None or preflight.remove(connection, row):
            return ""
        begun = ledger.begin(connection, row, lease=_LEASE)
        if not ledger.settle_sent(connection, begun, provider_id=passive_id(inbound_id)):
            return ""
        payload = {"outbound_id": str(row.id), "channel": channel, "why": None}
        append_events(connection, [NewEvent(EventKind.OUTBOUND_SENT, row.conversation_id, payload, at=row.now)])
        return row.text

    def _preflight(self, channel: str, configured: ChannelSettings) -> Preflight | None:
        sender = sender_of(channel, configured, desk=self._settings.omniyard)
        if sender is None:
            return None
        pace = USUAL_PACE
        return Preflight(
            self._database, self._settings, senders={channel: sender}, attempts=pace.attempts, stale=pace.stale
        )
