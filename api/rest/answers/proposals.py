"""`/answers/phrasings` and `/answers/gaps`: proposed ways to ask, and questions for which nothing was found."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb
from api.http.problems import documented
from api.http.requests import RequestModel
from api.paths import API
from router.errors import PermanentError
from router.masking.mask import mask
from store.db.engine import read_clock
from store.desk.phrasings import Phrasing, decide_phrasing, gaps, phrasings, propose_phrasing
from store.tables.self_service import PhrasingState

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_AT: Final = "2026-11-20T04:00:00Z"
_PHRASING: Final = {
    "id": _ID,
    "answer": "refund--when",
    "text": "refund still not here how long",
    "state": "proposed",
    "proposed_by": "Ann",
    "proposed_at": _AT,
    "decided_by": "",
}
_GROUP: Final = {"text": "do you pay interest", "count": 3, "newest_at": _AT, "language": "en", "places": ["help"]}
_MOST: Final = 500

routes: Final = APIRouter(prefix=f"{API}/answers", tags=["answers"])
Reader = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
Worker = Annotated[Actor, Depends(Requires(Verb.WORK_CONVERSATIONS))]
Approver = Annotated[Actor, Depends(Requires(Verb.APPROVE_PHRASINGS))]


class PhrasingEntry(BaseModel):
    """A way to ask that an agent proposed. answer: empty: these words have no answer."""

    model_config = example(_PHRASING)

    id: UUID
    answer: str
    text: str
    state: PhrasingState
    proposed_by: str
    proposed_at: datetime
    decided_by: str

    @classmethod
    def of(cls, row: Phrasing) -> Self:
        """Return it as the API shows it."""
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


class PhrasingList(BaseModel):
    """Ways to ask, oldest first."""

    model_config = example({"phrasings": [_PHRASING]})

    phrasings: list[PhrasingEntry]


class PhrasingOrder(RequestModel):
    """A way to ask. answer: the id of the answer; empty: these words have no answer."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"answer": "refund--when", "text": "refund where is it"}]}
    )

    answer: str = Field(default="", max_length=200)
    text: str = Field(min_length=2, max_length=200)


class ApprovalOrder(RequestModel):
    """Whether a proposed way to ask enters the index."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"approve": True}]})

    approve: bool


class GapGroup(BaseModel):
    """Questions that resemble each other and found nothing. text: the newest of them, masked."""

    model_config = example(_GROUP)

    text: str
    count: int
    newest_at: datetime
    language: str
    places: list[str]


class GapList(BaseModel):
    """The groups, largest first."""

    model_config = example({"gaps": [_GROUP]})

    gaps: list[GapGroup]


@routes.get("/phrasings", responses=documented(), summary="Proposed ways to ask")
def list_phrasings(
    desk: DeskPart, actor: Reader, shown: Shown, *, state: PhrasingState = PhrasingState.PROPOSED
) -> PhrasingList:
    """Return ways to ask in a state."""
    del actor
    with desk.database.read() as connection:
        rows = phrasings(connection, state=state, limit=_MOST)
    shown.are(rows)
    return PhrasingList(phrasings=[PhrasingEntry.of(row) for row in rows])


@routes.post("/phrasings", status_code=201, responses=documented(), summary="Propose a way to ask")
def propose(desk: DeskPart, order: PhrasingOrder, actor: Worker) -> PhrasingEntry:
    """Keep a way to ask until a person approves it. Secrets are masked."""
    if order.answer and order.answer not in desk.visitors.answers.library.faq.texts:
        raise PermanentError("expected the id of an answer, as `GET /answers` lists them")
    with desk.database.write() as connection:
        now, text = read_clock(connection), mask(order.text).text
        made = propose_phrasing(
            connection, answer=order.answer, text=text, by=actor.name, conversation_id=None, now=now
        )
        rows = phrasings(connection, state=PhrasingState.PROPOSED, limit=_MOST)
    return PhrasingEntry.of(next(row for row in rows if row.id == made))


@routes.post(
    "/phrasings/{phrasing_id}",
    status_code=204,
    responses=documented("not-found", "conflict"),
    summary="Approve or reject a way to ask",
)
def decide(desk: DeskPart, phrasing_id: UUID, order: ApprovalOrder, actor: Approver) -> None:
    """Approve it, and it enters the index within seconds; or reject it."""
    with desk.database.write() as connection:
        decide_phrasing(connection, phrasing_id, approve=order.approve, by=actor.name, now=read_clock(connection))


@routes.get("/gaps", responses=documented(), summary="Questions without an answer")
def list_gaps(
    desk: DeskPart,
    _: Annotated[Actor, Depends(Requires(Verb.READ_INBOX, costly=True))],
    shown: Shown,
    *,
    days: Annotated[int, Query(ge=1, le=365)] = 30,
) -> GapList:
    """Return the questions for which nothing was found, grouped, for the author of the FAQ."""
    with desk.database.read() as connection:
        rows = gaps(connection, since=desk.now() - timedelta(days=days), limit=_MOST)
    shown.are(rows)
    from router.answers.gap_groups import group_questions  # noqa: PLC0415  (NumPy, for this list only)

    groups = group_questions([row.text for row in rows])
    return GapList(
        gaps=[
            GapGroup(
                text=rows[group[0]].text,
                count=len(group),
                newest_at=rows[group[0]].at,
                language=rows[group[0]].language,
                places=sorted({rows[at].place for at in group}),
            )
            for group in groups
        ]
    )
