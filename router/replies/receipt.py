"""What a receipt by mail has below its text: the link to the case's page, and the customer's own words."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from router.analysis import Analysis
from router.envelope import PartyKind
from router.origin.sender_proof import ProofKind
from router.replies.phrases import progress_in_words, written_in_words

# A customer knows what they wrote; a screen of it is enough to recognise it by.
_MOST_LINES, _MOST_CHARACTERS = 20, 1_500


def receipt_of(text: str, *, analysis: Analysis, language: str, status_link: str, zone: ZoneInfo) -> str:
    """Return the text of an automatic reply with its link and quote; of a short message as it is.

    status_link: empty if there is none.
    The quote is masked, and for a proven sender only: otherwise a stranger could make our server send their words to
    any address.
    """
    if analysis.envelope.sender.kind is not PartyKind.EMAIL:
        return text
    parts = [text.rstrip()]
    if status_link and status_link not in text:
        parts.append(progress_in_words(status_link, language=language))
    if analysis.proof.kind is ProofKind.PROVEN and analysis.shown.text.strip():
        said = written_in_words(analysis.envelope.received_at, zone=zone, language=language)
        parts.append(f"{said}\n{_quoted(analysis.shown.text)}")
    return "\n\n".join(parts) + "\n"


def _quoted(text: str) -> str:
    lines = text[:_MOST_CHARACTERS].strip().splitlines()
    shown = [f"> {line}".rstrip() for line in lines[:_MOST_LINES]]
    return "\n".join(shown if len(shown) == len(lines) and len(text) <= _MOST_CHARACTERS else [*shown, "> …"])
