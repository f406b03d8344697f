"""The supervisor's page of the chats: who waits, how long, and which agent talks to how many visitors."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.desk import DeskPart, Shown
from api.pages.render import render
from api.rest.chats.board import Supervisor, read_chats

routes: Final = APIRouter(prefix="/supervisor/chats", include_in_schema=False)


@routes.get("")
def chat_board(request: Request, desk: DeskPart, actor: Supervisor, *, shown: Shown) -> HTMLResponse:
    """Show the chats of this moment; the page follows the desk's stream."""
    context = {"board": read_chats(desk, actor, shown), "settings": desk.settings}
    return render(request, "reports/chats.html.jinja", context)
