"""Draft a batch before its transaction: what a message writes if it opens a case of a contact of whom nothing is known.

Most messages do. The database's only writer then does not wait while decisions are taken, replies are composed and
traces are serialised: under the lock a draft that fits is used, and any other message is decided as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from router.origin.journals import journaled_id
from router.origin.verdicts import OriginKind
from router.reason import Reason, ReasonKey
from router.remarks.remark_kind import NO_QUESTION_YET, NOTHING_TO_DO, WANTS_PERSON, RemarkKind
from router.routing.conditions import Background, Hours
from router.routing.routes import NOTHING_KNOWN, Decision
from router.text.title import title_of_message
from router.threads.correlation import Candidate, Correlation
from router.threads.sign_kind import SignKind
from store.db.ids import new_id, new_reference
from store.inbound.outcome import Outcome
from workers.routing.arrival import Incoming
from workers.routing.brain import Brain
from workers.routing.placement import Placement
from workers.routing.record import Recorder
from workers.routing.remarks import label_of

_UNRELATED: Final = Correlation(None, SignKind.NONE, Reason(ReasonKey.NOTHING_POINTS))
_STRAY_BOUNCE: Final = Reason(ReasonKey.STRAY_BOUNCE)
_STRAY_JOURNAL: Final = Reason(ReasonKey.JOURNAL_OF_UNKNOWN)


@dataclass(frozen=True, slots=True)
class DraftedMessage:
    """The ids of one message, and its rows as the opener of a case. placement: None if it will probably open none.

    The ids of a batch are made in the order of arrival.
    """

    incoming: Incoming
    message_id: UUID
    conversation_id: UUID
    placement: Placement | None
    outcome: Outcome

    def fits(self, incoming: Incoming, correlation: Correlation, *, background: Background) -> bool:
        """Return whether the draft still holds for the message."""
        same_contact = self.incoming.contact_id == incoming.contact_id
        return same_contact and correlation == _UNRELATED and background == NOTHING_KNOWN


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts of a batch by inbound row, and the hours of its channels at the time of the decision."""

    now: datetime
    by_row: dict[UUID, DraftedMessage] = field(default_factory=dict)
    hours: dict[str, Hours] = field(default_factory=dict)

    def hours_of(self, channel: str, *, brain: Brain) -> Hours:
        """Return the state of the channel's calendar."""
        found = self.hours.get(channel)
        return found or self.hours.setdefault(channel, brain.table.hours(channel, at=self.now))


def draft_batch(batch: Sequence[Incoming], *, brain: Brain, now: datetime) -> Drafts:
    """Draft each message. batch: with the contacts as they are known before the transaction.  now: of the claim."""
    drafts = Drafts(now)
    for incoming in batch:
        drafts.by_row[incoming.row.id] = _draft(incoming, drafts=drafts, brain=brain)
    return drafts


def _draft(incoming: Incoming, *, drafts: Drafts, brain: Brain) -> DraftedMessage:
    message_id, conversation_id = new_id(), new_id()
    recorder = Recorder(brain, drafts.now)
    if not _may_open(incoming, brain=brain):
        return DraftedMessage(incoming, message_id, conversation_id, None, recorder.outcome)
    decision, otherwise = decide_both(incoming, drafts=drafts, brain=brain, background=NOTHING_KNOWN)
    placement = Placement(
        incoming,
        new_conversation(incoming, decision, conversation_id=conversation_id),
        _UNRELATED,
        decision,
        message_id=message_id,
        otherwise=otherwise,
    )
    recorder.opened(placement)
    return DraftedMessage(incoming, message_id, conversation_id, placement, recorder.outcome)


def _may_open(incoming: Incoming, *, brain: Brain) -> bool:
    """Return whether the message points nowhere by itself, so that it probably opens a case."""
    analysis = incoming.analysis
    own = analysis.envelope.rfc_message_id
    points = bool(analysis.signs.tokens) or any(each != own for each in analysis.signs.message_ids)
    is_chat = brain.join_within(incoming.row.channel) is not None
    return not (points or is_chat or analysis.voice or why_stray(incoming))


def decide_both(
    incoming: Incoming, *, drafts: Drafts, brain: Brain, background: Background
) -> tuple[Decision, Decision | None]:
    """Return the decision, and what it would be without the emergency, or with one: for a person who decides otherwise.

    The second is None where neither is possible.
    """
    analysis, table, now = incoming.analysis, brain.table, drafts.now
    hours = drafts.hours_of(analysis.envelope.channel, brain=brain)
    decision = table.decide(analysis, now=now, background=background, hours=hours)
    if not (decision.emergency or analysis.classification.possible_danger):
        return decision, None
    emergency = not decision.emergency
    return decision, table.decide(analysis, now=now, background=background, hours=hours, emergency=emergency)


def why_stray(incoming: Incoming) -> Reason | None:
    """Return why a machine's report opens no case; None for what may open one."""
    if journaled_id(incoming.analysis.envelope):
        return _STRAY_JOURNAL
    return _STRAY_BOUNCE if incoming.analysis.origin.kind is OriginKind.BOUNCE else None


def new_conversation(incoming: Incoming, decision: Decision, *, conversation_id: UUID) -> Candidate:
    """Return the conversation that a message opens."""
    label = label_of(incoming, decision=decision)
    return Candidate(
        conversation_id=conversation_id,
        reference=new_reference(),
        contact_id=incoming.contact_id,
        subject=title_of_case(incoming),
        last_message_at=incoming.row.received_at,
        emergency=decision.emergency,
        opened_by=incoming.row.id,
        resolved=label == NOTHING_TO_DO,
        has_no_matter=label in {NO_QUESTION_YET, WANTS_PERSON} and not incoming.analysis.classification.category,
        wants_person=incoming.remark is RemarkKind.PERSON,
        channel=incoming.row.channel,
        category=incoming.analysis.classification.category,
    )


def title_of_case(incoming: Incoming) -> str:
    """Return the title of the case that a message opens."""
    shown, kind = incoming.analysis.shown, incoming.analysis.envelope.sender.kind
    return title_of_message(shown.subject, kind=kind, text=shown.text, file_names=shown.file_names)
