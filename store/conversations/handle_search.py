"""Which stored handles a text of a person means: a mail address, a name, or a phone number in any writing."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from router.envelope import PartyKind
from router.text.phone_forms import phone_form
from store.db.bulk import among

_NUMBERS: Final = (PartyKind.PHONE, PartyKind.WHATSAPP)


def written_as(identity: Any, text: str) -> sa.ColumnElement[bool]:  # noqa: ANN401  (columns of the identity table)
    """Return the condition that an identity is the one which the text names. identity: the table's columns."""
    # The index begins with the kind: without one it would be read from end to end.
    # Ids of users are compared with their case, mail addresses are kept in lower case.
    written = among(identity.handle, sorted({text.strip(), text.strip().lower()}))
    plain = sa.and_(among(identity.kind, list(PartyKind)), written)
    number = phone_form(text)
    if number is None:
        return plain
    if number.whole:
        return sa.or_(plain, sa.and_(among(identity.kind, list(_NUMBERS)), identity.handle == f"+{number.digits}"))
    ends = identity.handle.like(f"+%{number.digits}")
    return sa.or_(plain, sa.and_(among(identity.kind, list(_NUMBERS)), ends))
