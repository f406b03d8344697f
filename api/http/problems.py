"""All errors in one format: `application/problem+json` (RFC 9457), with the request's id and never a stack trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from router.errors import Conflict, NotFound, OmniyardError, PermanentError, Stale, TransientError

MEDIA_TYPE: Final = "application/problem+json"
_TYPE_PREFIX: Final = "urn:omniyard:problem:"
_RETRY_SECONDS: Final = 5
# These paths always respond with JSON, even if a browser asks for HTML.
_FOR_PROGRAMS: Final = ("/api/", "/healthz", "/readyz", "/metrics", "/static/")

# Slug: HTTP status, title, and the default sentence.
PROBLEMS: Final[Mapping[str, tuple[int, str, str]]] = {
    "bad-request": (400, "Bad request", "The request cannot be understood; a body is JSON in UTF-8."),
    "unauthenticated": (401, "Not signed in", "Send `Authorization: Bearer oy_...` with a valid token."),
    "forbidden": (403, "Not allowed", "Your role may not do this."),
    "not-found": (404, "Not found", "There is nothing here."),
    "method-not-allowed": (405, "Method not allowed", "This address does not accept that method."),
    "not-acceptable": (406, "Not acceptable", "This address has another format; `Accept` must name it."),
    "timeout": (408, "Too slow", "The body did not arrive in the time that this desk allows."),
    "conflict": (409, "Conflict", "It changed since you read it."),
    "stale": (412, "Changed since", "The version is not the one in `If-Match`; read what is new first."),
    "length-required": (411, "Length required", "Send the body with a Content-Length."),
    "too-large": (413, "Too large", "The body is larger than this desk accepts."),
    "misdirected": (421, "Another host", "`Host` is not the name of this desk: see `public_url` in its configuration."),
    "invalid": (422, "Not valid", "Something in the request is not valid; `errors` says what and where."),
    "too-many-requests": (429, "Too many requests", "This token sends too much; `Retry-After` says when to go on."),
    "internal": (500, "A fault of Omniyard's own", "It was logged under this request's id."),
    "unavailable": (503, "Not available now", "The desk cannot reach something it needs; try again in a moment."),
}
_SLUG_OF_STATUS: Final = {status: slug for slug, (status, _, _) in PROBLEMS.items()}
_SLUG_OF_ERROR: Final[Mapping[type[OmniyardError], str]] = {
    NotFound: "not-found",
    # Before its base class: the first match counts.
    Stale: "stale",
    Conflict: "conflict",
    PermanentError: "invalid",
    TransientError: "unavailable",
}


class FieldError(BaseModel):
    """One error in a request. where: `query.limit`, `body.reason`, `path.message_id`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"where": "query.limit", "what": "at most 200"}]})

    where: str
    what: str


class Problem(BaseModel):
    """An error, for programs (`type`) and for people (`detail`). Source: RFC 9457 section 3.1."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": f"{_TYPE_PREFIX}not-found",
                    "title": "Not found",
                    "status": 404,
                    "detail": "there is no conversation with that id or reference",
                    "instance": "/api/v1/conversations/K7QF2MXD4",
                    "request_id": "0f3a2c51d7e84b7b",
                }
            ]
        }
    )

    type: str = Field(description="Stable name of the kind of problem; `docs/api.md` lists them.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="The requested path, without its query.")
    request_id: str = Field(description="Also in the `X-Request-Id` header and in the log.")
    errors: list[FieldError] | None = Field(default=None, description="Only for `invalid`: what is wrong, and where.")
    version: int | None = Field(default=None, description="Only for an outdated reply: the current version.")
    newer: list[dict[str, Any]] | None = Field(
        default=None, description="Only for an outdated reply: the newest messages, at least all new ones."
    )


class ErrorPage(Protocol):
    """Shows a problem as a page; the application's state has it, because this folder may not import the pages."""

    def __call__(
        self, request: Request, *, status: int, detail: str, request_id: str, headers: Mapping[str, str] | None
    ) -> Response:
        """Return the page."""


class ProblemError(Exception):
    """Ends a request with a problem. field: of the body, if one is at fault."""

    def __init__(
        self,
        slug: str,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
        field: str = "",
    ) -> None:
        super().__init__(detail or PROBLEMS[slug][2])
        self.slug, self.headers, self.more = slug, headers, dict(more or {})
        if field:
            # Named as a field that does not validate is.
            self.more["errors"] = [FieldError(where=f"body.{field}", what=str(self))]


def slug_of(error: ProblemError | OmniyardError) -> str:
    """Return the kind of problem of an error."""
    if isinstance(error, ProblemError):
        return error.slug
    found = [slug for family, slug in _SLUG_OF_ERROR.items() if isinstance(error, family)]
    return found[0] if found else "internal"


def slug_of_status(status: int) -> str:
    """Return the kind of problem that an HTTP status stands for."""
    return _SLUG_OF_STATUS.get(status, "bad-request" if status < 500 else "internal")


def respond(
    request: Request,
    slug: str,
    *,
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
    errors: list[FieldError] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """Return the problem as JSON, or as a page if a browser asked for a page."""
    status, title, usual = PROBLEMS[slug]
    problem = Problem(
        type=f"{_TYPE_PREFIX}{slug}",
        title=title,
        status=status,
        detail=detail or usual,
        instance=request.url.path,
        request_id=request.scope.get("request_id", ""),
        **({"errors": errors} | dict(more or {})),
    )
    if wants_page(request):
        page: ErrorPage = request.app.state.error_page
        return page(request, status=status, detail=problem.detail, request_id=problem.request_id, headers=headers)
    body = jsonable_encoder(problem, exclude_none=True)
    return JSONResponse(body, status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def wants_page(request: Request) -> bool:
    """Return whether to respond with an HTML page."""
    for_person = not request.url.path.startswith(_FOR_PROGRAMS)
    return for_person and "text/html" in request.headers.get("accept", "")


def install(app: FastAPI, *, page: ErrorPage) -> None:
    """Register the handlers for every error; `page` renders it for browsers."""
    app.state.error_page = page
    # Each is synchronous work on values, without any I/O: an `async def` runs it on the loop; `_of_http` says when not.
    app.add_exception_handler(ProblemError, _of_problem)
    app.add_exception_handler(OmniyardError, _of_omniyard)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)


async def _of_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    return respond(request, error.slug, detail=str(error), headers=error.headers, more=error.more)


async def _of_omniyard(request: Request, error: Exception) -> Response:
    if not isinstance(error, OmniyardError) or (slug := slug_of(error)) == "internal":
        raise error
    headers = {"Retry-After": str(_RETRY_SECONDS)} if slug == "unavailable" else None
    return respond(request, slug, detail=str(error), headers=headers)


async def _of_validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # The value itself is left out: it may be a customer's.
    errors = [FieldError(where=".".join(map(str, each["loc"])), what=each["msg"]) for each in error.errors()]
    return respond(request, "invalid", errors=errors)


async def _of_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    slug = slug_of_status(error.status_code)
    if wants_page(request):
        # An address that no route has: the page asks the database who is signed in, for the side bar.
        return await run_in_threadpool(respond, request, slug, headers=error.headers)
    return respond(request, slug, headers=error.headers)


def documented(*slugs: str) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route for OpenAPI: each problem with an example; those of every route are added."""
    everywhere = ("unauthenticated", "forbidden", "invalid", "too-many-requests", "internal", "unavailable")
    return documented_alone(*everywhere, *slugs)


def documented_alone(*slugs: str) -> dict[int | str, dict[str, Any]]:
    """Return these problems for OpenAPI, each with an example."""
    return {PROBLEMS[slug][0]: _documented(slug) for slug in slugs}


def _documented(slug: str) -> dict[str, Any]:
    status, title, usual = PROBLEMS[slug]
    example = {
        "type": f"{_TYPE_PREFIX}{slug}",
        "title": title,
        "status": status,
        "detail": usual,
        "instance": "/api/v1/conversations",
        "request_id": "0f3a2c51d7e84b7b",
    }
    if slug == "invalid":
        example["errors"] = [{"where": "query.limit", "what": "Input should be less than or equal to 200"}]
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": title, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}
