"""`/chats`: who waits in the chats and since when, how long first answers took today, and each agent's chats."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb
from api.http.problems import documented
from api.paths import API
from store.chat.chat_hours import waiting_now, waits_in_hours
from store.chat.queue import WaitingChat, waiting_chats
from store.chat.slots import answers_since, chats_by_agent
from store.desk.agents import names_in_teams
from store.desk.assignment import read_workers

_MOST_WAITING: Final = 200
_AT: Final = "2026-11-20T04:00:00Z"
_WAITING: Final[dict[str, Any]] = {
    "reference": "K7QF2MXD4",
    "channel": "site-chat",
    "name": "Wu Min",
    "proved": False,
    "here": True,
    "team": "payments",
    "assignee": None,
    "waiting_since": _AT,
}
_AGENT: Final[dict[str, Any]] = {"name": "Ann", "available": True, "chats": 2, "slots": 3}

routes: Final = APIRouter(prefix=API, tags=["chats"])
Supervisor = Annotated[Actor, Depends(Requires(Verb.READ_SUPERVISION))]


class WaitingEntry(BaseModel):
    """A visitor who waits for the first answer."""

    model_config = example(_WAITING)

    reference: str
    channel: str
    name: str = Field(description="As typed, or signed by your server; else `Visitor` and four hexadecimal digits.")
    proved: bool = Field(description="Your server signed who it is.")
    here: bool = Field(description="The visitor's page is open.")
    team: str
    assignee: str | None
    waiting_since: datetime


class ChatAgent(BaseModel):
    """An agent, and how many visitors the agent talks to."""

    model_config = example(_AGENT)

    name: str
    available: bool = Field(description="Takes assigned work.")
    chats: int
    slots: int = Field(description="The most chats that are assigned at once.")


class ChatBoard(BaseModel):
    """All chats at this moment. The waits are seconds until the first answer, of the chats answered in 24 hours.

    A chat that begins while its channel is closed waits from the opening on, and is in neither median; an emergency
    waits at once.
    """

    model_config = example(
        {"waiting": [_WAITING], "agents": [_AGENT], "answered": 41, "median_wait": 38.0, "ninetieth_wait": 140.0}
    )

    waiting: list[WaitingEntry] = Field(description="The longest first.")
    agents: list[ChatAgent]
    answered: int
    median_wait: float | None = Field(description="Null without an answered chat.")
    ninetieth_wait: float | None


@routes.get("/chats", responses=documented(), summary="Waiting chats, waiting times, and chats of each agent")
def read_chats(desk: DeskPart, actor: Supervisor, shown: Shown) -> ChatBoard:
    """Return who waits, how long first answers took in the last 24 hours, and how many chats each agent has."""
    now = desk.now()
    with desk.database.read() as connection:
        begun = waiting_chats(connection, teams=actor.sees_only, limit=_MOST_WAITING, urgent=True)
        answered = answers_since(connection, now - timedelta(days=1), teams=actor.sees_only)
        agents = _agents(connection, desk, actor=actor)
    hours = desk.chats.hours
    waiting = waiting_now(begun, hours=hours, now=now)
    waits = sorted(each.total_seconds() for each in waits_in_hours(answered, hours=hours))
    shown.are(waiting)
    return ChatBoard(
        waiting=[_waiting(each, now=now) for each in waiting],
        agents=agents,
        answered=len(answered),
        median_wait=statistics.median(waits) if waits else None,
        ninetieth_wait=_ninetieth(waits),
    )


def _waiting(chat: WaitingChat, *, now: datetime) -> WaitingEntry:
    names = ("reference", "channel", "proved", "team", "assignee", "waiting_since")
    return WaitingEntry(here=chat.is_here(now), name=chat.called, **{name: getattr(chat, name) for name in names})


def _agents(connection: Connection, desk: Desk, *, actor: Actor) -> list[ChatAgent]:
    has, usual = chats_by_agent(connection), max((page.slots for page in desk.chats.pages.values()), default=0)
    there = {each.name for each in read_workers(connection, off_duty=False)}
    seen = None if actor.sees_only is None else names_in_teams(connection, actor.sees_only)
    found = [
        ChatAgent(
            name=each.name,
            available=each.name in there,
            chats=has.get(each.name, 0),
            slots=usual if each.chat_slots is None else each.chat_slots,
        )
        for each in read_workers(connection, off_duty=True)
        if seen is None or each.name in seen
    ]
    return sorted(found, key=lambda each: (-each.chats, not each.available, each.name))


def _ninetieth(waits: Sequence[float]) -> float | None:
    """Return the value by nearest rank, as the other reports do."""
    return waits[max(0, -(-len(waits) * 9 // 10) - 1)] if waits else None
