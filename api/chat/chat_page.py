"""The page of a chat, its frame for the operator's sites, and the loader that shows the frame there.

The page works without a script: its form is a plain one, and every answer is a page.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from api.chat.chat_phrases import ChatWords
from api.chat.chat_send import Beginning, begin, is_program, note_email, send, small
from api.chat.chat_visitor import ChatName, Visitor, VisitorPart, give_secret
from api.desk import Desk, DeskPart
from api.http.forms import Filled, read_multipart
from api.http.middleware import STRICT
from api.http.problems import ProblemError
from api.pages.render import language_of, moments_of, render
from api.paths import CHAT
from api.services.chat_state import LineShown
from api.text.phrases import Language
from router.settings.channels.site_chat import LONGEST_LINE
from router.settings.model import Settings
from router.settings.values import title_in
from store.chat.line_log import ChatLine, VisitorLine, last_lines

_LOADER: Final = Path(__file__).parents[1] / "static" / "chat-loader.js"
_KEPT: Final = "public, max-age=300"

routes: Final = APIRouter(prefix=CHAT, include_in_schema=False)


async def _filled(request: Request) -> Filled:
    return read_multipart(await request.body(), content_type=request.headers.get("content-type", ""))


FilledChat = Annotated[Filled, Depends(_filled)]


@routes.get("/{chat}")
def show_chat(request: Request, desk: DeskPart, visitor: VisitorPart) -> HTMLResponse:
    """Show the chat on a page of its own."""
    return _shown(request, desk, visitor, ancestors=())


@routes.get("/{chat}/frame")
def show_frame(request: Request, desk: DeskPart, visitor: VisitorPart) -> HTMLResponse:
    """Show the chat within one of the operator's sites; the browser refuses every other one."""
    return _shown(request, desk, visitor, ancestors=visitor.page.origins)


@routes.get("/{chat}/loader.js")
def loader(desk: DeskPart, chat: ChatName) -> Response:
    """Return the script that shows the button; it asks for nothing and keeps nothing."""
    page = desk.chats.page(chat)
    after = int(page.proactive_after.total_seconds())
    proactive = {"say": dict(page.proactive), "after": after} if page.proactive else {}
    script = f"{_loader()}({json.dumps(proactive, ensure_ascii=True)});\n"
    headers = {"Cache-Control": _KEPT, "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(script, media_type="text/javascript; charset=utf-8", headers=headers)


@routes.get("/{chat}/demo")
def show_demo(request: Request, desk: DeskPart, chat: ChatName) -> HTMLResponse:
    """Show how a page of the operator's embeds the chat; only on a desk that is tried out, without https."""
    desk.chats.page(chat)
    if desk.secure:
        raise ProblemError("not-found")
    return render(request, "chat/demo.html.jinja", {"t": ChatWords(language_of(request)), "chat": chat})


@routes.post("/{chat}/send")
def send_form(request: Request, desk: DeskPart, visitor: VisitorPart, filled: FilledChat) -> Response:
    """Take what the plain form sends, and show the page again; a script gets the line."""
    values = {key: value.strip() for key, value in filled.fields.items()}
    back = RedirectResponse(_address(visitor, framed=values.get("framed") == "1"), status_code=303)
    if is_program(values):
        return back
    if "application/json" in request.headers.get("accept", ""):
        line = _take(request, desk, visitor, values=values, filled=filled, response=back)
        cookies = [("set-cookie", value) for value in back.headers.getlist("set-cookie")]
        return JSONResponse(LineShown.of(line).model_dump(mode="json"), headers=dict(cookies))
    try:
        _take(request, desk, visitor, values=values, filled=filled, response=back)
    except ProblemError as error:
        ancestors = visitor.page.origins if values.get("framed") == "1" else ()
        return _shown(request, desk, visitor, ancestors=ancestors, wrong=error, text=values.get("text", ""))
    return back


def _take(
    request: Request, desk: Desk, visitor: Visitor, *, values: dict[str, str], filled: Filled, response: Response
) -> ChatLine:
    session = visitor.session
    if session is None:
        said = Beginning(
            language=language_of(request), name=values.get("name", ""), email=values.get("email", "")
        )  # fmt: skip
        session, secret = begin(desk, request, visitor, said)
        give_secret(desk, response, visitor.name, secret=secret)
    elif values.get("email") and values["email"] != session.email:
        note_email(desk, session, values["email"])
    # A browser without a script sends the form's own id again when the visitor reloads.
    client_id = values.get("client_id") or uuid4().hex
    line = VisitorLine(client_id=client_id[:64], text=values.get("text", ""), files=small(filled.files))
    return send(desk, visitor, session, line)


def _shown(
    request: Request,
    desk: Desk,
    visitor: Visitor,
    *,
    ancestors: tuple[str, ...],
    wrong: ProblemError | None = None,
    text: str = "",
) -> HTMLResponse:
    language, session = language_of(request), visitor.session
    with desk.database.read() as connection:
        lines = last_lines(connection, session.id) if session else []
    words = ChatWords(language)
    state = desk.chats.state(visitor.name, session, language=language)
    context = {
        "t": words,
        "chat": visitor.name,
        "page": visitor.page,
        "framed": bool(ancestors),
        "lines": lines,
        "state": state,
        "client_id": uuid4().hex,
        "longest": LONGEST_LINE,
        "wrong": words.of_problem(wrong.slug) if wrong else "",
        "text": text,
        "notice": _notice(desk.settings, language),
        "words": json.dumps(words.for_script(), ensure_ascii=False),
        "clock": moments_of(request, desk),
    }
    page = render(request, "chat/chat.html.jinja", context)
    _protect(page, ancestors)
    if wrong:
        page.status_code = 422
    return page


def _notice(settings: Settings, language: Language) -> str:
    """Return what stands above the field about emergencies; empty on a desk that has none."""
    if not any(category.emergency for category in settings.categories.values()):
        return ""
    return title_in(settings.emergency.notice, language, name=ChatWords(language)("danger"))


def _protect(page: Response, ancestors: tuple[str, ...]) -> None:
    """Let the named sites frame the page, and no other."""
    if ancestors:
        allowed = STRICT.replace("frame-ancestors 'none'", f"frame-ancestors {' '.join(ancestors)}")
        page.headers["Content-Security-Policy"] = allowed
        page.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        page.headers["Cross-Origin-Embedder-Policy"] = "require-corp"
    # Where the browser keeps no cookie in a frame, the script fetches pictures with the header, and shows its own copy.
    policy = page.headers.get("Content-Security-Policy", STRICT)
    page.headers["Content-Security-Policy"] = policy.replace("img-src 'self'", "img-src 'self' blob:")
    page.headers["X-Robots-Tag"] = "noindex"


def _address(visitor: Visitor, *, framed: bool) -> str:
    return f"{CHAT}/{visitor.name}/frame" if framed else f"{CHAT}/{visitor.name}"


@cache
def _loader() -> str:
    return _LOADER.read_text(encoding="utf-8").rstrip().removesuffix(";")
