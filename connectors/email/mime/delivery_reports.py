"""Pass a mail's parts to the reader of delivery reports if they could be one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from connectors.email.mime.bodies import text_of
from connectors.email.mime.headers import Headers, open_mail
from connectors.email.mime.html import page_to_text, to_text
from connectors.email.mime.parts import ParsedTree, Part, read_parts
from router.envelope import Bounce, Party
from router.origin.bounces import STATUS_TYPES, Cover, Section, may_be_report, read_bounce
from router.origin.journals import JOURNAL_FIELD

# A report's own parts are short; of a returned message only the header section is read.
_BYTES: Final = 64 * 1024
_MOST_SECTIONS: Final = 20
_SIGNS: Final = ("return-path", "content-type", "x-failed-recipients", "auto-submitted")


def read_report(
    headers: Headers,
    tree: ParsedTree,
    *,
    sender: Party,
    subject: str,
    to: tuple[Party, ...],
    shown: Mapping[int, str],
) -> Bounce | None:
    """Return what the mail reports about a message that we sent; None if it is not a report.

    shown: parts that are already harmless pages, by number.
    """
    if JOURNAL_FIELD in headers.fields:
        # It describes a mail that was delivered.
        return None
    if not sender.handle:
        # `From: MAILER-DAEMON <>` has no address to answer, but its name identifies the program that wrote.
        sender = Party(sender.kind, "", headers.text("from"))
    leaves = list(tree.leaves())
    kinds = frozenset([part.media_type for part in leaves])
    path = headers.raw("return-path")
    if "x-failed-recipients" not in headers.fields and not may_be_report(
        sender, subject=subject, return_path=path, media_types=kinds
    ):
        return None
    cover = Cover(
        sender=sender,
        subject=subject,
        headers={name: headers.readable(headers.fields[name][0]) for name in _SIGNS if name in headers.fields},
        recipients=frozenset(party.handle for party in to),
    )
    opened = _opened(leaves)
    # The parts of a wrapped report have their own numbers, and none of them is among the shown ones.
    pages = shown if opened is leaves else {}
    return read_bounce(cover, sections=list(_sections(opened[:_MOST_SECTIONS], headers, pages=pages)))


def _sections(leaves: list[Part], headers: Headers, *, pages: Mapping[int, str]) -> Iterator[Section]:
    for part in leaves:
        if part.media_type == "text/html":
            page = pages.get(part.number)
            text = page_to_text(page) if page is not None else to_text(text_of(part, hint=headers.hint))
            yield Section(media_type="text/html", text=text)
        # A multipart without its boundary is a text with a wrong declaration.
        elif part.media_type.startswith(("text/", "multipart/")):
            kind = part.media_type if part.media_type.startswith("text/") else "text/plain"
            yield Section(media_type=kind, text=text_of(part, hint=headers.hint))
        elif part.media_type.startswith("message/"):
            yield Section(
                media_type=part.media_type, text=part.content[:_BYTES].replace(b"\0", b"").decode("utf-8", "replace")
            )


def _opened(leaves: list[Part]) -> list[Part]:
    """Return the parts; for a report that a filter wrapped as an attached message, the parts of the report."""
    if any(part.media_type in STATUS_TYPES for part in leaves):
        return leaves
    for part in leaves:
        if part.media_type == "message/rfc822" and b"message/delivery-status" in part.content[:_BYTES]:
            return list(read_parts(*open_mail(part.content[:_BYTES])).leaves())
    return leaves
