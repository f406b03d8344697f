"""`/conversations/{key}/similar`: other customers' conversations with the same text, for an agent to judge."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb
from api.http.problems import documented
from api.paths import API
from api.rest.queries import find_for, read_list
from store.conversations.lists import Filter
from store.conversations.similar import Similarity, similar_to

_MOST: Final = 10
_SIMILAR: Final = {
    "conversation_id": "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01",
    "reference": "K7QF2MXD4",
    "subject": "Payment failed",
    "status": "open",
    "sign": "near",
}

routes: Final = APIRouter(prefix=f"{API}/conversations", tags=["conversations"])


class SimilarEntry(BaseModel):
    """A conversation of another customer with the same text."""

    model_config = example(_SIMILAR)

    conversation_id: UUID
    reference: str
    subject: str
    status: str
    sign: Similarity = Field(description="`equal`: the same normalised text. `near`: nearly, with the same numbers.")


class SimilarList(BaseModel):
    """At most ten, equal ones first. Different customers write alike, so nothing is merged automatically."""

    model_config = example({"similar": [_SIMILAR]})

    similar: list[SimilarEntry]


@routes.get("/{key}/similar", responses=documented("not-found"), summary="Other customers with the same text")
def list_similar(
    desk: DeskPart, key: str, actor: Annotated[Actor, Depends(Requires(Verb.READ_INBOX, costly=True))], shown: Shown
) -> SimilarList:
    """Return conversations with equal text within 90 days, and open ones of the same day with nearly equal text."""
    with desk.database.read() as connection:
        case = find_for(connection, key, actor=actor)
        found = similar_to(connection, case.id, now=desk.now(), only_teams=actor.sees_only, limit=_MOST)
        signs = {each.conversation_id: each.sign for each in found}
        wanted = Filter(ids=set(signs), only_teams=actor.sees_only)
        rows = read_list(connection, wanted, after=None, limit=_MOST)[0] if signs else []
    listed = {row.id: row for row, _, _ in rows}
    entries = [
        SimilarEntry(
            conversation_id=each, reference=row.reference, subject=row.subject, status=row.status, sign=signs[each]
        )
        for each in signs
        if (row := listed.get(each))
    ]
    shown.are(entries)
    return SimilarList(similar=entries)
