"""A route whose reads are answered in one visit to one thread: who asks, what for, and the answer.

FastAPI hands each function that may wait for the database to a thread and takes it back, and looks at each request how
each function is to be called: for a read of three parts that takes longer than its statements. This route does the
same in the same order, by FastAPI's own description of the route; what it does not know, FastAPI answers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from api.desk import desk_of

Answer = Callable[[Request], Coroutine[Any, Any, Response]]
_READS: Final = {"GET"}


class QuickRoute(APIRoute):
    """For routers of which most are read: `APIRouter(route_class=QuickRoute)`."""

    def get_route_handler(self) -> Answer:
        """See `APIRoute`. Only a read whose function returns its response itself is answered here."""
        if set(self.methods or ()) != _READS or not _is_plain(self.dependant) or not _makes_response(self.endpoint):
            return super().get_route_handler()

        async def answer(request: Request) -> Response:
            return await run_in_threadpool(_answer, self.dependant, request)

        return answer


def _makes_response(endpoint: Callable[..., Any]) -> bool:
    if inspect.iscoroutinefunction(endpoint):
        return False
    returned = inspect.signature(endpoint, eval_str=True).return_annotation
    return isinstance(returned, type) and issubclass(returned, Response)


def _is_plain(dependant: Dependant) -> bool:
    """Return whether the route needs nothing but its parameters, the request, and functions of these."""
    others = (
        dependant.body_params,
        dependant.response_param_name,
        dependant.background_tasks_param_name,
        dependant.websocket_param_name,
        dependant.security_scopes_param_name,
    )
    call = dependant.call
    generates = inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call)
    return not any(others) and not generates and all(map(_is_plain, dependant.dependencies))


def _answer(dependant: Dependant, request: Request) -> Response:
    with desk_of(request).database.read_in_one():
        return _answered(dependant, request)


def _answered(dependant: Dependant, request: Request) -> Response:
    errors: list[Any] = []
    values = _values(dependant, request, known={}, errors=errors)
    if errors:
        raise RequestValidationError(errors)
    call: Callable[..., Response] = dependant.call  # type: ignore[assignment]
    return call(**values)


def _values(
    dependant: Dependant, request: Request, *, known: dict[Any, Any], errors: list[Any]
) -> Mapping[str, object]:
    """Return the arguments of a function; those that cannot be read are in `errors`."""
    values: dict[str, Any] = {}
    for part in dependant.dependencies:
        before = len(errors)
        inner = _values(part, request, known=known, errors=errors)
        if len(errors) > before:
            continue
        if part.call not in known or not part.use_cache:
            known[part.call] = _done(part.call(**inner))  # type: ignore[misc]
        if part.name is not None:
            values[part.name] = known[part.call]
    for fields, given in (
        (
            (dependant.path_params, request.path_params),
            (dependant.query_params, request.query_params),
            (dependant.header_params, request.headers),
            (dependant.cookie_params, request.cookies),
        )
        if _has_parameters(dependant)
        else ()
    ):
        read, wrong = request_params_to_args(fields, given)
        values |= read
        errors += wrong
    for name in (dependant.request_param_name, dependant.http_connection_param_name):
        if name:
            values[name] = request
    return values


def _has_parameters(dependant: Dependant) -> bool:
    return bool(dependant.path_params or dependant.query_params or dependant.header_params or dependant.cookie_params)


def _done(value: Any) -> Any:  # noqa: ANN401  (whatever the dependency returns)
    """Return what a dependency returns. One that is asynchronous only to stay in the loop's thread ends at once."""
    if not inspect.iscoroutine(value):
        return value
    try:
        value.send(None)
    except StopIteration as end:
        return end.value
    value.close()
    raise RuntimeError("a dependency of this route waits; give the route to FastAPI")
