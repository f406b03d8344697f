"""`/messages` and `/attachments`: one message with all details, its original, and its attachments."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from api.desk import DeskPart
from api.http.authentication import Requires
from api.http.files import download
from api.http.permissions import Actor, Verb
from api.http.problems import documented
from api.paths import API
from api.rest.queries import program_reader, require_sight
from api.rest.schemas import MessageDetail
from api.text.phrases import Words
from api.text.reasons import reasons
from router.errors import NotFound
from store.conversations.messages import attachments_of, find_attachment, find_fetched, find_message, find_original
from store.db.engine import read_clock
from store.desk.audit import AuditAction, AuditEntry, append_audit

_BYTES: Final[dict[str, Any]] = {
    "description": "The bytes, as a download.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7"}},
}
_MAIL: Final[dict[str, Any]] = {
    "description": "The message as it came, unmasked.",
    "content": {"message/rfc822": {"schema": {"type": "string", "format": "binary"}, "example": "Subject: hello"}},
}

routes: Final = APIRouter(prefix=API, tags=["messages"])


@routes.get(
    "/messages/{message_id}",
    responses=documented("not-found"),
    summary="One message with its full trace",
)
def show_message(
    desk: DeskPart, message_id: UUID, actor: Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
) -> MessageDetail:
    """Return the message. The trace has every test that ran, its input and its result; `why` puts it in words."""
    with desk.database.read() as connection:
        row = find_message(connection, message_id)
        require_sight(connection, row.conversation_id, actor=actor)
        attachments = attachments_of(connection, [row.id])[row.id]
    why = reasons(row.trace, reader=program_reader(desk))
    return MessageDetail.of(row, attachments=attachments, reasons=why)


@routes.get(
    "/messages/{message_id}/original",
    response_class=Response,
    responses={**documented("not-found"), 200: _MAIL},
    summary="The original of a message, unmasked",
)
def download_original(
    desk: DeskPart, message_id: UUID, actor: Annotated[Actor, Depends(Requires(Verb.READ_ORIGINALS))]
) -> Response:
    """Return the original bytes.

    Only for seniors and administrators, because customers type passwords and card numbers. Each download is recorded in
    the audit trail before its first byte is sent.
    """
    with desk.database.write() as connection:
        original = find_original(connection, message_id)
        require_sight(connection, find_message(connection, message_id).conversation_id, actor=actor)
        read = AuditEntry(
            at=read_clock(connection),
            actor=actor.name,
            actor_id=actor.id,
            action=AuditAction.ORIGINAL_READ,
            object=str(message_id),
        )
        append_audit(connection, [read])
    return download(desk.originals.whole(original), name=f"{message_id}.eml", media_type="message/rfc822")


@routes.get(
    "/attachments/{attachment_id}",
    response_class=Response,
    responses={**documented("not-found"), 200: _BYTES},
    tags=["attachments"],
    summary="The bytes of an attachment",
)
def download_attachment(
    desk: DeskPart, attachment_id: UUID, actor: Annotated[Actor, Depends(Requires(Verb.READ_FILES))]
) -> Response:
    """Return the file, parsed again from the original in a sandboxed process. Always a download, never shown inline."""
    with desk.database.read() as connection:
        attachment, original = find_attachment(connection, attachment_id)
        require_sight(connection, find_message(connection, attachment.message_id).conversation_id, actor=actor)
        fetched = find_fetched(connection, attachment_id)
    if fetched is None:
        content = desk.originals.part(original, attachment.part)
    elif fetched.content is None:
        raise NotFound(Words("en")("file_awaited" if fetched.waits else f"file_{fetched.error}"))
    else:
        content = desk.originals.whole(fetched.content)
    return download(content, name=attachment.name, media_type=attachment.media_type)
