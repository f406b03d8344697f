"""The state of one visitor's chat, whole in each answer and each event, never only as a difference."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from api.services.chat_facts import ChatFacts
from router.conversation_status import Status
from router.replies.phrases import opening_words
from store.chat.line_log import ChatLine
from store.chat.queue import ChatCase
from store.chat.visitor_sessions import ChatSession


class ChatPhase(StrEnum):
    """new: nothing was written.  waiting: for an agent.  ended: until the visitor writes.

    open: an agent has it, or our last word asks the visitor something.
    """

    NEW = "new"
    WAITING = "waiting"
    OPEN = "open"
    ENDED = "ended"


class ChatState(BaseModel):
    """What a page shows besides the lines.

    known: the visitor has a session.  key: tells it from others, and opens nothing.
    opening: the next opening in words.  read: up to where an agent has read.
    place, minutes: in the queue; absent if not known, and while the channel is closed.
    warned: the chat ends soon because nothing is written.
    busy, ahead: a new visitor has to wait, behind so many.
    changes_in: seconds until the hours change, for a page without a chat, which has no stream.
    """

    phase: ChatPhase
    known: bool = False
    key: str = ""
    open: bool
    until: datetime | None = None
    next_opening: datetime | None = None
    opening: str = ""
    agents: bool
    busy: bool = False
    ahead: int = 0
    changes_in: float | None = None
    place: int | None = None
    minutes: int | None = None
    agent: str = ""
    typing: str = ""
    read: int = 0
    last: int = 0
    reference: str = ""
    ended_by: str = ""
    warned: bool = False
    blocked: bool = False
    rated: int | None = None
    may_rate: bool = False
    email: str = ""
    name: str = ""
    proved: bool = False


class LineShown(BaseModel):
    """One line. kind: visitor, agent, machine or notice.  author: the agent; of a notice, the name in it.

    files: with name and size; `kept`: it can be downloaded, at its place in this list; `picture`: it can be shown.
    """

    seq: int
    kind: str
    client_id: str | None = None
    author: str = ""
    text: str
    files: list[dict[str, object]] = Field(default_factory=list)
    masked: bool = False
    by_mail: bool = False
    at: datetime

    @classmethod
    def of(cls, line: ChatLine) -> LineShown:
        """Return the line as a page gets it."""
        shown = cls.model_validate(line, from_attributes=True)
        return shown.model_copy(update={"files": files_shown(line.files)})


def files_shown(files: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """Return a line's files without our ids: a visitor asks for them by the line's number and their place."""
    return [
        {
            "name": each.get("name"),
            "size": each.get("size"),
            "kept": "file" in each,
            "picture": each.get("picture", False),
        }
        for each in files
    ]


def phase_of(session: ChatSession | None, case: ChatCase | None) -> ChatPhase:
    """Return where the chat is."""
    if session is None or not session.last_seq:
        return ChatPhase.NEW
    if session.is_ended:
        return ChatPhase.ENDED
    taken = session.answered_at is not None or (case is not None and (case.agent is not None or _asks(case)))
    return ChatPhase.OPEN if taken else ChatPhase.WAITING


def _asks(case: ChatCase) -> bool:
    return case.status == Status.PENDING


def common_state(facts: ChatFacts, *, zone: ZoneInfo, language: str, now: datetime) -> ChatState:
    """Return the state without a session."""
    opens = facts.next_opening
    return ChatState(
        phase=ChatPhase.NEW,
        open=facts.open,
        until=facts.until,
        next_opening=opens,
        opening=opening_words(opens, now=now, zone=zone, language=language) if opens else "",
        agents=facts.agents > 0,
        busy=facts.is_busy,
        ahead=len(facts.order) if facts.is_busy else 0,
    )


def own_state(
    common: ChatState,
    session: ChatSession,
    *,
    case: ChatCase | None,
    facts: ChatFacts,
    typing: str,
    rated: int | None,
    now: datetime,
) -> ChatState:
    """Return the state of a visitor's chat."""
    phase = phase_of(session, case)
    place = facts.place(session.id) if phase is ChatPhase.WAITING and facts.open else None
    is_over = phase is ChatPhase.ENDED and case is not None and case.status == Status.RESOLVED
    was_served = session.ended_by != "desk" or session.answered_at is not None
    return common.model_copy(
        update={
            "phase": phase,
            "known": True,
            "key": hashlib.sha256(session.id.bytes).hexdigest()[:16],
            "place": place,
            "minutes": facts.minutes(place),
            "agent": (case.agent or "") if case else "",
            "typing": typing,
            "read": session.agent_seq,
            "last": session.last_seq,
            "reference": case.reference if case else "",
            "ended_by": session.ended_by,
            "warned": session.warned_at is not None,
            "blocked": session.is_blocked(now),
            "rated": rated,
            "may_rate": is_over and was_served and rated is None,
            "email": session.email,
            "name": session.name,
            "proved": session.proved,
        }
    )
