"""`/contacts/{id}/suggestions`: contacts who may be the same person, for an agent to judge."""

from __future__ import annotations

from typing import Annotated, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb
from api.http.problems import documented
from api.http.requests import ShownHandle
from api.paths import API
from router.threads.same_person import SamePerson, claimed_handles, suggest_same
from store.contacts.possible_duplicates import newest_texts, owners_of
from store.contacts.profiles import find_card

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_SUGGESTION: Final = {
    "contact_id": _ID,
    "name": "Li Na",
    "kind": "email",
    "handle": "li.na@example.com",
    "message_id": _ID,
}

routes: Final = APIRouter(prefix=f"{API}/contacts", tags=["contacts"])


class SuggestionEntry(BaseModel):
    """Another contact who has a handle that this contact named."""

    model_config = example(_SUGGESTION)

    contact_id: UUID
    name: str
    kind: str
    handle: ShownHandle
    message_id: UUID = Field(description="The newest message that names it.")

    @classmethod
    def of(cls, row: SamePerson) -> Self:
        """Return the suggestion as the API shows it."""
        return cls.model_validate(row)


class SuggestionList(BaseModel):
    """At most ten. They prove nothing: a customer can name an address of another person."""

    model_config = example({"suggestions": [_SUGGESTION]})

    suggestions: list[SuggestionEntry]


@routes.get("/{contact_id}/suggestions", responses=documented("not-found"), summary="Possibly the same person")
def list_suggestions(
    desk: DeskPart,
    contact_id: UUID,
    actor: Annotated[Actor, Depends(Requires(Verb.READ_INBOX, costly=True))],
    shown: Shown,
) -> SuggestionList:
    """Return contacts who have an address or number that this contact's messages name; `merge` merges them."""
    with desk.database.read() as connection:
        find_card(connection, contact_id, only_teams=actor.sees_only)
        claimed = claimed_handles(newest_texts(connection, contact_id, only_teams=actor.sees_only))
        handles = {handle for _, handle in claimed}
        owners = owners_of(connection, handles, other_than=contact_id, only_teams=actor.sees_only)
    found = suggest_same(claimed, owners)
    shown.are(found)
    return SuggestionList(suggestions=[SuggestionEntry.of(each) for each in found])
