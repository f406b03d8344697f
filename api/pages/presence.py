"""Presence in an open conversation: which other agents have it open. The page reports itself every few seconds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from sqlalchemy.engine import Connection

from api.desk import DeskPart
from api.http.authentication import Requires
from api.http.permissions import Actor, Verb
from api.pages.render import moments_of
from api.paths import POLL_HEADER
from api.rest.queries import find_for
from api.services.desk_stream import DeskLook, DeskNotice, DeskReader
from api.text.phrases import LANGUAGES, Words
from router.errors import TransientError
from store.conversations.readers import Present, all_present, be_gone, be_present, present_at

PRESENCE: Final = "presence"

routes: Final = APIRouter(include_in_schema=False)


class PresenceNews(BaseModel):
    """version: of the conversation.  said: the other agents present, in words; empty if there are none."""

    version: int
    said: str


@routes.get("/conversations/{key}/pulse")
def pulse(
    request: Request,
    desk: DeskPart,
    actor: Annotated[Actor, Depends(Requires(Verb.READ_INBOX))],
    key: str,
    *,
    writing: bool = False,
    gone: bool = False,
) -> PresenceNews:
    """Record that this agent is present, or has left, and return the other agents present."""
    now = desk.now()
    with desk.database.read() as connection:
        row = find_for(connection, key, actor=actor)
        present = present_at(connection, row.id, now=now)
    mine = next((each for each in present if each.agent_id == actor.id), None)
    # No other site can send this header, so a link to this route does not mark an agent as present.
    is_due = mine is not None if gone else mine is None or mine.must_renew(writing=writing, now=now)
    if POLL_HEADER in request.headers and is_due:
        # Presence is not important enough for an error if the database is busy.
        with contextlib.suppress(TransientError), desk.database.write() as connection:
            if gone:
                be_gone(connection, agent_id=actor.id, conversation_id=row.id)
            else:
                be_present(connection, agent_id=actor.id, conversation_id=row.id, writing=writing, now=now)
    others = [each for each in present if each.agent_id != actor.id]
    return PresenceNews(version=row.version, said=_presence_words(others, words=moments_of(request, desk).words))


class PresentAgents:
    """Tells the agents who have a conversation open who else has; see `DeskSource`."""

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[tuple[UUID, bool], ...]] = {}

    def __call__(self, connection: Connection, look: DeskLook) -> Sequence[DeskNotice]:
        """Return what changed since the last look: one query for the whole desk."""
        present = all_present(connection, now=look.now)
        states = {key: tuple((each.agent_id, each.writing) for each in agents) for key, agents in present.items()}
        changed = [key for key in states.keys() | self._known.keys() if states.get(key) != self._known.get(key)]
        self._known = states
        return [notice for key in changed for notice in _notices(key, present.get(key, ()))]


def _notices(conversation_id: UUID, present: Sequence[Present]) -> Iterator[DeskNotice]:
    for reader in present:
        others = [each for each in present if each.agent_id != reader.agent_id]
        data = {
            language: json.dumps(
                {"id": str(conversation_id), "said": _presence_words(others, words=Words(language))}, ensure_ascii=False
            )
            for language in LANGUAGES
        }
        key, is_for = conversation_id.hex, partial(_is, reader.agent_id)
        yield DeskNotice(kind=PRESENCE, key=key, data=data, is_for=is_for)


def _is(agent_id: UUID, reader: DeskReader) -> bool:
    return reader.agent_id == agent_id


def _presence_words(others: Sequence[Present], *, words: Words) -> str:
    sentences = [
        words(said, names=", ".join(each.name for each in others if each.writing is writing))
        for said, writing in (("is_replying", True), ("is_reading", False))
        if any(each.writing is writing for each in others)
    ]
    return "; ".join(sentences)
