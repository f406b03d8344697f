"""What clients may send in a body or a query: text without control characters, moments that exist in UTC.

And in what form a person's address is shown to them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, field_validator

from api.http.problems import ProblemError
from router.masking.mask import mask_address
from router.text.visible import is_visible

# Of the control characters only tabs and line ends are text; half a surrogate pair is no character at all.
# PostgreSQL stores no NUL and SQLite does: both desks refuse alike, and here the field has its name.
NOT_TEXT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# Nothing is planned for longer than this; a mistyped year is found out now, and not in that year.
_FARTHEST: Final = timedelta(days=366)


class RequestModel(BaseModel):
    """A body or a query. A field with control characters is refused by its name."""

    @field_validator("*", mode="before")
    @classmethod
    def _is_text(cls, value: object) -> object:
        if _has_control_characters(value):
            raise ValueError("expected text without control characters")
        return value


def _has_control_characters(value: object) -> bool:
    if isinstance(value, str):
        return bool(NOT_TEXT.search(value))
    if isinstance(value, Mapping):
        return any(map(_has_control_characters, (*value.keys(), *value.values())))
    return isinstance(value, list | tuple) and any(map(_has_control_characters, value))


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("expected a moment between the years 1 and 9999 in UTC") from error


# An address or number of a person as agents and programs see it: a secret in a mail address is masked.
ShownHandle = Annotated[str, AfterValidator(mask_address)]


def _visible(value: str) -> str:
    if not is_visible(value):
        raise ValueError("expected a text with a visible character")
    return value


# A text that its reader sees.
VisibleText = Annotated[str, AfterValidator(_visible)]

# A moment with its zone, in UTC.
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


def require_soon(moment: datetime | None, *, field: str, now: datetime) -> None:
    """Raise ProblemError if something is planned for a moment that is farther away than a year."""
    if moment is not None and moment > now + _FARTHEST:
        raise ProblemError("invalid", f"{field} is too far away; expected a moment within {_FARTHEST.days} days")
