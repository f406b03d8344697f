"""Turn decisions into the rows that the store writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from router.conversation_status import Status
from router.masking.mask import mask_address
from router.origin.stop_words import Command, command_of
from router.reason import Reason, ReasonKey
from router.replies.autoreply import AutoReply, compose_reply
from router.replies.receipt import receipt_of
from router.routing.false_alarm import calm_case, paged_case
from router.routing.routes import Decision, HoursGate
from router.routing.sla import Due
from router.routing.trace import ReplyTrace, Trace
from router.threads.correlation import make_message_id, make_token
from router.threads.sign_kind import SignKind
from router.threads.subject_lines import answer_subject
from store.conversations.alarms import Escalation
from store.db.ids import new_id
from store.db.written_json import WrittenJson
from store.events.append import EventKind, NewEvent
from store.inbound.claims import ClaimedInbound
from store.inbound.known_messages import KnownMessage
from store.inbound.outcome import ConversationTouch, Outcome
from store.outbound.delivery_receipts import ReturnedMail
from store.outbound.limits import LastWord
from store.tables.messages import Direction
from store.tables.operations import AUTO_REPLY, OutboundState
from workers.routing.arrival import (
    Incoming,
    add_files,
    contact_points,
    evidence_of,
    starts_clock,
)
from workers.routing.brain import Brain
from workers.routing.machine_question import machine_question
from workers.routing.placement import Placement
from workers.routing.remarks import note_remark, opened_by


@dataclass(frozen=True, slots=True)
class _CaseNames:
    """How a reply names its case. token: signed.  status_link: empty if the desk has none."""

    token: str
    status_link: str


@dataclass(frozen=True, slots=True)
class Recorder:
    """Collects the rows of one batch in `outcomes`. now: the database's clock.

    replies: dedupe keys of the automatic replies, including those of this batch.
    outcomes: to be written one after the other; a batch has one, unless a customer writes again after our own answer.
    """

    brain: Brain
    now: datetime
    replies: set[str] = field(default_factory=set)
    outcomes: list[Outcome] = field(default_factory=lambda: [Outcome()])

    @property
    def outcome(self) -> Outcome:
        """What is collected now."""
        return self.outcomes[-1]

    def drafted(self, draft: Outcome) -> None:
        """Record a message as it was drafted."""
        self.outcome.add(draft)
        self.replies.update(reply["dedupe_key"] for reply in draft.replies)

    def duplicate(self, row: ClaimedInbound, *, first: KnownMessage) -> None:
        """Record that a row duplicates a stored message."""
        payload = {"inbound_id": str(row.id), "first": str(first.inbound_id)}
        self.event(EventKind.MESSAGE_DUPLICATE, first.conversation_id, payload=payload)

    def came_back(self, row: ClaimedInbound, *, why: Reason) -> None:
        """Record that a row is a copy of what is here already."""
        payload = {"inbound_id": str(row.id), "why": why.to_json()}
        self.event(EventKind.MESSAGE_DUPLICATE, None, payload=payload)

    def unanswerable(self, row: ClaimedInbound, *, why: Reason) -> None:
        """Record that a row is quarantined."""
        payload = {"inbound_id": str(row.id), "why": why.to_json()}
        self.event(EventKind.INBOUND_QUARANTINED, None, payload=payload)

    def commanded(self, incoming: Incoming) -> None:
        """Record that a text message is a STOP or START command."""
        command = command_of(incoming.analysis.envelope)
        if command in {Command.STOP, Command.START}:
            word = LastWord(
                channel=incoming.row.channel,
                handle=incoming.analysis.envelope.sender.handle,
                stopped=command is Command.STOP,
                said_at=incoming.row.received_at,
                why=f"the word {command.name}",
            )
            self.outcome.words.append(word)

    def opened(self, placement: Placement) -> None:
        """Record a message that opens a conversation, and the automatic reply to it."""
        self.outcome.conversations.append(conversation_row(placement) | opened_by(placement, self.brain))
        payload = {"inbound_id": str(placement.incoming.row.id), "route": placement.decision.route.name}
        self.event(EventKind.CONVERSATION_OPENED, placement.conversation_id, payload=payload)
        if placement.decision.emergency:
            self._called(placement)
        elif placement.is_doubtful:
            self._asked(placement)
        self._answer(placement, follow_up=False)
        self._count(placement)
        self._hear(placement)

    def joined(self, placement: Placement) -> None:
        """Record a message that joins a conversation; an emergency in it escalates the conversation."""
        row = placement.incoming.row
        if any(answered == placement.conversation_id for answered, _ in self.outcome.answers):
            self.outcomes.append(Outcome())
        self.outcome.touches.append(ConversationTouch(placement.conversation_id, row.received_at, placement.wakes))
        if placement.correlation.sign is SignKind.RETURNED and (
            mail := ReturnedMail.of(placement.incoming.analysis.envelope.bounce)
        ):
            self.outcome.returned.append(mail)
        payload = {"inbound_id": str(row.id), "sign": placement.correlation.sign.value}
        self.event(EventKind.MESSAGE_RECEIVED, placement.conversation_id, payload=payload)
        settles = note_remark(placement, outcome=self.outcome)
        self.raise_alarm(placement)
        self._answer(placement, follow_up=not settles)
        if not placement.candidate.emergency:
            self._count(placement)
        self._hear(placement)

    def raise_alarm(self, placement: Placement) -> None:
        """Record that words in a conversation make it an emergency, or may do so."""
        row, decision = placement.incoming.row, placement.decision
        if decision.emergency and not placement.candidate.emergency:
            self.outcome.escalations[placement.conversation_id] = _escalation(placement)
            payload = {"inbound_id": str(row.id), "route": decision.route.name}
            self.event(EventKind.CONVERSATION_ESCALATED, placement.conversation_id, payload=payload)
            self._called(placement)
        elif decision.emergency and not row.backfill:
            said = self._danger(placement, decision) | {"reopens": placement.candidate.resolved}
            self.outcome.said_again.append(said)
        elif placement.is_doubtful and not placement.candidate.emergency:
            self._asked(placement)

    def _called(self, placement: Placement) -> None:
        """Record the emergency that people are called for; mail from an archive calls no one."""
        if not placement.incoming.row.backfill:
            otherwise = placement.otherwise
            calm = {"calm": calm_case(otherwise) if otherwise else None}
            self.outcome.emergencies.append(self._danger(placement, placement.decision) | calm)

    def _asked(self, placement: Placement) -> None:
        """Record that an agent has to answer whether the customer is in danger."""
        self.outcome.questions.append(self._danger(placement, placement.otherwise or placement.decision))
        payload = {"inbound_id": str(placement.incoming.row.id)}
        self.event(EventKind.DANGER_SUSPECTED, placement.conversation_id, payload=payload)

    def _danger(self, placement: Placement, emergency: Decision) -> dict[str, Any]:
        return {
            "conversation_id": placement.conversation_id,
            "inbound_id": placement.incoming.row.id,
            "at": self.now,
            "evidence": evidence_of(placement.incoming.analysis),
            "paged": paged_case(emergency, settings=self.brain.settings),
        }

    def _answer(self, placement: Placement, *, follow_up: bool) -> None:
        """Record the message with its reasons, and the automatic reply."""
        names = _CaseNames(self._token(placement), self.brain.status_link(placement.conversation_id, now=self.now))
        reply, why = self._reply(placement, names, follow_up=follow_up)
        key = f"auto:{placement.conversation_id}:{reply.kind}:{reply.period}" if reply else ""
        if reply and key in self.replies:
            said = ReasonKey.REPLY_SAID_IN_CASE if reply.period == "case" else ReasonKey.REPLY_SAID_TODAY
            why, reply = Reason(said, {"reply": reply.kind}), None
        if reply:
            self.replies.add(key)
            self._auto_reply(placement, reply, key=key, names=names)
        shown = ReplyTrace(sent=reply.kind if reply else None, language=reply.language if reply else None, why=why)
        self._message(placement, trace=placement.trace(shown))
        if question := machine_question(placement, brain=self.brain, now=self.now):
            self.outcome.asked.append(question)

    def _count(self, placement: Placement) -> None:
        if not placement.incoming.is_gated:
            return
        if placement.decision.gate is HoursGate.HELD:
            self.outcome.held += 1
        elif placement.decision.gate is HoursGate.RELEASED:
            self.outcome.released += 1
            hints = [hint.to_json() for hint in placement.decision.hints]
            payload = {"inbound_id": str(placement.incoming.row.id), "hints": hints}
            self.event(EventKind.MESSAGE_RELEASED, placement.conversation_id, payload=payload)

    def _hear(self, placement: Placement) -> None:
        if not placement.incoming.row.backfill and placement.incoming.analysis.is_heard:
            self.outcome.heard += 1

    def event(self, kind: EventKind, conversation_id: UUID | None, *, payload: Mapping[str, object]) -> None:
        """Record an event."""
        self.outcome.events.append(NewEvent(kind, conversation_id, payload, at=self.now))

    def _token(self, placement: Placement) -> str:
        candidate = placement.candidate
        return make_token(self.brain.key, reference=candidate.reference, contact_id=candidate.contact_id)

    def _reply(self, placement: Placement, names: _CaseNames, *, follow_up: bool) -> tuple[AutoReply | None, Reason]:
        if placement.incoming.row.backfill:
            return None, Reason(ReasonKey.ARCHIVED_MAIL)
        if follow_up and placement.candidate.emergency and not placement.decision.emergency:
            return None, Reason(ReasonKey.CASE_IS_EMERGENCY)
        channel = self.brain.settings.channels.get(placement.incoming.row.channel)
        if channel is not None and channel.never_sends:
            return None, Reason(ReasonKey.CHANNEL_NEVER_SENDS)
        return compose_reply(
            placement.incoming.analysis,
            decision=placement.decision,
            settings=self.brain.settings,
            own=self.brain.own,
            reference=placement.candidate.reference,
            now=self.now,
            follow_up=follow_up,
            status_link=names.status_link,
        )

    def _message(self, placement: Placement, *, trace: Trace) -> None:
        self.outcome.messages.append(message_row(placement, trace=trace))
        self.outcome.contact_points.extend(contact_points(placement.incoming, at=self.now))
        self.outcome.indexed.append((placement.message_id, placement.incoming.analysis.indexed))
        add_files(placement.incoming, message_id=placement.message_id, outcome=self.outcome)
        if placement.repeats:
            said_again = {"message_id": str(placement.message_id), "first": str(placement.repeats)}
            self.event(EventKind.MESSAGE_REPEATED, placement.conversation_id, payload=said_again)
        if placement.incoming.may_repeat and placement.incoming.analysis.echo:
            self.outcome.echoes[placement.incoming.analysis.echo] = placement.message_id
        if placement.incoming.may_repeat and placement.incoming.analysis.gist:
            self.outcome.gists[placement.incoming.analysis.gist] = placement.message_id
        own = placement.incoming.analysis.envelope.rfc_message_id
        keys = [(known_id, placement.conversation_id, known_id == own) for known_id in placement.incoming.lasting_ids]
        self.outcome.thread_keys.extend(keys)

    def _auto_reply(self, placement: Placement, reply: AutoReply, *, key: str, names: _CaseNames) -> None:
        outbound_id, token = new_id(), names.token
        address = self.brain.address_of(placement.incoming.row.channel)
        # Chosen before the first attempt, so that every attempt carries it and we recognise the customer's answer.
        rfc_message_id = make_message_id(token, outbound_id=outbound_id, sender=address)
        text = receipt_of(
            reply.text,
            analysis=placement.incoming.analysis,
            language=reply.language,
            status_link=names.status_link,
            zone=placement.decision.hours.zone,
        )
        row = _outbound(placement, reply) | {
            "sender_name": self.brain.settings.omniyard.name_in(reply.language),
            "text": text,
            "dedupe_key": key,
            "id": outbound_id,
            "subject": answer_subject(placement.candidate.subject, token=token),
            "rfc_message_id": rfc_message_id,
            "created_at": self.now,
            "due_at": self.now + self.brain.passive_for(placement.incoming.row.channel),
        }
        self.outcome.replies.append(row)
        self.outcome.thread_keys.append((rfc_message_id, placement.conversation_id, True))


def conversation_row(placement: Placement) -> dict[str, Any]:
    """Return the row of the conversation that a message opens."""
    row, decision, analysis = placement.incoming.row, placement.decision, placement.incoming.analysis
    # Old mail starts no SLA clock and is not held, because this desk promised nothing for it.
    promises = starts_clock(placement.incoming)
    due = decision.due if promises else Due()
    held_until = decision.held_until if promises else None
    return {
        "id": placement.conversation_id,
        "reference": placement.candidate.reference,
        "contact_id": placement.candidate.contact_id,
        "channel": row.channel,
        "subject": placement.candidate.subject,
        "status": Status.SNOOZED if held_until else Status.OPEN,
        "category": analysis.classification.category,
        "emergency": decision.emergency,
        "team": decision.team,
        "priority": decision.route.priority,
        "labels": list(decision.route.labels),
        "language": analysis.classification.language,
        "route": decision.route.name,
        "sla": decision.route.sla,
        "opened_at": row.received_at,
        "last_message_at": row.received_at,
        "first_reply_due_at": due.first_reply,
        "resolve_due_at": due.resolve,
        "version": 1,
        "opened_by_inbound": row.id,
        "linked_to": placement.correlation.linked_to,
        "clock_started_at": row.received_at if promises else None,
        "waiting_since": row.received_at if promises else None,
        "watch_at": decision.watch_at if promises else None,
        "held_until": held_until,
    }


def _escalation(placement: Placement) -> Escalation:
    decision = placement.decision
    return Escalation(
        team=decision.team,
        priority=decision.route.priority,
        route=decision.route.name,
        sla=decision.route.sla,
        labels=decision.route.labels,
        first_reply_due_at=decision.due.first_reply,
        resolve_due_at=decision.due.resolve,
        clock_started_at=placement.incoming.row.received_at,
    )


def message_row(placement: Placement, *, trace: Trace) -> dict[str, Any]:
    """Return the row of an incoming message."""
    incoming, analysis = placement.incoming, placement.incoming.analysis
    return {
        "id": placement.message_id,
        "conversation_id": placement.conversation_id,
        "contact_id": incoming.contact_id,
        "inbound_id": incoming.row.id,
        "direction": Direction.INCOMING,
        "channel": incoming.row.channel,
        "sender_handle": analysis.correspondent.speaker(analysis.envelope).handle,
        "sender_name": analysis.shown.sender_name,
        "subject": analysis.shown.subject,
        "text": analysis.shown.text,
        "quoted": analysis.shown.quoted,
        "html": analysis.shown.html,
        "rfc_message_id": analysis.envelope.rfc_message_id,
        "sent_at": analysis.envelope.sent_at,
        "received_at": incoming.row.received_at,
        "origin": analysis.origin.kind,
        "sender_proof": analysis.proof.kind,
        "answer_to": analysis.correspondent.answer_to,
        # An address that holds a secret is not offered: it would be kept only to be shown.
        "other_address": other if mask_address(other := analysis.correspondent.other) == other else "",
        "fingerprint": analysis.fingerprint,
        "echo": analysis.echo if incoming.may_repeat else "",
        "gist": analysis.gist if incoming.may_repeat else "",
        "duplicate_of": placement.repeats,
        "trace": WrittenJson(trace.written()),
        "revision": analysis.envelope.revision.order if analysis.envelope.revision else 0,
    }


def _outbound(placement: Placement, reply: AutoReply) -> dict[str, Any]:
    envelope = placement.incoming.analysis.envelope
    return {
        "conversation_id": placement.conversation_id,
        "kind": AUTO_REPLY,
        "channel": placement.incoming.row.channel,
        "recipient": envelope.sender.handle,
        "text": reply.text,
        "in_reply_to": envelope.rfc_message_id,
        "state": OutboundState.QUEUED,
        "attempts": 0,
    }
