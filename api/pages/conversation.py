"""The page of one conversation: messages, routing reasons, the customer's other conversations, and the actions."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.files import framed, shown_document, shown_picture
from api.http.pagination import read_cursor, write_cursor
from api.http.permissions import Actor, Verb, can
from api.http.quick_route import QuickRoute
from api.pages.cases.colleagues import colleagues_of
from api.pages.cases.regroup import linked_case, proposed_merge
from api.pages.chat_pane import pane
from api.pages.fits import draft_of, fitting_to
from api.pages.generated.cards import used_text, written_for
from api.pages.guide import guide_to
from api.pages.orders import NONE_OF_OURS, snoozes
from api.pages.people.customer_timeline import timeline_of
from api.pages.pictures import fetch_picture, picture_type, with_pictures, with_remote_pictures, without_remote_pictures
from api.pages.render import language_of, moments_of, render, theme_of
from api.pages.reply_box import Composer, compose, questions_of_box
from api.rest.answers.written import fresh_texts
from api.rest.queries import (
    Story,
    find_for,
    questions_of,
    read_list,
    read_messages,
    require_sight,
    wanted_conversation,
)
from api.text.reasons import ExplainedStep, ReasonReader, danger_evidence, reasons, why_line
from api.text.terms.config_names import ConfigNames
from router.conversation_status import Status
from router.errors import TransientError
from router.settings.model import PRIORITIES
from router.text.sms_segments import BASIC, EXTENDED
from store.chat.cases import note_agent_read
from store.conversations.alarms import answer_to, emergency_of
from store.conversations.lists import Filter, first_pages, read_markers, unread_among
from store.conversations.messages import (
    AttachmentRecord,
    MessageRecord,
    attachments_of,
    find_attachment,
    find_message,
    forged_messages,
    has_forged,
)
from store.conversations.ratings import ratings_of, scores_of
from store.conversations.read import ConversationRecord
from store.conversations.readers import mark_read
from store.conversations.similar import similar_to
from store.db.plain_rows import Question, asked_ahead
from store.desk.agents import every_agent
from store.desk.composer.drafts import Draft, find_draft, newest_draft
from store.desk.notices import has_unread, read_notices, unread_notice
from store.events.feed import greatest_number, newest_number
from store.inbound.contact_points import known_points
from store.outbound.answer_files import sent_files
from store.outbound.given_answers import answers_in, given_in
from store.outbound.planned import first_planned, has_planned
from store.outbound.silent_cases import why_closed
from store.tables.messages import Direction
from workers.routing.danger_findings import find_alarm, find_question

_MESSAGES: Final = 50
# How many other conversations of the customer the page shows; the inbox lists the rest.
_OTHERS: Final = 12
# More than the timeline shows, so that it can say how many there are.
_KNOWN: Final = 30
_LARGEST_PREVIEW: Final = 20 * 1024 * 1024

routes: Final = APIRouter(include_in_schema=False, route_class=QuickRoute)
Watcher = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
Cursor = Annotated[str | None, Query(max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an action was refused, and the text that the agent had typed. seen_at: how far the agent had read."""

    slug: str
    said: str
    seen_at: datetime | None = None
    draft: str = ""
    status: int = 200


@routes.get("/conversations/{key}")
def conversation(request: Request, desk: DeskPart, actor: Watcher, key: str, *, cursor: Cursor = None) -> HTMLResponse:
    """Show one conversation."""
    return show_conversation(request, desk, actor, key=key, cursor=cursor)


@routes.get("/messages/{message_id}/frame")
def frame(request: Request, desk: DeskPart, actor: Watcher, message_id: UUID, *, remote: bool = False) -> HTMLResponse:
    """Return a message's HTML for the sandboxed frame of the conversation's page.

    remote: the agent wants the pictures from elsewhere, which the desk fetches and puts into the page.
    """
    with desk.database.read() as connection:
        message = find_message(connection, message_id)
        require_sight(connection, message.conversation_id, actor=actor)
        files = attachments_of(connection, [message.id])[message.id] if "data-cid" in message.html else []
    may = can(actor, Verb.READ_FILES)
    pictured = remote and may
    page = (
        with_remote_pictures(message.html, fetched=fetch_picture) if pictured else without_remote_pictures(message.html)
    )
    if not files or not may:
        return framed(page, theme=theme_of(request))

    def read(file: AttachmentRecord) -> bytes:
        with desk.database.read() as connection:
            _, original = find_attachment(connection, file.id)
        return desk.originals.part(original, file.part)

    return framed(with_pictures(page, files=files, read=read), theme=theme_of(request))


@routes.get("/attachments/{attachment_id}/picture")
def picture(
    desk: DeskPart, attachment_id: UUID, actor: Annotated[Actor, Depends(Requires(Verb.READ_FILES))]
) -> Response:
    """Return a picture to show in its message: its bytes say that it is one, and nothing in it runs."""
    with desk.database.read() as connection:
        attachment, original = find_attachment(connection, attachment_id)
        require_sight(connection, find_message(connection, attachment.message_id).conversation_id, actor=actor)
    content = desk.originals.part(original, attachment.part) if attachment.is_picture else b""
    return shown_picture(content, name=attachment.name, media_type=picture_type(content))


@routes.get("/attachments/{attachment_id}/preview")
def preview(
    desk: DeskPart, attachment_id: UUID, actor: Annotated[Actor, Depends(Requires(Verb.READ_FILES))]
) -> Response:
    """Return a PDF for the browser's viewer, in a frame of its message."""
    with desk.database.read() as connection:
        attachment, original = find_attachment(connection, attachment_id)
        require_sight(connection, find_message(connection, attachment.message_id).conversation_id, actor=actor)
    is_shown = attachment.media_type == "application/pdf" and attachment.size <= _LARGEST_PREVIEW
    return shown_document(desk.originals.part(original, attachment.part) if is_shown else b"", name=attachment.name)


def show_conversation(
    request: Request, desk: Desk, actor: Actor, *, key: str, cursor: str | None = None, refusal: Refusal | None = None
) -> HTMLResponse:
    """Return the page; after a refused action with the reason and the agent's text."""
    before, now = read_cursor(cursor), desk.now()
    with desk.database.read() as connection, ExitStack() as ahead:
        # First: what is published meanwhile comes by the stream again.
        ahead.enter_context(asked_ahead(connection, [greatest_number(), wanted_conversation(key)]))
        after = newest_number(connection)
        row = find_for(connection, key, actor=actor)
        ahead.enter_context(asked_ahead(connection, _questions(row, actor=actor)))
        story = Story(connection, row, limit=_MESSAGES)
        if before is not None:
            story.outgoing = [row for row in story.outgoing if row.created_at < before.at]
            story.messages, story.earlier = read_messages(
                connection, story.conversation.id, before=before, limit=_MESSAGES
            )
            story.attachments = attachments_of(connection, [message.id for message in story.messages])
        story.load_page_facts(connection)
        is_new = bool(unread_among(connection, [story.conversation], agent_id=actor.id)) or has_unread(
            connection, actor.id, conversation_id=story.conversation.id
        )
        is_forged = has_forged(connection, story.conversation.id)
        around = _around(connection, desk, story, actor=actor, now=now)
        given = given_in(connection, story.conversation.id)
        is_closed = story.conversation.status == Status.RESOLVED
        closed_why = why_closed(connection, story.conversation.id) if is_closed else None
        generated = fresh_texts(connection, desk, story.conversation.id)
        question = _question(connection, story.conversation, reader=_reader(request, desk))
        kept = find_draft(connection, agent_id=actor.id, conversation_id=story.conversation.id)
        sent = [message.outbound_id for message in story.messages if message.outbound_id]
        answer_files = sent_files(connection, sent) if sent else {}
        chat = pane(
            connection,
            desk,
            conversation_id=story.conversation.id,
            channel=story.conversation.channel,
            moments=moments_of(request, desk),
        )
    fitting = fitting_to(request, desk, story, given=given)
    written = written_for(request, desk, generated)
    if is_new:
        _note_read(desk, actor, story.conversation)
    context = {
        "story": story,
        "after": after,
        "conversation": story.conversation,
        "why": _why(request, desk, story.messages),
        "earlier_cursor": write_cursor(story.earlier.at, story.earlier.id) if story.earlier else None,
        "why_line": why_line,
        "with_remote": request.query_params.get("pictures", ""),
        "may": partial(can, actor),
        "Verb": Verb,
        "question": question,
        "refusal": refusal,
        "is_forged": is_forged,
        "draft": used_text(request, written)
        or _draft(request, around["composer"], refusal, kept=kept)
        or draft_of(request, fitting),
        "kept": kept or Draft(copies=list(around["composer"].usual_copies)),
        "answer_files": answer_files,
        "fitting": fitting,
        "none_of_ours": NONE_OF_OURS,
        "written": written,
        "closed_why": closed_why,
        "reader_language": language_of(request),
        "guide": guide_to(story, actor=actor) if desk.settings.omniyard.guide else (),
        "presence": "",
        "form_key": uuid4().hex,
        **around,
        **chat,
    }
    page = render(request, "conversation.html.jinja", context)
    page.status_code = refusal.status if refusal else 200
    return page


def _questions(row: ConversationRecord, *, actor: Actor) -> list[Question]:
    """Return what the page asks of its conversation that no other answer decides."""
    return [
        *questions_of(row, limit=_MESSAGES),
        known_points(row.contact_id),
        read_markers([row.id], agent_id=actor.id),
        unread_notice(actor.id, conversation_id=row.id),
        forged_messages(row.id),
        *first_pages(_theirs(row, actor=actor), limit=_KNOWN + 1),
        scores_of(row.id),
        emergency_of(row.id),
        first_planned(row.id),
        answers_in(row.id),
        newest_draft(agent_id=actor.id, conversation_id=row.id),
        every_agent(),
        *questions_of_box(row, actor=actor),
    ]


def _theirs(row: ConversationRecord, *, actor: Actor) -> Filter:
    """Return which conversations of the same customer the actor sees."""
    return Filter(contact=row.contact_id, only_teams=actor.sees_only)


def _around(connection: Connection, desk: Desk, story: Story, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """Return the context of the panel next to the messages."""
    row = story.conversation
    missing = _missing(story.messages)
    known = read_list(connection, _theirs(row, actor=actor), after=None, limit=_KNOWN)[0]
    others = [each for each in known if each[0].id != row.id][:_OTHERS]
    alike = similar_to(connection, row.id, now=now, only_teams=actor.sees_only)
    same = Filter(ids={each.conversation_id for each in alike}, only_teams=actor.sees_only)
    composer = compose(connection, desk, row, actor=actor, missing=missing, now=now)
    called = find_alarm(connection, row.id)
    return {
        "missing": missing,
        "others": others,
        "timeline": timeline_of(row, listed=known, now=now),
        "proposed": proposed_merge(row, others),
        "ratings": ratings_of(connection, row.id),
        "linked": linked_case(connection, row, actor=actor),
        "similar": read_list(connection, same, after=None, limit=_OTHERS)[0] if alike else [],
        "called": called,
        # Shown of an emergency that has no verdict yet.
        "answered": answer_to(connection, called) if called and called.confirmed is None and row.emergency else None,
        "planned": has_planned(connection, row.id),
        "composer": composer,
        "snoozes": snoozes(now, zone=desk.settings.omniyard.timezone, opens_at=composer.opens_at),
        "agents": colleagues_of(connection, actor),
        "settings": desk.settings,
        "gsm_basic": "".join(sorted(BASIC)),
        "gsm_extended": "".join(sorted(EXTENDED)),
        "priorities": list(reversed(PRIORITIES)),
    }


def _question(connection: Connection, row: ConversationRecord, *, reader: ReasonReader) -> tuple[str, ...] | None:
    """Return what speaks for danger, in the reader's words; None if no agent is asked."""
    if not row.possible_danger:
        return None
    question = find_question(connection, row.id)
    return danger_evidence(question.evidence, reader=reader) if question else ()


def _draft(request: Request, composer: Composer, refusal: Refusal | None, *, kept: Draft | None) -> str:
    """Return the text of the reply box: the agent's text, and the ready text that was chosen without JavaScript."""
    if refusal and refusal.draft:
        return refusal.draft
    written, wanted = kept.text if kept else "", request.query_params.get("canned")
    chosen = next((each.text for each in composer.canned if each.name == wanted), "")
    chosen = composer.invitation if wanted == "private" else chosen
    return "\n\n".join(filter(None, (written, chosen)))


def _missing(messages: Sequence[MessageRecord]) -> tuple[str, ...]:
    """Return the required facts that none of the customer's messages contains.

    Only a message that has the fact gives it: a thank-you needs nothing, and gives nothing either.
    """
    in_order = sorted(messages, key=lambda row: (row.received_at, row.id))
    theirs = [row.trace.classification for row in in_order if row.direction == Direction.INCOMING]
    known = [each for each in theirs if each is not None]
    needed = next((each.missing_facts for each in known if each.missing_facts), ())
    given = {fact for each in known for fact in each.facts}
    return tuple(fact for fact in needed if fact not in given)


def _note_read(desk: Desk, actor: Actor, row: ConversationRecord) -> None:
    # Users must be able to read while the database refuses writes: a full disk, a long import.
    with contextlib.suppress(TransientError), desk.database.write() as connection:
        mark_read(connection, agent_id=actor.id, conversation_id=row.id, read_to=row.last_message_at)
        if row.channel in desk.chats.pages:
            note_agent_read(connection, row.id)
        read_notices(connection, actor.id, now=desk.now(), conversation_id=row.id)


def _why(request: Request, desk: Desk, messages: Sequence[MessageRecord]) -> dict[UUID, tuple[ExplainedStep, ...]]:
    reader = _reader(request, desk)
    return {message.id: reasons(message.trace, reader=reader) for message in messages}


def _reader(request: Request, desk: Desk) -> ReasonReader:
    moments = moments_of(request, desk)
    title = ConfigNames(desk.settings, moments.words)
    return ReasonReader(words=moments.words, title=title, moment=moments.short)
