"""`/audit`: which agent read or changed what, newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.pagination import LARGEST_PAGE, USUAL_PAGE
from api.http.permissions import Verb
from api.http.problems import documented
from api.http.requests import RequestModel
from api.paths import API
from store.desk.audit import AuditRecord, list_audit

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_ENTRY: Final[dict[str, Any]] = {
    "number": 4711,
    "id": _ID,
    "at": "2026-11-20T04:00:00Z",
    "actor": "Li",
    "actor_id": _ID,
    "action": "request.read",
    "object": "K7QF2MXD4",
    "detail": {"route": "/api/v1/conversations/{key}", "method": "GET", "status": "200", "request_id": "0f3a2c51"},
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}

HexHash = Annotated[str, BeforeValidator(bytes.hex)]

routes: Final = APIRouter(prefix=f"{API}/audit", tags=["audit"])


class AuditEntryShown(BaseModel):
    """One action or reading of an agent."""

    model_config = example(_ENTRY)

    number: int = Field(description="1, 2, 3 ... without gaps.")
    id: UUID
    at: datetime
    actor: str
    actor_id: UUID | None = Field(description="null for a row copied from an event, which has only the name.")
    action: str = Field(
        description="`request.read`, `request.listed`, `request.changed`, `request.refused`, `session.began`, "
        "`session.ended`, `session.refused`, or the kind of an event."
    )
    object: str = Field(description="The ids or references that it concerns.")
    detail: dict[str, Any]
    hash: HexHash = Field(
        description="SHA-256 over the previous hash and this row; `omniyard audit check` verifies it."
    )

    @classmethod
    def of(cls, row: AuditRecord) -> Self:
        """Return the row as the API shows it."""
        return cls.model_validate(row)


class AuditPage(BaseModel):
    """A page, newest first. next_before: None on the last page."""

    model_config = example({"entries": [_ENTRY], "next_before": None})

    entries: list[AuditEntryShown]
    next_before: int | None


class AuditQuery(RequestModel):
    """What to list; all filters must match."""

    model_config = ConfigDict(extra="forbid")

    actor: str | None = Field(default=None, max_length=100, description="An agent's exact name.")
    action: str | None = Field(default=None, max_length=100)
    about: str | None = Field(
        default=None, max_length=200, description="The exact value of `object`; or a reference, in any form."
    )
    looks: bool = Field(default=True, description="`false` leaves out `request.read` and `request.listed`.")
    before: int | None = Field(default=None, ge=1, le=2**63 - 1, description="`next_before` of the page before.")
    limit: int = Field(default=USUAL_PAGE, ge=1, le=LARGEST_PAGE)


@routes.get(
    "",
    dependencies=[Depends(Requires(Verb.READ_AUDIT, costly=True))],
    responses=documented(),
    summary="Which agent read or changed what",
)
def list_entries(desk: DeskPart, shown: Shown, query: Annotated[AuditQuery, Query()]) -> AuditPage:
    """Return a page of sealed rows; a new row is sealed after about a second."""
    with desk.database.read() as connection:
        rows = list_audit(
            connection,
            actor=query.actor,
            action=query.action,
            about=query.about,
            looks=query.looks,
            before=query.before,
            limit=query.limit + 1,
        )
    page = rows[: query.limit]
    shown.are(page)
    following = page[-1].number if len(rows) > query.limit else None
    return AuditPage(entries=[AuditEntryShown.of(row) for row in page], next_before=following)
