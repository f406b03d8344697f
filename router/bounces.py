"""What a report on a message of ours says: whom it did not reach, for good or for now, and which message it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from router.envelope import Bounce


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One leaf of a mail, decoded. A returned message is given as `message/rfc822` with its source as text."""

    media_type: str
    text: str


def read_bounce(*, sender: str, subject: str, headers: Mapping[str, str], sections: Sequence[Section]) -> Bounce | None:
    """Return what a report says, None if the mail is no report.

    sender: the address that the mail comes from.  headers: of the mail, names in lower case.  sections: in order.
    """
    del sender, subject, headers, sections
    return None
