"""Checks before a due message is sent: something newer, a closed reply window, a limit, its age, too many attempts.

A refused reply of an agent goes to an agent; an automatic one is dropped, because it is useless when it is late or sent
in masses.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.engine import Connection

from connectors.registry import is_public
from connectors.sender_contract import Sender
from router.reason import Reason, ReasonKey
from router.settings import Settings
from router.settings.channels.base import SendSettings
from store.db.engine import Database
from store.events.append import EventKind, NewEvent, append_events
from store.outbound import ledger, limits
from store.outbound import limits as suppression
from store.outbound.automatic_answers import why_withdrawn, withdraw
from store.outbound.ledger import OutboundClaim
from store.outbound.planned import why_held
from store.outbound.replies import put_back
from store.outbound.unasked_case import open_unasked
from store.tables.operations import AGENT_MAIL, AUTO_REPLY, ONE_TIME_CODE

_HOUR: Final = timedelta(hours=1)
# A one-time code is not valid for longer (`store.desk.case_codes`).
_CODE_LASTS: Final = timedelta(minutes=10)
_DAY: Final = timedelta(hours=24)
# How many replies leave the queue with one that rests: one statement has a page of them.
_RESTING_AT_ONCE: Final = 100
# For a channel without limits of its own.
_USUAL: Final = SendSettings()

_log = structlog.get_logger()


class Preflight:
    """Checks a locked row before it is claimed; used by one thread.

    attempts, stale: see `workers.sending.deliver.SendingPace`.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        senders: Mapping[str, Sender],
        attempts: int,
        stale: timedelta,
    ) -> None:
        self._database, self._settings, self._senders = database, settings, senders
        self._attempts, self._stale = attempts, stale

    def remove(self, connection: Connection, row: OutboundClaim) -> int:
        """Take the row out of the queue if a check refuses it; return how many rows left the queue.

        While the replies of its channel are paused, the other waiting ones leave too: a storm has thousands.
        """
        automatic = row.kind in {AUTO_REPLY, ONE_TIME_CODE, AGENT_MAIL}
        newer = None if automatic else why_held(connection, row)
        why = newer or (self._unwanted(connection, row) if automatic else None) or self._hopeless(connection, row)
        if why and automatic:
            ledger.drop(connection, row, why=why.line)
            withdraw(connection, row.id)
            put_back(connection, row)
            _tell(connection, row, kind=EventKind.OUTBOUND_CANCELLED, why=why)
        elif why:
            ledger.hand_over(connection, row, why=why.line)
            _tell(connection, row, kind=EventKind.OUTBOUND_NEEDS_PERSON, why=why)
            put_back(connection, row, waits=newer is None or newer.key == ReasonKey.CUSTOMER_WROTE_SINCE)
        if why and why.key == ReasonKey.REPLIES_REST:
            return 1 + self._remove_resting(connection, row, why=why)
        return int(why is not None)

    def _remove_resting(self, connection: Connection, row: OutboundClaim, *, why: Reason) -> int:
        since = row.now - self._stale
        if others := ledger.others_queued(connection, row, since=since, limit=_RESTING_AT_ONCE):
            ledger.drop_all(connection, others, why=why.line)
            open_unasked(connection, others)
            _tell(connection, *others, kind=EventKind.OUTBOUND_CANCELLED, why=why)
        return len(others)

    def _hopeless(self, connection: Connection, row: OutboundClaim) -> Reason | None:
        if row.attempts >= self._attempts:
            return Reason(ReasonKey.ATTEMPTS_ARE_SPENT, {"attempts": row.attempts})
        if unwanted := suppression.refusal(connection, channel=row.channel, handle=row.recipient):
            return unwanted
        window = self._senders[row.channel].window(row.recipient)
        # Providers accept templates after the window is closed.
        if row.template or not window.is_bounded:
            return None
        heard_at = limits.last_heard(connection, contact_id=row.contact_id, channel=row.channel)
        sent = 0
        if heard_at and window.messages is not None:
            sent = limits.sent_since(connection, recipient=row.recipient, channel=row.channel, since=heard_at)
        return window.refusal(last_heard_at=heard_at, sent_since=sent, now=row.now)

    def _unwanted(self, connection: Connection, row: OutboundClaim) -> Reason | None:
        configured = self._settings.channels.get(row.channel)
        if configured and is_public(configured):
            return Reason(ReasonKey.PUBLIC_IS_NOT_ANSWERED)
        if row.kind == ONE_TIME_CODE:
            # Its customer waits for it, and it has its own limits: the limits on replies do not apply.
            return Reason(ReasonKey.REPLY_IS_LATE) if row.now - row.created_at > _CODE_LASTS else None
        if row.now - row.created_at > self._stale:
            return Reason(ReasonKey.REPLY_IS_LATE)
        if row.kind == AGENT_MAIL:
            # The brakes are about customers.
            return None
        return why_withdrawn(connection, row) or self._braked(connection, row)

    def _braked(self, connection: Connection, row: OutboundClaim) -> Reason | None:
        bounds = self._bounds(row.channel)
        rests_until = limits.rests_until(connection, channel=row.channel)
        if rests_until and rests_until > row.now:
            return Reason(ReasonKey.REPLIES_REST, {"at": rests_until.isoformat(timespec="minutes")})
        to_customer = limits.automatic_to(connection, recipient=row.recipient, since=row.now - _DAY)
        if to_customer >= bounds.automatic_per_customer:
            return Reason(ReasonKey.CUSTOMER_HAS_REPLIES, {"replies": to_customer})
        return self._storm(connection, row, bounds, rested_at=rests_until)

    def _storm(
        self, connection: Connection, row: OutboundClaim, bounds: SendSettings, *, rested_at: datetime | None
    ) -> Reason | None:
        # Messages before the last trip of the breaker were counted then.
        since = max(row.now - _HOUR, rested_at) if rested_at else row.now - _HOUR
        sent = limits.automatic_of(connection, channel=row.channel, since=since)
        if sent < bounds.automatic_per_hour:
            return None
        limits.trip(connection, channel=row.channel, until=row.now + _HOUR)
        why = Reason(ReasonKey.CHANNEL_SENT_TOO_MANY, {"replies": sent})
        _tell(connection, row, kind=EventKind.OUTBOUND_BREAKER_TRIPPED, why=why)
        _log.error("channel.breaker_tripped", channel=row.channel, sent=sent)
        return why

    def _bounds(self, channel: str) -> SendSettings:
        configured = self._settings.channels.get(channel)
        return (configured.send if configured else None) or _USUAL


def _tell(connection: Connection, *rows: OutboundClaim, kind: EventKind, why: Reason) -> None:
    said = {"why": why.to_json()}
    about = [(row, {"outbound_id": str(row.id), "channel": row.channel} | said) for row in rows]
    append_events(connection, [NewEvent(kind, row.conversation_id, payload, at=row.now) for row, payload in about])
