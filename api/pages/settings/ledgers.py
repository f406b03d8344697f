"""Lists of those who run the desk: outgoing messages, webhooks, audit, ratings; and what is done with quarantine."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.forms import Form
from api.http.pagination import read_cursor, write_cursor
from api.http.permissions import Actor, Verb, can
from api.http.problems import ProblemError
from api.pages.cases.after import go_on
from api.pages.render import moments_of
from api.pages.settings.audit_echoes import without_echoes
from api.pages.settings.audit_sentences import AuditTeller, ids_in, kinds_in_words
from api.pages.settings.frame import require_room, show_room
from api.rest.audit import AuditQuery, list_entries
from api.rest.outbound import Verdict, settle
from api.rest.quarantine import DiscardOrder, ReplayOrder, discard_message, replay_messages
from api.rest.ratings import RatingQuery
from api.rest.ratings import list_entries as list_ratings
from api.rest.webhook_deliveries import DeliveryQuery, Replay, list_rows, list_targets, replay
from api.text.terms.config_names import ConfigNames
from store.desk.access.audited_things import things_named
from store.desk.agents import list_agents
from store.outbound.review import TROUBLED, list_outbound
from store.tables.operations import DeliveryState, OutboundState

_ROWS: Final = 40
_STATES: Final = {
    "trouble": TROUBLED,
    "queued": (OutboundState.QUEUED, OutboundState.SENDING),
    "sent": (OutboundState.SENT,),
}
_VERDICTS: Final[dict[str, Verdict]] = {"send_again": "send_again", "mark_sent": "mark_sent", "cancel": "cancel"}


class AuditFilter(BaseModel):
    """The filters of the audit; a form sends the empty ones too."""

    model_config = ConfigDict(extra="ignore")

    actor: str = Field(default="", max_length=100)
    action: str = Field(default="", max_length=100)
    about: str = Field(default="", max_length=200)
    # What was only looked at is asked for: else it hides what was done.
    looks: bool = False
    before: int | None = Field(default=None, ge=1, le=2**63 - 1)


routes: Final = APIRouter(include_in_schema=False)
Reader = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
Cursor = Annotated[str | None, Query(max_length=200)]


@routes.get("/settings/outbound")
def outbound(
    request: Request, desk: DeskPart, actor: Reader, shown: Shown, *, state: str = "trouble", cursor: Cursor = None
) -> Response:
    """Show the outgoing messages, by default those that a person must decide about."""
    require_room(actor, "/settings/outbound")
    after, chosen = read_cursor(cursor), state if state in _STATES else "trouble"
    with desk.database.read() as connection:
        rows = list_outbound(
            connection,
            states=_STATES[chosen],
            only_teams=actor.sees_only,
            before=after.id if after else None,
            limit=_ROWS + 1,
        )
    page = rows[:_ROWS]
    shown.are(page)
    following = write_cursor(page[-1].created_at, page[-1].id) if len(rows) > _ROWS else None
    context = {"rows": page, "chosen": chosen, "next_cursor": following}
    return show_room(request, desk, actor, template="outbound", context=context)


@routes.post("/settings/outbound/{outbound_id}")
def decide(
    desk: DeskPart, actor: Annotated[Actor, Depends(Requires(Verb.SEND_REPLIES))], form: Form, *, outbound_id: UUID
) -> Response:
    """Send it again, mark it as sent, or cancel it."""
    verdict = _VERDICTS.get(form.one("do"))
    if verdict is None:
        raise ProblemError("invalid", "this desk has no such button")
    if verdict != "cancel" and not can(actor, Verb.SETTLE_OUTBOUND):
        raise ProblemError("forbidden")
    settle(desk, outbound_id, verdict=verdict, actor=actor)
    return go_on(desk, actor, "/settings/outbound", said="done_settled")


@routes.get("/settings/webhooks")
def webhooks(
    request: Request,
    desk: DeskPart,
    actor: Annotated[Actor, Depends(Requires(Verb.READ_WEBHOOKS))],
    shown: Shown,
    *,
    state: DeliveryState = DeliveryState.DEAD,
    cursor: Cursor = None,
) -> Response:
    """Show the targets and their deliveries."""
    targets = list_targets(desk, shown).targets
    page = list_rows(desk, shown, DeliveryQuery(state=state, cursor=cursor, limit=_ROWS))
    context = {"targets": targets, "deliveries": page.deliveries, "next_cursor": page.next_cursor, "state": state}
    return show_room(request, desk, actor, template="webhooks", context=context)


@routes.post("/settings/webhooks/replay")
def deliver_again(
    desk: DeskPart, actor: Annotated[Actor, Depends(Requires(Verb.REPLAY_WEBHOOKS))], form: Form
) -> Response:
    """Queue what was given up again: one delivery, or all of a target."""
    ids = [UUID(each) for each in form.many("id")]
    done = replay(desk, Replay(ids=ids) if ids else Replay(target=form.one("target")))
    return go_on(desk, actor, "/settings/webhooks", said="done_delivered", values={"count": str(done.replayed)})


@routes.get("/settings/audit")
def audit(
    request: Request,
    desk: DeskPart,
    actor: Annotated[Actor, Depends(Requires(Verb.READ_AUDIT, costly=True))],
    shown: Shown,
    *,
    wanted: Annotated[AuditFilter, Query()],
) -> Response:
    """Show who read or changed what."""
    given = {name: value for name, value in wanted.model_dump().items() if value}
    # A kind that is chosen is shown, a look too.
    query = AuditQuery(**{**given, "looks": wanted.looks or bool(wanted.action)}, limit=_ROWS)
    page = list_entries(desk, shown, query)
    with desk.database.read() as connection:
        things = things_named(connection, ids_in(page.entries))
        people = sorted(agent.name for agent in list_agents(connection))
    moments = moments_of(request, desk)
    teller = AuditTeller(ConfigNames(desk.settings, moments.words), moments, things)
    context = {
        "query": query,
        "lines": [teller.line(row) for row in (page.entries if query.looks else without_echoes(page.entries, things))],
        "next_before": page.next_before,
        "kinds": kinds_in_words(moments.words),
        "people": people,
    }
    return show_room(request, desk, actor, template="audit", context=context)


@routes.get("/settings/ratings")
def ratings(request: Request, desk: DeskPart, actor: Reader, shown: Shown, *, cursor: Cursor = None) -> Response:
    """Show the customers' ratings with their words."""
    page = list_ratings(desk, actor, shown, RatingQuery(cursor=cursor, limit=_ROWS))
    context = {"ratings": page.ratings, "next_cursor": page.next_cursor}
    return show_room(request, desk, actor, template="ratings", context=context)


@routes.post("/quarantine/{inbound_id}/replay")
def replay_quarantined(
    desk: DeskPart, actor: Annotated[Actor, Depends(Requires(Verb.REPLAY_QUARANTINE))], *, inbound_id: UUID
) -> Response:
    """Route a message again."""
    done = replay_messages(desk, ReplayOrder(ids=[inbound_id]), actor)
    return go_on(desk, actor, "/quarantine", said="done_still_shut" if done.unreadable else "done_replay")


@routes.post("/quarantine/{inbound_id}/discard")
def discard_quarantined(
    desk: DeskPart,
    actor: Annotated[Actor, Depends(Requires(Verb.DISCARD_QUARANTINE))],
    form: Form,
    *,
    inbound_id: UUID,
) -> Response:
    """Discard a message, with a reason."""
    discard_message(desk, inbound_id, DiscardOrder(reason=form.one("reason")), actor)
    return go_on(desk, actor, "/quarantine", said="done_discard")
