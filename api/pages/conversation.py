"""The page of one conversation: messages, routing reasons, the customer's other conversations, and the actions."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from typing import Annotated, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.files import framed, shown_document, shown_picture
from api.http.pagination import read_cursor, write_cursor
from api.http.permissions import Actor, Verb, can
from api.http.quick_route import QuickRoute
from api.pages.cases.case_facts import CaseFacts, CasePanel, read_case
from api.pages.chat_pane import chat_words
from api.pages.fits import draft_of, fitting_to
from api.pages.generated.cards import used_text, written_for
from api.pages.guide import guide_to
from api.pages.orders import NONE_OF_OURS, snoozes
from api.pages.pictures import fetch_picture, picture_type, with_pictures, with_remote_pictures, without_remote_pictures
from api.pages.render import language_of, moments_of, render, theme_of
from api.pages.reply_box import Composer
from api.rest.queries import require_sight
from api.text.reasons import ReasonReader, danger_evidence, reasons, why_line
from api.text.terms.config_names import ConfigNames
from router.errors import TransientError
from router.settings.model import PRIORITIES
from router.text.sms_segments import BASIC, EXTENDED
from store.chat.cases import note_agent_read
from store.conversations.messages import AttachmentRecord, attachments_of, find_attachment, find_message
from store.conversations.read import ConversationRecord
from store.conversations.readers import mark_read
from store.desk.composer.drafts import Draft
from store.desk.notices import read_notices

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
    with desk.database.read() as connection:
        facts = read_case(connection, desk, key=key, actor=actor, before=before, now=now)
    if facts.is_new:
        _note_read(desk, actor, facts.story.conversation)
    context = {
        **_page(request, desk, facts, actor=actor, refusal=refusal),
        **_messages(request, desk, facts),
        **_panel(desk, facts.panel, now=now),
        **_reply_box(request, desk, facts, refusal=refusal),
    }
    page = render(request, "conversation.html.jinja", context)
    page.status_code = refusal.status if refusal else 200
    return page


def _page(
    request: Request, desk: Desk, facts: CaseFacts, *, actor: Actor, refusal: Refusal | None
) -> dict[str, object]:
    """Return the context of the whole page."""
    story = facts.story
    return {
        "story": story,
        "conversation": story.conversation,
        "after": facts.after,
        "may": partial(can, actor),
        "Verb": Verb,
        "refusal": refusal,
        "reader_language": language_of(request),
        "guide": guide_to(story, actor=actor) if desk.settings.omniyard.guide else (),
        "presence": "",
        "settings": desk.settings,
        "priorities": list(reversed(PRIORITIES)),
    }


def _messages(request: Request, desk: Desk, facts: CaseFacts) -> dict[str, object]:
    """Return the context of the messages, and of what stands above them."""
    story, chat, reader = facts.story, facts.chat, _reader(request, desk)
    team = story.conversation.team
    return {
        "why": {message.id: reasons(message.trace, reader=reader, team=team) for message in story.messages},
        "why_line": why_line,
        "earlier_cursor": write_cursor(story.earlier.at, story.earlier.id) if story.earlier else None,
        "with_remote": request.query_params.get("pictures", ""),
        "answer_files": facts.answer_files,
        "is_forged": facts.is_forged,
        "question": _evidence_of_danger(facts, reader=reader),
        "closed_why": facts.closed_why,
        "chat": chat,
        "chat_said": chat_words(chat, moments=moments_of(request, desk)) if chat else "",
    }


def _panel(desk: Desk, panel: CasePanel, *, now: datetime) -> dict[str, object]:
    """Return the context of the panel next to the messages."""
    return {
        **{each.name: getattr(panel, each.name) for each in fields(panel)},
        "snoozes": snoozes(now, zone=desk.settings.omniyard.timezone, opens_at=panel.composer.opens_at),
    }


def _reply_box(request: Request, desk: Desk, facts: CaseFacts, *, refusal: Refusal | None) -> dict[str, object]:
    """Return the context of the reply box, and of the texts that fit into it."""
    composer, kept = facts.panel.composer, facts.kept
    fitting = fitting_to(request, desk, facts.story, given=facts.given)
    written = written_for(request, desk, facts.texts)
    typed = _draft(request, composer, refusal, kept=kept)
    return {
        "draft": used_text(request, written) or typed or draft_of(request, fitting),
        "kept": kept or Draft(copies=list(composer.usual_copies)),
        "fitting": fitting,
        "none_of_ours": NONE_OF_OURS,
        "written": written,
        "form_key": uuid4().hex,
        "gsm_basic": "".join(sorted(BASIC)),
        "gsm_extended": "".join(sorted(EXTENDED)),
    }


def _evidence_of_danger(facts: CaseFacts, *, reader: ReasonReader) -> tuple[str, ...] | None:
    """Return what speaks for danger, in the reader's words; None if no agent is asked."""
    if not facts.story.conversation.possible_danger:
        return None
    return danger_evidence(facts.question.evidence, reader=reader) if facts.question else ()


def _draft(request: Request, composer: Composer, refusal: Refusal | None, *, kept: Draft | None) -> str:
    """Return the text of the reply box: the agent's text, and the ready text that was chosen without JavaScript."""
    if refusal and refusal.draft:
        return refusal.draft
    written, wanted = kept.text if kept else "", request.query_params.get("canned")
    chosen = next((each.text for each in composer.canned if each.name == wanted), "")
    chosen = composer.invitation if wanted == "private" else chosen
    chosen = composer.question if "ask" in request.query_params else chosen
    return "\n\n".join(filter(None, (written, chosen)))


def _note_read(desk: Desk, actor: Actor, row: ConversationRecord) -> None:
    # Users must be able to read while the database refuses writes: a full disk, a long import.
    with contextlib.suppress(TransientError), desk.database.write() as connection:
        mark_read(connection, agent_id=actor.id, conversation_id=row.id, read_to=row.last_message_at)
        if row.channel in desk.chats.pages:
            note_agent_read(connection, row.id)
        read_notices(connection, actor.id, now=desk.now(), conversation_id=row.id)


def _reader(request: Request, desk: Desk) -> ReasonReader:
    moments = moments_of(request, desk)
    title = ConfigNames(desk.settings, moments.words)
    return ReasonReader(words=moments.words, title=title, moment=moments.short)
