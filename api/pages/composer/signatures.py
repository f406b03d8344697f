"""The page of signatures by team and language, and of agents' displayed names."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from api.desk import DeskPart
from api.http.authentication import Requires
from api.http.forms import Form
from api.http.permissions import Actor, Verb
from api.http.problems import ProblemError
from api.pages.cases.after import go_on
from api.pages.composer.ready_texts import LANGUAGES
from api.pages.render import render
from store.desk.agents import list_agents
from store.desk.composer.signatures import display_names, signatures, write_display_name, write_signature

PAGE: Final = "/signatures"
_LONGEST_SIGNATURE: Final = 2_000
_LONGEST_NAME: Final = 100

routes: Final = APIRouter(include_in_schema=False)
Editor = Annotated[Actor, Depends(Requires(Verb.EDIT_READY_TEXTS))]


@routes.get(PAGE)
def show_signatures(request: Request, desk: DeskPart, actor: Editor) -> HTMLResponse:
    """Show the signatures of every team, and the names of every agent."""
    del actor
    with desk.database.read() as connection:
        context = {
            "signatures": signatures(connection),
            "names": display_names(connection),
            "agents": [agent for agent in list_agents(connection) if agent.revoked_at is None],
            "teams": ["", *desk.settings.teams],
            "languages": LANGUAGES,
        }
    return render(request, "signatures.html.jinja", context)


@routes.post(PAGE)
def keep_signatures(desk: DeskPart, actor: Editor, form: Form) -> Response:
    """Save the signatures of one team, or the displayed names of one agent."""
    with desk.database.write() as connection:
        if form.one("agent"):
            agent_id = _agent(form.one("agent"), known={agent.id for agent in list_agents(connection)})
            for language in LANGUAGES:
                name = " ".join(form.one(f"name_{language}").split())[:_LONGEST_NAME]
                write_display_name(connection, agent_id=agent_id, language=language, name=name)
        elif form.one("team") in {"", *desk.settings.teams}:
            for language in LANGUAGES:
                text = form.whole(f"text_{language}").strip()[:_LONGEST_SIGNATURE]
                write_signature(connection, team=form.one("team"), language=language, text=text)
    return go_on(desk, actor, PAGE, said="done_duty")


def _agent(said: str, *, known: set[UUID]) -> UUID:
    try:
        agent_id = UUID(said)
    except ValueError as error:
        raise ProblemError("not-found") from error
    if agent_id not in known:
        raise ProblemError("not-found")
    return agent_id
