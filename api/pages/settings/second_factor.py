"""An agent's own recovery codes: how many are left, and new ones against a code of the authenticator."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from api.desk import Desk, DeskPart
from api.http.authentication import Requires, client_of, refuse_too_many
from api.http.forms import Form
from api.http.permissions import Actor, Verb
from api.http.problems import ProblemError
from api.pages.render import render
from api.rest.access.access_audit import write_down
from router.errors import PermanentError
from store.desk.access.recovery_codes import make_recovery_codes
from store.desk.agents import find_by_name
from store.desk.audit import AuditAction
from store.desk.passwords import use_code

routes: Final = APIRouter(prefix="/settings", include_in_schema=False)
Reader = Annotated[Actor, Depends(Requires(Verb.READ_AGENTS))]


@routes.post("/agents/{agent_id}/recovery")
def renew_recovery_codes(request: Request, desk: DeskPart, actor: Reader, form: Form, *, agent_id: UUID) -> Response:
    """Make new recovery codes for the agent and show them once; the earlier ones are no longer valid."""
    if agent_id != actor.id:
        raise ProblemError("forbidden", "you may renew only your own recovery codes")
    refuse_too_many(desk, request, owner=actor.id)
    codes = _renewed(desk, actor, code=form.one("code"))
    desk.sign_ins.succeeded(client_of(request), agent_id=actor.id)
    write_down(desk, actor, AuditAction.AGENT_RECOVERY_RENEWED, about=actor.name)
    context: dict[str, object] = {"codes": codes, "left": None, "wished": f"/settings/agents/{agent_id}", "kept": {}}
    return render(request, "entry/recovery_codes.html.jinja", context)


def _renewed(desk: Desk, actor: Actor, *, code: str) -> list[str]:
    with desk.database.write() as connection:
        agent = find_by_name(connection, actor.name)
        # A session alone is not enough: an unattended screen would give away ten sign-ins.
        if agent is None or not use_code(connection, agent, code=code, now=desk.now()):
            raise PermanentError("this code is not right, or was used already")
        return make_recovery_codes(connection, actor.id)
