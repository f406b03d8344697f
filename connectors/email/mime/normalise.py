"""Turn the bytes of a mail into an Envelope. Pure: the same bytes give the same envelope, and no network is used."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import Final

from connectors.base import RawMessage
from connectors.email.mime import attachments, limits
from connectors.email.mime.addresses import clean_name, parse_addresses
from connectors.email.mime.bodies import Bodies, sort_parts
from connectors.email.mime.content import read_content
from connectors.email.mime.dates import read_date
from connectors.email.mime.delivery_reports import read_report
from connectors.email.mime.headers import Headers, decode_words, open_mail
from connectors.email.mime.identifiers import identifiers, message_id
from connectors.email.mime.parts import read_parts
from router.envelope import Attachment, Envelope, Party, PartyKind
from router.errors import NotFound
from router.origin.automatic import MACHINE_HEADERS
from router.origin.correspondent import ORIGINAL_AUTHORS

_MACHINE_HEADERS: Final = frozenset(MACHINE_HEADERS)
# Most mail goes to the same few addresses of the desk, so their parsed form is cached. A longer list is not.
_USUAL_CHARACTERS: Final = 120
_ADDRESS: Final = re.compile(r"[^\s<>@,;:\"()\[\]\\]{1,64}@[^\s<>@,;:\"()\[\]\\]{1,255}")


def normalise(raw: RawMessage, *, channel: str) -> Envelope:
    """Return the mail as an Envelope.

    Raises connectors.email.mime.tree.UnreadableMail when it cannot be read within `connectors.email.mime.limits`.
    """
    headers, body = open_mail(raw.content)
    tree = read_parts(headers, body)
    bodies = sort_parts(tree)
    content = read_content(bodies, hint=headers.hint)
    defects = [*tree.defects, *bodies.notes, *content.defects]
    sent_at, dated = read_date(headers.raw("date"), received_at=raw.received_at)
    if dated:
        defects.append(dated)
    sender, to = _sender(headers, defects), _parties(headers, "to", defects=defects)
    subject = " ".join(headers.text("subject").split())[: limits.SUBJECT_CHARACTERS]
    return Envelope(
        channel=channel,
        source_key=raw.source_key,
        sender=sender,
        received_at=raw.received_at,
        to=to,
        cc=_parties(headers, "cc", defects=defects),
        reply_to=_parties(headers, "reply-to", defects=defects),
        subject=subject,
        text=content.text,
        quoted=content.quoted,
        signature=content.signature,
        html=content.page,
        sent_at=sent_at,
        rfc_message_id=message_id(headers),
        in_reply_to=identifiers(headers, "in-reply-to"),
        references=identifiers(headers, "references"),
        attachments=_attachments(bodies, content.pictures),
        machine_headers=_machine_headers(headers),
        authors=_authors(headers),
        authentication=_authentication(headers),
        defects=tuple(defects),
        bounce=read_report(headers, tree, sender=sender, subject=subject, to=to, shown=content.shown),
    )


def attachment_content(original: bytes, part: int) -> bytes:
    """Return the decoded bytes of the attachment that `Attachment.part` names.

    Raises NotFound when the mail has no such part, UnreadableMail when it cannot be read.
    """
    for found in read_parts(*open_mail(original)).leaves():
        if found.number == part:
            return found.content
    raise NotFound(f"The mail has no part {part}.")


def _sender(headers: Headers, defects: list[str]) -> Party:
    found = [party for value in headers.each("from") for party in parse_addresses(value)]
    if len(found) > 1 and len({party.handle for party in found}) > 1:
        defects.append("The mail names more than one author.")
    if found:
        return found[0]
    for name in ("from", "sender", "reply-to", "return-path"):
        for value in headers.each(name):
            match = _ADDRESS.search(decode_words(value))
            if match is not None:
                defects.append(f"The author's address was read from a damaged or missing From field ({name}).")
                return Party(PartyKind.EMAIL, match[0].lower())
    defects.append("The mail names no author.")
    return Party(PartyKind.EMAIL, "", clean_name(headers.text("from").replace("<>", "")))


def _parties(headers: Headers, name: str, *, defects: list[str]) -> tuple[Party, ...]:
    if name not in headers.fields:
        return ()
    found = [party for value in headers.each(name) for party in _listed(value)]
    if len(found) >= limits.ADDRESSES:
        defects.append(f"Only the first {limits.ADDRESSES} addresses of {name} were read.")
    return tuple(found[: limits.ADDRESSES])


def _authors(headers: Headers) -> tuple[tuple[str, Party], ...]:
    found = ((name, value) for name in ORIGINAL_AUTHORS if name in headers.fields for value in headers.each(name))
    return tuple((name, party) for name, value in islice(found, limits.ADDRESSES) for party in _listed(value)[:1])


def _listed(value: str) -> tuple[Party, ...]:
    return _usual(value) if len(value) <= _USUAL_CHARACTERS else tuple(parse_addresses(value))


@lru_cache(maxsize=256)
def _usual(value: str) -> tuple[Party, ...]:
    return tuple(parse_addresses(value))


def _attachments(bodies: Bodies, pictures: frozenset[str]) -> tuple[Attachment, ...]:
    return tuple(attachments.describe(part, pictures=pictures) for part in bodies.attached)


def _authentication(headers: Headers) -> tuple[str, ...]:
    if "authentication-results" not in headers.fields:
        return ()
    found = islice(headers.each("authentication-results"), limits.AUTHENTICATION_RESULTS)
    return tuple(value[: limits.AUTHENTICATION_CHARACTERS] for value in found)


def _machine_headers(headers: Headers) -> tuple[tuple[str, str], ...]:
    found = [
        (name, decode_words(headers.readable(value))[: limits.MACHINE_HEADER_CHARACTERS])
        for name, values in headers.fields.items()
        if name in _MACHINE_HEADERS
        for value in values
    ]
    return tuple(found[: limits.MACHINE_HEADERS])
