"""What providers and mail systems report about a message after they accepted it.

A final failure after acceptance does what a refusal does: the message is listed as failed, an event says so, its
conversation reopens, and the clock of the customer's message runs again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection

from router.delivery import DeliveryReport, DeliveryStatus, is_later
from router.envelope import Bounce
from router.reason import Reason, ReasonKey, read_line
from store.db.bulk import table_of
from store.events.append import EventKind, NewEvent, append_events
from store.outbound.ledger import OutboundClaim, as_shown, find, note_result
from store.outbound.replies import note_answer, put_back
from store.tables.operations import OutboundRow, OutboundState

_SETTLED: Final = frozenset({OutboundState.SENT, OutboundState.FAILED, OutboundState.CANCELLED})
_ARRIVED: Final = frozenset({DeliveryStatus.DELIVERED, DeliveryStatus.READ})

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedMail:
    """A message of ours that a mail system could not deliver, by its Message-ID. addresses: those not reached."""

    rfc_message_id: str
    addresses: frozenset[str]
    why: Reason

    @classmethod
    def of(cls, bounce: Bounce | None) -> Self | None:
        """Return what a report says was not delivered; None if it names no message, or no final failure."""
        failed = [each for each in bounce.recipients if each.action == "failed"] if bounce else []
        if bounce is None or bounce.original_message_id is None or not failed:
            return None
        why = Reason(ReasonKey.MAIL_CAME_BACK, {"status": next((each.status for each in failed if each.status), "-")})
        addresses = frozenset(each.address.casefold() for each in failed)
        return cls(rfc_message_id=bounce.original_message_id, addresses=addresses, why=why)


def note_delivery(connection: Connection, outbound_id: UUID, report: DeliveryReport) -> bool:
    """Record a provider's delivery report; return False if it is outdated or of no row.

    Reports may come before our own commit of the attempt, in any order, and more than once: the state only moves
    forward. A report proves that the provider has the message, even if the attempt seemed to fail.
    """
    row = find(connection, outbound_id)
    if row is None or not is_later(report.delivery, than=DeliveryStatus(row.delivery)):
        return False
    if _is_of_earlier_attempt(row, report):
        return False
    if report.delivery is DeliveryStatus.UNDELIVERED:
        _fail(connection, row, why=report.why, provider_id=report.provider_id)
        return True
    values: dict[str, Any] = {"delivery": report.delivery, "delivery_at": row.now, "error": report.why}
    revived = row.state == OutboundState.FAILED and report.delivery in _ARRIVED
    if revived or row.state not in {OutboundState.SENT, OutboundState.FAILED}:
        values |= {"state": OutboundState.SENT, "sent_at": row.now, **as_shown()}
        note_outcome(connection, row, EventKind.OUTBOUND_SENT, why=report.why)
    note_result(connection, row, values=values, provider_id=report.provider_id)
    if "state" in values:
        note_answer(connection, row, late=revived)
    return True


def note_returned(connection: Connection, returned: Sequence[ReturnedMail]) -> None:
    """Record mail that came back. A copy that was not reached fails nothing: the customer has the answer."""
    for mail in sorted(returned, key=lambda each: each.rfc_message_id):
        columns = table_of(OutboundRow).c
        statement = sa.select(columns.id).where(columns.rfc_message_id == mail.rfc_message_id).order_by(columns.id)
        for outbound_id in connection.execute(statement).scalars().all():
            row = find(connection, outbound_id)
            copies = {copy.casefold() for copy in (row.copies or ())} if row else set()
            if row and mail.addresses - copies:
                _fail(connection, row, why=mail.why.line)


def _fail(connection: Connection, row: OutboundClaim, *, why: str, provider_id: str = "") -> None:
    """Settle a locked row as failed; one that failed or was cancelled before only gets the report."""
    values = {"delivery": DeliveryStatus.UNDELIVERED, "delivery_at": row.now, "error": why}
    if row.state in {OutboundState.FAILED, OutboundState.CANCELLED}:
        note_result(connection, row, values=values, provider_id=provider_id)
        return
    note_result(connection, row, values={**values, "state": OutboundState.FAILED}, provider_id=provider_id)
    note_outcome(connection, row, EventKind.OUTBOUND_FAILED, why=why)
    put_back(connection, row)
    _log.error("outbound.undelivered", outbound_id=str(row.id), channel=row.channel, kind=row.kind)


def _is_of_earlier_attempt(row: OutboundClaim, report: DeliveryReport) -> bool:
    """Return whether the report is about what was sent before an agent sent the message again.

    The provider's id stays until the new attempt has one of its own.
    """
    if not row.provider_id or not report.provider_id:
        return False
    is_same = row.provider_id == report.provider_id
    return not is_same if row.state in _SETTLED else is_same


def note_outcome(connection: Connection, row: OutboundClaim, kind: EventKind, *, why: str) -> None:
    """Append an event about what became of a message. why: a reason's line, or the provider's words."""
    said = read_line(why)
    payload = {"outbound_id": str(row.id), "channel": row.channel, "why": said[0].to_json() if said else None}
    append_events(connection, [NewEvent(kind, row.conversation_id, payload, at=row.now)])
