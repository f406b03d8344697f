"""The supervisor's comparison: page, tables, CSV and an address that stays."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from api.pages.reports.charts import heat, lines, stacked
from store.db.engine import Database
from tests.app_client import AppClient
from tests.inbox_builder import NOON, Builder

DAYS = [date(2026, 11, 18) + timedelta(days=number) for number in range(3)]


@pytest.fixture
def supervisor(app: Any, portal: Any, token_of: Callable[[str], str]) -> AppClient:
    opened = AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": "en"})
    form = {"token": token_of("supervisor")}
    assert opened.post("/sign-in", data=form, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303
    return opened


def test_a_report_by_agent_is_a_page_and_a_table_for_spreadsheets(supervisor: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection, now=NOON)
        build.conversation(assignee="=Ming", replied_at=NOON + timedelta(hours=2))
        build.conversation(assignee=None, team="risk")
    address = "/supervisor/report?since=2026-11-18&until=2026-11-20&by=agent"
    page = supervisor.get(address).text
    assert page.count("<svg") >= 3
    # A day alone is a point, and no line of no length.
    assert '<circle class="p0"' in page
    assert all(words in page for words in ("=Ming", "Backlog by age", "2026-11-20", "2 h"))

    answer = supervisor.get("/supervisor/report/groups.csv?since=2026-11-18&until=2026-11-20&by=agent")
    assert answer.headers["content-disposition"] == 'attachment; filename="groups-2026-11-18-2026-11-20.csv"'
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row[:3] for row in rows] == [
        ["Agent", "Opened", "First reply, median"],
        ["none", "1", ""],
        ["'=Ming", "1", "7200"],
    ]
    for table, lines_of in (("backlog", 4), ("replies", 4), ("hours", 8)):
        answer = supervisor.get(f"/supervisor/report/{table}.csv?since=2026-11-18&until=2026-11-20&team=risk")
        assert len(answer.content.decode("utf-8-sig").splitlines()) == lines_of
    assert supervisor.get("/supervisor/report/other.csv").status_code == 422
    assert supervisor.get("/supervisor/report?since=x&until=2026-13-01&by=moon&team=none").status_code == 200


def test_agents_see_no_report(browser: AppClient) -> None:
    assert browser.get("/supervisor/report").status_code == 403
    assert browser.get("/supervisor/report/groups.csv").status_code == 403


def test_bars_stand_on_each_other_below_a_round_top() -> None:
    plot = stacked(DAYS, [(3, 1), (0, 0), (7, 0)])
    assert [tick.said for tick in plot.ticks] == ["0", "2", "4", "6", "8"]
    assert [(bar.series, bar.number, bar.y, bar.height) for bar in plot.bars] == [
        (0, 3, 125.0, 75.0),
        (1, 1, 100.0, 25.0),
        (0, 7, 25.0, 175.0),
    ]
    assert [day.said for day in plot.days] == ["11-18", "11-19", "11-20"]


def test_a_line_has_gaps_where_nothing_was_answered() -> None:
    plot = lines(DAYS, [[1.0, None, 2.0], [None, None, None]])
    assert [len(series) for series in plot.lines] == [2, 0]
    assert plot.lines[0][0] == "164.0,150.0 164.0,150.0"
    assert stacked([], []).bars == []


def test_the_busiest_hour_has_the_darkest_shade() -> None:
    hours = [[0] * 24 for _ in range(7)]
    hours[2][9], hours[3][10] = 8, 1
    shades = {(cell.weekday, cell.hour): cell.shade for cell in heat(hours)}
    assert (shades[2, 9], shades[3, 10], shades[0, 0]) == (4, 1, 0)
