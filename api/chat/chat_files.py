"""The files of agents' answers, for the visitor whose chat they are in: pictures are shown, all else is a download."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import Response

from api.chat.chat_visitor import VisitorPart
from api.desk import DeskPart
from api.http.files import download, shown_picture
from api.pages.pictures import picture_type
from api.paths import CHAT
from router.errors import NotFound
from store.chat.line_log import find_line
from store.outbound.answer_files import read_file

_GREATEST: Final = 2**31 - 1
_MOST: Final = 100

routes: Final = APIRouter(prefix=CHAT, include_in_schema=False)


@routes.get("/{chat}/lines/{seq}/files/{place}")
def read_line_file(
    desk: DeskPart,
    visitor: VisitorPart,
    *,
    seq: Annotated[int, Path(ge=1, le=_GREATEST)],
    place: Annotated[int, Path(ge=0, le=_MOST)],
    show: bool = False,
) -> Response:
    """Return a file of a line of the visitor's own chat. show: as a picture of the page."""
    with desk.database.read() as connection:
        line = find_line(connection, visitor.known.id, seq)
        kept = line.files[place].get("file") if line and place < len(line.files) else None
        if kept is None:
            raise NotFound("there is no such file")
        file, content = read_file(connection, UUID(str(kept)))
    if show:
        return shown_picture(content, name=file.name, media_type=picture_type(content))
    return download(content, name=file.name, media_type=file.media_type)
