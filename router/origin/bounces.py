"""Parse reports on our messages: the recipients that were not reached, permanently or for now, and the message.

Delivery reports follow RFC 3464, complaints RFC 5965; older and simpler systems write prose, which `bounce_prose`
parses. Pure: it gets decoded parts and returns a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from router.envelope import Bounce, BouncedRecipient, Party
from router.origin.bounce_prose import MACHINES, SENTENCES, SUBJECTS, find_addresses, read_prose, split_returned
from router.origin.machine_senders import is_mail_daemon, is_robot
from router.text.case_tokens import printed_tokens

STATUS_TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
FEEDBACK_TYPE: Final = "message/feedback-report"
RECEIPT_TYPE: Final = "message/disposition-notification"
_REPORT_TYPES: Final = STATUS_TYPES | {FEEDBACK_TYPE, RECEIPT_TYPE}
# Outlook.com's feedback loop, and Amazon's notices by mail.
_COMPLAINT_SUBJECT: Final = "complaint about message from"
_NOTICES_FROM: Final = "@sns.amazonaws.com"
_RETURNED_TYPES: Final = frozenset({
    "message/rfc822", "message/global", "text/rfc822-headers", "text/rfc822-header", "message/global-headers",
})  # fmt: skip
# A report is short; later text belongs to the returned message.
_PROSE_CHARACTERS: Final = 20_000
_RETURNED_CHARACTERS: Final = 64_000
_MOST_RECIPIENTS: Final = 100
_SYSTEMS: Final = (
    "mail delivery", "postmaster", "mail administrator", "system administrator", "mailer-daemon", "mail system",
    "internet mail", "邮件系统", "系统管理员", "退信",
)  # fmt: skip
_FIELD: Final = re.compile(r"^([A-Za-z][A-Za-z0-9-]{1,40})[ \t]*:[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_MESSAGE_ID: Final = re.compile(r"^[ \t>]*Message-ID:\s*<([^<>\s]{1,998})>", re.IGNORECASE | re.MULTILINE)
_TO: Final = re.compile(r"^[ \t>]*To:[ \t]*(.*(?:\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One leaf of a mail, decoded. A returned message is a `message/rfc822` with its source as text."""

    media_type: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """The header section of a mail, as far as reports need it. headers: names in lower case.  recipients: of To."""

    sender: Party
    subject: str
    headers: Mapping[str, str]
    recipients: frozenset[str] = frozenset()


def may_be_report(sender: Party, *, subject: str, return_path: str, media_types: frozenset[str]) -> bool:
    """Return quickly whether `read_bounce` may find a report: false for persons' mail, whose parts need no parsing."""
    return bool(
        not media_types.isdisjoint(_REPORT_TYPES)
        or _system_sign(sender, return_path)
        or subject[:40].casefold().startswith(_COMPLAINT_SUBJECT)
        or sender.handle.endswith(_NOTICES_FROM)
    )


def read_bounce(cover: Cover, *, sections: Sequence[Section]) -> Bounce | None:
    """Return the content of a report; None if the mail is not a report.

    sections: the mail's parts in order; texts and reports in full, a returned message at least with its header section.
    """
    for read in (_delivery_report, _complaint, _notification, _refusal, _prose):
        found = read(cover, sections)
        if found is not None:
            places = (cover.subject, *(section.text[:_RETURNED_CHARACTERS] for section in sections))
            return replace(found, tokens=printed_tokens(places))
    return None


def _delivery_report(cover: Cover, sections: Sequence[Section]) -> Bounce | None:
    """Parse RFC 3464 fields, also where a system wrote them into a text."""
    reports = [section.text for section in sections if section.media_type in STATUS_TYPES]
    declared = bool(reports)
    if not reports and (_sign(cover) or "report" in cover.headers.get("content-type", "")):
        reports = [section.text for section in _notes(sections) if "final-recipient" in section.text.casefold()]
    recipients = _unique(recipient for text in reports for recipient in _recipients(text))
    if recipients:
        return Bounce(recipients=recipients, original_message_id=_original_id(sections))
    return _from_prose(cover, sections) if declared else None


def _recipients(text: str) -> Iterator[BouncedRecipient]:
    for group in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")[:_PROSE_CHARACTERS]):
        fields: dict[str, str] = {}
        for match in _FIELD.finditer(group):
            fields.setdefault(match[1].lower(), " ".join(match[2].split()))
        address = _address(fields.get("original-recipient", "")) or _address(fields.get("final-recipient", ""))
        if address:
            yield _recipient(address, fields)


def _recipient(address: str, fields: Mapping[str, str]) -> BouncedRecipient:
    action = re.split(r"[\s(;]", fields.get("action", "failed").strip().casefold())[0]
    diagnostic = fields.get("diagnostic-code", "").partition(";")[2].strip()
    status = _STATUS.search(fields.get("status", "")) or _STATUS.search(diagnostic)
    # Some systems write "failure" or "fail"; RFC 3464 section 2.3.3 has five words.
    known = next((word for word in ("delayed", "delivered", "relayed", "expanded") if action == word), "failed")
    return BouncedRecipient(
        address=address, action=known, status=status[0] if status else "", diagnostic=diagnostic[:500]
    )


def _address(value: str) -> str:
    """Return the address of a typed field (RFC 3464 section 2.1.2), or of one without a type."""
    _, typed, address = value.partition(";")
    found = find_addresses(address if typed else value)
    return found[0] if found else ""


def _complaint(cover: Cover, sections: Sequence[Section]) -> Bounce | None:
    """Parse RFC 5965 reports, and Outlook.com's, which is a returned message under a fixed subject."""
    reports = [section.text for section in sections if section.media_type == FEEDBACK_TYPE]
    if not reports and not cover.subject.casefold().startswith(_COMPLAINT_SUBJECT):
        return None
    named = [_address(match[2]) for text in reports for match in _FIELD.finditer(text) if _names_recipient(match[1])]
    named = named or [address for text in _returned(sections) for address in _to(text)]
    addresses = dict.fromkeys(address for address in named if address)
    return Bounce(
        recipients=tuple(BouncedRecipient(address=address, action="complained") for address in addresses),
        original_message_id=_original_id(sections),
    )


def _names_recipient(field: str) -> bool:
    return field.lower() in {"original-rcpt-to", "removal-recipient"}


def _notification(cover: Cover, sections: Sequence[Section]) -> Bounce | None:
    """Parse Amazon's notices: JSON, one object (developer guide, "Amazon SNS notification contents for Amazon SES")."""
    if not cover.sender.handle.endswith(_NOTICES_FROM):
        return None
    text = next((section.text.lstrip() for section in sections if section.text.lstrip().startswith("{")), "")
    said = _object(text) or _object(text.replace("\n ", ""))
    # Amazon's queue wraps the notice in another one, unless "raw message delivery" is enabled.
    if isinstance(said.get("Message"), str):
        said = _object(said["Message"])
    if not isinstance(said.get("mail"), dict):
        return None
    headers = said["mail"].get("commonHeaders") or {}
    message_id = str(headers.get("messageId") or "") if isinstance(headers, dict) else ""
    return Bounce(recipients=tuple(_noticed(said)), original_message_id=message_id.strip("<> ") or None)


def _object(text: str) -> dict[str, Any]:
    try:
        # Mailers wrap the one long line, also within its strings.
        said, _ = json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _noticed(said: dict[str, Any]) -> Iterator[BouncedRecipient]:
    kind = str(said.get("notificationType") or said.get("eventType") or "").casefold()
    about = said.get(kind)
    if not isinstance(about, dict):
        return
    passing = str(about.get("bounceType", "")).casefold() == "transient"
    action = {"bounce": "failed", "complaint": "complained", "delivery": "delivered"}.get(kind, "delayed")
    for each in about.get("bouncedRecipients") or about.get("complainedRecipients") or about.get("recipients") or ():
        one = each if isinstance(each, dict) else {"emailAddress": each}
        status = str(one.get("status") or ("4.0.0" if passing else ""))
        why = str(one.get("diagnosticCode") or "")[:500]
        yield BouncedRecipient(address=str(one.get("emailAddress") or ""), action=action, status=status, diagnostic=why)


def _refusal(cover: Cover, sections: Sequence[Section]) -> Bounce | None:
    """Parse a rejecting receipt (RFC 5429 section 2.1.1: a mailbox filter that rejects may answer by MDN)."""
    if not any(section.media_type == RECEIPT_TYPE for section in sections):
        return None
    said = "\n".join(section.text for section in sections[:1]).casefold()
    return _from_prose(cover, sections) if any(sentence in said for sentence in SENTENCES) else None


def _prose(cover: Cover, sections: Sequence[Section]) -> Bounce | None:
    sign = _sign(cover)
    if sign == "daemon" or "x-failed-recipients" in cover.headers:
        return _from_prose(cover, sections)
    if not sign:
        return None
    said = "\n".join(section.text[:_PROSE_CHARACTERS] for section in _notes(sections)).casefold()
    reported = any(sentence in said for sentence in SENTENCES)
    topical = _is_topic(cover.subject)
    if topical and reported:
        return _from_prose(cover, sections)
    return _from_prose(cover, sections) if sign == "system" and (topical or reported) else None


def _from_prose(cover: Cover, sections: Sequence[Section]) -> Bounce:
    note = "\n".join(section.text for section in _notes(sections))[:_PROSE_CHARACTERS]
    above, _ = split_returned(note)
    given = find_addresses(cover.headers.get("x-failed-recipients", ""))
    recipients = read_prose(above, subject=cover.subject, given=given, own=_aside(cover))
    if not recipients:
        returned = [address for text in _returned(sections) for address in _to(text)]
        recipients = read_prose(above, subject=cover.subject, given=returned[:1], own=frozenset())
    return Bounce(recipients=_unique(recipients), original_message_id=_original_id(sections))


def _aside(cover: Cover) -> frozenset[str]:
    """Return addresses in a report that are not bounced recipients: those of its sender and its reader."""
    return cover.recipients | {cover.sender.handle}


def _notes(sections: Sequence[Section]) -> Iterator[Section]:
    """Yield the texts of the mail system itself: those before the returned message."""
    for section in sections:
        if section.media_type in _RETURNED_TYPES:
            return
        if section.media_type.startswith("text/") or section.media_type in STATUS_TYPES:
            yield section


def _returned(sections: Sequence[Section]) -> Iterator[str]:
    for section in sections:
        if section.media_type in _RETURNED_TYPES:
            yield section.text[:_RETURNED_CHARACTERS]
    for section in _notes(sections):
        yield split_returned(section.text[:_RETURNED_CHARACTERS])[1]


def _original_id(sections: Sequence[Section]) -> str | None:
    for section in sections:
        is_returned = section.media_type in _RETURNED_TYPES
        text = section.text[:_RETURNED_CHARACTERS]
        match = _MESSAGE_ID.search(text if is_returned else split_returned(text)[1])
        if match:
            return match[1]
    return None


def _to(text: str) -> list[str]:
    match = _TO.search(text)
    return find_addresses(match[1]) if match else []


def _unique(recipients: Iterator[BouncedRecipient] | Sequence[BouncedRecipient]) -> tuple[BouncedRecipient, ...]:
    """Return each address once, with its last status."""
    return tuple({recipient.address.lower(): recipient for recipient in recipients}.values())[:_MOST_RECIPIENTS]


def _sign(cover: Cover) -> str:
    return _system_sign(cover.sender, cover.headers.get("return-path", ""))


def _system_sign(sender: Party, return_path: str) -> str:
    """Return "daemon" if a mail system wrote, "system" or "machine" if one may have, and nothing for persons."""
    if is_mail_daemon(sender.handle or sender.name):
        return "daemon"
    path = return_path.strip()
    if (
        path == "<>"
        or "mailer-daemon" in path.lower()
        or is_robot(sender.handle)
        or _names_any(sender.name.casefold(), _SYSTEMS)
    ):
        return "system"
    return "machine" if _names_any(sender.handle.partition("@")[0], MACHINES) else ""


def _names_any(text: str, words: Sequence[str]) -> bool:
    # Plain substrings: one pattern with all of them takes three times as long, and this runs for every mail.
    return bool(text) and any(map(text.__contains__, words))


def _is_topic(subject: str) -> bool:
    said = subject.casefold()
    # A reply to a report, or a forwarded one, is a person's mail.
    return not said.startswith(("re:", "fw:", "fwd:")) and any(word in said for word in SUBJECTS)
