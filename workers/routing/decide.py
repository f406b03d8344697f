"""Decide a batch of messages in order of arrival, with the stored history and the batch's earlier messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from router.origin.verdicts import CorrespondentSource
from router.reason import Reason, ReasonKey
from router.remarks.remark_kind import RemarkKind
from router.routing.conditions import Background
from router.threads.correlation import (
    Candidate,
    Correlation,
    KnownThreads,
    ThreadQuery,
    correlate,
    join_repeated,
    offer_same_subject,
)
from store.inbound.known_messages import SentMessage
from store.inbound.outcome import Outcome
from workers.routing.arrival import Incoming
from workers.routing.batch_history import History, Repetition
from workers.routing.brain import Brain
from workers.routing.draft import Drafts, decide_both, new_conversation, title_of_case, why_stray
from workers.routing.own_mail import is_answer, record_own
from workers.routing.placement import Placement
from workers.routing.record import Recorder

_SENDER_BLOCKED: Final = Reason(ReasonKey.SENDER_BLOCKED)


@dataclass(slots=True)
class Verdicts:
    """The outcome of each inbound row.

    duplicates: row -> the row of the message that it duplicates.  unanswerable: row -> the reason.
    """

    routed: list[UUID] = field(default_factory=list)
    duplicates: dict[UUID, UUID] = field(default_factory=dict)
    unanswerable: dict[UUID, str] = field(default_factory=dict)


def decide_batch(
    batch: Sequence[Incoming], *, history: History, brain: Brain, drafts: Drafts
) -> tuple[Sequence[Outcome], Verdicts]:
    """Decide each message in turn; return what to write, in this order. drafts: of all of them."""
    recorder, verdicts = Recorder(brain, drafts.now, replies=set(history.replies)), Verdicts()
    for incoming in batch:
        _decide(incoming, history=history, recorder=recorder, drafts=drafts, verdicts=verdicts)
    return recorder.outcomes, verdicts


def _decide(incoming: Incoming, *, history: History, recorder: Recorder, drafts: Drafts, verdicts: Verdicts) -> None:
    if _is_duplicate(incoming, history=history, recorder=recorder, verdicts=verdicts):
        return
    recorder.commanded(incoming)
    if incoming.contact_id in history.blocked:
        _refuse(incoming, why=_SENDER_BLOCKED, recorder=recorder, verdicts=verdicts)
        return
    if incoming.analysis.voice and _decide_own(incoming, history=history, recorder=recorder, drafts=drafts):
        verdicts.routed.append(incoming.row.id)
        return
    repetition = history.repeated(incoming)
    correlation = _correlate(incoming, history=history, brain=recorder.brain, repetition=repetition)
    if correlation.joins is None and (stray := why_stray(incoming)):
        _refuse(incoming, why=stray, recorder=recorder, verdicts=verdicts)
        return
    background = Background(
        contact_labels=history.labels.get(incoming.contact_id, frozenset()), follows_case=correlation.follows_case
    )
    draft = drafts.by_row[incoming.row.id]
    if draft.placement and draft.fits(incoming, correlation, background=background):
        placement, case = draft.placement, draft.placement.candidate
        recorder.drafted(draft.outcome)
    else:
        placement = _placement(
            incoming, correlation, background=background, history=history, recorder=recorder, drafts=drafts
        )
        if repetition and correlation.joins:
            placement = replace(placement, repeats=repetition.earlier.message_id)
        case = _place(placement, recorder=recorder)
    history.add_decided(placement, candidate=case)
    history.add_customer_words(placement, candidate=case)
    verdicts.routed.append(incoming.row.id)


def _placement(
    incoming: Incoming,
    correlation: Correlation,
    *,
    background: Background,
    history: History,
    recorder: Recorder,
    drafts: Drafts,
) -> Placement:
    """Return where a customer's message goes, and what is decided about it."""
    draft, joins = drafts.by_row[incoming.row.id], correlation.joins
    decision, otherwise = decide_both(incoming, drafts=drafts, brain=recorder.brain, background=background)
    return Placement(
        incoming,
        joins or new_conversation(incoming, decision, conversation_id=draft.conversation_id),
        correlation,
        decision,
        message_id=draft.message_id,
        otherwise=otherwise,
        asked=joins is not None and joins.conversation_id in history.asked,
        title=title_of_case(incoming),
    )


def _is_duplicate(incoming: Incoming, *, history: History, recorder: Recorder, verdicts: Verdicts) -> bool:
    """Return whether the message is here already; then its row ends as a duplicate."""
    if copy := history.came_back(incoming):
        verdicts.duplicates[incoming.row.id] = copy.first_row
        recorder.came_back(incoming.row, why=copy.why)
        return True
    if first := history.first_of(incoming):
        verdicts.duplicates[incoming.row.id] = first.inbound_id
        recorder.duplicate(incoming.row, first=first)
        return True
    return False


def _refuse(incoming: Incoming, *, why: Reason, recorder: Recorder, verdicts: Verdicts) -> None:
    verdicts.unanswerable[incoming.row.id] = why.line
    recorder.unanswerable(incoming.row, why=why)


def _decide_own(incoming: Incoming, *, history: History, recorder: Recorder, drafts: Drafts) -> bool:
    """Decide about what our own side wrote; return False if it is a colleague's own question after all."""
    analysis, row = incoming.analysis, incoming.row
    found = _by_signs(incoming, history=history, brain=recorder.brain, own_side=True)
    to_customer = analysis.correspondent.source is CorrespondentSource.RECIPIENT
    in_own_case = found.joins is None or found.joins.contact_id == incoming.contact_id
    if in_own_case and not to_customer:
        return False
    decision = recorder.brain.table.decide(analysis, now=recorder.now, emergency=False)
    draft = drafts.by_row[incoming.row.id]
    opened = new_conversation(incoming, decision, conversation_id=draft.conversation_id)
    case = found.joins or replace(opened, only_notes=True)
    reached = {history.written_to.get(party.handle) for party in analysis.envelope.recipients}
    is_theirs = case.contact_id in reached or (to_customer and case.contact_id == incoming.contact_id)
    customer_wrote_at = history.customer_wrote_at(case)
    placement = Placement(
        incoming,
        case,
        found,
        decision,
        message_id=draft.message_id,
        to_customer=is_theirs,
        customer_wrote_at=customer_wrote_at,
    )
    record_own(recorder, placement)
    answers, own = is_answer(placement), analysis.envelope.rfc_message_id
    if answers:
        history.add_own_answer(placement)
    if answers and own:
        history.add_sent(own, SentMessage(None, frozenset()))
    latest = max(case.last_message_at, row.received_at)
    only_notes = case.only_notes and not answers
    history.add_decided(placement, candidate=replace(case, last_message_at=latest, only_notes=only_notes))
    return True


def explained_conversation(incoming: Incoming, *, history: History, brain: Brain) -> Correlation:
    """Return the conversation that a message would join, of a customer or of our own side."""
    if incoming.analysis.voice and not incoming.analysis.correspondent.is_author:
        return _by_signs(incoming, history=history, brain=brain, own_side=True)
    return _correlate(incoming, history=history, brain=brain, repetition=history.repeated(incoming))


def _correlate(incoming: Incoming, *, history: History, brain: Brain, repetition: Repetition | None) -> Correlation:
    """Find the conversation by the message's signs, else by what the sender said before."""
    analysis = incoming.analysis
    correlation = _by_signs(incoming, history=history, brain=brain)
    if repetition is None and incoming.needs_subject:
        recent, answers = history.same_subject(incoming), incoming.answers_subject
        return offer_same_subject(correlation, recent, proof=analysis.proof, answers=answers)
    if repetition is None or correlation.joins is not None:
        return correlation
    bare = not analysis.envelope.attachments
    return join_repeated(repetition.case, proof=analysis.proof, channel=repetition.earlier.channel, bare=bare)


def _by_signs(incoming: Incoming, *, history: History, brain: Brain, own_side: bool = False) -> Correlation:
    analysis, join_within = incoming.analysis, brain.join_within(incoming.row.channel)
    query = ThreadQuery(
        envelope=analysis.envelope,
        signs=analysis.signs,
        proof=analysis.proof,
        contact_id=incoming.contact_id,
        own_side=own_side,
        needs_nothing=incoming.needs_nothing,
        says_matter=incoming.remark in {RemarkKind.CONTENT, RemarkKind.PERSON} and not incoming.row.backfill,
        category=analysis.classification.category,
    )
    chat = history.chat_of(incoming, join_within=join_within)
    known = KnownThreads(
        by_reference=history.named(analysis.signs),
        by_message_id=history.pointed_at(incoming.known_ids, contact_id=incoming.contact_id),
        ours=history.addresses,
        chat=chat,
        join_within=join_within or timedelta(0),
        chat_answered=chat is not None and chat.conversation_id in history.answered,
    )
    return correlate(query, known, key=brain.key)


def _place(placement: Placement, *, recorder: Recorder) -> Candidate:
    """Record where the message goes, and return the conversation's new state."""
    if placement.correlation.joins is None:
        recorder.opened(placement)
        return placement.candidate
    recorder.joined(placement)
    candidate, incoming = placement.candidate, placement.incoming
    latest = max(candidate.last_message_at, incoming.row.received_at)
    emergency = candidate.emergency or placement.decision.emergency
    return replace(
        candidate,
        # An emergency opens the case, whether a customer or a colleague wrote.
        resolved=candidate.resolved and not placement.wakes and emergency == candidate.emergency,
        last_message_at=latest,
        emergency=emergency,
        only_notes=False,
        has_no_matter=candidate.has_no_matter and incoming.remark is not RemarkKind.CONTENT,
        wants_person=candidate.wants_person or incoming.remark is RemarkKind.PERSON,
    )
