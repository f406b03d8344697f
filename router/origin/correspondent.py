"""The correspondent of a mail: the customer whom it is about, where an answer goes, and by which field we know.

Usually it is the author in From (RFC 5322 section 3.6.2). From is not the customer where a form, a list or a no-reply
address speaks for one: then X-Original-From, X-Original-Sender, Reply-To or a line of the form names them. Where a
person wrote, Reply-To is only an offer: a forged From with the thief's Reply-To is how answers are stolen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from router.envelope import WEB_FORM, Envelope, Party, PartyKind
from router.origin.machine_senders import is_deaf, is_mail_daemon
from router.origin.mailing_lists import LIST_NAMES, list_marks
from router.origin.own_side import SHARED_DOMAINS, FormService, OwnSide, domain_of, is_within
from router.origin.sender_proof import ProofKind, SenderProof
from router.origin.verdicts import CorrespondentSource
from router.reason import Reason, ReasonKey

# The fields in which lists keep the author whom they replaced in From, the strongest first.
ORIGINAL_AUTHORS: Final = ("x-original-from", "x-original-sender")
# "'Kai Wu' via Support", and what Google writes for it in other languages.
_VIA: Final = re.compile(
    r"(?<!\w)(?:via|über|por medio de|a través de)(?!\w)|(?:\A|\s)(?:通过|透過|经由|経由)", re.IGNORECASE
)
_ADDRESS: Final = re.compile(r"[^\s<>@,;:\"'()\[\]：（），。；、]{1,128}@[^\s<>@,;:\"'()\[\]：（），。；、]{1,253}")
_FORM_CHARACTERS: Final = 20_000
# A telephone number, or a number of an account or a case: a form writes one for the customer whom it speaks for.
_NUMBER: Final = re.compile(r"\d(?:[\s().\-/]{0,2}\d){6,}")
# The block above a forwarded mail, in the languages of our users' mail programs (see `connectors.email.quotes`).
_FORWARD_MARK: Final = re.compile(
    r"^[\s>]*(?:-{2,}\s*(?:forwarded message|forwarded by|original message|weitergeleitete nachricht|"
    r"message transféré|mensaje reenviado|转发的?邮件(?:信息)?|轉寄的?郵件|转发|原始邮件|转发邮件)|"
    r"begin forwarded message:|anfang der weitergeleiteten nachricht|发件人转发的邮件)",
    re.IGNORECASE | re.MULTILINE,
)
_FORWARD_SUBJECT: Final = re.compile(r"\A\s*(?:fwd?|wg|tr|rv|enc|转发|轉寄|轉發|転送)\s*[:：]", re.IGNORECASE)
_FORWARDED_FROM: Final = re.compile(
    r"^[\s>*]*(?:from|von|de|da|van|发件人|寄件者|寄件人|差出人)\s*\*?\s*[:：]\s*\*?[ \t]*(.{1,300})$",
    re.IGNORECASE | re.MULTILINE,
)


class Mouthpiece(StrEnum):
    """Who speaks for the customer. desk, form: ours, or declared by us.  group, deaf: of others."""

    DESK = "desk"
    FORM = "form"
    GROUP = "group"
    DEAF = "deaf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondent:
    """The customer of a message.

    answer_to: where an answer goes.  other: another address that the mail names for answers, which an agent may choose.
    mouthpiece: who wrote it for them; None where the author speaks.
    """

    party: Party
    source: CorrespondentSource = CorrespondentSource.FROM
    answer_to: str
    other: str = ""
    mouthpiece: Mouthpiece | None = None

    @property
    def is_author(self) -> bool:
        """Whether the author of the mail is the customer, and not a machine, a list or a colleague for them."""
        return self.source is CorrespondentSource.FROM

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to explain: the author wrote, and answers go to them."""
        return self.is_author and not self.other

    def speaker(self, envelope: Envelope) -> Party:
        """Return whose words they are: the customer's for whom a machine or a list wrote, else the author's."""
        return self.party if self.mouthpiece else envelope.sender

    def proof(self, of_sender: SenderProof) -> SenderProof:
        """Return what is proven about the correspondent. of_sender: about the author in From."""
        if self.is_author or self.source is CorrespondentSource.RECIPIENT or of_sender.kind is ProofKind.FAILED:
            return of_sender
        why = Reason(ReasonKey.CORRESPONDENT_IS_NAMED, {"source": self.source.value})
        is_of_others = self.mouthpiece in {Mouthpiece.GROUP, Mouthpiece.DEAF}
        # Otherwise a forger whom our mail server catches under the customer's address could use ours.
        is_checked = of_sender.kind is ProofKind.UNPROVEN and of_sender.why.key != ReasonKey.SENDERS_UNCHECKED
        return SenderProof(ProofKind.UNPROVEN, why, hearsay=is_of_others or is_checked)


def find_correspondent(envelope: Envelope, *, side: OwnSide, proof: SenderProof) -> Correspondent:
    """Return the correspondent. proof: of the author in From."""
    sender = envelope.sender
    direct = Correspondent(party=sender, answer_to=sender.handle)
    if sender.kind is not PartyKind.EMAIL or WEB_FORM in envelope.machine_headers or envelope.bounce is not None:
        return _colleagues_customer(envelope) or direct
    is_ours = side.includes(sender.handle)
    # Most mail: nothing in it names others than its author.
    if not (envelope.reply_to or envelope.authors or side.forms or is_ours) or is_mail_daemon(sender.handle):
        return direct
    form = side.form_of(sender.handle)
    mouthpiece = _mouthpiece(envelope, side=side, form=form)
    named = [each for each in _named(envelope, form=form, mouthpiece=mouthpiece) if each[1].handle != sender.handle]
    outside = [each for each in named if not side.includes(each[1].handle)]
    if mouthpiece and outside:
        return _spoken_for(*outside[0], mouthpiece=mouthpiece)
    if is_ours and (counterpart := _counterpart(envelope, side=side)):
        return counterpart
    # A customer who wrote through our own form or group.
    inside = [each for each in named if not side.is_desk(each[1].handle)]
    if mouthpiece and inside:
        return _spoken_for(*inside[0], mouthpiece=mouthpiece)
    return _with_reply_to(direct, envelope, side=side, proof=proof)


def names_no_customer(envelope: Envelope, correspondent: Correspondent, *, side: OwnSide) -> bool:
    """Return whether a mail comes from another house's no-reply address and names no one to answer.

    Notices of other systems do. A form of ours, one that we declared, and nearly every other names its customer: in
    Reply-To, or by an address or a number in its text.
    """
    handle = envelope.sender.handle
    if not is_deaf(handle) or side.includes(handle) or side.form_of(handle) or not correspondent.is_plain:
        return False
    words = f"{envelope.subject}\n{envelope.text}\n{envelope.quoted}"[:_FORM_CHARACTERS]
    return not (envelope.reply_to or _ADDRESS.search(words) or _NUMBER.search(words))


def _colleagues_customer(envelope: Envelope) -> Correspondent | None:
    """Return the customer to whom a colleague spoke elsewhere; None where the customer spoke."""
    if not envelope.from_colleague or not envelope.to:
        return None
    customer = envelope.to[0]
    return Correspondent(party=customer, source=CorrespondentSource.RECIPIENT, answer_to=customer.handle)


def _spoken_for(source: CorrespondentSource, party: Party, *, mouthpiece: Mouthpiece) -> Correspondent:
    return Correspondent(party=party, source=source, answer_to=party.handle, mouthpiece=mouthpiece)


def _mouthpiece(envelope: Envelope, *, side: OwnSide, form: FormService | None) -> Mouthpiece | None:
    handle = envelope.sender.handle
    if form:
        return Mouthpiece.FORM
    if side.is_desk(handle):
        return Mouthpiece.DESK
    if _is_of_group(envelope):
        return Mouthpiece.GROUP
    return Mouthpiece.DEAF if is_deaf(handle) else None


def _is_of_group(envelope: Envelope) -> bool:
    """Return whether a list put itself into From, as DMARC makes lists do (RFC 7960 section 4.1.3.3)."""
    fields = [value.casefold() for name, value in envelope.machine_headers if name in LIST_NAMES]
    if not fields and not envelope.authors:
        return False
    handle = envelope.sender.handle
    dotted = f"<{handle.replace('@', '.')}>"
    return bool(_VIA.search(envelope.sender.name)) or any(handle in field or dotted in field for field in fields)


def _named(
    envelope: Envelope, *, form: FormService | None, mouthpiece: Mouthpiece | None
) -> Iterator[tuple[CorrespondentSource, Party]]:
    """Yield whom the mail names as its customer, the strongest first."""
    if form and form.field:
        for address in _field(envelope.text, form.field):
            yield CorrespondentSource.BODY, Party(PartyKind.EMAIL, address)
    if mouthpiece in {Mouthpiece.DESK, Mouthpiece.GROUP}:
        yield from ((CorrespondentSource(name), party) for name, party in envelope.authors if _is_answerable(party))
    yield from ((CorrespondentSource.REPLY_TO, party) for party in envelope.reply_to if _is_answerable(party))


def _field(text: str, name: str) -> list[str]:
    """Return the addresses that a line of a form gives: on the line of its label, or on the next one."""
    label = re.compile(rf"^[ \t>*]*{re.escape(name)}[ \t*]*[:：][ \t*]*\n?(.*)$", re.IGNORECASE | re.MULTILINE)
    return [
        address[0].rstrip(".").lower()
        for line in label.finditer(text[:_FORM_CHARACTERS])
        if (address := _ADDRESS.search(line[1].replace("mailto:", "")))
    ]


def _is_answerable(party: Party) -> bool:
    return "@" in party.handle and not is_deaf(party.handle)


def _counterpart(envelope: Envelope, *, side: OwnSide) -> Correspondent | None:
    """Return the customer of a mail of our own side: to whom it went, or whose mail it forwards."""
    # What a colleague writes to the desk itself is a question of theirs, also with copies to others.
    outside = [each for each in envelope.recipients if "@" in each.handle and not side.includes(each.handle)]
    if outside and not any(side.is_desk(party.handle) for party in envelope.to):
        return Correspondent(party=outside[0], source=CorrespondentSource.RECIPIENT, answer_to=outside[0].handle)
    author = forwarded_author(envelope)
    if author is None or side.includes(author.handle):
        return None
    return Correspondent(
        party=author,
        source=CorrespondentSource.FORWARDED,
        answer_to=author.handle,
        other=envelope.sender.handle,
    )


def forwarded_author(envelope: Envelope) -> Party | None:
    """Return the author of the mail that this one forwards; None if it forwards none."""
    words = f"{envelope.text}\n{envelope.quoted}"[:_FORM_CHARACTERS]
    mark = _FORWARD_MARK.search(words)
    if mark is None and not _FORWARD_SUBJECT.match(envelope.subject):
        return None
    line = _FORWARDED_FROM.search(words, mark.end() if mark else 0)
    address = _ADDRESS.search(line[1].replace("mailto:", "")) if line else None
    if line is None or address is None:
        return None
    name = line[1][: line[1].find(address[0])].strip(" \t<\"'*[(")
    return Party(PartyKind.EMAIL, address[0].rstrip(".").lower(), name)


def _with_reply_to(direct: Correspondent, envelope: Envelope, *, side: OwnSide, proof: SenderProof) -> Correspondent:
    """Return the author with the address that their Reply-To offers: followed only within their own proven domain."""
    sender = direct.party.handle
    asked = [party.handle for party in envelope.reply_to if _is_answerable(party)]
    others = [handle for handle in asked if not side.is_desk(handle)]
    # A list's Reply-To is the list: an answer there would be read by all its members.
    marks = list_marks(envelope.machine_headers, own_addresses=side.desk)
    if not others or sender in asked or any(name in LIST_NAMES for name in marks.foreign):
        return direct
    domain = domain_of(sender)
    is_theirs = domain not in SHARED_DOMAINS and is_within(domain_of(others[0]), frozenset({domain}))
    if "@" in sender and not (is_theirs and proof.kind is ProofKind.PROVEN):
        return replace(direct, other=others[0])
    return replace(direct, answer_to=others[0], other=sender)
