"""Decide a page of messages in the order of their arrival, with what is known and what the page itself adds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from router.analysis import words_of
from router.origin.automatic import OriginKind
from router.routing.conditions import Background, Hours
from router.routing.routes import Decision
from router.threads.correlation import Candidate, correlate, join_repeated
from router.threads.cross_channel import WITHIN, EarlierMessage, find_repeated
from store.conversations.outages import KnownWords
from store.db.ids import new_id, new_reference
from store.inbound.history import KnownConversation, KnownMessage
from store.inbound.outcome import Outcome
from store.tables.messages import Status
from workers.routing.brain import Brain
from workers.routing.record import Incoming, Placement, Recorder, known_ids, lasting_ids, may_repeat, wakes

_STRAY_BOUNCE: Final = "a bounce of a message that we did not send"


@dataclass(slots=True)
class Verdicts:
    """What became of each inbound row. duplicates: row -> the row that came first.  unanswerable: row -> why."""

    routed: list[UUID] = field(default_factory=list)
    duplicates: dict[UUID, UUID] = field(default_factory=dict)
    unanswerable: dict[UUID, str] = field(default_factory=dict)


@dataclass(slots=True)
class History:
    """What is known before a message is decided; grows with each message of the page.

    chats: by contact and channel, the conversation that a short message may go on with.
    labels: of contacts.  replies: dedupe keys of what the machine has said to these conversations.
    hours: of the page's channels at its moment.
    recent: what each contact said not long ago, and where, oldest first.
    ours: those of the Message-IDs that the page quotes which we sent.
    learned: from the page itself, by Message-ID and by whom alone it points anywhere (None: anybody).
    """

    by_reference: dict[str, Candidate]
    by_message_id: dict[str, list[Candidate]]
    said: dict[tuple[UUID, str], list[KnownMessage]]
    labels: Mapping[UUID, frozenset[str]] = field(default_factory=dict)
    replies: Collection[str] = ()
    ours: Collection[str] = ()
    hours: dict[str, Hours] = field(default_factory=dict)
    chats: dict[tuple[UUID, str], Candidate] = field(default_factory=dict)
    recent: dict[UUID, list[tuple[EarlierMessage, Candidate]]] = field(default_factory=dict)
    learned: dict[tuple[str, UUID | None], dict[UUID, Candidate]] = field(default_factory=dict)

    @classmethod
    def of(  # noqa: PLR0913  (one a thing that is known)
        cls,
        *,
        by_reference: Mapping[str, KnownConversation],
        by_message_id: Mapping[str, Sequence[KnownConversation]],
        said: Sequence[KnownMessage],
        labels: Mapping[UUID, frozenset[str]] | None = None,
        replies: Collection[str] = (),
        ours: Collection[str] = (),
        chats: Mapping[tuple[UUID, str], KnownConversation] | None = None,
        recent: Sequence[KnownWords] = (),
    ) -> History:
        """Arrange what the store knows."""
        history = cls(
            {reference: _candidate(known) for reference, known in by_reference.items()},
            {key: [_candidate(known) for known in conversations] for key, conversations in by_message_id.items()},
            {},
            labels or {},
            replies,
            ours,
            chats={key: _candidate(known) for key, known in (chats or {}).items()},
        )
        for words in recent:
            history.note(_said(words), candidate=_candidate(words.conversation))
        for message in said:
            history.said.setdefault((message.contact_id, message.fingerprint), []).append(message)
        return history

    def first_of(self, incoming: Incoming) -> KnownMessage | None:
        """Return the message that this one repeats: the same words under the same Message-ID, or the same bytes."""
        said = self.said.get((incoming.contact_id, incoming.reading.fingerprint), ())
        own = incoming.reading.envelope.rfc_message_id
        for message in said:
            if message.rfc_message_id == own if own else message.content_hash == incoming.row.content_hash:
                return message
        return None

    def pointed_at(self, incoming: Incoming) -> dict[str, list[Candidate]]:
        """Return the conversations that know a Message-ID of the message's, as they are by now."""
        found: dict[str, list[Candidate]] = {}
        for message_id in known_ids(incoming):
            known = {each.conversation_id: each for each in self.by_message_id.get(message_id, ())}
            for only_for in (None, incoming.contact_id):
                known |= self.learned.get((message_id, only_for), {})
            found[message_id] = list(known.values())
        return found

    def repeated(self, incoming: Incoming) -> tuple[EarlierMessage, Candidate] | None:
        """Return what the contact said not long ago, on whatever channel, that this message says again."""
        recent, reading = self.recent.get(incoming.contact_id), incoming.reading
        if not recent or not may_repeat(incoming):
            return None
        at = incoming.row.received_at
        found = find_repeated(
            words_of(reading.envelope),
            said=reading.said,
            echo=reading.echo,
            has_secrets=bool(reading.secrets),
            earlier=[said for said, _ in recent if abs(said.at - at) <= WITHIN],
        )
        if found is None:
            return None
        # What the conversation is by now, after whatever the page has added to it.
        latest = [candidate for _, candidate in recent if candidate.conversation_id == found.conversation_id]
        return found, latest[-1]

    def note(self, said: EarlierMessage, *, candidate: Candidate) -> None:
        """Remember what a contact said."""
        self.recent.setdefault(candidate.contact_id, []).append((said, candidate))

    def learn(self, filing: Placement, *, candidate: Candidate) -> None:
        """Remember a decided message for those that follow in the page."""
        incoming = filing.incoming
        if may_repeat(incoming):
            reading = incoming.reading
            said = EarlierMessage(
                message_id=filing.message_id,
                conversation_id=candidate.conversation_id,
                channel=incoming.row.channel,
                text=reading.text or reading.quoted,
                echo=reading.echo,
                at=incoming.row.received_at,
            )
            self.note(said, candidate=candidate)
        envelope = incoming.reading.envelope
        self.chats[incoming.contact_id, incoming.row.channel] = candidate
        for message_id in lasting_ids(incoming):
            # What is only quoted points its own sender somewhere, and no stranger who quotes it too.
            only_for = None if message_id == envelope.rfc_message_id else incoming.contact_id
            self.learned.setdefault((message_id, only_for), {})[candidate.conversation_id] = candidate
        self.said.setdefault((incoming.contact_id, incoming.reading.fingerprint), []).append(
            KnownMessage(
                contact_id=incoming.contact_id,
                fingerprint=incoming.reading.fingerprint,
                rfc_message_id=envelope.rfc_message_id,
                content_hash=incoming.row.content_hash,
                inbound_id=incoming.row.id,
                conversation_id=candidate.conversation_id,
            )
        )


def decide_page(page: Sequence[Incoming], *, history: History, brain: Brain, now: datetime) -> tuple[Outcome, Verdicts]:
    """Decide each message in turn. now: the database's clock."""
    recorder, verdicts = Recorder(brain, now, replies=set(history.replies)), Verdicts()
    for incoming in page:
        _decide(incoming, history=history, recorder=recorder, verdicts=verdicts)
    return recorder.outcome, verdicts


def _decide(incoming: Incoming, *, history: History, recorder: Recorder, verdicts: Verdicts) -> None:
    first = history.first_of(incoming)
    if first:
        verdicts.duplicates[incoming.row.id] = first.inbound_id
        recorder.duplicate(incoming.row, first=first)
        return
    recorder.commanded(incoming)
    correlation = correlate(
        incoming.reading.envelope,
        signs=incoming.reading.signs,
        proof=incoming.reading.proof,
        contact_id=incoming.contact_id,
        by_reference=history.by_reference,
        by_message_id=history.pointed_at(incoming),
        ours=history.ours,
        key=recorder.brain.key,
        chat=history.chats.get((incoming.contact_id, incoming.row.channel)),
        join_within=recorder.brain.join_within(incoming.row.channel) or timedelta(0),
    )
    repeated = history.repeated(incoming)
    if repeated and correlation.joins is None:
        reading = incoming.reading
        bare = not reading.envelope.attachments
        correlation = join_repeated(repeated[1], proof=reading.proof, channel=repeated[0].channel, bare=bare)
    if correlation.joins is None and incoming.reading.origin.kind is OriginKind.BOUNCE:
        verdicts.unanswerable[incoming.row.id] = _STRAY_BOUNCE
        recorder.unanswerable(incoming.row, why=_STRAY_BOUNCE)
        return
    labels = history.labels.get(incoming.contact_id, frozenset())
    background = Background(contact_labels=labels, follows_case=correlation.follows_case)
    table, channel = recorder.brain.table, incoming.reading.envelope.channel
    hours = history.hours.get(channel) or history.hours.setdefault(channel, table.hours(channel, at=recorder.now))
    decision = table.decide(incoming.reading, now=recorder.now, background=background, hours=hours)
    filing = Placement(
        incoming,
        correlation.joins or _new_conversation(incoming, decision),
        correlation,
        decision,
        message_id=new_id(),
        repeats=repeated[0].message_id if repeated and correlation.joins else None,
    )
    history.learn(filing, candidate=_file(filing, recorder=recorder))
    verdicts.routed.append(incoming.row.id)


def _file(filing: Placement, *, recorder: Recorder) -> Candidate:
    """Record where the message goes, and return the conversation as it then is."""
    if filing.correlation.joins is None:
        recorder.opened(filing)
        return filing.candidate
    recorder.joined(filing)
    candidate, incoming = filing.candidate, filing.incoming
    latest = max(candidate.last_message_at, incoming.row.received_at)
    resolved = candidate.resolved and not wakes(incoming)
    emergency = candidate.emergency or filing.decision.emergency
    return replace(candidate, resolved=resolved, last_message_at=latest, emergency=emergency)


def _said(words: KnownWords) -> EarlierMessage:
    return EarlierMessage(
        message_id=words.message_id,
        conversation_id=words.conversation.conversation_id,
        channel=words.channel,
        text=words.text,
        echo=words.echo,
        at=words.at,
    )


def _new_conversation(incoming: Incoming, decision: Decision) -> Candidate:
    return Candidate(
        conversation_id=new_id(),
        reference=new_reference(),
        contact_id=incoming.contact_id,
        subject=incoming.reading.subject,
        resolved=False,
        last_message_at=incoming.row.received_at,
        emergency=decision.emergency,
    )


def _candidate(known: KnownConversation) -> Candidate:
    return Candidate(
        conversation_id=known.conversation_id,
        reference=known.reference,
        contact_id=known.contact_id,
        subject=known.subject,
        resolved=known.status == Status.RESOLVED,
        last_message_at=known.last_message_at,
        emergency=known.emergency,
    )
