"""Play a sound file of a message in its place: a voicemail, or a recording of a call. Each listening is audited."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response

from api.desk import DeskPart
from api.http.authentication import Requires
from api.http.byte_ranges import played_sound
from api.http.permissions import Actor, Verb
from api.http.problems import ProblemError
from api.rest.queries import require_sight
from connectors.json_messages import sniff
from store.conversations.messages import find_attachment, find_fetched, find_message

routes: Final = APIRouter(include_in_schema=False)


@routes.get("/attachments/{attachment_id}/sound")
def sound(
    desk: DeskPart,
    attachment_id: UUID,
    actor: Annotated[Actor, Depends(Requires(Verb.READ_FILES))],
    wanted: Annotated[str, Header(alias="range", max_length=100)] = "",
) -> Response:
    """Return a sound, or the part of it that a player asks for; its bytes say that it is one."""
    with desk.database.read() as connection:
        attachment, original = find_attachment(connection, attachment_id)
        require_sight(connection, find_message(connection, attachment.message_id).conversation_id, actor=actor)
        fetched = find_fetched(connection, attachment_id)
    if not attachment.is_sound or (fetched is not None and fetched.content is None):
        raise ProblemError("not-found")
    if fetched is not None and fetched.content is not None:
        content = desk.originals.whole(fetched.content)
    else:
        content = desk.originals.part(original, attachment.part)
    return played_sound(content, media_type=sniff(content), wanted=wanted)
