"""The desk, wired: which routes there are, what stands around them, and what they share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.staticfiles import StaticFiles

from api import (
    actions,
    agents,
    audit,
    channels,
    contacts,
    conversations,
    customer,
    deliveries,
    emergencies,
    events,
    health,
    messages,
    metrics,
    outbound,
    pages,
    quarantine,
    ratings,
    regrouping,
    replies,
    search,
    signing_in,
    similar,
    suggestions,
    webhooks,
)
from api.boundary import Boundary
from api.description import describe, operation_id
from api.desk import Clock, Desk, utc_now
from api.feed import Tail
from api.help import Answers
from api.limits import TokenBuckets
from api.meter import Meter
from api.originals import OriginalReader
from api.places import API
from api.problems import install
from api.rendering import build_environment
from api.ringing import Ringer
from api.sessions import Sessions
from api.trail import Trail
from api.visitors import Visitors
from router.settings import Settings
from store.database import Database
from store.keys import desk_key
from workers.doors import Doors
from workers.replying import Replying

# The order in which OpenAPI shows them. Prefixes stand in the modules: a route then knows its whole address.
_MODULES: Final = (
    *(
        conversations,
        actions,
        regrouping,
        search,
        contacts,
        suggestions,
        similar,
        agents,
        emergencies,
        messages,
        replies,
        outbound,
        quarantine,
        channels,
        events,
        deliveries,
        audit,
        ratings,
        health,
        metrics,
    ),
    *(pages, signing_in, customer, webhooks),
)
_STATIC: Final = Path(__file__).parent / "static"
_ABOUT: Final = (
    "The inbox of all channels: conversations, their messages with the reasons of every decision, attachments, and "
    "what could not be routed. Every answer to an error is `application/problem+json` (RFC 9457)."
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
    for module in _MODULES:
        app.include_router(module.routes)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    install(app)
    describe(app)
    # What may be larger than any other body: the form with its files.
    form = desk.visitors.channel
    larger = {customer.CONTACT: form[1].largest + customer.FORM_BYTES} if form else {}
    app.add_middleware(Boundary, meter=desk.meter, trail=desk.trail, secure=desk.secure, larger=larger)
    return app


def _desk(settings: Settings, *, database: Database, now: Clock) -> Desk:
    meter = Meter()
    meter.registry.register(metrics.DeskCollector(database, settings=settings, now=now))
    return Desk(
        settings=settings,
        database=database,
        now=now,
        sessions=Sessions(desk_key(settings, purpose="sessions")),
        originals=OriginalReader(),
        doors=Doors(settings, database),
        replying=Replying(settings, database),
        bell=Ringer(settings),
        meter=meter,
        tail=Tail(database),
        trail=Trail(database),
        visitors=_visitors(settings),
        buckets=TokenBuckets(settings.omniyard.requests_per_second),
        secure=(settings.omniyard.public_url or "").startswith("https:"),
    )


def _visitors(settings: Settings) -> Visitors:
    form_key, thread_key = (desk_key(settings, purpose=purpose) for purpose in ("contact forms", "thread tokens"))
    return Visitors(settings, form_key=form_key, thread_key=thread_key, answers=Answers(settings))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.desk.originals.close()
    app.state.desk.doors.close()
    await run_in_threadpool(app.state.desk.trail.close)
