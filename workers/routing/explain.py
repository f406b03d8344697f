"""Explain how the desk would route a message at a given moment, without writing anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy.engine import Connection

from router.analysis import Analysis
from router.envelope import Envelope
from router.replies.autoreply import compose_reply
from router.routing.conditions import Background
from router.routing.routes import explain
from router.routing.trace import CorrelationTrace, ReplyTrace, Trace
from router.threads.sign_kind import SignKind
from store.contacts.contact_labels import labels_of
from store.conversations.traces import find_contact
from store.db.engine import Database
from store.db.ids import new_id
from store.inbound.claims import ClaimedInbound
from workers.routing.arrival import Incoming
from workers.routing.brain import Brain
from workers.routing.decide import explained_conversation
from workers.routing.draft import new_conversation
from workers.routing.placement import Placement
from workers.routing.recall import recall
from workers.routing.remarks import first_words
from workers.routing.route import handle_of


def explain_envelope(
    envelope: Envelope, *, brain: Brain, database: Database, at: datetime, placed: CorrelationTrace | None = None
) -> Trace:
    """Return the trace of the message as if it were received at `at`, with the current configuration.

    at: aware.
    placed: where the message is already. Now it is part of the history itself, and would join its own conversation.
    """
    (analysis,) = brain.read_batch([replace(envelope, received_at=at)])
    with database.read() as connection:
        incoming = _incoming(connection, analysis, at=at)
        known = recall(connection, [incoming], brain=brain, now=at)
        labels = labels_of(connection, {incoming.contact_id}).get(incoming.contact_id, frozenset())
    correlation = explained_conversation(incoming, history=known, brain=brain)
    joins = placed.joined is not None if placed else correlation.joins is not None
    follows = _follows_case(placed) if placed else correlation.follows_case
    decision = brain.table.decide(analysis, now=at, background=Background(contact_labels=labels, follows_case=follows))
    case = correlation.joins or new_conversation(incoming, decision, conversation_id=new_id())
    placement = Placement(incoming, case, correlation, decision, message_id=new_id())
    reply, why = compose_reply(
        analysis,
        decision=decision,
        settings=brain.settings,
        own=brain.own,
        reference="",
        now=at,
        follow_up=joins and first_words(placement) is None,
    )
    said = ReplyTrace(sent=reply.kind if reply else None, language=reply.language if reply else None, why=why)
    found = explain(analysis, correlation=correlation, decision=decision, reply=said)
    return replace(found, correlation=placed) if placed else found


def _incoming(connection: Connection, analysis: Analysis, *, at: datetime) -> Incoming:
    """Return the message as routing would have it, with a row of its own that is stored nowhere."""
    handle = handle_of(analysis, content_hash=b"")
    row = ClaimedInbound(
        id=new_id(),
        channel=analysis.envelope.channel,
        source_key="",
        envelope="",
        size=0,
        weight=0,
        content_hash=b"",
        backfill=False,
        attempts=0,
        received_at=at,
        accepted_at=at,
    )
    # An unknown sender has no conversation, like a new contact.
    known = find_contact(connection, kind=handle.kind, handle=handle.handle)
    return Incoming(row, analysis, known or new_id())


def _follows_case(placed: CorrelationTrace) -> bool:
    return placed.joined is None and placed.linked_to is not None and placed.sign != SignKind.NONE
