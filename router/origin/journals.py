"""Recognise the reports of a mail server's journal: each describes one mail, and most of them one that we have.

Source: Exchange's "journal report" ([MS-OXCMAIL] and the documentation of journaling): X-MS-Journal-Report, a text that
begins with `Sender:` and has a `Message-Id:` line, and the mail itself as an attached message.
"""

from __future__ import annotations

import re
from typing import Final

from router.envelope import Envelope
from router.origin.machine_senders import is_exchange

JOURNAL_FIELD: Final = "x-ms-journal-report"
_MESSAGE_ID: Final = re.compile(r"^[ \t>]*Message-ID:[ \t]*<?([^<>\s]{1,998})>?[ \t]*$", re.IGNORECASE | re.MULTILINE)
_SENDER: Final = re.compile(r"^[ \t>]*Sender:", re.IGNORECASE | re.MULTILINE)
_CHARACTERS: Final = 20_000


def journaled_id(envelope: Envelope) -> str:
    """Return the Message-ID of the mail that a journal reports; empty if this is no such report."""
    is_marked = any(name == JOURNAL_FIELD for name, _ in envelope.machine_headers)
    if not is_marked and not is_exchange(envelope.sender.handle):
        return ""
    text = f"{envelope.text}\n{envelope.quoted}"[:_CHARACTERS]
    found = _MESSAGE_ID.search(text)
    return found[1] if found and _SENDER.search(text) else ""
