"""The labels that agents use, for the fields that complete them."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.permissions import Actor, Verb
from store.desk.label_use import labels_in_use

routes: Final = APIRouter(include_in_schema=False)


class KnownLabels(BaseModel):
    """Labels, the most used first."""

    labels: list[str]


@routes.get("/labels")
def labels(
    desk: DeskPart,
    actor: Annotated[Actor, Depends(Requires(Verb.READ_INBOX))],
    shown: Shown,
    begins: Annotated[str, Query(max_length=50)] = "",
) -> KnownLabels:
    """Return the labels of the conversations that the agent sees, as far as they begin so."""
    with desk.database.read() as connection:
        known = labels_in_use(connection, begins=begins, only_teams=actor.sees_only)
    shown.are(known)
    return KnownLabels(labels=known)
