"""What a visitor does with a chat besides writing: end it, rate it, have it sent by mail, sign in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.chat.chat_lines import AddressRequest, BegunChat
from api.chat.chat_send import note_email
from api.chat.chat_visitor import Visitor, VisitorPart, address_of, give_secret, take_cookie
from api.desk import Desk, DeskPart
from api.http.problems import ProblemError
from api.pages.render import language_of
from api.paths import CHAT
from router.envelope import PartyKind
from router.masking.mask import mask
from store.chat.endings import end_and_close
from store.chat.visitor_sessions import (
    ChatSession,
    NewChatSession,
    begin_session,
    find_session,
    forget_secret,
    identify,
    rotate_secret,
)
from store.conversations.ratings import last_closing, rate
from workers.sending.chat_mail import ChatMailer

if TYPE_CHECKING:
    from connectors.web.chat.identity import SignedIdentity

routes: APIRouter = APIRouter(prefix=CHAT, include_in_schema=False)


class ChatRating(BaseModel):
    """score: 1 to 5."""

    score: int = Field(ge=1, le=5)
    word: str = Field(default="", max_length=500)


class IdentityRequest(BaseModel):
    """token: signed by the operator's server.  in_header: the caller sends the secret itself."""

    token: str = Field(max_length=4000)
    in_header: bool = False


@routes.post("/{chat}/end", status_code=204)
def end(desk: DeskPart, visitor: VisitorPart) -> Response:
    """End the chat; a further message begins it again."""
    session = visitor.known
    with desk.database.write() as connection:
        end_and_close(connection, session.id, by="visitor")
    _show(desk, session)
    return Response(status_code=204)


@routes.post("/{chat}/rating", status_code=204)
def rate_chat(desk: DeskPart, visitor: VisitorPart, said: ChatRating) -> Response:
    """Record the visitor's rating of the closed case, once per closing."""
    session = visitor.known
    with desk.database.write() as connection:
        case = session.conversation_id
        closing = last_closing(connection, case) if case else None
        if case is None or closing is None:
            raise ProblemError("conflict", "this chat is not closed")
        rate(connection, closing=closing, conversation_id=case, score=said.score, masked=mask(said.word).text)
    _show(desk, session)
    return Response(status_code=204)


@routes.post("/{chat}/transcript", status_code=204)
def send_transcript(desk: DeskPart, visitor: VisitorPart, said: AddressRequest) -> Response:
    """Send all lines to the visitor's address, masked; an answer to that mail joins the case."""
    session = visitor.known
    if not desk.chats.transcripts.takes(str(session.id), now=desk.now()):
        raise ProblemError("too-many-requests", "too many transcripts; wait an hour", headers={"Retry-After": "3600"})
    note_email(desk, session, said.email)
    mailer = ChatMailer(desk.settings)
    with desk.database.write() as connection:
        if not mailer.send_transcript(connection, find_session(connection, session.id)):
            raise ProblemError("conflict", "this chat sends no mail")
    desk.bell.ring_to_send()
    return Response(status_code=204)


@routes.post("/{chat}/identity")
def sign_in_visitor(
    request: Request, response: Response, desk: DeskPart, *, visitor: VisitorPart, said: IdentityRequest
) -> BegunChat:
    """Exchange a token of the operator's server for a session with a new secret: a planted one is worthless."""
    who = _identity(desk, request, visitor, said.token)
    handle = f"{visitor.name}:{who.subject}"
    session, secret = _own_session(desk, request, visitor, who, handle=handle)
    language = language_of(request)
    desk.chats.waker.wake(session.id)
    if not said.in_header:
        give_secret(desk, response, visitor.name, secret=secret)
    state = desk.chats.state(visitor.name, session, language=language)
    return BegunChat(secret=secret if said.in_header else "", state=state)


@routes.post("/{chat}/sign-out", status_code=204)
def sign_out_visitor(desk: DeskPart, visitor: VisitorPart) -> Response:
    """End the session on this device: its secret opens nothing any more, and no other visitor sees its lines."""
    answer = Response(status_code=204)
    if visitor.session:
        with desk.database.write() as connection:
            forget_secret(connection, visitor.session.id)
        desk.chats.waker.wake(visitor.session.id)
    take_cookie(desk, answer, visitor.name)
    return answer


def _identity(desk: Desk, request: Request, visitor: Visitor, token: str) -> SignedIdentity:
    # The library is loaded with the first token.
    from connectors.web.chat.identity import RefusedIdentity, read_identity  # noqa: PLC0415

    secret = visitor.page.identity_secret
    if secret is None:
        raise ProblemError("not-found", "this chat knows no accounts")
    try:
        return read_identity(token, secret=secret.reveal(), channel=visitor.name, now=desk.now())
    except RefusedIdentity as error:
        if not desk.chats.misses.takes(address_of(request), now=desk.now()):
            raise ProblemError("too-many-requests", headers={"Retry-After": "60"}) from error
        raise ProblemError("unauthenticated", str(error)) from error


def _own_session(
    desk: Desk, request: Request, visitor: Visitor, who: SignedIdentity, *, handle: str
) -> tuple[ChatSession, str]:
    """Return the account's session on this device, and its new secret.

    An anonymous chat is continued; a session of another account is left to that account.
    """
    known = visitor.session
    with desk.database.write() as connection:
        if known and known.party == PartyKind.ACCOUNT and known.handle != handle:
            forget_secret(connection, known.id)
            known = None
        secret = rotate_secret(connection, known, keeps_old=False) if known else None
        if known and secret:
            named = {"name": who.name or known.name, "email": who.email}
            identify(connection, known.id, party=PartyKind.ACCOUNT, handle=handle, **named)
            return find_session(connection, known.id), secret
        new = NewChatSession(
            channel=visitor.name,
            party=PartyKind.ACCOUNT,
            handle=handle,
            name=who.name,
            email=who.email,
            proved=True,
            email_proved=bool(who.email),
            language=language_of(request),
            address=address_of(request),
        )
        return begin_session(connection, new)


def _show(desk: Desk, session: ChatSession) -> None:
    desk.chats.facts.forget(session.channel)
    desk.chats.waker.wake(session.id)
