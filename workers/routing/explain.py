"""Explain how the desk would route a message at a given moment, without writing anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.engine import Connection

from router.analysis import Analysis
from router.envelope import Envelope
from router.replies.autoreply import compose_reply
from router.routing.conditions import Background
from router.routing.routes import explain
from router.routing.trace import ReplyTrace, Trace
from router.threads.correlation import Correlation, correlate
from store.conversations.traces import find_contact
from store.db.engine import Database
from store.db.ids import new_id
from store.inbound import history
from workers.routing.brain import Brain
from workers.routing.page_history import History
from workers.routing.route import handle_of


def explain_envelope(envelope: Envelope, *, brain: Brain, database: Database, at: datetime) -> Trace:
    """Return the trace of the message as if it were received at `at`, with the current configuration.

    at: aware.
    """
    (analysis,) = brain.read_page([replace(envelope, received_at=at)])
    with database.read() as connection:
        handle = handle_of(analysis, content_hash=b"")
        # An unknown sender has no conversation, like a new contact.
        contact_id = find_contact(connection, kind=handle.kind, handle=handle.handle) or new_id()
        correlation = _correlate(connection, analysis, contact_id=contact_id, brain=brain)
        labels = history.labels_of(connection, {contact_id}).get(contact_id, frozenset())
    background = Background(contact_labels=labels, follows_case=correlation.follows_case)
    decision = brain.table.decide(analysis, now=at, background=background)
    reply, why = compose_reply(
        analysis,
        decision=decision,
        settings=brain.settings,
        own=brain.own,
        reference=correlation.joins.reference if correlation.joins else "(new)",
        now=at,
        follow_up=correlation.joins is not None,
    )
    said = ReplyTrace(sent=reply.kind if reply else None, language=reply.language if reply else None, why=why)
    return explain(analysis, correlation=correlation, decision=decision, reply=said)


def _correlate(connection: Connection, analysis: Analysis, *, contact_id: UUID, brain: Brain) -> Correlation:
    signs = analysis.signs
    known = History.of(
        by_reference=history.conversations_by_reference(connection, {reference for reference, _ in signs.tokens}),
        by_message_id=history.conversations_by_message_id(connection, set(signs.message_ids), contacts={contact_id}),
        said=(),
    )
    return correlate(
        analysis.envelope,
        signs=signs,
        proof=analysis.proof,
        contact_id=contact_id,
        by_reference=known.named(signs),
        by_message_id=known.pointed_at(signs.message_ids, contact_id=contact_id),
        ours={
            message_id: sent.addresses
            for message_id, sent in history.sent_by_us(connection, set(analysis.envelope.ancestors)).items()
        },
        key=brain.key,
        own_side=analysis.voice is not None and not analysis.correspondent.is_author,
    )
