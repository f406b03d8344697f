"""Decide which conversation a message belongs to, and by which sign. A sign counts only if the sender may join.

How far a sender is proven decides which signs count (`router.origin.sender_proof`): of a proven one all of them, of an
unproven one our token and the Message-IDs that we sent, of a forged one none.

Signs, strongest first: our token in the subject or in an address, then the Message-IDs that the message answers,
nearest first (RFC 5322 section 3.6.4), then the Message-IDs of messages that quoted this one before it arrived.
Several conversations may know one Message-ID (`joined_first`): first the one that the message itself is in, then those
that only quoted it, of each kind the newest first, by the conversation's id, which is in order of time. Nothing else
counts, so neither the size of a page nor the order of a database's rows decides which of them is joined.
Short messages have no signs: they join their sender's open conversation on the same channel.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from router.envelope import CHAT_KINDS, Envelope
from router.origin.journals import journaled_id
from router.origin.sender_proof import SenderProof
from router.reason import Reason, ReasonKey
from router.text.case_tokens import MOST_TOKENS, TOKEN, bare_references, text_references
from router.threads.sign_kind import SignKind
from router.threads.subject_lines import core_subject

# In a chat or SMS, how long after an agent's word with which a case was resolved the next message is its answer.
ANSWERED_WITHIN: Final = timedelta(days=1)
# A mail with a new subject does not join a case without activity for this time.
OLD: Final = timedelta(days=30)

_NO_DOMAIN: Final = "omniyard.invalid"
_OUR_FORM: Final = re.compile(rf"{TOKEN.pattern}\.[0-9a-f]{{32}}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A conversation that a sign refers to.

    opened_by: the inbound row of its first message.
    only_notes: it holds nothing but what our side is said to have written, so joining it reveals and changes nothing.
    own: a Message-ID points at it, and that message itself is in it; False if it was only quoted there.
    has_no_matter: its customer has greeted or called for a person, and said nothing of a matter yet.
    wants_person: its customer has called for a person.
    channel: of its first message.  category: what it is about; None if no one knows.
    """

    conversation_id: UUID
    reference: str
    contact_id: UUID
    subject: str
    resolved: bool
    last_message_at: datetime
    emergency: bool = False
    opened_by: UUID | None = None
    only_notes: bool = False
    own: bool = False
    has_no_matter: bool = False
    wants_person: bool = False
    channel: str = ""
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Correlation:
    """joins: None for a new conversation.  linked_to: an older one to link the new one to.  sign, why: the evidence."""

    joins: Candidate | None
    sign: SignKind
    why: Reason
    linked_to: UUID | None = None

    @property
    def follows_case(self) -> bool:
        """Whether a new conversation comes from an answer to an earlier one of the same contact."""
        return self.joins is None and self.linked_to is not None and self.sign is not SignKind.NONE


@dataclass(frozen=True, slots=True)
class Signs:
    """The references to conversations in a message: references with their proof, Message-IDs, references alone.

    bare: in the subject.  in_text: in the new words, if there is one in them.
    """

    tokens: tuple[tuple[str, str], ...]
    message_ids: tuple[str, ...]
    bare: tuple[str, ...] = ()
    in_text: tuple[str, ...] = ()

    @property
    def references(self) -> tuple[str, ...]:
        """All conversations that are named, with a proof or without."""
        return (*(reference for reference, _ in self.tokens), *self.bare, *self.in_text)


def make_token(key: bytes, *, reference: str, contact_id: UUID) -> str:
    """Return the token that we print in subjects and reply addresses, bound to the case and to its contact."""
    return f"{reference}-{_proof(key, reference=reference, contact_id=contact_id)}"


def make_message_id(token: str, *, outbound_id: UUID, sender: str) -> str:
    """Return the Message-ID of a message of ours, without brackets: it carries the token and is fixed before sending.

    token: as `make_token` returns it.  sender: our address; its domain makes the right-hand side (RFC 5322 section
    3.6.4). A channel without a mail address gets a domain that never resolves (RFC 6761 section 6.4).
    """
    return f"{token}.{outbound_id.hex}@{sender.partition('@')[2] or _NO_DOMAIN}"


def has_our_form(message_id: str) -> bool:
    """Return whether a Message-ID is written as ours are; its letters may spell "PW" or "PIN" and are no secret."""
    return _OUR_FORM.fullmatch(message_id.partition("@")[0]) is not None


def find_signs(envelope: Envelope) -> Signs:
    """Collect the signs of a message: tokens in its subject and recipients, Message-IDs it answers, and its own.

    A reference alone may stand in the subject and in the new words.
    """
    places = [envelope.subject, *(party.handle for party in envelope.recipients), *_bounced(envelope)]
    tokens = [token for place in places for token in _tokens(place)]
    own = (envelope.rfc_message_id,) if envelope.rfc_message_id else ()
    reported = tuple(filter(None, (journaled_id(envelope),)))
    message_ids = tuple(dict.fromkeys((*envelope.ancestors, *own, *reported)))
    return Signs(
        tuple(dict.fromkeys(tokens))[:MOST_TOKENS],
        message_ids,
        bare_references(envelope.subject),
        text_references(envelope.text),
    )


def joined_first(known: Iterable[Candidate]) -> list[Candidate]:
    """Return the conversations that know one Message-ID in the order in which a message may join them."""
    return sorted(known, key=lambda each: (each.own, each.conversation_id), reverse=True)


class ThreadQuery(NamedTuple):
    """A message whose conversation is to be found.

    signs: its own (`find_signs`).  proof: of its sender.  contact_id: its sender's contact.
    own_side: our own side wrote it, and takes part in every case.
    needs_nothing: it is only thanks or the like, so it stays in the case that answered its sender, however old.
    says_matter: it says what its sender wants; a case that has only greetings waits for that, even after it was closed.
    category: what it is about; None if the machine does not know.
    """

    envelope: Envelope
    signs: Signs
    proof: SenderProof
    contact_id: UUID
    own_side: bool = False
    needs_nothing: bool = False
    says_matter: bool = False
    category: str | None = None


class KnownThreads(NamedTuple):
    """The conversations that a message may point at.

    by_reference: the reference in upper case -> its conversation.
    by_message_id: Message-ID -> the conversations that know it, in any order.
    ours: the Message-IDs that we sent -> the addresses that they went to.
    chat: of a short message, its sender's latest conversation on this channel.
    join_within: for how long after its last message that conversation may be joined.
    chat_answered: an agent of ours has the last word in it.
    """

    by_reference: Mapping[str, Candidate]
    by_message_id: Mapping[str, Sequence[Candidate]]
    ours: Mapping[str, frozenset[str]]
    chat: Candidate | None = None
    join_within: timedelta = timedelta(0)
    chat_answered: bool = False


class _Pointer(NamedTuple):
    """A sign and what it points at. sent_to: the addresses to which we sent the sign; None if it is not ours."""

    sign: SignKind
    candidate: Candidate
    sent_to: frozenset[str] | None


def correlate(query: ThreadQuery, known: KnownThreads, *, key: bytes) -> Correlation:
    """Decide which conversation the message joins. key: signs our tokens."""
    envelope = query.envelope
    if envelope.bounce is not None:
        return _as_report(envelope, by_reference=known.by_reference, key=key)
    refused: Correlation | None = None
    for pointer in _pointed_at(query, known, key=key):
        found = _by_sign(query, pointer)
        if found.sign is not SignKind.NONE:
            return found
        refused = refused or found
    # A provider that names its conversations starts another one with a new name.
    if known.chat is not None and envelope.sender.kind in CHAT_KINDS and not envelope.thread:
        return _in_chat(query, known.chat, known=known)
    return refused or Correlation(None, SignKind.NONE, Reason(ReasonKey.NOTHING_POINTS))


def _by_sign(query: ThreadQuery, pointer: _Pointer) -> Correlation:
    """Return the decision by one sign; of the kind `NONE` where the message may not join what it points at."""
    sign, candidate, sent_to = pointer
    proof, takes_part = query.proof, candidate.contact_id == query.contact_id
    said = {"sign": sign.value}
    if query.own_side:
        return Correlation(candidate, sign, Reason(ReasonKey.OUR_SIDE_TAKES_PART, said))
    if takes_part and candidate.only_notes and proof.may_join:
        return Correlation(candidate, sign, Reason(ReasonKey.ONLY_OURS_SO_FAR, said))
    we_wrote = query.envelope.sender.handle in (sent_to or ())
    if why := _refusal(sign, proof=proof, takes_part=takes_part or we_wrote, is_ours=sent_to is not None):
        return Correlation(None, SignKind.NONE, why, linked_to=candidate.conversation_id)
    if _is_new_matter(query.envelope, candidate):
        return Correlation(None, sign, Reason(ReasonKey.NEW_SUBJECT), linked_to=candidate.conversation_id)
    key = ReasonKey.SENDER_TAKES_PART if takes_part else ReasonKey.WE_WROTE_TO_SENDER
    return Correlation(candidate, sign, Reason(key, said))


def offer_same_subject(
    found: Correlation, recent: Sequence[Candidate], *, proof: SenderProof, answers: bool
) -> Correlation:
    """Link a message that nothing points anywhere to a recent case of its sender under the same subject.

    recent: such cases, the latest first.  answers: its subject is that of an answer; then a proven sender's message
    joins the case, if only one of them is not resolved.
    """
    is_lost = found.joins is None and found.linked_to is None
    if not recent or not is_lost or not proof.may_join:
        return found
    waiting = [each for each in recent if not each.resolved]
    if answers and len(waiting) == 1 and proof.joins_by_any_sign:
        why = Reason(ReasonKey.SENDER_TAKES_PART, {"sign": SignKind.SUBJECT.value})
        return Correlation(waiting[0], SignKind.SUBJECT, why)
    candidate = recent[0]
    return Correlation(None, SignKind.NONE, Reason(ReasonKey.SAME_SUBJECT), linked_to=candidate.conversation_id)


def join_repeated(candidate: Candidate, *, proof: SenderProof, channel: str, bare: bool) -> Correlation:
    """Decide about a message that says what its sender said in a case before.

    channel: where it was said.  bare: it brings nothing but words, which are in the case already.
    """
    why = _refusal(SignKind.REPEATED, proof=proof, takes_part=True, is_ours=bare)
    if why:
        return Correlation(None, SignKind.NONE, why, linked_to=candidate.conversation_id)
    return Correlation(candidate, SignKind.REPEATED, Reason(ReasonKey.SAID_ON_CHANNEL, {"channel": channel}))


def _refusal(sign: SignKind, *, proof: SenderProof, takes_part: bool, is_ours: bool) -> Reason | None:
    """Return what keeps a message from joining what a sign points at; None if it may."""
    if not proof.may_join:
        return Reason(ReasonKey.SENDER_IS_HEARSAY if proof.hearsay else ReasonKey.SENDER_IS_FORGED)
    if not takes_part:
        return Reason(ReasonKey.SENDER_IS_NO_PARTICIPANT)
    if is_ours or proof.joins_by_any_sign:
        return None
    return Reason(ReasonKey.SENDER_IS_UNPROVEN, {"sign": sign.value})


def _bounced(envelope: Envelope) -> tuple[str, ...]:
    if envelope.bounce is None:
        return ()
    original = envelope.bounce.original_message_id
    return (*((original,) if original else ()), *envelope.bounce.tokens)


def _as_report(envelope: Envelope, *, by_reference: Mapping[str, Candidate], key: bytes) -> Correlation:
    """Join a bounce to the case whose message of ours it returns.

    A mail system takes part in no case, so our keyed token decides alone, in the returned Message-ID, or where a system
    shows only a subject, in that; a customer's Message-ID proves nothing, because anybody who saw it can write a report
    about it.
    """
    for place in _bounced(envelope):
        for reference, proof in _tokens(place):
            if reference in by_reference and _is_proven(by_reference[reference], proof, key=key):
                why = Reason(ReasonKey.RETURNED_MESSAGE_IS_OURS)
                return Correlation(by_reference[reference], SignKind.RETURNED, why)
    return Correlation(None, SignKind.NONE, Reason(ReasonKey.RETURNED_MESSAGE_IS_UNKNOWN))


def _tokens(place: str) -> list[tuple[str, str]]:
    return [(found[1].upper(), found[2].upper()) for found in TOKEN.finditer(place)] if "-" in place else []


def _in_chat(query: ThreadQuery, chat: Candidate, *, known: KnownThreads) -> Correlation:
    quiet = query.envelope.received_at - chat.last_message_at
    if query.needs_nothing:
        return Correlation(chat, SignKind.CHAT, Reason(ReasonKey.NEEDS_NOTHING))
    if query.says_matter and chat.has_no_matter and not chat.wants_person:
        return Correlation(chat, SignKind.CHAT, Reason(ReasonKey.CHAT_HAS_NO_MATTER))
    soon = quiet <= min(ANSWERED_WITHIN, known.join_within)
    if chat.resolved and known.chat_answered and soon and not _is_other_category(query, chat):
        return Correlation(chat, SignKind.CHAT, Reason(ReasonKey.CHAT_WAS_ANSWERED))
    if chat.resolved:
        return Correlation(None, SignKind.CHAT, Reason(ReasonKey.CHAT_IS_RESOLVED), linked_to=chat.conversation_id)
    if quiet > known.join_within:
        return Correlation(None, SignKind.CHAT, Reason(ReasonKey.CHAT_WAS_QUIET), linked_to=chat.conversation_id)
    return Correlation(chat, SignKind.CHAT, Reason(ReasonKey.CHAT_IS_OPEN))


def _is_other_category(query: ThreadQuery, chat: Candidate) -> bool:
    """Return whether a message names a matter, and another one than its sender's conversation is about."""
    return query.category is not None and chat.category is not None and query.category != chat.category


def _pointed_at(query: ThreadQuery, known: KnownThreads, *, key: bytes) -> list[_Pointer]:
    """Return what each sign points at, strongest first."""
    signs, by_reference = query.signs, known.by_reference
    found = [
        _Pointer(SignKind.TOKEN, by_reference[reference], frozenset())
        for reference, proof in signs.tokens
        if reference in by_reference and _is_proven(by_reference[reference], proof, key=key)
    ]
    for message_id in signs.message_ids:
        sign = SignKind.QUOTING if message_id == query.envelope.rfc_message_id else SignKind.ANSWERED
        # A message that bears the Message-ID of ours answers nothing.
        sent_to = known.ours.get(message_id) if sign is SignKind.ANSWERED else None
        candidates = joined_first(known.by_message_id.get(message_id, ()))
        found += [_Pointer(sign, candidate, sent_to) for candidate in candidates]
    # A reference alone does not prove that we sent it: only a proven participant of the case joins by it.
    alone = [by_reference[each] for each in signs.bare if each in by_reference] + _named_in_text(query, known)
    return found + [_Pointer(SignKind.REFERENCE, each, None) for each in alone]


def _named_in_text(query: ThreadQuery, known: KnownThreads) -> list[Candidate]:
    """Return the case that the words of a customer name, if they may lead to it."""
    # A colleague's text may name any customer's case.
    named = [known.by_reference[each] for each in query.signs.in_text if each in known.by_reference]
    if query.own_side or query.envelope.sender.kind not in CHAT_KINDS:
        return [] if query.own_side else named
    # A talk goes on where it is, and is answered where it was written: an agent would lose the visitor else.
    chat, at = known.chat, query.envelope.received_at
    if chat is not None and not chat.resolved and at - chat.last_message_at <= known.join_within:
        return []
    return [each for each in named if each.channel == query.envelope.channel]


def _is_new_matter(envelope: Envelope, candidate: Candidate) -> bool:
    is_asleep = candidate.resolved or envelope.received_at - candidate.last_message_at > OLD
    subject = core_subject(envelope.subject)
    return is_asleep and bool(subject) and subject != core_subject(candidate.subject)


def _is_proven(candidate: Candidate, proof: str, *, key: bytes) -> bool:
    expected = _proof(key, reference=candidate.reference, contact_id=candidate.contact_id)
    return hmac.compare_digest(expected, proof)


def _proof(key: bytes, *, reference: str, contact_id: UUID) -> str:
    return hmac.digest(key, reference.encode() + contact_id.bytes, "sha256").hex()[:10].upper()
