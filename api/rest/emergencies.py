"""`/conversations/{key}/emergency`: the evidence of an emergency, and an agent's verdict."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb
from api.http.problems import documented
from api.paths import API
from api.rest.queries import find_for
from store.conversations.alarms import EmergencyRecord, find_emergency, judge_emergency

routes: Final = APIRouter(prefix=f"{API}/conversations", tags=["actions"])


class EmergencyOrder(BaseModel):
    """An agent's verdict."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"confirmed": True}]})

    confirmed: bool = Field(description="true: it is an emergency; false: it is not, and gets normal priority.")


class EmergencyDetail(BaseModel):
    """The evidence of an emergency and the agent's verdict. The evidence is kept in either case."""

    model_config = example(
        {
            "inbound_id": "0192f1c2-7d11-7cc0-8000-5e1c6cf0a001",
            "called_at": "2026-11-22T19:00:00Z",
            "evidence": {
                "words": ["盗刷"],
                "category": "account_security",
                "probability": 0.93,
                "model": "495a0b009647",
            },
            "confirmed": True,
            "confirmed_by": "Li Na",
            "confirmed_at": "2026-11-22T19:04:00Z",
        }
    )

    inbound_id: UUID = Field(description="The message that raised it.")
    called_at: datetime
    evidence: dict[str, Any] = Field(description="The evidence: words, category, probability, model.")
    confirmed: bool | None = Field(description="null before the verdict.")
    confirmed_by: str = Field(description="The agent of the verdict; empty without one.")
    confirmed_at: datetime | None

    @classmethod
    def of(cls, row: EmergencyRecord) -> EmergencyDetail:
        """Return the row as the API shows it."""
        return cls(
            inbound_id=row.inbound_id,
            called_at=row.at,
            evidence=row.evidence,
            confirmed=row.confirmed,
            confirmed_by=row.by,
            confirmed_at=row.confirmed_at,
        )


@routes.get("/{key}/emergency", responses=documented("not-found"), summary="The evidence of an emergency")
def show_emergency(
    desk: DeskPart, key: str, actor: Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
) -> EmergencyDetail:
    """Return the evidence and the verdict."""
    with desk.database.read() as connection:
        return EmergencyDetail.of(find_emergency(connection, find_for(connection, key, actor=actor).id))


@routes.post("/{key}/emergency", responses=documented("not-found"), summary="Confirm an emergency, or release it")
def judge(
    desk: DeskPart,
    key: str,
    *,
    order: EmergencyOrder,
    actor: Annotated[Actor, Depends(Requires(Verb.WORK_CONVERSATIONS))],
) -> EmergencyDetail:
    """Record a verdict; repeating it does no harm. A released conversation gets normal priority."""
    return judge_for(desk, key, confirmed=order.confirmed, actor=actor)


def judge_for(desk: Desk, key: str, *, confirmed: bool, actor: Actor) -> EmergencyDetail:
    """Record the actor's verdict and return the emergency; the page's forms call it too."""
    with desk.database.write() as connection:
        row = find_for(connection, key, actor=actor)
        return EmergencyDetail.of(judge_emergency(connection, row.id, confirmed=confirmed, by=actor.name))
