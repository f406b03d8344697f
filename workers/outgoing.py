"""A row of the ledger as its sender gets it."""

from __future__ import annotations

from uuid import UUID

from connectors.base import Outgoing
from router.threads.correlation import make_token
from store.inbound.history import AUTO_REPLY
from store.outbound.ledger import OutboundClaim


def outgoing_of(row: OutboundClaim, *, key: bytes) -> Outgoing:
    """Return the message that the row is. key: what thread tokens are proven with."""
    answered = (row.in_reply_to,) if row.in_reply_to else ()
    return Outgoing(
        outbound_id=row.id,
        # A row that was never tried has no attempt; it is only ever looked for.
        attempt_id=row.token or UUID(int=0),
        attempt=row.attempts,
        channel=row.channel,
        recipient=row.recipient,
        copies=tuple(row.copies or ()),
        subject=row.subject,
        text=row.text,
        rfc_message_id=row.rfc_message_id,
        dated_at=row.dated_at or row.created_at,
        in_reply_to=row.in_reply_to,
        references=tuple(row.ancestors or answered),
        automatic=row.kind == AUTO_REPLY,
        reply_token=make_token(key, reference=row.reference, contact_id=row.contact_id),
        template=row.template,
        variables=row.variables or {},
    )
