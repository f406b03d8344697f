"""Sign-in at the company's provider: the way there, and the way back."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from api.desk import Desk, DeskPart
from api.http.authentication import TooManyFailuresError, begin_session, client_of, refuse_too_many
from api.http.forms import ours
from api.http.problems import ProblemError
from api.pages.entry.provider_agents import AgentRefusal, admit
from api.pages.entry.sign_in_form import show_sign_in
from api.paths import SIGN_IN
from api.services.signed_text import Ticket, proof_of, read_signed, sign
from connectors.oidc.rounds import ProviderRefusal, SignInRound
from router.errors import ConfigError, TransientError
from store.desk.audit import AuditAction

if TYPE_CHECKING:
    from connectors.oidc.identity_provider import OidcProvider

_PURPOSE: Final = "provider round"
# A sign-in at a provider, with its second factor.
_LASTS_SECONDS: Final = 600
_BACK: Final = f"{SIGN_IN}/oidc/return"

routes: Final = APIRouter(include_in_schema=False)
Wished = Annotated[str, Query(alias="next", max_length=2000)]


class RoundTicket(Ticket):
    """What the browser keeps while its agent is at the provider. wished: the path to go on to."""

    state: str
    wished: str


@routes.get(f"{SIGN_IN}/oidc")
def to_provider(request: Request, desk: DeskPart, wished: Wished = "/") -> Response:
    """Send the browser to the provider."""
    provider, state = _provider(desk), secrets.token_urlsafe(32)
    until = desk.now().timestamp() + _LASTS_SECONDS
    ticket = RoundTicket(state=state, wished=ours(wished), until=until)
    try:
        answer = RedirectResponse(provider.address(_round(request, desk, state)), status_code=303)
    except (TransientError, ConfigError):
        return show_sign_in(request, wished=ours(wished), status=503, trouble="provider_away")
    # Lax: the browser comes back by a link of another site.
    signed = sign(desk.sessions.key, ticket, purpose=_PURPOSE)
    answer.set_cookie(
        _cookie(desk), signed, path="/", max_age=_LASTS_SECONDS, secure=desk.secure, httponly=True, samesite="lax"
    )
    return answer


class ProviderAnswer(BaseModel):
    """What the provider sends back with the browser (RFC 6749 section 4.1.2, RFC 9207). error: instead of a code."""

    state: str = Field(default="", max_length=500)
    code: str = Field(default="", max_length=4000)
    iss: str = Field(default="", max_length=2000)
    error: str = Field(default="", max_length=500)


@routes.get(_BACK)
def from_provider(request: Request, desk: DeskPart, said: Annotated[ProviderAnswer, Query()]) -> Response:
    """Check what the provider sent back, and begin the session."""
    provider, cookie = _provider(desk), request.cookies.get(_cookie(desk), "")
    ticket = read_signed(desk.sessions.key, cookie, purpose=_PURPOSE, model=RoundTicket, now=desk.now())
    wished = ticket.wished if ticket else "/"
    try:
        refuse_too_many(desk, request, owner=None)
        asked = _asked(request, desk, provider, ticket=ticket, said=said)
        agent = admit(desk, provider.identity(asked, code=said.code, now=desk.now()))
        answer: Response = RedirectResponse(wished, status_code=303)
        begin_session(desk, request, agent, response=answer)
    except TooManyFailuresError as failures:
        answer = show_sign_in(request, wished=wished, status=429, trouble="sign_in_waits", seconds=failures.seconds)
    except (ProviderRefusal, AgentRefusal) as refusal:
        answer = _refused(request, desk, refusal, wished=wished)
    except (TransientError, ConfigError):
        answer = show_sign_in(request, wished=wished, status=503, trouble="provider_away")
    # One round, one use, also of a round that failed.
    answer.delete_cookie(_cookie(desk), path="/", secure=desk.secure, httponly=True, samesite="lax")
    return answer


def _asked(
    request: Request, desk: Desk, provider: OidcProvider, *, ticket: RoundTicket | None, said: ProviderAnswer
) -> SignInRound:
    """Return the round that this browser began. Raises ProviderRefusal if the answer is of another one, or none."""
    if ticket is None or not hmac.compare_digest(ticket.state.encode(), said.state.encode("utf-8", "replace")):
        raise ProviderRefusal("state")
    if said.error or not said.code:
        raise ProviderRefusal("provider")
    if not provider.is_answer_of(said.iss):
        raise ProviderRefusal("issuer")
    return _round(request, desk, ticket.state)


def _refused(request: Request, desk: Desk, refusal: ProviderRefusal | AgentRefusal, *, wished: str) -> Response:
    claimed = refusal.agent_id if isinstance(refusal, AgentRefusal) else None
    why = f"provider: {refusal.why}"
    desk.trail.stranger(AuditAction.SESSION_REFUSED, claimed=claimed, address=client_of(request), why=why)
    trouble = "provider_unknown_agent" if isinstance(refusal, AgentRefusal) else "provider_refused"
    return show_sign_in(request, wished=wished, status=401, trouble=trouble)


def _provider(desk: Desk) -> OidcProvider:
    if desk.provider is None:
        raise ProblemError("not-found")
    return desk.provider


def _round(request: Request, desk: Desk, state: str) -> SignInRound:
    """Return the round of a state. Nonce and verifier follow from it and our key, so that no one has to keep them."""
    key, public = desk.sessions.key, desk.settings.omniyard.public_url
    here = public or f"{request.url.scheme}://{request.headers.get('host', '')}"
    return SignInRound(
        state=state,
        nonce=proof_of(key, state, purpose="provider nonce"),
        verifier=proof_of(key, state, purpose="provider verifier"),
        redirect_uri=f"{here}{_BACK}",
    )


def _cookie(desk: Desk) -> str:
    return "__Host-omniyard-round" if desk.secure else "omniyard_round"
