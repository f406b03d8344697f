"""`/conversations/{key}/emergency`: the evidence of danger, and an agent's verdict."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb
from api.http.problems import documented
from api.http.requests import RequestModel
from api.paths import API
from api.rest.queries import find_for
from router.errors import NotFound
from store.conversations.alarms import AlarmAnswer, EmergencyRecord, answer_to
from store.conversations.danger_questions import DangerQuestion
from workers.routing.danger_findings import find_alarm, find_question

routes: Final = APIRouter(prefix=f"{API}/conversations", tags=["actions"])


class EmergencyOrder(RequestModel):
    """An agent's verdict."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"confirmed": True}]})

    confirmed: bool | None = Field(
        description="true: the customer is in danger; false: not, and the case becomes what the routes would have made "
        "of it without the emergency; null: take the last verdict back."
    )


class EmergencyDetail(BaseModel):
    """The evidence of an emergency or of possible danger, and the agent's verdict. The evidence is kept."""

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
            "paged": True,
            "paged_by": "",
            "answered_by": "Li Na",
            "answered_on": "support-mail",
            "answered_at": "2026-11-22T19:06:00Z",
            "escalations": 1,
            "escalated_to": "Wang Fang",
            "escalated_at": "2026-11-22T19:10:00Z",
        }
    )

    inbound_id: UUID = Field(description="The message that raised it.")
    called_at: datetime = Field(description="When people were called, or the question was raised.")
    evidence: dict[str, Any] = Field(description="The evidence: words, category, probability, model.")
    confirmed: bool | None = Field(description="null before the verdict.")
    confirmed_by: str = Field(description="The agent of the verdict; empty without one.")
    confirmed_at: datetime | None
    paged: bool = Field(description="false: possible danger, no one was called; an agent decides.")
    paged_by: str = Field(description="The agent who said that the customer is in danger; empty: the message did.")
    answered_by: str = Field(
        description="Who gave the first answer since; empty without one, and where its channel names no one."
    )
    answered_on: str = Field(description="The channel of this answer; empty without one.")
    answered_at: datetime | None = Field(description="When. An answer says that a person has it, and is no verdict.")
    escalations: int = Field(description="How often it went on because no one confirmed, released or answered it.")
    escalated_to: str = Field(description="To which agent or team it went last; empty: not yet, or to no one.")
    escalated_at: datetime | None

    @classmethod
    def of(cls, row: EmergencyRecord, *, answer: AlarmAnswer | None) -> EmergencyDetail:
        """Return the row as the API shows it."""
        return cls(
            inbound_id=row.inbound_id,
            called_at=row.at,
            evidence=row.evidence,
            confirmed=row.confirmed,
            confirmed_by=row.by,
            confirmed_at=row.confirmed_at,
            paged=True,
            paged_by=row.paged_by,
            answered_by=answer.by if answer else "",
            answered_on=answer.channel if answer else "",
            answered_at=answer.at if answer else None,
            escalations=row.steps,
            escalated_to=row.stepped_to,
            escalated_at=row.stepped_at if row.steps else None,
        )

    @classmethod
    def asked(cls, question: DangerQuestion) -> EmergencyDetail:
        """Return a question of danger as the API shows it."""
        return cls(
            inbound_id=question.inbound_id,
            called_at=question.at,
            evidence=question.evidence,
            confirmed=question.answer,
            confirmed_by=question.by,
            confirmed_at=question.answered_at,
            paged=False,
            paged_by="",
            answered_by="",
            answered_on="",
            answered_at=None,
            escalations=0,
            escalated_to="",
            escalated_at=None,
        )


@routes.get("/{key}/emergency", responses=documented("not-found"), summary="The evidence of danger")
def show_emergency(
    desk: DeskPart, key: str, actor: Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
) -> EmergencyDetail:
    """Return the evidence and the verdict."""
    with desk.database.read() as connection:
        return _detail(connection, find_for(connection, key, actor=actor).id)


@routes.post("/{key}/emergency", responses=documented("not-found"), summary="Say whether the customer is in danger")
def judge(
    desk: DeskPart,
    key: str,
    *,
    order: EmergencyOrder,
    actor: Annotated[Actor, Depends(Requires(Verb.WORK_CONVERSATIONS))],
) -> EmergencyDetail:
    """Confirm an emergency or release it; of possible danger call people, or deny it. Repeating it does no harm.

    A released conversation has the team, priority, promise and labels that it would have had without the emergency;
    what an agent has changed stays. The operator's correction follows what was said to the customer.
    """
    return judge_for(desk, key, danger=order.confirmed, actor=actor)


def judge_for(desk: Desk, key: str, *, danger: bool | None, actor: Actor) -> EmergencyDetail:
    """Record the actor's verdict and return it; the page's forms call it too. danger: None takes it back."""
    with desk.database.write() as connection:
        row = find_for(connection, key, actor=actor)
        desk.emergencies.judge(connection, row.id, danger=danger, by=actor.name)
        return _detail(connection, row.id)


def _detail(connection: Connection, conversation_id: UUID) -> EmergencyDetail:
    question, known = find_question(connection, conversation_id), find_alarm(connection, conversation_id)
    if question and (known is None or question.answer is None):
        return EmergencyDetail.asked(question)
    if known is None:
        raise NotFound("no one was called for this conversation")
    return EmergencyDetail.of(known, answer=answer_to(connection, known))
