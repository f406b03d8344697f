"""Agents on the page: duty, absence, teams; and for administrators access: role, token, password, second factor."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from api.desk import Desk, DeskPart, Shown, ShownRows
from api.http.authentication import Requires
from api.http.forms import Fields, Form
from api.http.permissions import Actor, Role, Verb, can
from api.http.problems import ProblemError
from api.pages.cases.after import Refused, go_on
from api.pages.entry.sign_in_form import takes_passwords
from api.pages.orders import local_moment
from api.pages.render import language_of
from api.pages.settings.frame import show_room
from api.rest.access.access_audit import write_down
from api.rest.agents import AgentEntry, DutyOrder, change_agent, list_all, list_teams
from api.text.phrases import Words
from api.text.reasons import language_name
from api.text.subjects.step_phrases import STEP_WORDS
from router.errors import Conflict, NotFound
from store.desk.access.provider_accounts import email_of, is_bound, release_account, set_email
from store.desk.access.recovery_codes import count_recovery_codes
from store.desk.agents import add_agent, change_role, revoke_agent, rotate_token
from store.desk.assignment import set_duty
from store.desk.audit import AuditAction
from store.desk.passwords import forget_second_factor, has_factor, set_password
from store.tables.agents import SkillKind

_ALPHABET: Final = string.ascii_letters + string.digits
_START_LENGTH: Final = 16
_NO_PASSWORDS: Final = "agents of this desk sign in at the provider, not by password"
# Tags (BCP 47) of the languages that have a name here, Chinese first.
_LANGUAGES: Final = tuple(key.removeprefix("language_") for key in STEP_WORDS if key.startswith("language_"))

routes: Final = APIRouter(prefix="/settings", include_in_schema=False)
Reader = Annotated[Actor, Depends(Requires(Verb.READ_AGENTS))]
Manager = Annotated[Actor, Depends(Requires(Verb.MANAGE_AGENTS))]
# The phrase about a secret that is shown once, and the secret.
_Once = tuple[str, str] | None


@routes.get("/agents")
def agents(request: Request, desk: DeskPart, actor: Reader, shown: Shown) -> Response:
    """Show the agents and the teams."""
    return _all(request, desk, actor, shown=shown)


@routes.post("/agents")
def add(request: Request, desk: DeskPart, actor: Manager, form: Form, *, shown: Shown) -> Response:
    """Add an agent and show the token, once."""
    name, role, team = form.one("name"), form.one("role"), form.one("teams")
    try:
        with desk.database.write() as connection:
            made, token = add_agent(connection, name=name, role=Role(role).value)
            set_duty(connection, name=made.name, skills={SkillKind.TEAM: [team] if team else []})
    except Refused as error:
        typed = {"name": name, "role": role, "team": team, "is_taken": isinstance(error, Conflict)}
        return _all(request, desk, actor, shown=shown, refused=error, typed=typed)
    write_down(desk, actor, AuditAction.AGENT_ADDED, about=made.name, role=role)
    return _one(request, desk, actor, agent_id=made.id, once=("once_first_token", token))


@routes.get("/agents/{agent_id}")
def agent(request: Request, desk: DeskPart, actor: Reader, agent_id: UUID) -> Response:
    """Show one agent: oneself, or for those who set duties any."""
    if agent_id != actor.id and not can(actor, Verb.SET_DUTIES):
        raise ProblemError("forbidden")
    return _one(request, desk, actor, agent_id=agent_id)


@routes.post("/agents/{agent_id}")
def set_duty_on_batch(
    request: Request,
    desk: DeskPart,
    actor: Annotated[Actor, Depends(Requires(Verb.SET_OWN_DUTY))],
    form: Form,
    *,
    agent_id: UUID,
) -> Response:
    """Save availability, capacity and absence; for supervisors also teams, languages and categories."""
    try:
        order = _duty(form, skills=can(actor, Verb.SET_DUTIES), zone=desk.settings.omniyard.timezone)
        change_agent(desk, agent_id, order, actor)
    except Refused as error:
        return _one(request, desk, actor, agent_id=agent_id, refused=error)
    return go_on(desk, actor, f"/settings/agents/{agent_id}", said="done_duty")


@routes.post("/duty")
def switch_duty(desk: DeskPart, actor: Annotated[Actor, Depends(Requires(Verb.SET_OWN_DUTY))], form: Form) -> Response:
    """Begin or end one's own work, from any page; the rest of the duty stays as it is."""
    begins = form.one("available") == "true"
    change_agent(desk, actor.id, DutyOrder(available=begins), actor)
    said = "done_on_duty" if actor.teams else "done_on_duty_without_team"
    if not begins:
        said = "done_away"
    return go_on(desk, actor, form.one("back") or "/", said=said)


@routes.post("/agents/{agent_id}/password")
def own_password(request: Request, desk: DeskPart, actor: Reader, form: Form, *, agent_id: UUID) -> Response:
    """Set one's own password; every session ends, this one too."""
    if agent_id != actor.id:
        raise ProblemError("forbidden", "you may set only your own password")
    if not takes_passwords(desk):
        raise ProblemError("forbidden", _NO_PASSWORDS)
    try:
        with desk.database.write() as connection:
            set_password(connection, name=actor.name, password=form.whole("password"))
    except Refused as error:
        return _one(request, desk, actor, agent_id=agent_id, refused=error)
    write_down(desk, actor, AuditAction.AGENT_PASSWORD_SET, about=actor.name)
    return RedirectResponse("/sign-in", status_code=303)


@routes.post("/agents/{agent_id}/access")
def access(request: Request, desk: DeskPart, actor: Manager, form: Form, *, agent_id: UUID) -> Response:
    """Change how an agent gets in."""
    entry, verb = _find(request, desk, actor, agent_id), form.one("do")
    if verb not in _ACCESS:
        raise ProblemError("invalid", "this desk has no such button")
    if verb == "password" and not takes_passwords(desk):
        raise ProblemError("forbidden", _NO_PASSWORDS)
    if agent_id == actor.id and verb in {"revoke", "role"}:
        raise ProblemError("forbidden", "an administrator does not take the own access away")
    try:
        once = _ACCESS[verb](desk, entry.name, form)
    except Refused as error:
        return _one(request, desk, actor, agent_id=agent_id, refused=error)
    said = {"role": form.one("role")} if verb == "role" else {}
    write_down(desk, actor, AuditAction(f"agent.{verb}"), about=entry.name, **said)
    if once:
        return _one(request, desk, actor, agent_id=agent_id, once=once)
    home = "/settings/agents" if verb == "revoke" else f"/settings/agents/{agent_id}"
    return go_on(desk, actor, home, said=f"done_{verb}")


def _role(desk: Desk, name: str, form: Fields) -> _Once:
    with desk.database.write() as connection:
        change_role(connection, name=name, role=Role(form.one("role")).value)
    return None


def _token(desk: Desk, name: str, _: Fields) -> _Once:
    with desk.database.write() as connection:
        return "once_token", rotate_token(connection, name=name)[1]


def _password(desk: Desk, name: str, _: Fields) -> _Once:
    password = "".join(secrets.choice(_ALPHABET) for _ in range(_START_LENGTH))
    with desk.database.write() as connection:
        set_password(connection, name=name, password=password)
        forget_second_factor(connection, name=name)
    return "once_password", password


def _factor(desk: Desk, name: str, _: Fields) -> _Once:
    with desk.database.write() as connection:
        forget_second_factor(connection, name=name)
    return None


def _revoke(desk: Desk, name: str, _: Fields) -> _Once:
    with desk.database.write() as connection:
        revoke_agent(connection, name=name)
    return None


def _email(desk: Desk, name: str, form: Fields) -> _Once:
    with desk.database.write() as connection:
        set_email(connection, name=name, email=form.one("email"))
    return None


def _account(desk: Desk, name: str, _: Fields) -> _Once:
    with desk.database.write() as connection:
        release_account(connection, name=name)
    return None


_ACCESS: Final[Mapping[str, Callable[[Desk, str, Fields], _Once]]] = {
    "role": _role,
    "token": _token,
    "password": _password,
    "factor": _factor,
    "email": _email,
    "account": _account,
    "revoke": _revoke,
}


def _duty(form: Fields, *, skills: bool, zone: ZoneInfo) -> DutyOrder:
    ends = form.one("away_until")
    values: dict[str, object] = {
        "available": form.one("available") == "true",
        "capacity": form.number("capacity"),
        "chat_slots": form.number("chat_slots"),
        "away_from": local_moment(form.one("away_from"), zone=zone) if form.one("away_from") and ends else None,
        "away_until": local_moment(ends, zone=zone) if ends else None,
    }
    if skills:
        values |= {name: form.many(name) for name in ("teams", "languages", "categories")}
    return DutyOrder.model_validate(values)


def _access_of(desk: Desk, entry: AgentEntry) -> dict[str, object]:
    """Return what the page says of how an agent gets in."""
    with desk.database.read() as connection:
        return {
            "email": email_of(connection, entry.name),
            "bound": is_bound(connection, entry.name),
            "has_factor": has_factor(connection, entry.name),
            "codes_left": count_recovery_codes(connection, entry.id),
            "by_password": takes_passwords(desk),
        }


def _find(request: Request, desk: Desk, actor: Actor, agent_id: UUID) -> AgentEntry:
    known = list_all(desk, actor, ShownRows(request)).agents
    entry = next((each for each in known if each.id == agent_id), None)
    if entry is None:
        raise NotFound("there is no agent with that id")
    return entry


def _all(
    request: Request,
    desk: Desk,
    actor: Actor,
    *,
    shown: ShownRows,
    refused: Exception | None = None,
    typed: Mapping[str, object] | None = None,
) -> Response:
    context = {
        "typed": typed or {"name": "", "role": Role.AGENT.value, "team": "", "is_taken": False},
        "agents": list_all(desk, actor, shown).agents,
        "teams": list_teams(desk, actor, shown).teams,
        "roles": list(Role),
    }
    return show_room(request, desk, actor, template="agents", context=context, refused=refused)


def _languages(request: Request, spoken: Sequence[str]) -> list[tuple[str, str]]:
    """Return the languages to choose from as tag and name: those with a name, then others that the agent has."""
    words = Words(language_of(request))
    return [(tag, language_name(tag, words=words)) for tag in dict.fromkeys((*_LANGUAGES, *spoken))]


def _one(
    request: Request,
    desk: Desk,
    actor: Actor,
    *,
    agent_id: UUID,
    once: _Once = None,
    refused: Exception | None = None,
) -> Response:
    zone = desk.settings.omniyard.timezone

    def local(at: datetime | None) -> str:
        return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" if at else ""

    entry = _find(request, desk, actor, agent_id)
    context = {"each": entry, "roles": list(Role), "shown_once": once, "local": local, **_access_of(desk, entry)}
    context |= {"languages": _languages(request, entry.languages)}
    return show_room(request, desk, actor, template="agent", context=context, refused=refused)
