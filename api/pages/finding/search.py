"""One search over people, conversations and files of all queues that the agent may see."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.engine import Connection

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.permissions import Actor, Verb
from api.pages.render import language_of, render
from api.rest.queries import find_for
from api.text.phrases import Language
from router.errors import NotFound
from router.text.amounts import written_amounts
from router.text.own_lines import own_lines_in
from router.text.search_terms import Wanted, excerpt, marked, read_amount_query, read_query
from store.conversations.read import handles
from store.conversations.search import SearchHit, find_messages
from store.desk.name_search import MOST_COUNTED, FoundFile, FoundPerson, find_files, find_people

# What each group shows together with the others, and alone.
_SHOWN: Final = {"people": 6, "conversations": 15, "files": 6}
_ALONE: Final = 50
_EXCERPT: Final = 140

routes: Final = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCase:
    """A conversation that was found. pieces: the text around the first match, each with whether it matches."""

    reference: str
    subject: Sequence[tuple[str, bool]]
    status: str
    sender: str
    pieces: Sequence[tuple[str, bool]]
    hit: SearchHit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finds:
    """What was found, and how many there are of each group; more than `MOST_COUNTED` means at least so many."""

    people: Sequence[FoundPerson] = ()
    conversations: Sequence[FoundCase] = ()
    files: Sequence[FoundFile] = ()
    counts: tuple[int, int, int] = (0, 0, 0)


@routes.get("/search")
def search(
    request: Request,
    desk: DeskPart,
    *,
    actor: Annotated[Actor, Depends(Requires(Verb.READ_INBOX, costly=True))],
    shown: Shown,
    q: Annotated[str, Query(max_length=200)] = "",
    only: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """Show what was found, by group. only: one group, with more of it."""
    words = q.strip()
    chosen = only if only in _SHOWN else ""
    found = Finds()
    if words:
        with desk.database.read() as connection:
            found = find_all(connection, words, actor=actor, language=language_of(request), only=chosen)
    shown.are([*found.people, *found.conversations, *found.files])
    context = {"q": words, "only": chosen, "found": found, "most": MOST_COUNTED, "wanted": read_query(words)}
    return render(request, "finding/search.html.jinja", {**context, "marked": marked})


def find_all(connection: Connection, words: str, *, actor: Actor, language: Language, only: str = "") -> Finds:
    """Return what the actor may see of what has these words. language: of the reader.  only: a group; empty for all."""
    most = dict.fromkeys(_SHOWN, 0) | {only: _ALONE} if only else _SHOWN
    people, people_count = find_people(connection, words, only_teams=actor.sees_only, limit=most["people"])
    files, file_count = find_files(connection, words, only_teams=actor.sees_only, limit=most["files"])
    cases = _cases(connection, words, actor=actor, language=language)
    return Finds(
        people=people,
        conversations=cases[: most["conversations"]],
        files=files,
        counts=(people_count, len(cases), file_count),
    )


def _cases(connection: Connection, words: str, *, actor: Actor, language: Language) -> list[FoundCase]:
    """Return the conversations, the one with this reference first, then by their newest matching message."""
    wanted, amount = read_query(words), read_amount_query(words)
    hits = _hits(connection, wanted, actor=actor)
    hits += _hits(connection, amount, actor=actor) if amount else []
    newest: dict[UUID, SearchHit] = {}
    for hit in sorted(hits, key=lambda each: (each.received_at, each.message_id), reverse=True):
        newest.setdefault(hit.conversation_id, hit)
    found = [_found(hit, _with_amount(wanted, amount, hit.text), language) for hit in newest.values()]
    with contextlib.suppress(NotFound):
        row = find_for(connection, words, actor=actor)
        own = FoundCase(
            reference=row.reference,
            subject=[(own_lines_in(row.subject, language=language), False)],
            status=row.status,
            sender=row.contact_name or next(iter(handles(connection, [row.contact_id]).get(row.contact_id, ())), ""),
            pieces=(),
        )
        found = [own, *(each for each in found if each.reference != row.reference)]
    return found


def _hits(connection: Connection, wanted: Wanted, *, actor: Actor) -> list[SearchHit]:
    return find_messages(connection, wanted, only_teams=actor.sees_only, limit=MOST_COUNTED + 1)[0]


def _with_amount(wanted: Wanted, amount: Wanted | None, text: str) -> Wanted:
    """Return the query with the amount as this text writes it, for the marks."""
    written = written_amounts(text, amount.words[0]) if amount else set()
    return replace(wanted, needles=(*wanted.needles, *sorted(written, key=len, reverse=True)))


def _found(hit: SearchHit, wanted: Wanted, language: Language) -> FoundCase:
    return FoundCase(
        reference=hit.reference,
        subject=marked(wanted, own_lines_in(hit.subject or hit.title, language=language)),
        status=hit.status,
        sender=hit.sender_name or hit.sender_handle,
        pieces=marked(wanted, excerpt(wanted, own_lines_in(hit.text, language=language), length=_EXCERPT)),
        hit=hit,
    )
