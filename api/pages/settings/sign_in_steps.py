"""Sign-in by name and password, then by a code of the second factor; the first sign-in sets the second factor up."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from api.desk import Desk, DeskPart
from api.http.authentication import begin_session, client_of, refuse_foreign_form, refuse_too_many
from api.http.forms import Form, ours
from api.pages.render import render
from api.paths import SIGN_IN
from store.desk.agents import AgentRecord, find_by_name
from store.desk.passwords import check_password, new_secret, use_code

# From the password to the code; setting up an authenticator takes a while.
_LASTS_SECONDS: Final = 600

routes: Final = APIRouter(include_in_schema=False)


class CodeTicket(BaseModel):
    """The password was right: what the step of the code needs. seal: of the agent.  secret: only of a new factor."""

    model_config = ConfigDict(frozen=True)

    name: str
    seal: str
    until: float
    secret: str
    wished: str


@routes.post(f"{SIGN_IN}/password", dependencies=[Depends(refuse_foreign_form)])
def give_password(request: Request, desk: DeskPart, form: Form) -> Response:
    """Check the password; then ask for the code."""
    name, wished = form.one("name"), ours(form.one("next"))
    with desk.database.read() as connection:
        claimed = find_by_name(connection, name)
    refuse_too_many(desk, request, owner=claimed.id if claimed else None)
    with desk.database.read() as connection:
        found = check_password(connection, name=name, password=form.whole("password"))
    if found is None:
        about = claimed.id if claimed else None
        desk.trail.stranger("session.refused", claimed=about, address=client_of(request), why="password")
        page = render(request, "sign_in.html.jinja", {"wrong": False, "wrong_password": True, "wished": wished})
        page.status_code = 401
        return page
    # The attempt was none of a stranger; a wrong code counts again.
    desk.sign_ins.succeeded(client_of(request), agent_id=found.agent.id)
    secret = "" if found.secret else new_secret()
    ticket = CodeTicket(
        name=found.agent.name,
        seal=_short(found.agent),
        until=desk.now().timestamp() + _LASTS_SECONDS,
        secret=secret,
        wished=wished,
    )
    return _code_page(request, desk, ticket)


@routes.post(f"{SIGN_IN}/code", dependencies=[Depends(refuse_foreign_form)])
def give_code(request: Request, desk: DeskPart, form: Form) -> Response:
    """Check the code, and begin the session."""
    ticket = _unseal(desk, form.one("ticket"), now=desk.now())
    if ticket is None:
        return RedirectResponse(SIGN_IN, status_code=303)
    with desk.database.read() as connection:
        agent = find_by_name(connection, ticket.name)
    if agent is None or not hmac.compare_digest(_short(agent), ticket.seal):
        return RedirectResponse(SIGN_IN, status_code=303)
    refuse_too_many(desk, request, owner=agent.id)
    with desk.database.write() as connection:
        right = use_code(connection, agent, code=form.one("code"), now=desk.now(), offered=ticket.secret)
    if not right:
        desk.trail.stranger("session.refused", claimed=agent.id, address=client_of(request), why="code")
        return _code_page(request, desk, ticket, wrong=True)
    answer = RedirectResponse(ours(ticket.wished), status_code=303)
    begin_session(desk, request, agent, response=answer)
    return answer


def _code_page(request: Request, desk: Desk, ticket: CodeTicket, *, wrong: bool = False) -> Response:
    issuer = desk.settings.omniyard.name
    label = quote(f"{issuer}:{ticket.name}")
    uri = f"otpauth://totp/{label}?secret={ticket.secret}&issuer={quote(issuer)}" if ticket.secret else ""
    groups = " ".join(ticket.secret[place : place + 4] for place in range(0, len(ticket.secret), 4))
    context = {"ticket": _seal(desk, ticket), "uri": uri, "secret": groups, "wrong": wrong}
    page = render(request, "settings/sign_in_code.html.jinja", context)
    page.status_code = 401 if wrong else 200
    return page


def _short(agent: AgentRecord) -> str:
    """Return a name for the agent's state that another password, role or token changes."""
    return hashlib.sha256(agent.seal.encode()).hexdigest()


def _seal(desk: Desk, ticket: CodeTicket) -> str:
    plain = ticket.model_dump_json().encode().hex()
    return f"{plain}.{_proof(desk, plain)}"


def _unseal(desk: Desk, sealed: str, *, now: datetime) -> CodeTicket | None:
    plain, _, proof = sealed.partition(".")
    if not hmac.compare_digest(_proof(desk, plain).encode(), proof.encode("utf-8", "replace")):
        return None
    try:
        ticket = CodeTicket.model_validate_json(bytes.fromhex(plain))
    except (ValidationError, ValueError):
        return None
    return ticket if now.timestamp() < ticket.until else None


def _proof(desk: Desk, plain: str) -> str:
    return hmac.new(desk.sessions.key, f"code.{plain}".encode(), hashlib.sha256).hexdigest()
