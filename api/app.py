"""Wire the web application: its routes, its middleware, and the shared desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api import provider_webhooks, voice_webhooks
from api.chat import agent_actions, chat_files, chat_lines, chat_page, chat_stream, visitor_actions
from api.customer import answer_links, case_pages, help_centre
from api.customer import pages as customer
from api.customer.case_view import limits_of
from api.customer.customer_errors import error_page
from api.desk import Clock, Desk, Ringer, utc_now
from api.http.address_throttle import AddressThrottle
from api.http.hosts import RequireHost
from api.http.middleware import FILES_BYTES, KEPT_BYTES, Boundary
from api.http.null_characters import RefuseNull
from api.http.openapi import describe, operation_id
from api.http.problems import install
from api.http.request_body import ReadBodies
from api.monitoring import health, metrics
from api.monitoring.chat_metrics import ChatCollector
from api.pages import routes as pages
from api.pages import sign_in
from api.pages.live import stream as desk_stream
from api.pages.live.row_painter import RowPainter
from api.pages.render import build_environment
from api.paths import API, CASE_ANSWER, CHAT, CONTACT, SIGN_IN
from api.rest import (
    agents,
    audit,
    changes,
    channels,
    contacts,
    conversations,
    emergencies,
    events,
    merges,
    messages,
    outbound,
    quarantine,
    ratings,
    replies,
    search,
    similar,
    suggestions,
    webhook_deliveries,
)
from api.rest.access import agent_access, tokens
from api.rest.answers import proposals, suggested, written
from api.rest.chats import board as chat_board
from api.rest.lists import saved_views
from api.services.audit_trail import Trail
from api.services.chats import Chats
from api.services.desk_stream import DeskStream
from api.services.event_stream import Tail
from api.services.help_pages import Answers
from api.services.originals import OriginalReader
from api.services.rate_limits import SignInLimits, TokenBuckets
from api.services.refusals import Refusals
from api.services.request_metrics import Meter
from api.services.sessions import Sessions
from api.services.visitors import VisitorPace, Visitors
from connectors.registry_row import WEBHOOKS_PATH
from router.settings import Settings
from store.db.engine import Database
from store.db.keys import desk_key
from store.desk.audit import AUDIT_QUERIES
from workers.calls.hotline import Hotline
from workers.generated.writer import TextWriter
from workers.intake.provider_webhooks import ProviderWebhooks
from workers.routing.danger_findings import EmergencyService
from workers.sending.reply import ReplyService

if TYPE_CHECKING:
    from connectors.oidc.identity_provider import OidcProvider

# The order of the resources in OpenAPI. Each module has its own prefix: a route then knows its whole path.
_MODULES: Final = (
    *(
        conversations,
        changes,
        merges,
        search,
        contacts,
        suggestions,
        similar,
        agents,
        chat_board,
        agent_access,
        tokens,
        saved_views,
        emergencies,
        messages,
        replies,
        outbound,
        quarantine,
        channels,
        events,
        webhook_deliveries,
        audit,
        ratings,
        suggested,
        proposals,
        written,
        health,
        metrics,
    ),
    *(pages, sign_in, customer, case_pages, help_centre, answer_links),
    *(chat_page, chat_lines, chat_files, chat_stream, visitor_actions, agent_actions),
    provider_webhooks,
    voice_webhooks,
)
_STATIC: Final = Path(__file__).parent / "static"
_ABOUT: Final = (
    "The inbox of all channels: conversations, their messages with the reasons of every decision, attachments, and "
    "messages that could not be routed. Every error response is `application/problem+json` (RFC 9457)."
)


def create_app(settings: Settings, *, database: Database, now: Clock = utc_now) -> FastAPI:
    """Return the application. The caller owns `database` and closes it.

    now: the clock for due times and sessions, aware UTC.
    """
    desk = _desk(settings, database=database, now=now)
    app = FastAPI(
        title="Omniyard",
        summary="The classification yard for customer messages.",
        description=_ABOUT,
        version=version("omniyard"),
        openapi_url=f"{API}/openapi.json",
        generate_unique_id_function=operation_id,
        # Both would load scripts from another host.
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.desk, app.state.templates = desk, build_environment()
    app.state.row_painter = RowPainter(settings, app.state.templates)
    desk_stream.add_sources(desk.stream, desk, templates=app.state.templates)
    app.router.routes.extend(_routes())
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    install(app, page=error_page)
    describe(app)
    _add_middleware(app, desk)
    return app


def _add_middleware(app: FastAPI, desk: Desk) -> None:
    """Add what stands around each request. What is added last sees a request first."""
    settings = desk.settings
    app.add_middleware(RefuseNull)
    folder = Path(settings.omniyard.data)
    app.add_middleware(ReadBodies, limits=settings.limits, refusals=desk.refusals, folder=folder)
    # Outside the one that reads the body, so that a refused address costs no upload.
    app.add_middleware(AddressThrottle, visitors=desk.visitors, refusals=desk.refusals, now=desk.now)
    app.add_middleware(RequireHost, public_url=settings.omniyard.public_url)
    app.add_middleware(Boundary, meter=desk.meter, trail=desk.trail, secure=desk.secure, larger=_larger_bodies(desk))
    # Outermost: all others see the client's address and the scheme that a trusted proxy reports.
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=[str(each) for each in settings.omniyard.trusted_proxies])


def _larger_bodies(desk: Desk) -> dict[str, int]:
    """Return the paths that take a larger body than all others, with their limits in bytes."""
    larger = {CASE_ANSWER: limits_of(desk).largest + customer.FORM_BYTES}
    # An answer that was typed without a session.
    larger |= {f"{SIGN_IN}{step}": KEPT_BYTES for step in ("/password", "/code", "/kept")}
    # A mail with files whose session had ended arrives there as a whole; its text is kept.
    larger[SIGN_IN] = FILES_BYTES
    if form := desk.visitors.contact_form:
        larger[CONTACT] = form.limits.largest + customer.FORM_BYTES
    larger |= {f"{CHAT}/{name}/send": page.largest + customer.FORM_BYTES for name, page in desk.chats.pages.items()}
    channels = desk.settings.channels
    requests = {name: channel.largest_request for name, channel in channels.items() if channel.enabled}
    return larger | {f"{WEBHOOKS_PATH}/{name}": most for name, most in requests.items() if most}


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Return the routes of all resources. They hold nothing of a desk, and their models take a while to build."""
    router = APIRouter(generate_unique_id_function=operation_id)
    for module in _MODULES:
        router.include_router(module.routes)
    return tuple(router.routes)


def _desk(settings: Settings, *, database: Database, now: Clock) -> Desk:
    meter = Meter()
    meter.registry.register(metrics.DeskCollector(database, settings=settings, now=now))
    tail = Tail(database, limits=settings.limits)
    chats = Chats(settings, database, now=now)
    meter.registry.register(ChatCollector(chats))
    return Desk(
        settings=settings,
        database=database,
        now=now,
        sessions=Sessions(desk_key(settings, purpose="sessions")),
        originals=OriginalReader(),
        webhooks=ProviderWebhooks(settings, database),
        hotline=Hotline(settings, database),
        replying=ReplyService(settings, database),
        emergencies=EmergencyService(settings),
        bell=Ringer(settings),
        meter=meter,
        refusals=Refusals(meter),
        tail=tail,
        stream=DeskStream(tail, database, now=now),
        trail=Trail(database, key=desk_key(settings, purpose=AUDIT_QUERIES)),
        visitors=_visitors(settings, database=database),
        writer=TextWriter.of(settings, database=database),
        chats=chats,
        buckets=TokenBuckets(settings.omniyard.requests_per_second),
        reads=VisitorPace(allowed=settings.limits.agent_reads_per_minute, span=timedelta(minutes=1)),
        sign_ins=SignInLimits(clock=lambda: now().timestamp()),
        token_failures=SignInLimits(clock=lambda: now().timestamp()),
        provider=_provider(settings),
        secure=(settings.omniyard.public_url or "").startswith("https:"),
    )


def _provider(settings: Settings) -> OidcProvider | None:
    if settings.desk.oidc is None:
        return None
    # Only a desk with a provider loads what speaks with one.
    from connectors.oidc.identity_provider import OidcProvider  # noqa: PLC0415

    return OidcProvider(settings.desk.oidc)


def _visitors(settings: Settings, *, database: Database) -> Visitors:
    form_key, thread_key = (desk_key(settings, purpose=purpose) for purpose in ("contact forms", "thread tokens"))
    return Visitors(settings, form_key=form_key, thread_key=thread_key, answers=Answers(settings, database=database))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Close what the desk has opened, whatever ends the serving, and each part also if another cannot be closed."""
    desk: Desk = app.state.desk
    async with AsyncExitStack() as closing:
        # In the reverse order: the trail, which writes what happened, is the last.
        closing.push_async_callback(run_in_threadpool, desk.trail.close)
        closing.callback(desk.webhooks.close)
        closing.callback(desk.originals.close)
        yield
