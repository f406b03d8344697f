"""The comparison page: backlog and its age, replies, promises, emergencies and CSAT, by any group; also as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from api.desk import Desk, DeskPart, Shown
from api.http.authentication import Requires
from api.http.permissions import Verb
from api.pages.render import language_of, moments_of, render
from api.pages.reports.charts import BELOW, HEIGHT, LEFT, WIDTH, heat, lines, stacked
from api.pages.reports.chosen_days import ChosenDays
from api.text.phrases import Words
from api.text.terms.config_names import ConfigNames
from store.db.engine import read_clock
from store.desk.reports.report_days import Days, read_days
from store.desk.reports.report_groups import GroupBy, GroupFigures, Period, read_groups

_SPANS: Final = (7, 14, 30)
_AGES: Final = ("age_1", "age_3", "age_7", "age_more")

routes: Final = APIRouter(prefix="/supervisor/report", include_in_schema=False)
_READS: Final = [Depends(Requires(Verb.READ_SUPERVISION, costly=True))]


class ReportQuery(BaseModel):
    """What the report is about; the same address shows the same days. by: what the rows of the comparison are."""

    model_config = ConfigDict(extra="ignore")

    since: str = Field(default="", max_length=10)
    until: str = Field(default="", max_length=10)
    team: str = Field(default="", max_length=100)
    channel: str = Field(default="", max_length=100)
    by: str = Field(default="team", max_length=20)

    @property
    def group(self) -> GroupBy:
        """The chosen group."""
        return GroupBy(self.by) if self.by in set(GroupBy) else GroupBy.TEAM


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that the page and its tables show. first, last: days in the desk's zone, both included."""

    first: date
    last: date
    total: GroupFigures
    groups: Sequence[GroupFigures]
    days: Days


@routes.get("", dependencies=_READS)
def report(request: Request, desk: DeskPart, shown: Shown, query: Annotated[ReportQuery, Query()]) -> HTMLResponse:
    """Show the report."""
    found = _read(desk, query)
    shown.are(found.groups)
    dates = [each.day for each in found.days.days]
    minutes = [[_minutes(each.median), _minutes(each.ninetieth)] for each in found.days.days]
    context = {
        "query": query,
        "report": found,
        "ages": _AGES,
        "groups_by": list(GroupBy),
        "backlog": stacked(dates, [each.backlog for each in found.days.days]),
        "replies": lines(dates, [list(series) for series in zip(*minutes, strict=True)]),
        "heat": heat(found.days.hours),
        "plot": (WIDTH, HEIGHT, LEFT, BELOW),
        "spans": [(days, (found.last - timedelta(days=days - 1)).isoformat()) for days in _SPANS],
        "settings": desk.settings,
    }
    return render(request, "reports/report.html.jinja", context)


@routes.get("/{table}.csv", dependencies=_READS)
def as_csv(
    request: Request,
    desk: DeskPart,
    table: Literal["groups", "backlog", "replies", "hours"],
    query: Annotated[ReportQuery, Query()],
) -> Response:
    """Return one table of the report, in the reader's words."""
    found, words = _read(desk, query), moments_of(request, desk).words
    if table == "groups":
        names = {each.name: _name(request, desk, query.group, each.name) for each in found.groups}
        rows = _group_rows(found.groups, names=names, words=words, by=query.group)
    else:
        rows = _day_rows(found.days, table=table, words=words)
    out = io.StringIO()
    csv.writer(out).writerows([_harmless(cell) for cell in row] for row in rows)
    name = f"{table}-{found.first}-{found.last}.csv"
    # With its mark, so that spreadsheets read Chinese as UTF-8.
    return Response(
        out.getvalue().encode("utf-8-sig"),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _read(desk: Desk, query: ReportQuery) -> Comparison:
    zone = desk.settings.omniyard.timezone
    chosen = ChosenDays.read(query.since, query.until, now=desk.now(), zone=zone)
    period = Period(since=chosen.begin, until=chosen.end, team=query.team, channel=query.channel)
    with desk.database.read() as connection:
        total = read_groups(connection, period, by=None)
        groups = read_groups(connection, period, by=query.group)
        days = read_days(connection, period, zone=zone, now=read_clock(connection))
    return Comparison(
        first=chosen.first,
        last=chosen.last,
        total=total[0] if total else GroupFigures(name=""),
        groups=groups,
        days=days,
    )


def _name(request: Request, desk: Desk, by: GroupBy, name: str) -> str:
    if not name or by is GroupBy.AGENT:
        return name
    return ConfigNames(desk.settings, Words(language_of(request)))(by.value, name)


def _group_rows(
    groups: Sequence[GroupFigures], *, names: dict[str, str], words: Words, by: GroupBy
) -> Iterable[Sequence[object]]:
    yield [
        words(f"by_{by}"),
        *(words(f"report_{name}") for name in ("opened", "reply_median", "reply_ninetieth", "resolve_median")),
        *(words(f"report_{name}") for name in ("promised", "broken", "called", "confirmed", "released")),
        *(words(f"report_{name}") for name in ("resolved", "reopened", "ratings", "csat")),
    ]
    for each in groups:
        times = (each.reply_median, each.reply_ninetieth, each.resolve_median)
        yield [
            names[each.name] or words("group_none"),
            each.opened,
            *("" if taken is None else round(taken) for taken in times),
            *(each.promised, each.broken, each.called, each.confirmed, each.released, each.resolved, each.reopened),
            *(each.ratings, round(each.stars / each.ratings, 2) if each.ratings else ""),
        ]


def _day_rows(days: Days, *, table: str, words: Words) -> Iterable[Sequence[object]]:
    if table == "hours":
        yield [words("weekday"), *range(24)]
        yield from ([words(f"weekday_{place}"), *numbers] for place, numbers in enumerate(days.hours))
    elif table == "backlog":
        yield [words("day"), *(words(age) for age in _AGES)]
        yield from ([each.day.isoformat(), *each.backlog] for each in days.days)
    else:
        yield [words("day"), words("answered"), words("report_reply_median"), words("report_reply_ninetieth")]
        for each in days.days:
            times = ("" if taken is None else round(taken) for taken in (each.median, each.ninetieth))
            yield [each.day.isoformat(), each.replied, *times]


def _harmless(cell: object) -> object:
    """Return a cell that no spreadsheet computes: names come from the configuration and from agents."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 60
