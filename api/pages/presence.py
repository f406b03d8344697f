"""Presence in an open conversation: which other agents have it open. The page polls it every few seconds."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from api.desk import DeskPart
from api.http.authentication import Requires
from api.http.permissions import Actor, Verb
from api.pages.render import moments_of
from api.paths import POLL_HEADER
from api.rest.queries import find_for
from api.text.phrases import Words
from router.errors import TransientError
from store.conversations.readers import Present, be_present, present_at

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
) -> PresenceNews:
    """Record that this agent is present, and return the other agents present."""
    now = desk.now()
    with desk.database.read() as connection:
        row = find_for(connection, key, actor=actor)
        present = present_at(connection, row.id, now=now)
    mine = next((each for each in present if each.agent_id == actor.id), None)
    # No other site can send this header, so a link to this route does not mark an agent as present.
    if POLL_HEADER in request.headers and (mine is None or mine.must_renew(writing=writing, now=now)):
        # Presence is not important enough for an error if the database is busy.
        with contextlib.suppress(TransientError), desk.database.write() as connection:
            be_present(connection, agent_id=actor.id, conversation_id=row.id, writing=writing, now=now)
    others = [each for each in present if each.agent_id != actor.id]
    return PresenceNews(version=row.version, said=_said(others, words=moments_of(request, desk).words))


def _said(others: Sequence[Present], *, words: Words) -> str:
    sentences = [
        words(said, names=", ".join(each.name for each in others if each.writing is writing))
        for said, writing in (("is_replying", True), ("is_reading", False))
        if any(each.writing is writing for each in others)
    ]
    return "; ".join(sentences)
