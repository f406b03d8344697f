"""Authenticate a request: a bearer token for programs, a session cookie for browsers; and check its permission.

A token is accepted only in the Authorization header (RFC 6750 section 2.1), so it never gets into a URL or a log.
"""

from __future__ import annotations

import contextlib
import math
from typing import Annotated, Final
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.desk import Desk, DeskPart
from api.http.permissions import Actor, Verb, can
from api.http.problems import ProblemError
from api.http.requests import NOT_TEXT
from api.paths import POLL_HEADER
from api.services.refusals import Refused
from api.services.sessions import LONGEST, SignedSession
from router.errors import TransientError
from store.desk.agents import (
    AgentRecord,
    end_session,
    find_by_session,
    find_by_token,
    is_use_worth_noting,
    note_use,
    owner_of,
)
from store.desk.audit import AuditAction

_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="omniyard"'}
_TOO_COSTLY: Final = "too many searches and reports in a minute; wait a minute"
_SAFE: Final = frozenset({"GET", "HEAD"})

_BEARER: Final = HTTPBearer(
    auto_error=False, scheme_name="token", description="`oy_...`, shown once by `omniyard agent add`."
)
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


class AccessRule:
    """What a route requires of its caller; every route has a rule, or is on the list of public routes."""

    def __init__(self, verb: Verb) -> None:
        self.verb = verb


class Requires(AccessRule):
    """A known caller who may do `verb`. The dependency's value is the Actor.

    costly: the answer is searched or computed from very many rows, so that each agent has a pace for all of these.
    """

    def __init__(self, verb: Verb, *, costly: bool = False) -> None:
        super().__init__(verb)
        self.costly = costly

    def __call__(self, request: Request, desk: DeskPart, bearer: Bearer) -> Actor:
        agent = _by_token(desk, bearer.credentials) if bearer else _by_session(desk, request)
        if agent is None and bearer:
            _refuse_token(desk, bearer.credentials, address=client_of(request))
        if agent is None:
            raise ProblemError("unauthenticated", headers=_CHALLENGE)
        actor = actor_of(agent)
        request.scope["actor"] = actor
        if bearer and (seconds := desk.buckets.wait(agent.id)):
            raise ProblemError("too-many-requests", headers={"Retry-After": str(math.ceil(seconds))})
        if not can(actor, self.verb):
            raise ProblemError("forbidden", f"the role {actor.role}, or this token, has no permission for {self.verb}")
        if NOT_TEXT.search(request.scope["path"]):
            # Nothing has such a name, and PostgreSQL cannot even be asked for U+0000.
            raise ProblemError("not-found")
        if self.costly:
            count_costly(desk, actor)
        return actor

    def still_admits(
        self, actor: Actor, request: Request, *, desk: Desk, bearer: HTTPAuthorizationCredentials | None
    ) -> bool:
        """Return whether the caller of an open stream may go on reading, with the same role and the same teams."""
        try:
            known = self(request, desk, bearer)
        except ProblemError:
            return False
        return (known.role, known.sees_only) == (actor.role, actor.sees_only)


def count_costly(desk: Desk, actor: Actor) -> None:
    """Count a costly read of an agent. Raises ProblemError above the pace of `[limits] agent_reads_per_minute`."""
    if not desk.reads.takes(str(actor.id), now=desk.now()):
        desk.refusals.note(Refused.AGENT_READS)
        raise ProblemError("too-many-requests", _TOO_COSTLY, headers={"Retry-After": "60"})


def _refuse_token(desk: Desk, token: str, *, address: str) -> None:
    """Record a token that is not valid; raise ProblemError if this address, or this agent's token, failed too often.

    The token was checked before: one that is valid is served, even if others fail behind the same address.
    """
    claimed = owner_of(token.strip())
    if seconds := desk.token_failures.wait(address, agent_id=claimed):
        desk.refusals.note(Refused.TOKENS)
        raise TooManyFailuresError(seconds)
    desk.trail.stranger(AuditAction.REQUEST_REFUSED, claimed=claimed, address=address, why="token")


class TooManyFailuresError(ProblemError):
    """Too many tokens that are not valid came from an address, or named one agent. seconds: to wait."""

    def __init__(self, seconds: float) -> None:
        self.seconds = math.ceil(seconds)
        detail = f"too many sign-ins failed; try again in {self.seconds} s"
        super().__init__("too-many-requests", detail, headers={"Retry-After": str(self.seconds)})


def sign_in(desk: Desk, request: Request, token: str, *, response: Response) -> AgentRecord | None:
    """Begin a session for the token's agent; return the agent, None when the token is not valid.

    Raises TooManyFailuresError if this address, or this agent's token, failed too often; the token is then not checked.
    """
    address, owner = client_of(request), owner_of(token.strip())
    refuse_too_many(desk, request, owner=owner)
    agent = _by_token(desk, token)
    if agent is None:
        desk.trail.stranger(AuditAction.SESSION_REFUSED, claimed=owner, address=address, why="token")
        return None
    begin_session(desk, request, agent, response=response)
    return agent


def refuse_too_many(desk: Desk, request: Request, *, owner: UUID | None) -> None:
    """Raise TooManyFailuresError if this address, or this agent's sign-in, failed too often. owner: unproven."""
    address = client_of(request)
    if seconds := desk.sign_ins.wait(address, agent_id=owner):
        desk.trail.stranger(AuditAction.SESSION_REFUSED, claimed=owner, address=address, why="too often")
        raise TooManyFailuresError(seconds)


def begin_session(desk: Desk, request: Request, agent: AgentRecord, *, response: Response) -> None:
    """Begin a session of an agent who has proven who they are."""
    address = client_of(request)
    desk.sign_ins.succeeded(address, agent_id=agent.id)
    desk.trail.session(agent, AuditAction.SESSION_BEGAN, address=address)
    _set_cookie(desk, response, desk.sessions.begin(agent, now=desk.now()))


def sign_out(desk: Desk, request: Request, *, response: Response) -> None:
    """End the session, so that no copy of its cookie is accepted any more, and delete the cookie."""
    session, agent = _session_of(desk, request)
    if session and agent:
        with desk.database.write() as connection:
            end_session(connection, session.id, longest=LONGEST)
        desk.trail.session(agent, AuditAction.SESSION_ENDED, address=client_of(request))
    response.delete_cookie(cookie_name(desk), path="/", secure=desk.secure, httponly=True, samesite="lax")


def actor_of(agent: AgentRecord) -> Actor:
    """Return the caller that an authenticated agent is."""
    return Actor(
        id=agent.id, name=agent.name, role=agent.role, teams=agent.teams, scopes=agent.scopes,
        available=agent.available, away_from=agent.away_from, away_until=agent.away_until,
    )  # fmt: skip


def session_actor(desk: Desk, request: Request) -> Actor | None:
    """Return who is signed in in this browser; None without a session in force."""
    _, agent = _session_of(desk, request)
    return actor_of(agent) if agent else None


def client_of(request: Request) -> str:
    """Return the address of the client."""
    # A proxy of ours has replaced its address by its client's (`trusted_proxies`).
    return request.client.host if request.client else ""


def cookie_name(desk: Desk) -> str:
    """Return the session cookie's name; `__Host-` binds it to this host and to https (RFC 6265bis section 4.1.3.2)."""
    return "__Host-omniyard" if desk.secure else "omniyard_session"


def refuse_foreign_form(request: Request) -> None:
    """Raise ProblemError unless the request comes from our own page; for every change authenticated by cookie."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    # Browsers send at least one of the two with a POST; a program with a cookie has to send one too.
    ours = site in {"same-origin", "none"} if site else origin in _own_origins(request)
    if not ours:
        raise ProblemError("forbidden", "this request does not come from a page of this desk")


def _own_origins(request: Request) -> set[str]:
    """Return the origins of our pages (RFC 6454 section 6.2): scheme, host and port all count."""
    desk: Desk = request.app.state.desk
    public = urlsplit(desk.settings.omniyard.public_url or "")
    behind_proxy = {f"{public.scheme}://{public.netloc}"} if public.netloc else set()
    return {f"{request.url.scheme}://{request.headers.get('host', '')}"} | behind_proxy


def _by_token(desk: Desk, token: str) -> AgentRecord | None:
    with desk.database.read() as connection:
        agent = find_by_token(connection, token.strip())
    if agent and is_use_worth_noting(agent, now=desk.now()):
        _note(desk, agent)
    return agent


def _note(desk: Desk, agent: AgentRecord) -> None:
    # Reading must work while the database refuses writes: a full disk, a long import.
    with contextlib.suppress(TransientError), desk.database.write() as connection:
        note_use(connection, agent.id)


def _by_session(desk: Desk, request: Request) -> AgentRecord | None:
    session, agent = _session_of(desk, request)
    if session is None or agent is None:
        return None
    if request.method not in _SAFE:
        refuse_foreign_form(request)
    renewed = desk.sessions.renewed(session, agent=agent, now=desk.now())
    if renewed and POLL_HEADER not in request.headers:
        # The middleware sets the cookie, because a route with its own response would lose it.
        answer = Response()
        _set_cookie(desk, answer, renewed)
        request.scope["session_cookie"] = answer.headers["set-cookie"]
    return agent


def _session_of(desk: Desk, request: Request) -> tuple[SignedSession | None, AgentRecord | None]:
    """Return the session and its agent, both None unless it is in force."""
    session = desk.sessions.read(request.cookies.get(cookie_name(desk), ""))
    if session is None:
        return None, None
    with desk.database.read() as connection:
        agent = find_by_session(connection, session.agent_id, session_id=session.id)
    holds = agent is not None and desk.sessions.holds(session, agent=agent, now=desk.now())
    return (session, agent) if holds else (None, None)


def _set_cookie(desk: Desk, response: Response, value: str) -> None:
    # No max-age: the cookie ends with the browser; the session's own limits are in its value.
    response.set_cookie(cookie_name(desk), value, path="/", secure=desk.secure, httponly=True, samesite="lax")
