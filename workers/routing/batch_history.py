"""What is known when a batch is decided: the stored history, and what the batch's earlier messages have added to it."""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from router.analysis import words_of
from router.conversation_status import Status
from router.origin.journals import journaled_id
from router.origin.sender_proof import ProofKind
from router.reason import Reason, ReasonKey
from router.remarks.our_question import is_question
from router.remarks.remark_kind import NO_QUESTION_YET, WANTS_PERSON
from router.threads.correlation import Candidate, Signs, joined_first
from router.threads.cross_channel import WITHIN, EarlierMessage, find_repeated
from router.threads.subject_lines import core_subject
from store.inbound.known_conversations import KnownConversation
from store.inbound.known_messages import LONGEST_SAID, MOST_SAID, KnownMessage, KnownWords, SentMessage
from workers.routing.arrival import Incoming
from workers.routing.placement import Placement

# A customer who asks again under the same subject does so within days.
SAME_SUBJECT_WITHIN: Final = timedelta(days=14)
# For how long after the end of `join_within` the case that a chat message opens is linked to the one before.
LINKED_WITHIN: Final = timedelta(days=30)


class ReturnedCopy(NamedTuple):
    """A copy of a stored message. first_row: the inbound row that opened its case."""

    first_row: UUID
    why: Reason


class Repetition(NamedTuple):
    """An earlier message of the same contact with the same words, and the case that it is in."""

    earlier: EarlierMessage
    case: Candidate


@dataclass(slots=True)
class History:
    """The facts known before a message is decided; each message of the batch adds its own.

    cases: the present state of each known conversation, however it was found.
    by_reference: printed references -> conversations; those of merged cases lead to the case that they are in now.
    by_message_id: Message-ID -> conversation -> whether the message itself is in it.
    chats: contact and channel -> conversations.  subjects: contact and core subject -> conversations.
    forged: conversations with a message whose sender is forged; no subject leads to them.
    labels: of contacts.  replies: dedupe keys of the automatic replies to these conversations.
    recent: each contact's recent messages, oldest first.
    ours: the Message-IDs on this batch that we sent.  addresses: those to which each of them went.
    blocked: contacts whose messages go to quarantine.
    written_to: the contacts to whom our own side writes in this batch, by address.
    asked: the conversations in which our last word asks something.
    answered: the resolved conversations of chats in which an agent has the last word.
    resent: contact and fingerprint -> earlier messages in cases under the same subject that are not resolved.
    """

    cases: dict[UUID, Candidate] = field(default_factory=dict)
    by_reference: dict[str, UUID] = field(default_factory=dict)
    by_message_id: dict[str, dict[UUID, bool]] = field(default_factory=dict)
    said: dict[tuple[UUID, str], list[KnownMessage]] = field(default_factory=dict)
    labels: Mapping[UUID, frozenset[str]] = field(default_factory=dict)
    replies: Collection[str] = ()
    ours: dict[str, SentMessage] = field(default_factory=dict)
    addresses: dict[str, frozenset[str]] = field(default_factory=dict)
    chats: dict[tuple[UUID, str], set[UUID]] = field(default_factory=dict)
    subjects: dict[tuple[UUID, str], set[UUID]] = field(default_factory=dict)
    forged: set[UUID] = field(default_factory=set)
    recent: dict[UUID, list[EarlierMessage]] = field(default_factory=dict)
    blocked: Collection[UUID] = ()
    written_to: Mapping[str, UUID] = field(default_factory=dict)
    asked: set[UUID] = field(default_factory=set)
    answered: set[UUID] = field(default_factory=set)
    resent: dict[tuple[UUID, str], EarlierMessage] = field(default_factory=dict)

    def add_references(self, known: Mapping[str, KnownConversation]) -> None:
        """Add the conversations that the batch names by a printed reference."""
        self.by_reference.update({reference: self._add(each) for reference, each in known.items()})

    def add_message_ids(self, known: Mapping[str, Sequence[KnownConversation]]) -> None:
        """Add the conversations that know a Message-ID of the batch."""
        for message_id, found in known.items():
            self.by_message_id[message_id] = {self._add(each): each.own for each in found}

    def add_chats(self, known: Sequence[KnownConversation]) -> None:
        """Add the senders' conversations on the channels where a message joins by its sender alone."""
        for each in known:
            self.chats.setdefault((each.contact_id, each.channel), set()).add(self._add(each))

    def add_subjects(self, known: Sequence[KnownConversation]) -> None:
        """Add the senders' recent conversations, to be found by their subjects."""
        for each in known:
            self.subjects.setdefault((each.contact_id, core_subject(each.subject)), set()).add(self._add(each))

    def add_recent(self, known: Sequence[KnownWords]) -> None:
        """Add the words of the senders' recent messages."""
        for words in known:
            self._add(words.conversation)
            self._add_earlier(_said(words), contact_id=words.conversation.contact_id)

    def add_resent(self, known: Sequence[tuple[UUID, str, KnownWords]]) -> None:
        """Add messages of the last days that one of the page may say again, with their contacts and fingerprints."""
        for contact_id, fingerprint, words in known:
            self._add(words.conversation)
            self.resent.setdefault((contact_id, fingerprint), _said(words))

    def add_stored(self, known: Sequence[KnownMessage]) -> None:
        """Add the stored messages that one of the batch may duplicate."""
        for message in known:
            self.said.setdefault((message.contact_id, message.fingerprint), []).append(message)

    def _add(self, known: KnownConversation) -> UUID:
        self.cases.setdefault(known.conversation_id, candidate_of(known))
        return known.conversation_id

    def first_of(self, incoming: Incoming) -> KnownMessage | None:
        """Return the message that this one duplicates: equal text and Message-ID, or without one equal bytes."""
        said = self.said.get((incoming.contact_id, incoming.analysis.fingerprint), ())
        own = incoming.analysis.envelope.rfc_message_id
        for message in said:
            if message.rfc_message_id == own if own else message.content_hash == incoming.row.content_hash:
                return message
        return None

    def came_back(self, incoming: Incoming) -> ReturnedCopy | None:
        """Return of which case the message is a copy that a mail system sent back to us; None if it is none."""
        envelope = incoming.analysis.envelope
        own = envelope.rfc_message_id
        sent = self.ours.get(own) if own else None
        # A program that repeats our Message-ID as its own quotes it too.
        if sent and sent.opened_by and own not in envelope.ancestors:
            return ReturnedCopy(sent.opened_by, Reason(ReasonKey.OWN_MESSAGE_CAME_BACK))
        reported = journaled_id(envelope)
        if not reported:
            return None
        known = joined_first(self.pointed_at([reported], contact_id=incoming.contact_id)[reported])
        opened_by = next((each.opened_by for each in known if each.opened_by), None)
        return ReturnedCopy(opened_by, Reason(ReasonKey.JOURNAL_REPORT)) if opened_by else None

    def named(self, signs: Signs) -> dict[str, Candidate]:
        """Return by printed reference the conversations that a message names; the reference is the proof's."""
        known = {reference: self.by_reference.get(reference) for reference in signs.references}
        return {key: replace(self.cases[found], reference=key) for key, found in known.items() if found}

    def pointed_at(self, message_ids: Sequence[str], *, contact_id: UUID) -> dict[str, list[Candidate]]:
        """Return by Message-ID the conversations that know it for this contact.

        A quoted Message-ID counts only for the contact of the case that it was quoted in, not for a stranger who quotes
        it too, whether both are in one batch or not.
        """
        found: dict[str, list[Candidate]] = {message_id: [] for message_id in message_ids}
        for message_id, each in found.items():
            for conversation_id, own in self.by_message_id.get(message_id, {}).items():
                case = self.cases[conversation_id]
                if own or case.contact_id == contact_id:
                    each.append(replace(case, own=own) if own else case)
        return found

    def repeated(self, incoming: Incoming) -> Repetition | None:
        """Return the contact's recent message, on any channel, that this message repeats."""
        recent, analysis = self.recent.get(incoming.contact_id), incoming.analysis
        if not incoming.may_repeat:
            return None
        if not recent:
            return self._resent(incoming)
        at = incoming.row.received_at
        found = find_repeated(
            words_of(analysis.envelope),
            said=analysis.said,
            echo=analysis.echo,
            has_secrets=bool(analysis.shown.secrets),
            earlier=[said for said in recent if abs(said.at - at) <= WITHIN],
        )
        return Repetition(found, self.cases[found.conversation_id]) if found else self._resent(incoming)

    def _resent(self, incoming: Incoming) -> Repetition | None:
        """Return what a mail says again, subject and all, days later, while its case still waits: over a weekend."""
        found = self.resent.get((incoming.contact_id, incoming.analysis.fingerprint))
        case = self.cases[found.conversation_id] if found else None
        if found is None or case is None or case.resolved or core_subject(case.subject) != incoming.subject:
            return None
        return Repetition(found, case)

    def chat_of(self, incoming: Incoming, *, join_within: timedelta | None) -> Candidate | None:
        """Return the sender's conversation on the message's channel: an open one first, then the latest.

        join_within: None on mail channels, which have none.
        """
        if join_within is None:
            return None
        known = [self.cases[each] for each in self.chats.get((incoming.contact_id, incoming.row.channel), ())]
        since = incoming.row.received_at - join_within - LINKED_WITHIN
        lasting = [each for each in known if each.last_message_at >= since]
        return max(lasting, key=lambda each: (not each.resolved, *_latest(each)), default=None)

    def same_subject(self, incoming: Incoming) -> list[Candidate]:
        """Return the sender's recent cases with the same subject, the latest first."""
        known = self.subjects.get((incoming.contact_id, incoming.subject), set()) - self.forged
        since = incoming.row.received_at - SAME_SUBJECT_WITHIN
        recent = [self.cases[each] for each in known if self.cases[each].last_message_at >= since]
        return sorted(recent, key=_latest, reverse=True)

    def waits_under_subject(self, incoming: Incoming) -> bool:
        """Return whether a recent case of the sender under the same subject is not resolved."""
        return any(not each.resolved for each in self.same_subject(incoming))

    def add_sent(self, message_id: str, message: SentMessage) -> None:
        """Add a message of ours."""
        self.ours[message_id], self.addresses[message_id] = message, message.addresses

    def add_own_answer(self, placement: Placement) -> None:
        """Add our own side's answer, which is our last word in its case now."""
        asks = is_question(words_of(placement.incoming.analysis.envelope))
        change = self.asked.add if asks else self.asked.discard
        change(placement.conversation_id)

    def _add_earlier(self, said: EarlierMessage, *, contact_id: UUID) -> None:
        """Add a contact's message; only the latest count, as in the store."""
        recent = self.recent.setdefault(contact_id, [])
        insort(recent, said, key=lambda each: (each.at, each.message_id))
        del recent[:-MOST_SAID]

    def add_customer_words(self, placement: Placement, *, candidate: Candidate) -> None:
        """Add the words of a customer's message that was decided."""
        incoming, analysis = placement.incoming, placement.incoming.analysis
        # The agent's word is not the last one any more.
        self.answered.discard(candidate.conversation_id)
        if analysis.proof.kind is ProofKind.FAILED:
            return
        said = EarlierMessage(
            message_id=placement.message_id,
            conversation_id=candidate.conversation_id,
            channel=incoming.row.channel,
            text=(analysis.shown.text or analysis.shown.quoted)[:LONGEST_SAID],
            echo=analysis.echo if incoming.may_repeat else "",
            at=incoming.row.received_at,
        )
        self._add_earlier(said, contact_id=candidate.contact_id)

    def customer_wrote_at(self, case: Candidate) -> datetime | None:
        """Return when the customer last wrote in a case; None if that is not among the recent messages."""
        said = self.recent.get(case.contact_id, ())
        return max((each.at for each in said if each.conversation_id == case.conversation_id), default=None)

    def add_decided(self, placement: Placement, *, candidate: Candidate) -> None:
        """Add a decided message for the next messages of the batch."""
        incoming, conversation_id = placement.incoming, candidate.conversation_id
        analysis, own = incoming.analysis, incoming.analysis.envelope.rfc_message_id
        before = self.cases.get(conversation_id)
        # It may have been found by the reference of a case that was merged into it.
        self.cases[conversation_id] = replace(candidate, reference=(before or candidate).reference, own=False)
        self.chats.setdefault((candidate.contact_id, candidate.channel), set()).add(conversation_id)
        self.subjects.setdefault((candidate.contact_id, core_subject(candidate.subject)), set()).add(conversation_id)
        if analysis.proof.kind is ProofKind.FAILED:
            self.forged.add(conversation_id)
        for message_id in incoming.lasting_ids:
            known = self.by_message_id.setdefault(message_id, {})
            known[conversation_id] = message_id == own or known.get(conversation_id, False)
        self.said.setdefault((incoming.contact_id, analysis.fingerprint), []).append(
            KnownMessage(
                contact_id=incoming.contact_id,
                fingerprint=analysis.fingerprint,
                rfc_message_id=own,
                content_hash=incoming.row.content_hash,
                inbound_id=incoming.row.id,
                conversation_id=conversation_id,
            )
        )


def _latest(case: Candidate) -> tuple[datetime, UUID]:
    return case.last_message_at, case.conversation_id


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
        has_no_matter=known.category is None and not {NO_QUESTION_YET, WANTS_PERSON}.isdisjoint(known.labels),
        wants_person=WANTS_PERSON in known.labels,
        channel=known.channel,
        category=known.category,
    )
