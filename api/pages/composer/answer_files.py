"""The files of an agent's draft: added by dropping, pasting or choosing them, up to what the channel carries."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.files import download, safe_name, shown_picture
from api.http.forms import read_multipart
from api.http.permissions import Actor, Verb, can
from api.http.problems import ProblemError, wants_page
from api.pages.pictures import picture_type
from api.pages.render import moments_of
from api.rest.queries import find_for, require_sight
from api.text.phrases import Words
from connectors.registry import kind_of
from router.errors import NotFound
from router.masking.mask import mask
from store.conversations.messages import attachments_of, find_attachment
from store.outbound.answer_addresses import answer_address
from store.outbound.answer_files import AnswerFile, FileContent, add_file, draft_files, drop_file, read_file

# What all files of one answer may have. Most mail servers take 25 MB, of which a third is lost to base64.
MOST_BYTES: Final = 18 * 1024 * 1024
_MOST_FILES: Final = 50
_MEGABYTE: Final = 1024 * 1024

routes: Final = APIRouter(include_in_schema=False)
Speaker = Annotated[Actor, Depends(Requires(Verb.SEND_REPLIES))]


@dataclass(frozen=True, slots=True)
class FileLimit:
    """What the files of one answer may be together, in bytes and number."""

    bytes: int
    files: int

    @property
    def megabytes(self) -> int | float:
        """The bytes as they are said."""
        exact = self.bytes / _MEGABYTE
        return round(exact) if exact >= 1 else round(exact, 1)


def limit_on(desk: Desk, channel: str) -> FileLimit:
    """Return the limit of a channel: in a chat both sides have the same."""
    page = desk.chats.pages.get(channel)
    return FileLimit(page.largest, page.files) if page else FileLimit(MOST_BYTES, _MOST_FILES)


def refuse_more(limit: FileLimit, *, sizes: Sequence[int], words: Words) -> None:
    """Raise ProblemError where the files of an answer are more than it may have. sizes: in bytes."""
    if sum(sizes) > limit.bytes:
        raise ProblemError("invalid", words("refused_file", most=limit.megabytes))
    if len(sizes) > limit.files:
        raise ProblemError("invalid", words("refused_number", most=limit.files))


async def _whole_body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_whole_body)]


@routes.post("/conversations/{key}/files")
def add_files(request: Request, desk: DeskPart, actor: Speaker, key: str, *, body: Body) -> Response:
    """Add files to the draft."""
    filled = read_multipart(body, content_type=request.headers.get("content-type", ""))
    words = moments_of(request, desk).words
    if not filled.files:
        raise ProblemError("invalid", words("no_file"))
    with desk.database.write() as connection:
        case = find_for(connection, key, actor=actor)
        channel = desk.settings.channels.get(case.channel)
        if channel is None or not kind_of(channel).can.files:
            raise ProblemError("invalid", words("plain_channel"))
        known, limit = draft_files(connection, agent_id=actor.id, conversation_id=case.id), limit_on(desk, case.channel)
        added = [file_named(name, content) for name, content in filled.files]
        refuse_more(limit, sizes=[each.size for each in known] + [len(each.content) for each in added], words=words)
        for each in added:
            add_file(connection, each, agent_id=actor.id, conversation_id=case.id)
    return _onwards(request, key)


@routes.post("/conversations/{key}/files/{file_id}/drop")
def remove_file(request: Request, desk: DeskPart, actor: Speaker, key: str, *, file_id: UUID) -> Response:
    """Remove a file from the draft."""
    with desk.database.write() as connection:
        drop_file(connection, file_id, agent_id=actor.id)
    return _onwards(request, key)


@routes.get("/answer-files/{file_id}")
def show_file(desk: DeskPart, actor: Annotated[Actor, Depends(Requires(Verb.READ_FILES))], file_id: UUID) -> Response:
    """Download a file of an answer, or of the agent's own draft."""
    file, content = _read(desk, actor, file_id)
    return download(content, name=file.name, media_type=file.media_type)


@routes.get("/answer-files/{file_id}/picture")
def show_picture(
    desk: DeskPart, actor: Annotated[Actor, Depends(Requires(Verb.READ_FILES))], file_id: UUID
) -> Response:
    """Show a picture of an answer, or of the agent's own draft; 404 for what its bytes say is none."""
    file, content = _read(desk, actor, file_id)
    return shown_picture(content, name=file.name, media_type=picture_type(content))


def _read(desk: Desk, actor: Actor, file_id: UUID) -> tuple[AnswerFile, bytes]:
    with desk.database.read() as connection:
        file, content = read_file(connection, file_id)
        require_sight(connection, file.conversation_id, actor=actor)
    if file.outbound_id is None and file.agent_id != actor.id:
        raise NotFound("there is no file with that id")
    return file, content


def pass_on_files(desk: Desk, actor: Actor, key: str) -> None:
    """Add the files of the customer's last message to the draft; those that are there already once.

    Raises ProblemError where they are more than an answer may have.
    """
    with desk.database.read() as connection:
        case = find_for(connection, key, actor=actor)
        last = answer_address(connection, case.id, contact_id=case.contact_id, channel=case.channel).message_id
        listed = attachments_of(connection, [last])[last] if last and can(actor, Verb.READ_FILES) else []
        originals = [(file, find_attachment(connection, file.id)[1]) for file in listed]
    contents = [file_named(file.name, desk.originals.part(original, file.part)) for file, original in originals]
    with desk.database.write() as connection:
        known = draft_files(connection, agent_id=actor.id, conversation_id=case.id)
        added = [
            each for each in contents if (each.name, len(each.content)) not in {(one.name, one.size) for one in known}
        ]
        if sum(each.size for each in known) + sum(len(each.content) for each in added) > MOST_BYTES:
            raise ProblemError("invalid", f"its files are larger than {MOST_BYTES // _MEGABYTE} MB")
        for each in added:
            add_file(connection, each, agent_id=actor.id, conversation_id=case.id)


def file_named(name: str, content: bytes) -> FileContent:
    """Return a file as it is stored: its name without paths and secrets."""
    shown = mask(safe_name(name)).text
    return FileContent(
        name=shown, media_type=mimetypes.guess_type(shown)[0] or "application/octet-stream", content=content
    )


def _onwards(request: Request, key: str) -> Response:
    if wants_page(request):
        return RedirectResponse(f"/conversations/{key}", status_code=303)
    return JSONResponse({})
