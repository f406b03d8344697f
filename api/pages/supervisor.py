"""The supervisor's page: volumes, reply times, SLA results and each agent's load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from api.desk import DeskPart
from api.http.authentication import Requires
from api.http.permissions import Verb
from api.pages.render import render
from api.pages.reports.charts import BELOW, HEIGHT, LEFT, WIDTH, Plot, stacked
from api.pages.reports.chosen_days import ChosenDays
from store.db.engine import read_clock
from store.desk.channel_status import read_status, unsent_messages
from store.desk.false_alarms import WINDOW, count_false_alarms
from store.desk.supervisor_report import Volume, read_insight

# The number of colours that are distinguishable in both themes; the last one is for all other series.
SERIES: Final = 6
OTHERS: Final = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Stacked bars by day. table: for each day, the numbers in the order of `series`."""

    series: Sequence[str]
    plot: Plot
    table: Mapping[date, Sequence[int]]
    highest: int

    @property
    def total(self) -> int:
        """The sum over all days and series."""
        return sum(sum(numbers) for numbers in self.table.values())


def days_of(volumes: Sequence[Volume], *, by: str, days: Sequence[date], zone: ZoneInfo) -> Chart:
    """Return the chart of opened conversations by day in the desk's zone. by: channel or category."""
    totals: dict[str, int] = {}
    found: dict[tuple[date, str], int] = {}
    for volume in volumes:
        name = str(getattr(volume, by) or "")
        day = datetime.strptime(volume.hour, "%Y-%m-%d %H").replace(tzinfo=UTC).astimezone(zone).date()
        totals[name] = totals.get(name, 0) + volume.number
        found[day, name] = found.get((day, name), 0) + volume.number
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    names = ranked if len(ranked) <= SERIES else [*ranked[: SERIES - 1], OTHERS]
    rest = ranked[SERIES - 1 :] if len(ranked) > SERIES else []
    table = {
        day: [
            sum(found.get((day, each), 0) for each in (rest if name == OTHERS and rest else [name])) for name in names
        ]
        for day in days
    }
    highest = max((sum(numbers) for numbers in table.values()), default=0)
    return Chart(series=names, plot=stacked(days, list(table.values())), table=table, highest=highest)


routes: Final = APIRouter(include_in_schema=False)


@routes.get("/supervisor", dependencies=[Depends(Requires(Verb.READ_SUPERVISION, costly=True))])
def supervisor(
    request: Request,
    desk: DeskPart,
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
) -> HTMLResponse:
    """Show the days from `since` to `until`: see `ChosenDays`."""
    zone = desk.settings.omniyard.timezone
    chosen = ChosenDays.read(since, until, now=desk.now(), zone=zone)
    with desk.database.read() as connection:
        insight = read_insight(connection, since=chosen.begin, until=chosen.end)
        now = read_clock(connection)
        lately = count_false_alarms(connection, since=now - WINDOW, until=now)
        status = read_status(connection, channels=tuple(desk.settings.channels))
        unsent = unsent_messages(connection, only_teams=None)
    charts = {by: days_of(insight.volumes, by=by, days=chosen.days, zone=zone) for by in ("channel", "category")}
    context = {
        "first": chosen.first,
        "last": chosen.last,
        "insight": insight,
        "status": status,
        "unsent": unsent,
        "lately": lately,
        "bound": desk.settings.emergency.false_pages_per_thousand,
        "charts": charts,
        "others": OTHERS,
        "plot": (WIDTH, HEIGHT, LEFT, BELOW),
        "settings": desk.settings,
    }
    return render(request, "supervisor.html.jinja", context)
