"""The bell: what happened to an agent's cases, and by what the agent wants to be called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.engine import Connection

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.forms import Form
from api.http.permissions import Actor, Verb
from api.pages.render import render
from api.paths import NOTICES
from api.services.desk_stream import DeskLook, DeskNotice, DeskReader
from api.text.phrases import Language, Words
from router.masking.mask import mask_address
from router.text.customer_name import in_language
from router.text.own_lines import own_lines_in
from store.desk.notices import AgentNotice, notices_between, notices_of, prefer, preferences_of, read_notices
from store.tables.agents import AgentNoticeKind

NOTICE: Final = "notice"
# An agent is called by these, unless they chose otherwise; a sound only after a choice.
CALLS: Final = ("emergencies", "mine", "mentions", "chats", "sound", "away_mail")
DEFAULT_CALLS: Final = "emergencies mine mentions"
CALLS_PREFERENCE: Final = "calls"
_MOST: Final = 60
_SEE_OTHER: Final = 303

routes: Final = APIRouter(include_in_schema=False)
Watcher = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]


@routes.get(NOTICES)
def notices(request: Request, desk: DeskPart, *, actor: Watcher, shown: Shown, mentions: bool = False) -> HTMLResponse:
    """Show the newest notices, and the agent's choices."""
    with desk.database.read() as connection:
        found = notices_of(connection, actor.id, only_teams=actor.sees_only, limit=_MOST)
        chosen = preferences_of(connection, [actor.id], name=CALLS_PREFERENCE)
    listed = [each for each in found if not mentions or each.kind == AgentNoticeKind.MENTIONED]
    shown.are(listed)
    context = {
        "notices": listed,
        "mentions": mentions,
        "title_of_notice": title_of_notice,
        "calls": CALLS,
        "chosen": chosen.get(actor.id, DEFAULT_CALLS).split(),
    }
    return render(request, "notices.html.jinja", context)


@routes.post(f"{NOTICES}/read")
def read_all(desk: DeskPart, actor: Watcher) -> Response:
    """Mark all notices of the agent read."""
    with desk.database.write() as connection:
        read_notices(connection, actor.id, now=desk.now())
    return RedirectResponse(NOTICES, status_code=_SEE_OTHER)


@routes.post(f"{NOTICES}/calls")
def choose_calls(desk: DeskPart, actor: Watcher, form: Form) -> Response:
    """Record by what the agent wants to be called."""
    chosen = " ".join(name for name in CALLS if form.one(name))
    with desk.database.write() as connection:
        prefer(connection, actor.id, name=CALLS_PREFERENCE, value=chosen)
    return RedirectResponse(NOTICES, status_code=_SEE_OTHER)


def title_of_notice(notice: AgentNotice, words: Words, *, customer: str) -> str:
    """Return what happened, in the reader's language."""
    if notice.kind == AgentNoticeKind.ASSIGNED and not notice.by:
        return words("notice_assigned_by_desk")
    called = in_language(customer, language=words.language, kind=notice.handle_kind)
    return words(f"notice_{notice.kind}", name=notice.by or mask_address(called))


class NewNotices:
    """Tells an agent at once what happened to them; see `DeskSource`."""

    def __call__(self, connection: Connection, look: DeskLook) -> Sequence[DeskNotice]:
        """Return the notices of the new events: one query for all agents, and none without events."""
        if not look.events:
            return ()
        readers = {reader.agent_id: reader for reader in look.readers}
        first, last = look.events[0].number, look.events[-1].number
        found = notices_between(connection, readers.keys(), first=first, last=last)
        return [
            DeskNotice(
                kind=NOTICE,
                key=f"{each.kind} {each.conversation_id}",
                data={language: _notice_json(each, language) for language in look.languages},
                is_for=partial(_is, each.agent_id),
                number=each.number,
            )
            for each in found
            if readers[each.agent_id].sees(each.team)
        ]


def _notice_json(notice: AgentNotice, language: Language) -> str:
    said = {
        "kind": notice.kind,
        "id": str(notice.conversation_id),
        "title": title_of_notice(notice, Words(language), customer=notice.customer),
        "body": own_lines_in(notice.subject, language=language),
        "url": f"/conversations/{notice.reference}",
    }
    return json.dumps(said, ensure_ascii=False)


def _is(agent_id: UUID, reader: DeskReader) -> bool:
    return reader.agent_id == agent_id
