"""Begin a chat and send to it: the limits, and the one way by which page, script and apps write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from api.chat.chat_visitor import MINUTE, Visitor, address_of
from api.desk import Desk
from api.http.problems import ProblemError
from router.envelope import PartyKind
from router.masking.mask import mask
from router.settings.channels.site_chat import LONGEST_LINE
from router.text.visible import is_visible, tame
from store.chat.endings import is_address_blocked
from store.chat.line_log import ChatLine, VisitorLine
from store.chat.visitor_sessions import BlockedVisitor, ChatSession, NewChatSession, begin_session, change_session

LONGEST_NAME: Final = 100
_HOUR: Final = {"Retry-After": "3600"}
_LONGEST_ORIGIN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a visitor's page says at the beginning. email: only where answers may go; it proves nothing."""

    language: str
    name: str = ""
    email: str = ""
    origin: str = ""


def begin(desk: Desk, request: Request, visitor: Visitor, said: Beginning) -> tuple[ChatSession, str]:
    """Begin an anonymous session; return it and its secret. Raises ProblemError above the pace of the address."""
    if said.email and not _is_address(said.email):
        raise ProblemError("invalid", "expected a mail address", field="email")
    if _is_blocked(desk, request, visitor.name):
        raise ProblemError("forbidden", "an agent has blocked visitors of this address")
    if not desk.chats.begun[visitor.name].takes(address_of(request), now=desk.now()):
        raise ProblemError("too-many-requests", "too many chats from this address; wait an hour", headers=_HOUR)
    new = NewChatSession(
        channel=visitor.name,
        party=PartyKind.VISITOR,
        name=mask(tame(" ".join(said.name.split())[:LONGEST_NAME])).text,
        email=said.email.lower(),
        language=said.language,
        origin=said.origin[:_LONGEST_ORIGIN] if said.origin in visitor.page.origins else "",
        address=address_of(request),
    )
    with desk.database.write() as connection:
        return begin_session(connection, new)


def _is_blocked(desk: Desk, request: Request, chat: str) -> bool:
    with desk.database.read() as connection:
        return is_address_blocked(connection, channel=chat, address=address_of(request), now=desk.now())


def send(desk: Desk, visitor: Visitor, session: ChatSession, line: VisitorLine) -> ChatLine:
    """Store a line once, and wake the visitor's other pages. Raises ProblemError with the reason of a refusal."""
    page, weight = visitor.page, sum(len(content) for _, content in line.files)
    if not is_visible(line.text) and not line.files:
        raise ProblemError("invalid", "the message is empty", field="text")
    if len(line.text) > LONGEST_LINE:
        raise ProblemError("invalid", f"expected at most {LONGEST_LINE} characters", field="text")
    if len(line.files) > page.files or weight > page.largest:
        raise ProblemError("too-large", f"expected at most {page.files} files of {page.largest} bytes together")
    if not desk.chats.lines[visitor.name].takes(str(session.id), now=desk.now()):
        raise ProblemError("too-many-requests", "too many messages; wait a minute", headers=MINUTE)
    try:
        taken = desk.chats.intake.take(session, line, now=desk.now())
    except BlockedVisitor as error:
        raise ProblemError("forbidden", str(error)) from error
    desk.chats.facts.forget(visitor.name)
    desk.chats.waker.wake(session.id)
    return taken


def note_email(desk: Desk, session: ChatSession, email: str) -> None:
    """Record where answers go when the visitor has gone. Raises ProblemError for what is no address."""
    if not _is_address(email):
        raise ProblemError("invalid", "expected a mail address", field="email")
    # A mail address that the operator's server signed is not replaced by a typed one.
    if not session.email_proved:
        with desk.database.write() as connection:
            change_session(connection, session.id, email=email.lower())


def _is_address(text: str) -> bool:
    # Loaded with the first address: the parts of mail behind it are not needed to start.
    from connectors.web.form import is_address  # noqa: PLC0415

    return is_address(text)


def is_program(values: Mapping[str, str]) -> bool:
    """Return whether the field was filled that no person sees."""
    return bool(values.get("website"))


def small(files: Sequence[tuple[str, bytes]]) -> tuple[tuple[str, bytes], ...]:
    """Return the files that have content."""
    return tuple((name, content) for name, content in files if content)
