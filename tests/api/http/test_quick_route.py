"""Reads that are answered in one visit to one thread: the answers are those of FastAPI's own route."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from anyio.from_thread import start_blocking_portal
from fastapi import APIRouter, Cookie, Depends, FastAPI, Header, Query, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field

from api.http.problems import ProblemError, install
from api.http.quick_route import QuickRoute
from api.pages.error_page import error_page
from store.db.engine import Database
from tests.app_client import AppClient

CALLS: list[str] = []
PATHS = (
    "/things/7?most=3&kind=a&kind=b",
    "/things/7",
    "/things/x",
    "/things/7?most=0",
    "/things/x?most=many&kind=c",
    "/things/7?refused=true",
    "/things/x?refused=true",
    "/plain/7",
    "/model/7",
)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Authorization": "Bearer abc", "X-Name": "Li", "Cookie": "seen=yes"},
    {"Authorization": "Basic abc", "X-Name": "too long a name"},
)


class Asked(BaseModel):
    most: int = Field(default=5, ge=1)
    kind: list[str] = Field(default=[], max_length=2)
    refused: bool = False


async def _desk(request: Request) -> str:
    CALLS.append("desk")
    return str(request.url.path)


Desk = Annotated[str, Depends(_desk)]


class Rule:
    def __call__(
        self, request: Request, desk: Desk, bearer: Annotated[Any, Depends(HTTPBearer(auto_error=False))]
    ) -> str:
        CALLS.append("rule")
        if request.query_params.get("refused"):
            raise ProblemError("forbidden", "refused")
        return f"{desk} {bearer.credentials if bearer else None}"


def app_of(kind: type[APIRoute]) -> FastAPI:
    routes = APIRouter(route_class=kind)

    @routes.get("/things/{number}", dependencies=[Depends(_desk)])
    def things(
        desk: Desk,
        who: Annotated[str, Depends(Rule())],
        number: int,
        asked: Annotated[Asked, Query()],
        x_name: Annotated[str, Header(max_length=5)] = "",
        seen: Annotated[str, Cookie()] = "no",
    ) -> Response:
        said = f"{desk} {who} {number} {asked} {x_name} {seen}"
        return Response(said, headers={"X-Thread": str(threading.current_thread() is threading.main_thread())})

    @routes.get("/plain/{name}")
    def plain(request: Request, name: str) -> Response:
        return Response(f"{request.method} {name}", status_code=203)

    @routes.get("/model/{name}")
    def model(name: str) -> Asked:
        return Asked(kind=[name])

    app = FastAPI()
    app.include_router(routes)
    install(app, page=error_page)
    app.state.desk = SimpleNamespace(database=Database("sqlite://"))
    return app


def answers(kind: type[APIRoute]) -> list[object]:
    found: list[object] = []
    with start_blocking_portal() as portal, AppClient(app_of(kind), portal) as client:
        for path in PATHS:
            for headers in HEADERS:
                CALLS.clear()
                said = client.get(path, headers=headers)
                found.append((path, said.status_code, said.headers.multi_items(), said.text, [*CALLS]))
    return found


def test_every_answer_is_that_of_fastapis_route() -> None:
    ours, theirs = answers(QuickRoute), answers(APIRoute)
    for one, other in zip(ours, theirs, strict=True):
        assert one == other


async def _waiting() -> str:
    await asyncio.sleep(0)
    return "late"


def test_a_dependency_that_waits_is_an_error_and_no_half_answer() -> None:
    routes = APIRouter(route_class=QuickRoute)

    @routes.get("/")
    def late(word: Annotated[str, Depends(_waiting)]) -> Response:
        return Response(word)

    app = FastAPI()
    app.include_router(routes)
    app.state.desk = SimpleNamespace(database=Database("sqlite://"))
    refused = pytest.raises(RuntimeError, match="give the route to FastAPI")
    with start_blocking_portal() as portal, AppClient(app, portal) as client, refused:
        client.get("/")
