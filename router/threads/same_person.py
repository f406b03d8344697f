"""Suggest that two contacts are one person, because one of them names the other's address or number.

A customer who names an address has not proved that it is theirs, so nothing is merged automatically.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from router.envelope import PartyKind
from router.text.facts import find_facts

# Which facts of a text may be a handle, and of which kind.
_HANDLES: Final = {
    "registered_email": (PartyKind.EMAIL,),
    "phone": (PartyKind.PHONE, PartyKind.WHATSAPP),
}

# (kind, handle) -> the newest message that names it.
ClaimedHandles = Mapping[tuple[str, str], UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandleOwner:
    """A contact who writes from a handle."""

    contact_id: UUID
    name: str
    kind: str
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SamePerson:
    """Another contact who has a handle that this contact named. message_id: the newest message with it."""

    contact_id: UUID
    name: str
    kind: str
    handle: str
    message_id: UUID


def claimed_handles(texts: Iterable[tuple[UUID, str]]) -> ClaimedHandles:
    """Return the handles in a contact's texts. texts: message ids with their texts, the newest first."""
    claimed: dict[tuple[str, str], UUID] = {}
    for message_id, text in texts:
        for fact in find_facts(text):
            for kind in _HANDLES.get(fact.kind, ()):
                claimed.setdefault((kind, fact.value), message_id)
    return claimed


def suggest_same(claimed: ClaimedHandles, owners: Collection[HandleOwner]) -> list[SamePerson]:
    """Return the owners of claimed handles, in their order.

    The same number on another kind of channel is another handle: it may belong to another person.
    """
    return [
        SamePerson(
            contact_id=owner.contact_id,
            name=owner.name,
            kind=owner.kind,
            handle=owner.handle,
            message_id=claimed[key],
        )
        for owner in owners
        if (key := (owner.kind, owner.handle)) in claimed
    ]
