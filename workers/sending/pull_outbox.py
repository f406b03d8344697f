"""The outbox of a channel whose system collects its answers: handed out under a lease until they are confirmed.

A message that is not confirmed within its lease is handed out again, under the same id: its receiver takes it once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.engine import Connection

from connectors.registry import sender_of
from connectors.sender_contract import Outgoing
from router.errors import NotFound
from router.reason import Reason
from router.settings import Settings
from store.db.engine import Database
from store.db.keys import desk_key
from store.events.append import EventKind, NewEvent, append_events
from store.outbound import ledger, limits
from store.outbound.ledger import OutboundClaim
from store.outbound.replies import note_answer, put_back
from workers.sending.deliver import USUAL_PACE, outgoing_of
from workers.sending.preflight import Preflight

LEASE: Final = timedelta(seconds=60)
MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Collected:
    """What the receiver says about a message.

    provider_id: theirs.  refused: a code why they will never take it; else empty.
    """

    outbound_id: UUID
    provider_id: str = ""
    refused: str = ""


class Outbox:
    """Hands out and settles the answers of channels that collect them; used by all threads of a process."""

    def __init__(self, settings: Settings, database: Database, *, lease: timedelta = LEASE) -> None:
        self._settings, self._database, self._lease = settings, database, lease
        self._key = desk_key(settings, purpose="thread tokens")

    def hand_out(self, channel: str, *, limit: int = MOST) -> list[Outgoing]:
        """Return the messages that are due, each conversation's oldest, and lease them.

        Raises NotFound for a channel that does not collect its answers.
        """
        preflight = self._preflight(channel)
        found: list[Outgoing] = []
        with self._database.write() as connection:
            if limits.frozen(connection):
                return []
            dead = ledger.expired(connection, channels=[channel], limit=limit)
            found += [self._begin(connection, row) for row in dead]
            while len(found) < limit and (row := ledger.next_queued(connection, channel=channel)):
                if not preflight.remove(connection, row):
                    found.append(self._begin(connection, row))
        return found

    def settle(self, channel: str, answers: Collection[Collected]) -> dict[UUID, bool]:
        """Record what the receiver says; return by id whether there is such a message of the channel.

        Raises NotFound as `hand_out` does.
        """
        self._preflight(channel)
        known: dict[UUID, bool] = {}
        with self._database.write() as connection:
            for answer in sorted(answers, key=lambda each: each.outbound_id):
                row = ledger.find(connection, answer.outbound_id)
                known[answer.outbound_id] = row is not None and row.channel == channel and row.attempts > 0
                if row is not None and known[answer.outbound_id]:
                    _settle(connection, row, answer)
        return known

    def _begin(self, connection: Connection, row: OutboundClaim) -> Outgoing:
        begun = ledger.begin(connection, row, lease=self._lease)
        return outgoing_of(begun, key=self._key, desk=self._settings.omniyard)

    def _preflight(self, channel: str) -> Preflight:
        configured = self._settings.channels.get(channel)
        if configured is None or not configured.enabled or not configured.replies_are_collected:
            raise NotFound("this channel has no outbox")
        sender = sender_of(channel, configured, desk=self._settings.omniyard)
        if sender is None:
            raise NotFound("this channel has no outbox")
        # However often it is handed out, it waits: the receiver may be away for a weekend.
        return Preflight(
            self._database,
            self._settings,
            senders={channel: sender},
            attempts=1_000_000,
            stale=USUAL_PACE.stale,
        )


def _settle(connection: Connection, row: OutboundClaim, answer: Collected) -> None:
    if answer.refused:
        why = f"their system refuses it ({answer.refused})"
        if ledger.settle_failed(connection, row, why=why):
            _tell(connection, row, EventKind.OUTBOUND_FAILED, why=why)
            put_back(connection, row)
    elif ledger.settle_sent(connection, row, provider_id=answer.provider_id):
        _tell(connection, row, EventKind.OUTBOUND_SENT)
        note_answer(connection, row)


def _tell(connection: Connection, row: OutboundClaim, kind: EventKind, *, why: str = "") -> None:
    said = Reason.as_written(why).to_json() if why else None
    payload: Mapping[str, object] = {"outbound_id": str(row.id), "channel": row.channel, "why": said}
    append_events(connection, [NewEvent(kind, row.conversation_id, payload, at=row.now)])
