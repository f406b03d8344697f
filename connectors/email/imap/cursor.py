"""How far an IMAP folder has been read, written as the `position` of a Cursor whose epoch is UIDVALIDITY."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Self

from router.errors import PermanentError


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapCursor:
    """A position in a folder. As text `200`, or `200 old:5000 since:2026-11-01 page:101`.

    read: the highest UID that is stored.
    old: mail up to this UID is old mail; of it only mail since `since` is taken.
    page: the lowest UID of the last batch if a post-action was due for it; after a crash the action runs again.
    """

    read: int
    old: int = 0
    since: date | None = None
    page: int = 0

    @property
    def in_old_mail(self) -> bool:
        """Return whether there may be old mail above the mark."""
        return self.read < self.old

    def __str__(self) -> str:
        words = [str(self.read)]
        words += [f"old:{self.old}"] if self.old else []
        words += [f"since:{self.since.isoformat()}"] if self.since else []
        words += [f"page:{self.page}"] if self.page else []
        return " ".join(words)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote. Raises PermanentError when the text has another form."""
        try:
            read, *words = text.split(" ")
            found = dict(word.split(":", 1) for word in words)
            since = date.fromisoformat(found.pop("since")) if "since" in found else None
            numbers = {name: int(value) for name, value in found.items()}
            return cls(read=int(read), since=since, **numbers)
        except (ValueError, TypeError) as error:
            raise PermanentError(
                f'the cursor {text!r} is not a position in a mailbox; expected a UID such as "4711"'
            ) from error
