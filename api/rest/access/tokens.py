"""`/tokens`: the tokens of programs and agents; each agent has one, and for a while the one before it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.desk import DeskPart, Shown
from api.http.openapi import example
from api.http.permissions import Verb
from api.http.problems import documented
from api.http.requests import Moment, RequestModel, require_soon
from api.paths import API
from api.rest.access.access_audit import write_down
from api.rest.access.agent_access import Manager, in_force, refuse_own
from store.desk.access.tokens import TokenRecord, end_token, limit_token, list_tokens
from store.desk.agents import ROTATION, rotate_token
from store.desk.audit import AuditAction

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_TOKEN: Final[dict[str, Any]] = {
    "agent_id": _ID,
    "agent": "Ann",
    "scopes": ["inbox:read"],
    "expires_at": "2027-11-20T04:00:00Z",
    "last_used_at": "2026-11-20T04:00:00Z",
    "previous_until": None,
}
_LONGEST_OVERLAP_DAYS: Final = 30

routes: Final = APIRouter(prefix=API, tags=["tokens"])


class TokenEntry(BaseModel):
    """What is known of an agent's token; the token itself is not."""

    model_config = example(_TOKEN)

    agent_id: UUID
    agent: str
    scopes: list[str] | None = Field(description="The permissions that it allows; null for all of the role.")
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="The agent's last request, to ten minutes.")
    previous_until: datetime | None = Field(description="How long the token before it counts.")


class TokenList(BaseModel):
    """The tokens of all agents who are not revoked, by name."""

    model_config = example({"tokens": [_TOKEN]})

    tokens: list[TokenEntry]


class NewToken(RequestModel):
    """A token to make. overlap_days: how long the one before it counts."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"overlap_days": 7}]})

    overlap_days: int = Field(default=ROTATION.days, ge=0, le=_LONGEST_OVERLAP_DAYS)
    expires_at: Moment | None = Field(default=None, description="Null for never.")


class MadeToken(BaseModel):
    """The new token, which is shown only now."""

    model_config = example({"token": f"oy_{_ID.replace('-', '')}_shown-once", "entry": _TOKEN})

    token: str
    entry: TokenEntry


class TokenOrder(RequestModel):
    """What to change of a token; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"scopes": ["inbox:read"]}]})

    scopes: list[Verb] | None = Field(default=None, max_length=50, description="Null for all of the role.")
    expires_at: Moment | None = Field(default=None, description="Null for never.")


@routes.get("/tokens", responses=documented(), summary="List the tokens")
def list_all(desk: DeskPart, _: Manager, shown: Shown) -> TokenList:
    """Return what is known of each token."""
    with desk.database.read() as connection:
        tokens = [_entry(row) for row in list_tokens(connection)]
    shown.are(tokens)
    return TokenList(tokens=tokens)


@routes.post("/agents/{agent_id}/token", status_code=201, responses=documented("not-found"), summary="Make a new token")
def make(desk: DeskPart, agent_id: UUID, order: NewToken, actor: Manager) -> MadeToken:
    """Give the agent a new token and return it, once; sessions end now, the token before it later."""
    require_soon(order.expires_at, field="expires_at", now=desk.now())
    with desk.database.write() as connection:
        agent = in_force(connection, agent_id)
        _, token = rotate_token(connection, name=agent.name, overlap=timedelta(days=order.overlap_days))
        limit_token(connection, agent_id, {"expires_at": order.expires_at})
        entry = _entry(next(row for row in list_tokens(connection) if row.agent_id == agent_id))
    write_down(desk, actor, AuditAction.AGENT_TOKEN, about=agent.name)
    return MadeToken(token=token, entry=entry)


@routes.patch("/agents/{agent_id}/token", responses=documented("not-found"), summary="Limit a token")
def change(desk: DeskPart, agent_id: UUID, order: TokenOrder, actor: Manager) -> TokenEntry:
    """Change what the token allows, or when it expires."""
    refuse_own(actor, agent_id)
    require_soon(order.expires_at, field="expires_at", now=desk.now())
    changes = order.model_dump(exclude_unset=True)
    with desk.database.write() as connection:
        agent = in_force(connection, agent_id)
        limit_token(connection, agent_id, changes)
        entry = _entry(next(row for row in list_tokens(connection) if row.agent_id == agent_id))
    write_down(
        desk, actor, AuditAction.AGENT_TOKEN_LIMITED, about=agent.name, **{name: str(changes[name]) for name in changes}
    )
    return entry


@routes.delete("/agents/{agent_id}/token", status_code=204, responses=documented("not-found"), summary="End a token")
def end(desk: DeskPart, agent_id: UUID, actor: Manager) -> None:
    """End the token and the one before it, with the sessions; the agent may still sign in in other ways."""
    refuse_own(actor, agent_id)
    with desk.database.write() as connection:
        agent = in_force(connection, agent_id)
        end_token(connection, agent_id)
    write_down(desk, actor, AuditAction.AGENT_TOKEN_ENDED, about=agent.name)


def _entry(row: TokenRecord) -> TokenEntry:
    return TokenEntry.model_validate(row, from_attributes=True)
