"""The desk, wired: which routes there are, what stands around them, and what they share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from api import channels, conversations, health, messages, metrics, pages, quarantine, signing_in
from api.boundary import Boundary
from api.desk import Clock, Desk, utc_now
from api.meter import Meter
from api.originals import OriginalReader
from api.problems import Problem, install
from api.rendering import build_environment
from api.sessions import Sessions, session_key
from router.settings import Settings
from store.database import Database

PREFIX: Final = "/api/v1"
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
        openapi_url=f"{PREFIX}/openapi.json",
        # Both would load scripts from another host.
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.desk, app.state.templates = desk, build_environment()
    for api_routes in (conversations.routes, messages.routes, quarantine.routes, channels.routes):
        app.include_router(api_routes, prefix=PREFIX)
    for plain_routes in (health.routes, metrics.routes, pages.routes, signing_in.routes):
        app.include_router(plain_routes)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    install(app)
    _describe(app)
    app.add_middleware(Boundary, meter=desk.meter, secure=desk.secure)
    return app


def _desk(settings: Settings, *, database: Database, now: Clock) -> Desk:
    meter = Meter()
    meter.registry.register(metrics.DeskCollector(database, settings=settings, now=now))
    return Desk(
        settings=settings,
        database=database,
        now=now,
        sessions=Sessions(session_key(settings)),
        originals=OriginalReader(),
        meter=meter,
        secure=(settings.omniyard.public_url or "").startswith("https:"),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.desk.originals.close()


def _describe(app: FastAPI) -> None:
    """Complete the OpenAPI document: the shape of errors, and where the API is."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemas = document["components"]["schemas"]
        if "Problem" not in schemas:
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= problem.pop("$defs") | {"Problem": problem}
        return document

    app.openapi = openapi  # type: ignore[method-assign]
