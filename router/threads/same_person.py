"""Whether two contacts may be one person, by an address or a number that one of them names: a suggestion to people.

A customer who names an address has not proved that it is theirs, so nothing is merged by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from router.envelope import PartyKind
from router.text.facts import find_facts

# Which facts of a text may be a handle, and on which kinds of channel.
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
    """Another contact who has a handle that this one named. message_id: where it was named last."""

    contact_id: UUID
    name: str
    kind: str
    handle: str
    message_id: UUID


def claimed_handles(texts: Iterable[tuple[UUID, str]]) -> ClaimedHandles:
    """Return the handles that a contact's texts name. texts: message ids with their words, the newest first."""
    claimed: dict[tuple[str, str], UUID] = {}
    for message_id, text in texts:
        for fact in find_facts(text):
            for kind in _HANDLES.get(fact.kind, ()):
                claimed.setdefault((kind, fact.value), message_id)
    return claimed


def suggest_same(claimed: ClaimedHandles, owners: Collection[HandleOwner]) -> list[SamePerson]:
    """Return those of the owners whose own handle is one that is claimed, in their order.

    A number on another kind of channel is another handle: it may belong to another person.
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
