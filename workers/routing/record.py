"""Turn decisions into rows: the words of the brain in the columns of the archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from router.analysis import Analysis
from router.origin.automatic import OriginKind
from router.origin.stop_words import Command, command_of
from router.reason import Reason, ReasonKey
from router.replies.autoreply import AutoReply, compose_reply
from router.routing.emergency import is_heard
from router.routing.routes import Decision, HoursGate, explain
from router.routing.sla import Due
from router.routing.trace import ReplyTrace, Trace
from router.threads.correlation import Candidate, Correlation, make_message_id, make_token
from store.db.engine import WrittenJson
from store.db.ids import new_id
from store.events.append import NewEvent
from store.inbound.claims import ClaimedInbound
from store.inbound.history import AUTO_REPLY, KnownMessage
from store.inbound.outcome import ConversationTouch, Escalation, Outcome
from store.outbound.limits import LastWord
from store.tables.messages import Direction, Status
from store.tables.operations import OutboundState
from workers.routing.brain import Brain


@dataclass(frozen=True, slots=True)
class Incoming:
    """A claimed row, what it says by itself, and its sender's contact."""

    row: ClaimedInbound
    reading: Analysis
    contact_id: UUID


def known_ids(incoming: Incoming) -> list[str]:
    """Return the Message-IDs by which the message's conversation will be found: its own and those it answers."""
    envelope = incoming.reading.envelope
    return [*([envelope.rfc_message_id] if envelope.rfc_message_id else []), *envelope.ancestors]


def lasting_ids(incoming: Incoming) -> list[str]:
    """Return those of its Message-IDs that lead others to its conversation: none of what is forged.

    Else the customer's next mail, which quotes the same, would be filed next to the forgery.
    """
    return known_ids(incoming) if incoming.reading.proof.may_join else []


def may_repeat(incoming: Incoming) -> bool:
    """Tell whether a message may say again what its sender said: people's own words, and none from an archive."""
    reading = incoming.reading
    return reading.origin.kind is OriginKind.PERSON and reading.proof.may_join and not incoming.row.backfill


def evidence_of(reading: Analysis) -> dict[str, object]:
    """Return what spoke for the message's category, as JSON; no message text."""
    seen = reading.classification
    return {
        "words": list(seen.evidence),
        "category": seen.category,
        "probability": seen.confidence,
        "model": seen.model,
    }


def attachment_rows(incoming: Incoming, *, message_id: UUID) -> list[dict[str, Any]]:
    """Return the rows of its files, under the names that are safe to show."""
    return [
        {
            "id": new_id(),
            "message_id": message_id,
            "name": name,
            "media_type": attachment.media_type,
            "size": attachment.size,
            "sha256": attachment.sha256,
            "part": attachment.part,
        }
        for attachment, name in zip(incoming.reading.envelope.attachments, incoming.reading.file_names, strict=True)
    ]


# Of machines that tell of an absence, or of ourselves: nobody waits for an answer to them.
_NO_ONE_WAITS: Final = frozenset({OriginKind.AUTO_REPLIED, OriginKind.OURSELVES})


def wakes(incoming: Incoming) -> bool:
    """Tell whether the message opens a conversation again that was resolved or is asleep."""
    return not incoming.row.backfill and incoming.reading.origin.kind not in _NO_ONE_WAITS


@dataclass(frozen=True, slots=True)
class Placement:
    """A message and where it goes: the conversation it opens or joins, and why. repeats: a message it says again."""

    incoming: Incoming
    candidate: Candidate
    correlation: Correlation
    decision: Decision
    message_id: UUID
    repeats: UUID | None = None

    @property
    def conversation_id(self) -> UUID:
        """The conversation's id."""
        return self.candidate.conversation_id

    def trace(self, reply: ReplyTrace) -> Trace:
        """Return every decision with its reasons. reply: what the machine says to it."""
        return explain(self.incoming.reading, correlation=self.correlation, decision=self.decision, reply=reply)


@dataclass(frozen=True, slots=True)
class Recorder:
    """Collects the rows of one page in `outcome`. now: the database's clock.

    replies: dedupe keys of what was said by machine; grows.
    """

    brain: Brain
    now: datetime
    replies: set[str] = field(default_factory=set)
    outcome: Outcome = field(default_factory=Outcome)

    def duplicate(self, row: ClaimedInbound, *, first: KnownMessage) -> None:
        """Note that a row repeats a message we have."""
        payload = {"inbound_id": str(row.id), "first": str(first.inbound_id)}
        self._event("message.duplicate", first.conversation_id, payload=payload)

    def unanswerable(self, row: ClaimedInbound, *, why: str) -> None:
        """Note that a row was put aside for people."""
        self._event("inbound.quarantined", None, payload={"inbound_id": str(row.id), "why": why})

    def commanded(self, incoming: Incoming) -> None:
        """Note that a text message stopped or started our messages to its sender."""
        command = command_of(incoming.reading.envelope)
        if command in {Command.STOP, Command.START}:
            word = LastWord(
                channel=incoming.row.channel,
                handle=incoming.reading.envelope.sender.handle,
                stopped=command is Command.STOP,
                said_at=incoming.row.received_at,
                why=f"the word {command.name}",
            )
            self.outcome.words.append(word)

    def opened(self, filing: Placement) -> None:
        """Write down a message that opens a conversation, and the automatic answer to it."""
        self.outcome.conversations.append(_conversation(filing))
        payload = {"inbound_id": str(filing.incoming.row.id), "route": filing.decision.route.name}
        self._event("conversation.opened", filing.conversation_id, payload=payload)
        if filing.decision.emergency:
            self._called(filing)
        self._answer(filing, follow_up=False)
        self._count(filing)

    def joined(self, filing: Placement) -> None:
        """Write down a message that goes on with a conversation; danger said later raises the whole case."""
        row, decision = filing.incoming.row, filing.decision
        self.outcome.touches.append(ConversationTouch(filing.conversation_id, row.received_at, wakes(filing.incoming)))
        payload = {"inbound_id": str(row.id), "sign": filing.correlation.sign.value}
        self._event("message.received", filing.conversation_id, payload=payload)
        if decision.emergency and not filing.candidate.emergency:
            self.outcome.escalations[filing.conversation_id] = _escalation(filing)
            payload = {"inbound_id": str(row.id), "route": decision.route.name}
            self._event("conversation.escalated", filing.conversation_id, payload=payload)
            self._called(filing)
        self._answer(filing, follow_up=True)
        if not filing.candidate.emergency:
            self._count(filing)

    def _called(self, filing: Placement) -> None:
        """Note for what people are called; an archive calls nobody."""
        if not filing.incoming.row.backfill:
            row = {"conversation_id": filing.conversation_id, "inbound_id": filing.incoming.row.id, "at": self.now}
            self.outcome.emergencies.append(row | {"evidence": evidence_of(filing.incoming.reading)})

    def _answer(self, filing: Placement, *, follow_up: bool) -> None:
        """Write down the message with its reasons, and what the machine says to it."""
        reply, why = self._reply(filing, follow_up=follow_up)
        key = f"auto:{filing.conversation_id}:{reply.kind}:{reply.period}" if reply else ""
        if reply and key in self.replies:
            said = ReasonKey.REPLY_SAID_IN_CASE if reply.period == "case" else ReasonKey.REPLY_SAID_TODAY
            why, reply = Reason(said, {"reply": reply.kind}), None
        if reply:
            self.replies.add(key)
            self._auto_reply(filing, reply, key=key)
        shown = ReplyTrace(sent=reply.kind if reply else None, language=reply.language if reply else None, why=why)
        self._message(filing, trace=filing.trace(shown))

    def _count(self, filing: Placement) -> None:
        if filing.incoming.row.backfill or not is_heard(filing.incoming.reading):
            return
        if filing.decision.gate is HoursGate.HELD:
            self.outcome.held += 1
        elif filing.decision.gate is HoursGate.RELEASED:
            self.outcome.released += 1
            hints = [hint.to_json() for hint in filing.decision.hints]
            payload = {"inbound_id": str(filing.incoming.row.id), "hints": hints}
            self._event("message.released", filing.conversation_id, payload=payload)

    def _event(self, kind: str, conversation_id: UUID | None, *, payload: Mapping[str, object]) -> None:
        self.outcome.events.append(NewEvent(kind, conversation_id, payload, at=self.now))

    def _token(self, filing: Placement) -> str:
        candidate = filing.candidate
        return make_token(self.brain.key, reference=candidate.reference, contact_id=candidate.contact_id)

    def _reply(self, filing: Placement, *, follow_up: bool) -> tuple[AutoReply | None, Reason]:
        if filing.incoming.row.backfill:
            return None, Reason(ReasonKey.ARCHIVED_MAIL)
        if follow_up and filing.candidate.emergency and not filing.decision.emergency:
            return None, Reason(ReasonKey.CASE_IS_EMERGENCY)
        return compose_reply(
            filing.incoming.reading,
            decision=filing.decision,
            settings=self.brain.settings,
            own=self.brain.own,
            reference=self._token(filing),
            now=self.now,
            follow_up=follow_up,
            status_link=self.brain.status_link(filing.conversation_id, now=self.now),
        )

    def _message(self, filing: Placement, *, trace: Trace) -> None:
        self.outcome.messages.append(_message(filing, trace=trace))
        self.outcome.indexed.append((filing.message_id, filing.incoming.reading.indexed))
        self.outcome.attachments.extend(attachment_rows(filing.incoming, message_id=filing.message_id))
        if filing.repeats:
            said_again = {"message_id": str(filing.message_id), "first": str(filing.repeats)}
            self._event("message.repeated", filing.conversation_id, payload=said_again)
        if may_repeat(filing.incoming) and filing.incoming.reading.echo:
            self.outcome.echoes[filing.incoming.reading.echo] = filing.message_id
        own = filing.incoming.reading.envelope.rfc_message_id
        keys = [(known_id, filing.conversation_id, known_id == own) for known_id in lasting_ids(filing.incoming)]
        self.outcome.thread_keys.extend(keys)

    def _auto_reply(self, filing: Placement, reply: AutoReply, *, key: str) -> None:
        outbound_id, token = new_id(), self._token(filing)
        address = self.brain.address_of(filing.incoming.row.channel)
        # Fixed before anything is sent, so that every attempt carries it and the customer's answer is recognised.
        rfc_message_id = make_message_id(token, outbound_id=outbound_id, sender=address)
        row = _outbound(filing, reply) | {
            "dedupe_key": key,
            "id": outbound_id,
            "subject": f"Re: {filing.candidate.subject} [{token}]",
            "rfc_message_id": rfc_message_id,
            "created_at": self.now,
            "due_at": self.now,
        }
        self.outcome.replies.append(row)
        self.outcome.thread_keys.append((rfc_message_id, filing.conversation_id, True))


def _conversation(filing: Placement) -> dict[str, Any]:
    row, decision, reading = filing.incoming.row, filing.decision, filing.incoming.reading
    # Old mail starts no clock and is not held: its promises were somebody else's.
    due = Due() if row.backfill else decision.due
    held_until = None if row.backfill else decision.held_until
    return {
        "id": filing.conversation_id,
        "reference": filing.candidate.reference,
        "contact_id": filing.candidate.contact_id,
        "channel": row.channel,
        "subject": filing.candidate.subject,
        "status": Status.SNOOZED if held_until else Status.OPEN,
        "category": reading.classification.category,
        "emergency": decision.emergency,
        "team": decision.team,
        "priority": decision.route.priority,
        "labels": list(decision.route.labels),
        "language": reading.classification.language,
        "route": decision.route.name,
        "sla": decision.route.sla,
        "opened_at": row.received_at,
        "last_message_at": row.received_at,
        "first_reply_due_at": due.first_reply,
        "resolve_due_at": due.resolve,
        "version": 1,
        "opened_by_inbound": row.id,
        "linked_to": filing.correlation.linked_to,
        "clock_started_at": None if row.backfill else row.received_at,
        "waiting_since": None if row.backfill else row.received_at,
        "watch_at": None if row.backfill else decision.watch_at,
        "held_until": held_until,
    }


def _escalation(filing: Placement) -> Escalation:
    decision = filing.decision
    return Escalation(
        team=decision.team,
        priority=decision.route.priority,
        route=decision.route.name,
        sla=decision.route.sla,
        first_reply_due_at=decision.due.first_reply,
        resolve_due_at=decision.due.resolve,
        clock_started_at=filing.incoming.row.received_at,
    )


def _message(filing: Placement, *, trace: Trace) -> dict[str, Any]:
    incoming, reading = filing.incoming, filing.incoming.reading
    return {
        "id": filing.message_id,
        "conversation_id": filing.conversation_id,
        "contact_id": incoming.contact_id,
        "inbound_id": incoming.row.id,
        "direction": Direction.INCOMING,
        "channel": incoming.row.channel,
        "sender_handle": reading.envelope.sender.handle,
        "sender_name": reading.sender_name,
        "subject": reading.subject,
        "text": reading.text,
        "quoted": reading.quoted,
        "html": reading.html,
        "rfc_message_id": reading.envelope.rfc_message_id,
        "sent_at": reading.envelope.sent_at,
        "received_at": incoming.row.received_at,
        "origin": reading.origin.kind,
        "sender_proof": reading.proof.kind,
        "fingerprint": reading.fingerprint,
        "echo": reading.echo if may_repeat(incoming) else "",
        "duplicate_of": filing.repeats,
        "trace": WrittenJson(trace.written()),
    }


def _outbound(filing: Placement, reply: AutoReply) -> dict[str, Any]:
    envelope = filing.incoming.reading.envelope
    return {
        "conversation_id": filing.conversation_id,
        "kind": AUTO_REPLY,
        "channel": filing.incoming.row.channel,
        "recipient": envelope.sender.handle,
        "text": reply.text,
        "in_reply_to": envelope.rfc_message_id,
        "state": OutboundState.QUEUED,
        "attempts": 0,
    }
