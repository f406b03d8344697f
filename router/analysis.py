"""Analyse messages one by one, without any knowledge of their senders: the pure first half of routing.

Everything that needs only the message is done here, before a transaction is open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from router.classify import Classification, Classifies
from router.envelope import OWN_SENT_FOLDER, Envelope
from router.masking.mask import Masked, mask, without_secret
from router.masking.shown_words import ShownWords, mask_words
from router.message_limits import within_limits
from router.origin.automatic import recognise
from router.origin.correspondent import Correspondent, Mouthpiece, find_correspondent, names_no_customer
from router.origin.own_side import OwnSide, OwnVoice
from router.origin.sender_proof import ProofKind, SenderProof, prove_sender
from router.origin.sender_signals import signals
from router.origin.stop_words import Command, command_of, may_be_matter
from router.origin.verdicts import CorrespondentSource, Origin, OriginKind, Signal
from router.reason import Reason, ReasonKey
from router.remarks.recognise_remark import remark_of
from router.remarks.remark_kind import NEEDS_NOTHING, RemarkKind
from router.text.case_tokens import TOKEN
from router.text.search_terms import words_to_index
from router.text.visible import is_visible
from router.threads.correlation import Signs, find_signs, has_our_form
from router.threads.duplicates import Canonical, canonical, echo_of, fingerprint_of, gist_of
from router.threads.subject_lines import is_answer_subject

# No person in danger waits behind these automatic messages; a web form's mail is automatic too, but is heard. So is
# another program's, but for a notice from a no-reply address that names no one to answer (`names_no_customer`).
_UNHEARD: Final = frozenset({OriginKind.BOUNCE, OriginKind.BULK, OriginKind.AUTO_REPLIED, OriginKind.OURSELVES})
# How many values of signals are remembered in their masked form.
_VALUES: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """One analysed envelope. shown: its words, masked; none of its others may be stored.

    signs: references to conversations.  correspondent: the customer, and where an answer goes.
    voice: what it is if our own side wrote it; None for a customer's.
    proof: what is proven about the correspondent.  signals: facts for and against the sender.
    indexed: the words of subject and text for the search index.
    said: the normalised original words, never stored.  fingerprint: of the words and the files, to detect a redelivery.
    echo: of the words alone, equal for all senders; empty for short texts.  gist: like it, whatever the numbers are.
    """

    envelope: Envelope
    origin: Origin
    correspondent: Correspondent
    voice: OwnVoice | None
    signs: Signs
    proof: SenderProof
    signals: tuple[Signal, ...]
    classification: Classification
    shown: ShownWords
    indexed: str
    said: Canonical
    fingerprint: str
    echo: str
    gist: str

    @property
    def is_heard(self) -> bool:
        """Whether a person may be waiting for an answer."""
        return _is_heard(self.origin, self.correspondent)

    @property
    def is_campaign(self) -> bool:
        """Whether it is a newsletter or advertising, and says nothing of a danger."""
        seen = self.classification
        return self.origin.is_campaign and not (seen.emergency or seen.possible_danger)

    @property
    def remark(self) -> RemarkKind:
        """What the message is for; any kind but `content` means that a person wrote nothing else and sent no file."""
        found, envelope = self.classification.remark, self.envelope
        is_bare = self.origin.kind is OriginKind.PERSON and self.voice is None and not envelope.attachments
        # A forward may have all its content in the quoted part.
        says_more = found is RemarkKind.EMPTY and is_visible(envelope.quoted)
        return found if is_bare and not says_more else RemarkKind.CONTENT


def read_batch(
    envelopes: Sequence[Envelope],
    *,
    classifier: Classifies,
    own: frozenset[str],
    side: OwnSide | None = None,
    authserv_id: Callable[[str], str | None] = lambda _: None,
    key: bytes = b"",
) -> list[Analysis]:
    """Analyse envelopes, each within its budget (`router.message_limits`); the results are in the same order.

    own: our addresses, in lower case.  side: all of our side; None for those addresses alone.
    authserv_id: by channel name, the server whose Authentication-Results are trusted there; None for none.
    key: for the stored hashes of words, so that they do not reveal the words.
    """
    envelopes = [_with_safe_ids(within_limits(envelope), key=key) for envelope in envelopes]
    heads = [(mask(envelope.subject), mask(envelope.text)) for envelope in envelopes]
    side = side or OwnSide(desk=own)
    proofs = [prove_sender(envelope, authserv_id=authserv_id(envelope.channel)) for envelope in envelopes]
    found = [
        find_correspondent(envelope, side=side, proof=proof) for envelope, proof in zip(envelopes, proofs, strict=True)
    ]
    shown = [(subject.text, text.text) for subject, text in heads]
    classified = _classified(envelopes, correspondents=found, masked=shown, classifier=classifier)
    return [
        _read(
            envelope, head, classification=classification, of_sender=proof, correspondent=customer, side=side, key=key
        )
        for envelope, head, classification, proof, customer in zip(
            envelopes, heads, classified, proofs, found, strict=True
        )
    ]


def classify_again(analyses: Sequence[Analysis], *, classifier: Classifies) -> list[Analysis]:
    """Return the analyses with what another classifier says of the same messages."""
    classified = _classified(
        [each.envelope for each in analyses],
        correspondents=[each.correspondent for each in analyses],
        masked=[(each.shown.subject, each.shown.text) for each in analyses],
        classifier=classifier,
    )
    return [
        replace(
            each,
            classification=_considered(seen, each.envelope, origin=each.origin, correspondent=each.correspondent),
        )
        for each, seen in zip(analyses, classified, strict=True)
    ]


def _classified(
    envelopes: Sequence[Envelope],
    *,
    correspondents: Sequence[Correspondent],
    masked: Sequence[tuple[str, str]],
    classifier: Classifies,
) -> list[Classification]:
    """Classify the relevant words of each message. masked: its subject and its text."""
    judged = [_judged(each, customer) for each, customer in zip(envelopes, correspondents, strict=True)]
    subjects = [*map(_judged_subject, envelopes)]
    return classifier.classify_batch(
        [f"{subject}\n{words}" for subject, words in zip(subjects, judged, strict=True)],
        masked=[
            f"{judged_subject and _without_tokens(subject)}\n{text if words is envelope.text else mask(words).text}"
            for envelope, judged_subject, (subject, text), words in zip(
                envelopes, subjects, masked, judged, strict=True
            )
        ],
    )


def _judged(envelope: Envelope, correspondent: Correspondent) -> str:
    """Return the words that are classified; for a colleague's forward, also the customer's."""
    is_forward = correspondent.source is CorrespondentSource.FORWARDED
    return f"{envelope.text}\n{envelope.quoted}" if is_forward else envelope.words


def _judged_subject(envelope: Envelope) -> str:
    """Return the subject; empty for thanks that answer a mail: that subject is a quote, and says nothing new.

    A subject without "Re:" is not a quote: people begin another matter by answering an old mail.
    """
    is_thanks = envelope.in_reply_to and remark_of(envelope.text) in NEEDS_NOTHING
    return "" if is_thanks and is_answer_subject(envelope.subject) else _without_tokens(envelope.subject)


def _without_tokens(subject: str) -> str:
    """Return the subject without our tokens: their random letters look like another language or a number."""
    return TOKEN.sub(" ", subject) if "-" in subject else subject


def _read(
    envelope: Envelope,
    head: tuple[Masked, Masked],
    *,
    classification: Classification,
    of_sender: SenderProof,
    correspondent: Correspondent,
    side: OwnSide,
    key: bytes,
) -> Analysis:
    origin, voice = _writer(envelope, correspondent, proof=of_sender, side=side)
    proof = correspondent.proof(of_sender)
    shown = mask_words(envelope, head, correspondent=correspondent)
    said = canonical(words_of(envelope))
    # A signal may quote the sender's name, which may contain anything.
    domains = frozenset(address.rpartition("@")[2] for address in side.desk)
    noticed = _masked_signals(signals(envelope, own_domains=domains, proof=proof))
    return Analysis(
        envelope=envelope,
        origin=origin,
        correspondent=correspondent,
        voice=voice,
        signs=find_signs(envelope),
        proof=proof,
        signals=noticed,
        classification=_considered(classification, envelope, origin=origin, correspondent=correspondent),
        shown=shown,
        indexed=words_to_index(shown.subject, shown.text),
        said=said,
        fingerprint=fingerprint_of(said, exactly=_subject_and_files(envelope), key=key),
        echo=echo_of(said, key=key),
        gist=gist_of(said, key=key),
    )


def _writer(
    envelope: Envelope, correspondent: Correspondent, *, proof: SenderProof, side: OwnSide
) -> tuple[Origin, OwnVoice | None]:
    """Return the kind of the sender, and what the message is if our own side wrote it."""
    speaks_for_customer = correspondent.mouthpiece in {Mouthpiece.DESK, Mouthpiece.FORM}
    origin = recognise(envelope, own_addresses=side.desk, speaks_for_customer=speaks_for_customer)
    is_submitted = any(each.key is ReasonKey.AUTO_SUBMITTED for each in origin.why)
    if origin.kind is OriginKind.AUTO_GENERATED and is_submitted:
        nameless = names_no_customer(envelope, correspondent, side=side)
        origin = replace(origin, why=(*origin.why, Reason(ReasonKey.NAMES_NO_CUSTOMER))) if nameless else origin
    voice = _voice(envelope, correspondent, origin=origin, proof=proof, side=side)
    if voice and origin.kind is OriginKind.PERSON and not correspondent.is_author:
        origin = Origin(OriginKind.OURSELVES, (Reason(ReasonKey.OUR_SIDE_WROTE),))
    return origin, voice


def _is_heard(origin: Origin, correspondent: Correspondent) -> bool:
    """Return whether a person may be waiting: also the customer whose mail a colleague forwards."""
    is_from_one = origin.kind not in _UNHEARD and not origin.is_notice
    return is_from_one or correspondent.source is CorrespondentSource.FORWARDED


def _considered(
    seen: Classification, envelope: Envelope, *, origin: Origin, correspondent: Correspondent
) -> Classification:
    """Return what holds of the classifier's answer, given who wrote the message."""
    weighed = _weighed(_obeyed(seen, envelope), heard=_is_heard(origin, correspondent))
    return _without_weak_words(weighed) if origin.is_campaign else weighed


def _without_weak_words(seen: Classification) -> Classification:
    """Return no category for a newsletter, which is about whatever its many readers like; danger stays danger."""
    if seen.category is None or seen.emergency or seen.possible_danger:
        return seen
    nothing: tuple[str, ...] = ()
    return replace(
        seen,
        category=None,
        runner_up=seen.category,
        abstained=True,
        evidence=nothing,
        missing_facts=nothing,
        intent=None,
    )


def _obeyed(seen: Classification, envelope: Envelope) -> Classification:
    """Remove the category of a command such as STOP: the provider acts on it, and no classifier decides about it."""
    command = command_of(envelope)
    if command in {None, Command.HELP} or seen.remark is not RemarkKind.CONTENT or may_be_matter(envelope):
        return seen
    return seen.without_matter(RemarkKind.COMMAND if command is Command.STOP else RemarkKind.ASSENT)


def _weighed(seen: Classification, *, heard: bool) -> Classification:
    """Lower the danger where no person waits: an emergency becomes a question to an agent, a question is dropped."""
    if heard or not (seen.emergency or seen.possible_danger):
        return seen
    evidence = (Reason(ReasonKey.NO_PERSON_WAITS), *seen.danger_evidence)
    return replace(seen, emergency=False, possible_danger=seen.emergency, danger_evidence=evidence)


def _voice(
    envelope: Envelope, correspondent: Correspondent, *, origin: Origin, proof: SenderProof, side: OwnSide
) -> OwnVoice | None:
    """Return what a message of our own side is. proof: of the author in From."""
    if envelope.from_colleague:
        return OwnVoice.ANSWER if origin.kind in {OriginKind.PERSON, OriginKind.OURSELVES} else OwnVoice.MACHINE
    is_other = correspondent.mouthpiece is not None or correspondent.source is CorrespondentSource.FORWARDED
    if is_other or origin.kind not in {OriginKind.PERSON, OriginKind.OURSELVES}:
        return None
    if not side.includes(envelope.sender.handle) or proof.kind is ProofKind.FAILED:
        return None
    is_proven = proof.kind is ProofKind.PROVEN or OWN_SENT_FOLDER in envelope.machine_headers
    return OwnVoice.ANSWER if is_proven else OwnVoice.CLAIM


def _with_safe_ids(envelope: Envelope, *, key: bytes) -> Envelope:
    """Return the envelope with a hash for each Message-ID that contains a secret: they are stored and compared."""
    own = [envelope.rfc_message_id] if envelope.rfc_message_id else []
    if not mask("\n".join([*own, *envelope.in_reply_to, *envelope.references])).kinds:
        return envelope

    def safe(message_id: str) -> str:
        return message_id if has_our_form(message_id) else without_secret(message_id, key=key)

    return replace(
        envelope,
        rfc_message_id=safe(envelope.rfc_message_id) if envelope.rfc_message_id else None,
        in_reply_to=tuple(map(safe, envelope.in_reply_to)),
        references=tuple(map(safe, envelope.references)),
    )


def _masked_signals(noticed: Sequence[Signal]) -> tuple[Signal, ...]:
    return tuple(replace(signal, why=_masked_reason(signal.why)) for signal in noticed)


def _masked_reason(why: Reason) -> Reason:
    masked = {name: _masked_value(value) if isinstance(value, str) else value for name, value in why.values.items()}
    return Reason(why.key, masked)


# Most mail has the same few, such as what our mail server found.
@lru_cache(maxsize=_VALUES)
def _masked_value(value: str) -> str:
    return mask(value).text


def words_of(envelope: Envelope) -> str:
    """Return the customer's new text; without one the quoted text, or the subject."""
    return envelope.text or envelope.quoted or envelope.subject


def _subject_and_files(envelope: Envelope) -> str:
    files = " ".join(attachment.sha256 for attachment in envelope.attachments)
    return f"{' '.join(envelope.subject.casefold().split())}\n{files}"
