"""Every route checks a permission, and every role has those of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from api.http.authentication import AccessRule
from api.http.permissions import Actor, Role, Verb, can
from tests.app_client import AppClient

# Open to everybody, each for a reason: alive or not is no secret, who signs in has no session yet, ending a session is
# safe, and providers prove themselves by a signature.
CHAT_ACTS = ("end", "rating", "transcript", "identity", "sign-out")
CHAT_ENDS = (
    *("", "/frame", "/loader.js", "/demo", "/send", "/session", "/state", "/lines", "/marks", "/contact", "/stream"),
    *(f"/{name}" for name in CHAT_ACTS),
)
PUBLIC = {
    *(
        "/healthz",
        "/readyz",
        "/sign-in",
        "/sign-in/password",
        "/sign-in/code",
        # The provider's token proves who comes back.
        "/sign-in/oidc",
        "/sign-in/oidc/return",
        "/sign-in/kept",
        "/sign-out",
        "/webhooks/{channel}",
        "/webhooks/{channel}/status",
    ),
    "/webhooks/{channel}/outbox",
    "/voice/{channel}",
    # A visitor of the chat proves the session by its secret.
    *(f"/chat/{{chat}}{end}" for end in (*CHAT_ENDS, "/lines/{seq}/files/{place}")),
    *("/contact", "/case/{token}", "/case/{token}/rating", "/help", "/help/suggest"),
    *(f"/case/{{token}}/{do}" for do in ("code", "open", "leave", "answer")),
    *("/help/sitemap.xml", "/help/{topic}", "/help/{topic}/{name}", "/answer/{token}"),
}
ALLOWED = {
    Verb.READ_INBOX: "viewer agent senior supervisor auditor admin",
    Verb.WORK_CONVERSATIONS: "agent senior supervisor admin",
    Verb.MERGE_CONVERSATIONS: "agent senior supervisor admin",
    Verb.EDIT_CONTACTS: "agent senior supervisor admin",
    Verb.BLOCK_CONTACTS: "agent senior supervisor admin",
    Verb.MERGE_CONTACTS: "senior supervisor admin",
    Verb.EXPORT_CONTACTS: "supervisor admin",
    Verb.ERASE_CONTACTS: "supervisor admin",
    Verb.READ_AGENTS: "viewer agent senior supervisor auditor admin",
    Verb.SET_OWN_DUTY: "agent senior supervisor admin",
    Verb.SET_DUTIES: "supervisor admin",
    Verb.MANAGE_AGENTS: "admin",
    Verb.SEND_REPLIES: "agent senior supervisor admin",
    Verb.SETTLE_OUTBOUND: "agent senior supervisor admin",
    Verb.READ_FILES: "agent senior supervisor auditor admin",
    Verb.READ_ORIGINALS: "senior admin",
    Verb.READ_QUARANTINE: "agent senior supervisor auditor admin",
    Verb.REPLAY_QUARANTINE: "senior supervisor admin",
    Verb.DISCARD_QUARANTINE: "supervisor admin",
    Verb.READ_CHANNELS: "viewer agent senior supervisor auditor admin",
    Verb.READ_METRICS: "viewer agent senior supervisor auditor admin",
    Verb.READ_EVENTS: "viewer agent senior supervisor auditor admin",
    Verb.READ_WEBHOOKS: "supervisor auditor admin",
    Verb.REPLAY_WEBHOOKS: "supervisor admin",
    Verb.READ_AUDIT: "auditor admin",
    Verb.READ_SUPERVISION: "supervisor auditor admin",
    Verb.EDIT_READY_TEXTS: "supervisor admin",
    Verb.APPROVE_PHRASINGS: "senior supervisor admin",
}
# Pages that ask for more than their route does: one of these.
PAGES = {
    ("GET", "/settings/agents/{agent_id}"): {Verb.SET_DUTIES},
    ("GET", "/settings/outbound"): {Verb.SETTLE_OUTBOUND, Verb.READ_SUPERVISION},
}


def demands(dependant: Dependant) -> Iterator[AccessRule]:
    if isinstance(dependant.call, AccessRule):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from demands(inner)


def routes_of(app: FastAPI) -> list[tuple[str, list[AccessRule]]]:
    return [
        (str(context.path), list(demands(context.dependant)))
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
    ]


def test_every_route_asks_who_may_do_it(app: FastAPI) -> None:
    found = routes_of(app)
    assert len(found) >= 18
    without = {path for path, asked in found if not asked}
    assert without == PUBLIC


def test_what_is_no_route_of_ours_is_static_or_the_description(app: FastAPI) -> None:
    others = [
        str(context.path)
        for context in iter_route_contexts(app.routes)
        if not isinstance(context.original_route, APIRoute)
    ]
    assert sorted(others) == ["/api/v1/openapi.json", "/static"]


@pytest.mark.parametrize("verb", Verb)
def test_the_table_says_which_roles_may(verb: Verb) -> None:
    allowed = {role for role in Role if can(Actor(id=uuid4(), name="x", role=role), verb)}
    assert allowed == {Role(role) for role in ALLOWED[verb].split()}


def test_an_unknown_role_may_do_nothing() -> None:
    assert not any(can(Actor(id=uuid4(), name="x", role="root"), verb) for verb in Verb)


@pytest.mark.parametrize("role", Role)
def test_every_route_of_the_api_refuses_the_roles_that_may_not(
    app: FastAPI, client_of: Callable[[str], AppClient], role: Role
) -> None:
    client, actor = client_of(role), Actor(id=uuid4(), name="x", role=role)
    for context in iter_route_contexts(app.routes):
        asked = list(demands(context.dependant)) if isinstance(context.original_route, APIRoute) else []
        for method in (context.methods or set()) - {"HEAD"} if asked else ():
            path = str(context.path).format(**dict.fromkeys(context.param_convertors or {}, uuid4()))
            status = client.request(method, path, json={}).status_code
            further = PAGES.get((method, str(context.path)), set())
            may = all(can(actor, demand.verb) for demand in asked) and (
                not further or any(can(actor, verb) for verb in further)
            )
            assert (status != 403) == may, f"{role} {method} {path}: {status}"
