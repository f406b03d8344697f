"""Decide a page of messages in order of arrival, with the stored history and the page's earlier messages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from router.analysis import words_of
from router.conversation_status import Status
from router.origin.journals import journaled_id
from router.origin.verdicts import CorrespondentSource
from router.reason import Reason, ReasonKey
from router.remarks.remark_kind import NO_QUESTION_YET, WANTS_PERSON, RemarkKind
from router.routing.conditions import Background
from router.threads.correlation import (
    Candidate,
    Correlation,
    core_subject,
    correlate,
    join_repeated,
    joined_first,
    offer_same_subject,
)
from router.threads.cross_channel import WITHIN, EarlierMessage, find_repeated
from store.inbound.history import KnownConversation, KnownMessage, KnownWords, SentMessage
from store.inbound.outcome import Outcome
from workers.routing.arrival import Incoming
from workers.routing.brain import Brain
from workers.routing.draft import Drafts, decide_both, new_conversation, title_of_case, why_stray
from workers.routing.own_mail import is_answer, record_own
from workers.routing.record import Placement, Recorder

# A customer who asks again under the same subject does so within days.
SAME_SUBJECT_WITHIN: Final = timedelta(days=14)
_SENDER_BLOCKED: Final = Reason(ReasonKey.SENDER_BLOCKED)


@dataclass(slots=True)
class Verdicts:
    """The outcome of each inbound row. duplicates: row -> the first row.  unanswerable: row -> why."""

    routed: list[UUID] = field(default_factory=list)
    duplicates: dict[UUID, UUID] = field(default_factory=dict)
    unanswerable: dict[UUID, str] = field(default_factory=dict)


@dataclass(slots=True)
class History:
    """The facts known before a message is decided; each message of the page adds its own.

    by_message_id: the conversations that know a message, by their ids.
    chats: by contact and channel, the conversation that a chat message may join.
    labels: of contacts.  replies: dedupe keys of the automatic replies to these conversations.
    subjects: by contact and core subject, the case with the latest activity of the last days.
    recent: each contact's recent messages and their conversations, oldest first.
    ours: those of the Message-IDs that the page quotes or bears that we sent.  addresses: to whom each of them went.
    blocked: contacts whose messages go to quarantine.
    written_to: the contacts to whom our own side writes in this page, by address.
    asked: the conversations in which our last word asks something.
    """

    by_reference: dict[str, Candidate]
    by_message_id: dict[str, dict[UUID, Candidate]]
    said: dict[tuple[UUID, str], list[KnownMessage]]
    labels: Mapping[UUID, frozenset[str]] = field(default_factory=dict)
    replies: Collection[str] = ()
    ours: dict[str, SentMessage] = field(default_factory=dict)
    addresses: dict[str, frozenset[str]] = field(default_factory=dict)
    chats: dict[tuple[UUID, str], Candidate] = field(default_factory=dict)
    subjects: dict[tuple[UUID, str], Candidate] = field(default_factory=dict)
    recent: dict[UUID, list[tuple[EarlierMessage, Candidate]]] = field(default_factory=dict)
    blocked: Collection[UUID] = ()
    written_to: Mapping[str, UUID] = field(default_factory=dict)
    asked: Collection[UUID] = ()

    @classmethod
    def of(  # noqa: PLR0913  (one a thing that is known)
        cls,
        *,
        by_reference: Mapping[str, KnownConversation],
        by_message_id: Mapping[str, Sequence[KnownConversation]],
        said: Sequence[KnownMessage],
        labels: Mapping[UUID, frozenset[str]] | None = None,
        replies: Collection[str] = (),
        ours: Mapping[str, SentMessage] | None = None,
        chats: Mapping[tuple[UUID, str], KnownConversation] | None = None,
        recent: Sequence[KnownWords] = (),
        by_subject: Sequence[KnownConversation] = (),
        blocked: Collection[UUID] = (),
        written_to: Mapping[str, UUID] | None = None,
        asked: Collection[UUID] = (),
    ) -> History:
        """Build the history from the store's records."""
        history = cls(
            {reference: candidate_of(known) for reference, known in by_reference.items()},
            {
                key: {known.conversation_id: candidate_of(known) for known in by_message_id[key]}
                for key in by_message_id
            },
            {},
            labels or {},
            replies,
            blocked=blocked,
            chats={key: candidate_of(known) for key, known in (chats or {}).items()},
            subjects={(each.contact_id, core_subject(each.subject)): candidate_of(each) for each in by_subject},
            written_to=written_to or {},
            asked=asked,
        )
        for message_id, sent in (ours or {}).items():
            history.sent(message_id, sent)
        for words in recent:
            history.note(_said(words), candidate=candidate_of(words.conversation))
        for message in said:
            history.said.setdefault((message.contact_id, message.fingerprint), []).append(message)
        return history

    def first_of(self, incoming: Incoming) -> KnownMessage | None:
        """Return the message that this one duplicates: equal text and Message-ID, or without one equal bytes."""
        said = self.said.get((incoming.contact_id, incoming.analysis.fingerprint), ())
        own = incoming.analysis.envelope.rfc_message_id
        for message in said:
            if message.rfc_message_id == own if own else message.content_hash == incoming.row.content_hash:
                return message
        return None

    def came_back(self, incoming: Incoming) -> tuple[UUID, Reason] | None:
        """Return the first row of the case, and why, if the message is a copy of one that is here."""
        envelope = incoming.analysis.envelope
        own = envelope.rfc_message_id
        sent = self.ours.get(own) if own else None
        # A program that repeats our Message-ID as its own quotes it too.
        if sent and sent.opened_by and own not in envelope.ancestors:
            return sent.opened_by, Reason(ReasonKey.OWN_MESSAGE_CAME_BACK)
        reported = journaled_id(envelope)
        if not reported:
            return None
        known = joined_first(self.pointed_at([reported], contact_id=incoming.contact_id)[reported])
        opened_by = next((each.opened_by for each in known if each.opened_by), None)
        return (opened_by, Reason(ReasonKey.JOURNAL_REPORT)) if opened_by else None

    def pointed_at(self, message_ids: Sequence[str], *, contact_id: UUID) -> dict[str, list[Candidate]]:
        """Return by Message-ID the conversations that know it for this contact, in their current state.

        A quoted Message-ID counts only for the contact of the case that it was quoted in, not for a stranger who quotes
        it too, whether both are in one page or not.
        """
        known = {message_id: self.by_message_id.get(message_id, {}).values() for message_id in message_ids}
        return {key: [each for each in known[key] if each.own or each.contact_id == contact_id] for key in known}

    def repeated(self, incoming: Incoming) -> tuple[EarlierMessage, Candidate] | None:
        """Return the contact's recent message, on any channel, that this message repeats."""
        recent, analysis = self.recent.get(incoming.contact_id), incoming.analysis
        if not recent or not incoming.may_repeat:
            return None
        at = incoming.row.received_at
        found = find_repeated(
            words_of(analysis.envelope),
            said=analysis.said,
            echo=analysis.echo,
            has_secrets=bool(analysis.secrets),
            earlier=[said for said, _ in recent if abs(said.at - at) <= WITHIN],
        )
        if found is None:
            return None
        # The current state of the conversation, with the page's messages.
        latest = [candidate for _, candidate in recent if candidate.conversation_id == found.conversation_id]
        return found, latest[-1]

    def sent(self, message_id: str, message: SentMessage) -> None:
        """Add a message of ours."""
        self.ours[message_id], self.addresses[message_id] = message, message.addresses

    def note(self, said: EarlierMessage, *, candidate: Candidate) -> None:
        """Add a contact's message."""
        self.recent.setdefault(candidate.contact_id, []).append((said, candidate))

    def learn(self, placement: Placement, *, candidate: Candidate) -> None:
        """Add a decided message for the next messages of the page."""
        incoming = placement.incoming
        if incoming.may_repeat:
            analysis = incoming.analysis
            said = EarlierMessage(
                message_id=placement.message_id,
                conversation_id=candidate.conversation_id,
                channel=incoming.row.channel,
                text=analysis.text or analysis.quoted,
                echo=analysis.echo,
                at=incoming.row.received_at,
            )
            self.note(said, candidate=candidate)
        envelope = incoming.analysis.envelope
        self.chats[incoming.contact_id, incoming.row.channel] = candidate
        if incoming.analysis.proof.may_join:
            self.subjects[candidate.contact_id, core_subject(candidate.subject)] = candidate
        for message_id in incoming.lasting_ids:
            known = self.by_message_id.setdefault(message_id, {})
            before = known.get(candidate.conversation_id)
            own = message_id == envelope.rfc_message_id or (before is not None and before.own)
            known[candidate.conversation_id] = replace(candidate, own=own)
        self.said.setdefault((incoming.contact_id, incoming.analysis.fingerprint), []).append(
            KnownMessage(
                contact_id=incoming.contact_id,
                fingerprint=incoming.analysis.fingerprint,
                rfc_message_id=envelope.rfc_message_id,
                content_hash=incoming.row.content_hash,
                inbound_id=incoming.row.id,
                conversation_id=candidate.conversation_id,
            )
        )


def decide_page(
    page: Sequence[Incoming], *, history: History, brain: Brain, drafts: Drafts
) -> tuple[Outcome, Verdicts]:
    """Decide each message in turn. drafts: of all of them."""
    recorder, verdicts = Recorder(brain, drafts.now, replies=set(history.replies)), Verdicts()
    for incoming in page:
        _decide(incoming, history=history, recorder=recorder, drafts=drafts, verdicts=verdicts)
    return recorder.outcome, verdicts


def _decide(incoming: Incoming, *, history: History, recorder: Recorder, drafts: Drafts, verdicts: Verdicts) -> None:
    if copy := history.came_back(incoming):
        verdicts.duplicates[incoming.row.id] = copy[0]
        recorder.came_back(incoming.row, why=copy[1])
        return
    first = history.first_of(incoming)
    if first:
        verdicts.duplicates[incoming.row.id] = first.inbound_id
        recorder.duplicate(incoming.row, first=first)
        return
    recorder.commanded(incoming)
    if incoming.contact_id in history.blocked:
        verdicts.unanswerable[incoming.row.id] = _SENDER_BLOCKED.line
        recorder.unanswerable(incoming.row, why=_SENDER_BLOCKED)
        return
    if incoming.analysis.voice and _decide_own(incoming, history=history, recorder=recorder, drafts=drafts):
        verdicts.routed.append(incoming.row.id)
        return
    repeated = history.repeated(incoming)
    correlation = _correlate(incoming, history=history, brain=recorder.brain, repeated=repeated)
    if correlation.joins is None and (stray := why_stray(incoming)):
        verdicts.unanswerable[incoming.row.id] = stray.line
        recorder.unanswerable(incoming.row, why=stray)
        return
    labels = history.labels.get(incoming.contact_id, frozenset())
    background = Background(contact_labels=labels, follows_case=correlation.follows_case)
    draft, brain = drafts.by_row[incoming.row.id], recorder.brain
    if draft.placement and draft.fits(incoming, correlation, background=background):
        recorder.outcome.add(draft.outcome)
        recorder.replies.update(row["dedupe_key"] for row in draft.outcome.replies)
        history.learn(draft.placement, candidate=draft.placement.candidate)
    else:
        decision, otherwise = decide_both(incoming, drafts=drafts, brain=brain, background=background)
        placement = Placement(
            incoming,
            correlation.joins or new_conversation(incoming, decision, conversation_id=draft.conversation_id),
            correlation,
            decision,
            message_id=draft.message_id,
            repeats=repeated[0].message_id if repeated and correlation.joins else None,
            otherwise=otherwise,
            asked=correlation.joins is not None and correlation.joins.conversation_id in history.asked,
            title=title_of_case(incoming),
        )
        history.learn(placement, candidate=_place(placement, recorder=recorder))
    verdicts.routed.append(incoming.row.id)


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
    is_theirs = case.contact_id in (reached | ({incoming.contact_id} if to_customer else set()))
    placement = Placement(incoming, case, found, decision, message_id=draft.message_id, to_customer=is_theirs)
    record_own(recorder, placement)
    answers, own = is_answer(placement), analysis.envelope.rfc_message_id
    if answers and own:
        history.sent(own, SentMessage(None, frozenset()))
    latest = max(case.last_message_at, row.received_at)
    only_notes = case.only_notes and not answers
    history.learn(placement, candidate=replace(case, last_message_at=latest, only_notes=only_notes))
    return True


def _correlate(
    incoming: Incoming, *, history: History, brain: Brain, repeated: tuple[EarlierMessage, Candidate] | None
) -> Correlation:
    """Find the conversation by the message's signs, else by what the sender said before."""
    analysis = incoming.analysis
    correlation = _by_signs(incoming, history=history, brain=brain)
    if repeated is None and incoming.needs_subject:
        same = history.subjects.get((incoming.contact_id, incoming.subject))
        is_recent = same is not None and incoming.row.received_at - same.last_message_at <= SAME_SUBJECT_WITHIN
        return offer_same_subject(correlation, same if is_recent else None, proof=analysis.proof)
    if repeated is None or correlation.joins is not None:
        return correlation
    earlier, candidate = repeated
    bare = not analysis.envelope.attachments
    return join_repeated(candidate, proof=analysis.proof, channel=earlier.channel, bare=bare)


def _by_signs(incoming: Incoming, *, history: History, brain: Brain, own_side: bool = False) -> Correlation:
    analysis, channel = incoming.analysis, incoming.row.channel
    return correlate(
        analysis.envelope,
        signs=analysis.signs,
        proof=analysis.proof,
        contact_id=incoming.contact_id,
        by_reference=history.by_reference,
        by_message_id=history.pointed_at(incoming.known_ids, contact_id=incoming.contact_id),
        ours=history.addresses,
        key=brain.key,
        own_side=own_side,
        chat=history.chats.get((incoming.contact_id, channel)),
        join_within=brain.join_within(channel) or timedelta(0),
        needs_nothing=incoming.needs_nothing,
    )


def _place(placement: Placement, *, recorder: Recorder) -> Candidate:
    """Record where the message goes, and return the conversation's new state."""
    if placement.correlation.joins is None:
        recorder.opened(placement)
        return placement.candidate
    recorder.joined(placement)
    candidate, incoming = placement.candidate, placement.incoming
    latest = max(candidate.last_message_at, incoming.row.received_at)
    return replace(
        candidate,
        resolved=candidate.resolved and not placement.wakes,
        last_message_at=latest,
        emergency=candidate.emergency or placement.decision.emergency,
        only_notes=False,
        has_no_matter=candidate.has_no_matter and incoming.remark is not RemarkKind.CONTENT,
        wants_person=candidate.wants_person or incoming.remark is RemarkKind.PERSON,
    )


def _said(words: KnownWords) -> EarlierMessage:
    return EarlierMessage(
        message_id=words.message_id,
        conversation_id=words.conversation.conversation_id,
        channel=words.channel,
        text=words.text,
        echo=words.echo,
        at=words.at,
    )


def candidate_of(known: KnownConversation) -> Candidate:
    """Return a stored conversation as what a message may join."""
    return Candidate(
        conversation_id=known.conversation_id,
        reference=known.reference,
        contact_id=known.contact_id,
        subject=known.subject,
        resolved=known.status == Status.RESOLVED,
        last_message_at=known.last_message_at,
        emergency=known.emergency,
        opened_by=known.opened_by,
        only_notes=known.only_notes,
        own=known.own,
        has_no_matter=known.category is None and not {NO_QUESTION_YET, WANTS_PERSON}.isdisjoint(known.labels),
        wants_person=WANTS_PERSON in known.labels,
    )
