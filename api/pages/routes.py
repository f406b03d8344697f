"""The routes of the pages, with the pages of quarantine and channels.

These pages only read; actions use the functions of the REST routes and check the same permissions with `can`.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.pagination import read_cursor, write_cursor
from api.http.permissions import Actor, Verb, can
from api.pages import (
    actions as pages_actions,
)
from api.pages import (
    bell as pages_bell,
)
from api.pages import (
    conversation as pages_conversation,
)
from api.pages import (
    fits as pages_fits,
)
from api.pages import (
    inbox as pages_inbox,
)
from api.pages import (
    outbox as pages_outbox,
)
from api.pages import (
    presence as pages_presence,
)
from api.pages import (
    supervisor as pages_supervisor,
)
from api.pages.cases import (
    bulk_actions as cases_bulk,
)
from api.pages.cases import (
    labels as cases_labels,
)
from api.pages.cases import (
    next_case as cases_next,
)
from api.pages.cases import (
    regroup as cases_regroup,
)
from api.pages.cases import (
    spam as cases_spam,
)
from api.pages.composer import answer_files as pages_answer_files
from api.pages.composer import drafts as pages_drafts
from api.pages.composer import new_mail as pages_new_mail
from api.pages.composer import ready_texts as pages_ready_texts
from api.pages.composer import signatures as pages_signatures
from api.pages.entry import password_steps as entry_password
from api.pages.entry import provider_sign_in as entry_provider
from api.pages.finding import kept_views as finding_views
from api.pages.finding import search as finding_search
from api.pages.generated import presses as pages_generated
from api.pages.hotline import calls as pages_calls
from api.pages.hotline import sounds as pages_sounds
from api.pages.live import stream as pages_stream
from api.pages.people import contact_page as pages_contact
from api.pages.render import render
from api.pages.reports import chat_board as pages_chat_board
from api.pages.reports import report as pages_report
from api.pages.settings import agents as settings_agents
from api.pages.settings import hours as settings_hours
from api.pages.settings import ledgers as settings_ledgers
from api.pages.settings import second_factor as settings_factor
from api.rest.quarantine import QuarantinedEntry
from api.rest.queries import channels_seen, status_seen
from store.desk.channel_status import unsent_messages
from store.inbound.quarantine import list_quarantined

# A little more than one screen.
_ROWS: Final = 40
_MESSAGES: Final = 50

routes: Final = APIRouter(include_in_schema=False)
_CASES: Final = (cases_bulk, cases_labels, cases_next, cases_regroup, cases_spam, pages_contact)
_FINDING: Final = (finding_search, finding_views)
_ENTRY: Final = (entry_password, entry_provider)
_SETTINGS: Final = (settings_agents, settings_factor, settings_hours, settings_ledgers)
_PAGES: Final = (pages_inbox, pages_conversation, pages_presence, pages_actions, pages_supervisor)
_ROOMS: Final = (
    *(pages_stream, pages_bell, pages_calls, pages_sounds),
    *(pages_outbox, pages_fits, pages_generated),
)
_COMPOSER: Final = (pages_drafts, pages_new_mail, pages_ready_texts, pages_answer_files, pages_signatures)
_PARTS: Final = (
    *(*_PAGES, *_COMPOSER, *_ROOMS, *_CASES, *_FINDING, *_ENTRY, *_SETTINGS),
    *(pages_report, pages_chat_board),
)
for part in _PARTS:
    routes.include_router(part.routes)
Watcher = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
Cursor = Annotated[str | None, Query(max_length=200)]


@routes.get("/quarantine")
def quarantine(
    request: Request,
    desk: DeskPart,
    *,
    actor: Annotated[Actor, Depends(Requires(Verb.READ_QUARANTINE))],
    shown: Shown,
    cursor: Cursor = None,
    discarded: bool = False,
) -> HTMLResponse:
    """Show the quarantined messages."""
    after = read_cursor(cursor)
    with desk.database.read() as connection:
        rows = list_quarantined(
            connection,
            only_channels=channels_seen(desk, actor),
            discarded=discarded,
            before=after.id if after else None,
            limit=_ROWS + 1,
        )
    page = rows[:_ROWS]
    shown.are(page)
    following = write_cursor(page[-1].accepted_at, page[-1].id) if len(rows) > _ROWS else None
    entries = [QuarantinedEntry.of(row) for row in page]
    context = {
        "entries": entries,
        "reasons": {row.id: row.reason for row in page},
        "discarded": discarded,
        "next_cursor": following,
        "may": partial(can, actor),
        "Verb": Verb,
    }
    return render(request, "quarantine.html.jinja", context)


@routes.get("/channels")
def channels(
    request: Request, desk: DeskPart, actor: Annotated[Actor, Depends(Requires(Verb.READ_CHANNELS))], shown: Shown
) -> HTMLResponse:
    """Show the state of every channel."""
    with desk.database.read() as connection:
        status = status_seen(connection, desk, actor=actor)
        unsent = unsent_messages(connection, only_teams=actor.sees_only)
    shown.are(status.channels)
    return render(request, "channels.html.jinja", {"status": status, "unsent": unsent, "settings": desk.settings})
