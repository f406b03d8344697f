"""`/healthz` and `/readyz`: is this process alive, and can it serve? A failing dependency must not restart it."""

from __future__ import annotations

from typing import Any, Final, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.desk import Desk, DeskPart
from api.http.openapi import example
from router.errors import OmniyardError
from store.db.open import require_current

_BROKER_SECONDS: Final = 0.2
_NOT_READY: Final[dict[int | str, dict[str, Any]]] = {
    503: {
        "description": "Not ready: send no requests here yet.",
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Readiness"},
                "example": {"status": "unavailable", "database": "the database did not answer", "broker": "ok"},
            }
        },
    }
}

routes: Final = APIRouter(tags=["health"])


class Liveness(BaseModel):
    """The process responds."""

    model_config = example({"status": "ok"})

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether this process can serve. degraded: without a broker messages are routed some seconds later."""

    model_config = example({"status": "degraded", "database": "ok", "broker": "no answer within 0.2 s"})

    status: Literal["ok", "degraded", "unavailable"]
    database: str = Field(description="`ok`, or what is wrong.")
    broker: str = Field(description="`ok`, or what is wrong.")


@routes.get("/healthz", summary="Is this process alive")
async def health() -> Liveness:
    """Respond from the event loop itself, without any dependency."""
    return Liveness(status="ok")


@routes.get("/readyz", responses=_NOT_READY, summary="Can this process serve")
def readiness(desk: DeskPart, response: Response) -> Readiness:
    """Ask the database for the version of its tables, and the broker for a response."""
    database, broker = _database(desk), _broker(desk)
    if database != "ok":
        response.status_code = 503
        return Readiness(status="unavailable", database=database, broker=broker)
    return Readiness(status="ok" if broker == "ok" else "degraded", database=database, broker=broker)


def _database(desk: Desk) -> str:
    try:
        require_current(desk.database)
    except OmniyardError as error:
        return str(error)
    return "ok"


def _broker(desk: Desk) -> str:
    import redis  # noqa: PLC0415  (slow to load and needed nowhere else)
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    from workers.broker.connect import connect_broker  # noqa: PLC0415
    from workers.broker.doorbell import broker_url  # noqa: PLC0415

    try:
        url = broker_url(desk.settings)
        if url is None:
            return "not started"
        with connect_broker(url, seconds=_BROKER_SECONDS, retry=Retry(NoBackoff(), 0)) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError, OmniyardError) as error:
        # Only the class name: a URL in the sentence would show the broker's password.
        return f"no answer ({type(error).__name__})"
    return "ok"
