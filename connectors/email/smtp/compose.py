"""Write a mail: the same bytes at every attempt, and only the fields that we intend.

Fields that hold Message-IDs are written here, not by the standard library, which makes encoded words of long ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Final

from connectors.email.smtp.letter import letter_html
from connectors.sender_contract import Outgoing
from router.errors import PermanentError
from router.origin.automatic import OWN_MARK

# RFC 5322 section 3.6.4 without its obsolete forms: printable ASCII around one "@", and no angle brackets within.
_MESSAGE_ID: Final = re.compile(r"[!-;=?-~]{1,900}@[!-;=?-~]{1,80}")
_ADDRESS: Final = re.compile(r"[^\s\x00-\x1f\x7f<>@,;:\\\"()\[\]]{1,64}@[^\s\x00-\x1f\x7f<>@,;:\\\"()\[\]]{1,255}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_FIELD: Final = re.compile(rb"^([!-9;-~]+):", re.MULTILINE)
_LONGEST_SUBJECT: Final = 400

_MULTIPART: Final = ("content-type", "mime-version")
_SINGLE: Final = (*_MULTIPART, "content-transfer-encoding")
_ADDRESSED: Final = ("from", "to", "cc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references")
# The fields that our mail may have in its header section, each at most once.
_OURS: Final = frozenset({*_SINGLE, *_ADDRESSED, "auto-submitted", "x-auto-response-suppress", OWN_MARK})


def compose(outgoing: Outgoing, *, address: str, name: str, reply_to: str = "") -> bytes:
    """Return the mail, lines ended by CR LF.

    address, name: the sender; its own `sender_name` counts before `name`.  reply_to: where answers go, if elsewhere;
        empty for none.
    Raises PermanentError when an address or a Message-ID cannot be written into a header (RFC 5322 section 3.4.1).
    """
    recipients = [_checked(recipient) for recipient in (outgoing.recipient, *outgoing.copies)]
    for hidden in outgoing.blind_copies:
        _checked(hidden)
    mail = EmailMessage(policy=(SMTP if _ascii(*recipients, address) else SMTPUTF8).clone(cte_type="7bit"))
    shown = outgoing.sender_name or name
    mail["From"] = _written(_checked(address), name=_one_line(shown))
    mail["To"] = _written(recipients[0])
    if outgoing.copies:
        mail["Cc"] = [_written(copy) for copy in recipients[1:]]
    if reply_to:
        mail["Reply-To"] = _written(_checked(reply_to))
    mail["Subject"] = _one_line(outgoing.subject)[:_LONGEST_SUBJECT]
    mail["Date"] = format_datetime(outgoing.dated_at)
    mail["X-Omniyard"] = str(outgoing.outbound_id)
    if outgoing.automatic:
        # RFC 3834 section 5, and [MS-OXCMAIL] section 2.1.3.2.19, which Exchange follows.
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
    _fill(mail, outgoing, name=shown)
    return _sound(_threading(outgoing) + mail.as_bytes())


def _fill(mail: EmailMessage, outgoing: Outgoing, *, name: str) -> None:
    text = outgoing.text.replace("\x00", "")
    mail.set_content(text, charset="utf-8")
    if outgoing.html:
        mail.add_alternative(outgoing.html.replace("\x00", ""), subtype="html", charset="utf-8")
    elif outgoing.automatic and not outgoing.files:
        mail.add_alternative(letter_html(text, name=name), subtype="html", charset="utf-8")
    for file in outgoing.files:
        maintype, _, subtype = file.media_type.partition("/")
        mail.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=_one_line(file.name))
    for number, part in enumerate(each for each in mail.walk() if each.is_multipart()):
        # Not a random boundary: every attempt sends the same bytes.
        part.set_boundary(f"=_{outgoing.outbound_id.hex}{f'.{number}' if number else ''}")


def _threading(outgoing: Outgoing) -> bytes:
    fields = [_id_field("Message-ID", [outgoing.rfc_message_id])]
    if outgoing.in_reply_to and _MESSAGE_ID.fullmatch(outgoing.in_reply_to):
        fields.append(_id_field("In-Reply-To", [outgoing.in_reply_to]))
    # Customers' programs write invalid Message-IDs; an answer can leave them out.
    known = [each for each in outgoing.references if _MESSAGE_ID.fullmatch(each)]
    if known:
        fields.append(_id_field("References", known))
    return b"".join(fields)


def _id_field(name: str, ids: Sequence[str]) -> bytes:
    if not all(_MESSAGE_ID.fullmatch(each) for each in ids):
        raise PermanentError(f"{name} cannot be written: expected the form of RFC 5322 section 3.6.4")
    folded = "\r\n ".join(f"<{each}>" for each in ids)
    return f"{name}: {folded}\r\n".encode("ascii")


def _sound(mail: bytes) -> bytes:
    """Return the mail if its header section has only the fields that we intend: a last defence against injection.

    Raises PermanentError otherwise.
    """
    section = mail.partition(b"\r\n\r\n")[0]
    names = [found[1].decode("ascii").lower() for found in _FIELD.finditer(section.replace(b"\r\n", b"\n"))]
    stray = b"\r" in section.replace(b"\r\n", b"") or b"\n" in section.replace(b"\r\n", b"")
    if stray or len(names) != len(set(names)) or not set(names) <= _OURS:
        raise PermanentError("the mail was not sent: its header section has unexpected fields")
    return mail


def _written(address: str, *, name: str = "") -> Address:
    # Local part and domain separately: in one text the standard library refuses non-ASCII characters.
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain)


def _checked(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise PermanentError("an address is not valid (RFC 5321 section 4.1.2)")
    return address


def _one_line(text: str) -> str:
    # What looks like an encoded word is the sender's text: the standard library would decode it again, line breaks too.
    return _CONTROL.sub(" ", text).replace("=?", "= ?").strip()


def _ascii(*addresses: str) -> bool:
    return all(address.isascii() for address in addresses)
