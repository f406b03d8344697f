"""The customer's side of a conversation: a code proves the address, then the page shows the words and takes answers.

What a wrong address gets is what a right one gets: the same page, in the same time. The work behind it is done after
the answer has left.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.background import BackgroundTask

from api.customer.case_view import AskedCode, channel_of, let_in, let_out, limits_of, proven_address
from api.customer.pages import (
    FilledForm,
    case_page,
    key_of_form,
    look_at_case,
)
from api.customer.phrases import CustomerWords
from api.customer.visitor_pages import PostedFields, visitor_address, visitor_page
from api.desk import Desk, DeskPart
from api.http.authentication import refuse_foreign_form
from api.pages.render import language_of
from api.services.case_access import ProvenAddress, digits_of
from connectors.registry import kind_of
from router.envelope import PartyKind
from router.settings.channels.base import ChannelSettings
from router.threads.correlation import make_message_id
from router.threads.subject_lines import answer_subject
from store.conversations.customer_status import CaseStatus
from store.conversations.read import find_conversation
from store.db.ids import new_id
from store.desk.case_codes import CodeMessage, keep_code, kind_of_address, queue_code, takes_part, use_code

_SEE_OTHER: Final = 303
_LONGEST_ADDRESS: Final = 254
_SHORTEST, _LONGEST = 1, 20_000

routes: Final = APIRouter(include_in_schema=False)
Ours = Depends(refuse_foreign_form)


@routes.post("/case/{token}/code", dependencies=[Ours])
def ask_for_code(request: Request, desk: DeskPart, token: str, said: PostedFields) -> Response:
    """Send a code to the address if the case came from it; the answer is the same if it did not."""
    found = look_at_case(request, desk, token)
    channel = channel_of(desk, found) if found else None
    if found is None or channel is None:
        return _stale(request)
    typed = said.get("address", "").strip()[:_LONGEST_ADDRESS]
    if not desk.visitors.codes.takes(visitor_address(request), now=desk.now()):
        return case_page(request, desk, found, token=token, asked=AskedCode(typed, "wrong_code_pace"), status=429)
    answer = case_page(request, desk, found, token=token, asked=AskedCode(typed))
    answer.background = BackgroundTask(_send_code, desk, found, channel, typed=typed)
    return answer


@routes.post("/case/{token}/open", dependencies=[Ours])
def open_case(request: Request, desk: DeskPart, token: str, said: PostedFields) -> Response:
    """Let the browser in if the code is right."""
    found = look_at_case(request, desk, token)
    channel = channel_of(desk, found) if found else None
    if found is None or channel is None or found.conversation_id is None or found.contact_id is None:
        return _stale(request)
    typed, code = said.get("address", "").strip()[:_LONGEST_ADDRESS], digits_of(said.get("code", ""))
    if not desk.visitors.entered.takes(visitor_address(request), now=desk.now()):
        return case_page(request, desk, found, token=token, asked=AskedCode(typed, "wrong_code_pace"), status=429)
    handle = _handle(channel, typed)
    with desk.database.write() as connection:
        is_right = use_code(
            connection,
            found.conversation_id,
            prove=lambda code_id: desk.visitors.access.proof(code_id, handle=handle, code=code),
            now=desk.now(),
        )
    if not is_right:
        return case_page(request, desk, found, token=token, asked=AskedCode(typed, "wrong_code"), status=422)
    onwards = RedirectResponse(f"/case/{token}", status_code=_SEE_OTHER)
    let_in(desk, onwards, ProvenAddress(found.contact_id, handle))
    return onwards


@routes.post("/case/{token}/leave", dependencies=[Ours])
def leave_case(request: Request, desk: DeskPart, token: str) -> Response:
    """Let the browser out: the next person at it sees the state alone."""
    del request
    onwards = RedirectResponse(f"/case/{token}", status_code=_SEE_OTHER)
    let_out(desk, onwards)
    return onwards


@routes.post("/case/{token}/answer", dependencies=[Ours])
def answer_case(request: Request, desk: DeskPart, token: str, filled: FilledForm) -> Response:
    """Take what the customer writes, as a message of the conversation."""
    from connectors.web.form import Submission  # noqa: PLC0415  (loaded with the first answer)

    found = look_at_case(request, desk, token)
    proven = proven_address(desk, request, found) if found else None
    channel = channel_of(desk, found) if found else None
    if found is None or proven is None or channel is None or found.conversation_id is None:
        return _stale(request)
    text, limits = filled.fields.get("message", "").strip(), limits_of(desk)
    key, too_new = key_of_form(desk, filled.fields)
    weight = sum(len(content) for _, content in filled.files)
    rules = (
        ("wrong_form_new", too_new),
        ("wrong_form_old", not key),
        ("wrong_answer", not _SHORTEST <= len(text) <= _LONGEST and not (not text and filled.files)),
        ("wrong_files", len(filled.files) > limits.files or weight > limits.largest),
        ("wrong_pace", not desk.visitors.written.takes(visitor_address(request), now=desk.now())),
    )
    if wrong := next((name for name, broken in rules if broken), ""):
        status = 429 if wrong == "wrong_pace" else 422
        return case_page(request, desk, found, token=token, asked=AskedCode(wrong=wrong, text=text), status=status)
    with desk.database.read() as connection:
        row = find_conversation(connection, found.conversation_id)
        kind = kind_of_address(connection, contact_id=proven.contact_id, handle=proven.handle)
    if not kind:
        return _stale(request)
    thread = desk.visitors.thread_token(row.reference, contact_id=proven.contact_id)
    submission = Submission(
        key=f"case:{key.removeprefix('form:')}",
        email=proven.handle,
        name=row.contact_name,
        # The token makes it join the conversation, as it does in a mail.
        subject=answer_subject(row.subject, token=thread),
        text=text or CustomerWords(language_of(request))("only_files"),
        files=filled.files,
        proven=PartyKind(kind),
    )
    desk.webhooks.case_answer(found.channel, submission, now=desk.now())
    return RedirectResponse(f"/case/{token}?sent=1", status_code=_SEE_OTHER)


def _send_code(desk: Desk, case: CaseStatus, channel: ChannelSettings, *, typed: str) -> None:
    """Keep a code, and queue it for the case's address if that was typed."""
    if case.conversation_id is None or case.contact_id is None:
        return
    access, handle, now = desk.visitors.access, _handle(channel, typed), desk.now()
    code_id, code = new_id(), access.new_code()
    with desk.database.write() as connection:
        is_theirs = takes_part(connection, case.conversation_id, contact_id=case.contact_id, handle=handle)
        proof = access.proof(code_id, handle=handle, code=code) if is_theirs else access.no_proof()
        kept = keep_code(connection, code_id=code_id, conversation_id=case.conversation_id, proof=proof, now=now)
        if not kept or not is_theirs:
            return
        row = find_conversation(connection, case.conversation_id)
        words = CustomerWords("zh" if row.language.startswith("zh") else "en")
        name = desk.settings.omniyard.name_in(row.language)
        token = desk.visitors.thread_token(row.reference, contact_id=case.contact_id)
        message = CodeMessage(
            id=code_id,
            channel=case.channel,
            recipient=handle,
            subject=answer_subject(row.subject, token=token) if kind_of(channel).can.mail else "",
            text=_code_text(words, code=code, desk=name, reference=row.reference),
            rfc_message_id=make_message_id(token, outbound_id=code_id, sender=channel.address or ""),
        )
        queue_code(connection, case.conversation_id, code=message, now=now)
    desk.bell.ring_to_send()


def _code_text(words: CustomerWords, *, code: str, desk: str, reference: str) -> str:
    said = words("code_text", code=code, desk=desk, reference=reference)
    return f"{said}\n{words('code_warning')}\n"


def _handle(channel: ChannelSettings, typed: str) -> str:
    """Return the address as messages have it: mail in lower case, a number without its blanks."""
    if kind_of(channel).parties[0] is PartyKind.PHONE:
        return "".join(char for char in typed if char.isdigit() or char == "+")
    return typed.lower()


def _stale(request: Request) -> Response:
    return visitor_page(request, "stale", {}, status=404)
