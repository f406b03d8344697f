"""Sign-in by name and password, then by a code of the second factor; the first sign-in sets the second factor up.

A recovery code stands in for a lost second factor, once.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import segno
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart
from api.http.authentication import actor_of, begin_session, client_of, refuse_foreign_form, refuse_too_many
from api.http.forms import Fields, Form, ours
from api.http.problems import ProblemError
from api.pages.entry.sign_in_form import show_sign_in, takes_passwords
from api.pages.entry.waiting_text import after_sign_in, kept_fields
from api.pages.render import render
from api.paths import SIGN_IN
from api.services.signed_text import Ticket, read_signed, sign
from store.desk.access.recovery_codes import count_recovery_codes, make_recovery_codes, use_recovery_code
from store.desk.agents import AgentRecord, find_by_name
from store.desk.audit import AuditAction
from store.desk.passwords import check_password, new_secret, renew_hash, use_code

_PURPOSE: Final = "code"
# From the password to the code; setting up an authenticator takes a while.
_LASTS_SECONDS: Final = 600
# The quiet zone of a QR code (ISO/IEC 18004 section 6.3.8), in modules.
_QUIET: Final = 4

routes: Final = APIRouter(include_in_schema=False)


class CodeTicket(Ticket):
    """The password was right: what the step of the code needs. seal: of the agent.  secret: only of a new factor."""

    name: str
    seal: str
    secret: str
    wished: str


@routes.post(f"{SIGN_IN}/password", dependencies=[Depends(refuse_foreign_form)])
def give_password(request: Request, desk: DeskPart, form: Form) -> Response:
    """Check the password; then ask for the code."""
    if not takes_passwords(desk):
        raise ProblemError("not-found")
    name, wished, kept = form.one("name"), ours(form.one("next")), kept_fields(form, again="")
    with desk.database.read() as connection:
        claimed = find_by_name(connection, name)
    refuse_too_many(desk, request, owner=claimed.id if claimed else None)
    with desk.database.read() as connection:
        found = check_password(connection, name=name, password=form.whole("password"))
    if found is None:
        about = claimed.id if claimed else None
        desk.trail.stranger(AuditAction.SESSION_REFUSED, claimed=about, address=client_of(request), why="password")
        return show_sign_in(request, wished=wished, status=401, trouble="password_wrong", claimed=name, kept=kept)
    if found.has_older_hash:
        with desk.database.write() as connection:
            renew_hash(connection, name=found.agent.name, password=form.whole("password"))
    # The attempt was none of a stranger; a wrong code counts again.
    desk.sign_ins.succeeded(client_of(request), agent_id=found.agent.id)
    ticket = CodeTicket(
        name=found.agent.name,
        seal=_short(found.agent),
        until=desk.now().timestamp() + _LASTS_SECONDS,
        secret="" if found.secret else new_secret(),
        wished=wished,
    )
    return _code_page(request, desk, ticket, form=form)


@routes.post(f"{SIGN_IN}/code", dependencies=[Depends(refuse_foreign_form)])
def give_code(request: Request, desk: DeskPart, form: Form) -> Response:
    """Check the code, or the recovery code, and begin the session."""
    ticket = read_signed(desk.sessions.key, form.one("ticket"), purpose=_PURPOSE, model=CodeTicket, now=desk.now())
    with desk.database.read() as connection:
        agent = find_by_name(connection, ticket.name) if ticket else None
    if ticket is None or agent is None or not hmac.compare_digest(_short(agent), ticket.seal):
        kept = kept_fields(form, again="")
        wished = ours(form.one("next"))
        return show_sign_in(request, wished=wished, kept=kept) if kept else RedirectResponse(SIGN_IN, status_code=303)
    refuse_too_many(desk, request, owner=agent.id)
    recovery = form.one("recovery")
    with desk.database.write() as connection:
        check = _recovered if recovery else _proved
        proof = check(connection, desk, agent, form=form, ticket=ticket)
    if proof is None:
        why, wrong = ("recovery code", "recovery_wrong") if recovery else ("code", "code_wrong")
        desk.trail.stranger(AuditAction.SESSION_REFUSED, claimed=agent.id, address=client_of(request), why=why)
        return _code_page(request, desk, ticket, form=form, wrong=wrong)
    return _begun(request, desk, agent, proof=proof, form=form, wished=ticket.wished)


@dataclass(frozen=True, slots=True)
class _Proof:
    """The second step was right. codes: new recovery codes, to be shown now.  left: after one was used, else None."""

    codes: Sequence[str] = ()
    left: int | None = None


def _proved(
    connection: Connection, desk: Desk, agent: AgentRecord, *, form: Fields, ticket: CodeTicket
) -> _Proof | None:
    if not use_code(connection, agent, code=form.one("code"), now=desk.now(), offered=ticket.secret):
        return None
    return _Proof(codes=make_recovery_codes(connection, agent.id) if ticket.secret else ())


def _recovered(
    connection: Connection, desk: Desk, agent: AgentRecord, *, form: Fields, ticket: CodeTicket
) -> _Proof | None:
    del desk
    # While the factor is being set up there is nothing to recover.
    if ticket.secret or not use_recovery_code(connection, agent.id, form.one("recovery")):
        return None
    return _Proof(left=count_recovery_codes(connection, agent.id))


def _begun(request: Request, desk: Desk, agent: AgentRecord, *, proof: _Proof, form: Fields, wished: str) -> Response:
    """Begin the session; first show what is shown once, or how many recovery codes are left."""
    if proof.codes or proof.left is not None:
        kept = kept_fields(form, again="")
        context = {"codes": proof.codes, "left": proof.left, "wished": wished, "kept": kept, "home": agent.id}
        answer: Response = render(request, "entry/recovery_codes.html.jinja", context)
    else:
        answer = after_sign_in(request, desk, actor_of(agent), form=form, wished=wished)
    if proof.left is not None:
        desk.trail.session(agent, AuditAction.AGENT_RECOVERY_USED, address=client_of(request))
    begin_session(desk, request, agent, response=answer)
    return answer


def _code_page(request: Request, desk: Desk, ticket: CodeTicket, *, form: Fields, wrong: str = "") -> Response:
    uri = _uri(desk, ticket) if ticket.secret else ""
    context = {
        "ticket": sign(desk.sessions.key, ticket, purpose=_PURPOSE),
        "uri": uri,
        "picture": _picture(uri) if uri else "",
        "secret": " ".join(ticket.secret[place : place + 4] for place in range(0, len(ticket.secret), 4)),
        "wrong": wrong,
        "wished": ticket.wished,
        "kept": kept_fields(form, again=""),
    }
    page = render(request, "entry/sign_in_code.html.jinja", context)
    page.status_code = 401 if wrong else 200
    return page


def _uri(desk: Desk, ticket: CodeTicket) -> str:
    """Return the address that an authenticator reads. Source: Google Authenticator's wiki, "Key Uri Format"."""
    issuer = desk.settings.omniyard.name_in("en")
    label = quote(f"{issuer}:{ticket.name}")
    return f"otpauth://totp/{label}?secret={ticket.secret}&issuer={quote(issuer)}"


def _picture(uri: str) -> Markup:
    """Return the address as a QR code: SVG for the page itself, so that no second address has the secret."""
    code = segno.make(uri, error="m", micro=False)
    svg = code.svg_inline(border=_QUIET, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True)
    return Markup(svg)  # noqa: S704  (numbers and colours of ours alone)


def _short(agent: AgentRecord) -> str:
    """Return a name for the agent's state that another password, role or token changes."""
    return hashlib.sha256(agent.seal.encode()).hexdigest()
