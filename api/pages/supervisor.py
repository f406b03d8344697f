"""The supervisor's page: what came, how soon it was answered, what was promised and kept, who has how much."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from api.charts import HEIGHT, WIDTH, days_between, days_of
from api.desk import DeskPart
from api.http.authentication import Requires
from api.http.permissions import Verb
from api.pages.render import render
from store.desk.channel_status import read_status
from store.desk.supervisor_report import read_insight

_USUAL: Final = timedelta(days=13)
# A quarter; more days are no chart that anybody could read.
_LONGEST: Final = timedelta(days=92)

routes: Final = APIRouter(include_in_schema=False)


@routes.get("/supervisor", dependencies=[Depends(Requires(Verb.READ_SUPERVISION))])
def supervisor(
    request: Request,
    desk: DeskPart,
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
) -> HTMLResponse:
    """Show the days from `since` to `until`, both included; the last two weeks unless asked otherwise."""
    zone = desk.settings.omniyard.timezone
    today = desk.now().astimezone(zone).date()
    last = _day(until) or today
    first = max(min(_day(since) or last - _USUAL, last), last - _LONGEST)
    with desk.database.read() as connection:
        insight = read_insight(
            connection, since=_midnight(first, zone), until=_midnight(last + timedelta(days=1), zone)
        )
        status = read_status(connection, channels=tuple(desk.settings.channels))
    days = days_between(first, last)
    charts = {by: days_of(insight.volumes, by=by, days=days, zone=zone) for by in ("channel", "category")}
    context = {
        "first": first,
        "last": last,
        "insight": insight,
        "status": status,
        "charts": charts,
        "size": (WIDTH, HEIGHT),
        "settings": desk.settings,
    }
    return render(request, "supervisor.html.jinja", context)


def _day(said: str) -> date | None:
    try:
        day = date.fromisoformat(said)
    except ValueError:
        return None
    # At the ends of the calendar there is no next midnight.
    return day if 2000 <= day.year <= 2199 else None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
