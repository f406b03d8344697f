"""People and settings on the page, each by its role; and sign-in by name, password and code."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from store.db.bulk import insert_rows
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.desk.agents import add_agent, find_by_name
from store.desk.assignment import set_absence
from store.desk.passwords import set_password
from store.tables.case_records import RatingRow
from tests.api.conftest import MovingClock, settings_in, started
from tests.api.pages.settings_page import PASSWORD, found, send
from tests.app_client import AppClient
from tests.authenticator import code_at
from tests.inbox_builder import NOON, Builder


@pytest.fixture
def signed_in(app: Any, portal: Any, token_of: Callable[[str], str]) -> Callable[[str], AppClient]:
    def sign_in(role: str) -> AppClient:
        opened = AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": "en"})
        assert send(opened, "/sign-in", token=token_of(role)).status_code == 303
        return opened

    return sign_in


ROOMS = ("agents", "hours", "outbound", "ratings", "webhooks", "audit")


@pytest.mark.parametrize(
    ("role", "rooms"),
    [
        ("viewer", {"agents", "hours", "ratings"}),
        ("agent", {"agents", "hours", "outbound", "ratings"}),
        ("senior", {"agents", "hours", "outbound", "ratings"}),
        ("supervisor", {"agents", "hours", "outbound", "ratings", "webhooks"}),
        ("auditor", set(ROOMS)),
        ("admin", set(ROOMS)),
    ],
)
def test_each_role_sees_its_rooms(signed_in: Callable[[str], AppClient], role: str, rooms: set[str]) -> None:
    browser = signed_in(role)
    answers = {name: browser.get(f"/settings/{name}") for name in ROOMS}
    assert {name for name, answer in answers.items() if answer.status_code == 200} == rooms
    tabs = answers["agents"].text
    assert {name for name in ROOMS if f'href="/settings/{name}"' in tabs} == rooms


HOURS = """
[calendars.office]
title = { en = "Office", zh = "客服中心" }
timezone = "Asia/Shanghai"
week = { mon-fri = "09:00-18:00" }
holidays = "CN"
[calendars.night]
week = { mon-sun = "22:00-06:00" }
[channels.notes]
kind = "smtp"
listen = "127.0.0.1:2527"
address = "notes@desk.example"
calendar = "office"
"""


def test_the_service_hours_say_when_it_opens_and_which_days_are_unlike_the_week(
    tmp_path: Path, database: Database, portal: Any, token_of: Callable[[str], str]
) -> None:
    # Friday, 20 November 2026, 12:00 in Shanghai.
    app = create_app(settings_in(tmp_path, more=HOURS), database=database, now=MovingClock())
    with started(app, portal):
        browser = AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": "zh-CN"})
        send(browser, "/sign-in", token=token_of("viewer"))
        page = browser.get("/settings/hours").text
        english = browser.get("/settings/hours?language=en").text
    assert found(r'<h2 id="calendar-2">(.*?)</h2>', page).startswith("客服中心 <span")
    assert "服务中，18:00 结束" in page
    assert re.findall(r'<th scope="row">(周.*?)</th><td>(.*?)</td>', page)[-2:] == [
        ("周一至周五", "09:00-18:00"),
        ("周六至周日", "休息"),
    ]
    assert "2027年1月1日 周五" in page
    assert "法定节假日" in page
    # The make-up days of 2027 are announced in November 2026, and the package may have them or not.
    assert ("open until 18:00" in english, "Mon to Fri" in english) == (True, True)
    # No channel has these hours.
    assert "22:00-06:00" not in page


@pytest.mark.parametrize(
    ("role", "sees_others", "sets_own_duty"),
    [
        ("viewer", False, False),
        ("agent", False, True),
        ("senior", False, True),
        ("supervisor", True, True),
        ("auditor", False, False),
        ("admin", True, True),
    ],
)
def test_an_agents_page_is_for_themselves_and_for_those_who_set_duties(
    signed_in: Callable[[str], AppClient], database: Database, *, role: str, sees_others: bool, sets_own_duty: bool
) -> None:
    browser = signed_in(role)
    with database.read() as connection:
        me = find_by_name(connection, f"the {role}")
    with database.write() as connection:
        other, _ = add_agent(connection, name="Li Na", role="agent")
    own = browser.get(f"/settings/agents/{me.id if me else role}")
    assert (own.status_code, 'id="password-form"' in own.text) == (200, True)
    assert ('id="duty"' in own.text) is sets_own_duty
    assert browser.get(f"/settings/agents/{other.id}").status_code == (200 if sees_others else 403)


@pytest.mark.parametrize("role", ["agent", "viewer"])
def test_a_working_role_goes_on_duty_and_away_from_any_page(
    signed_in: Callable[[str], AppClient], database: Database, role: str
) -> None:
    browser = signed_in(role)

    def shown() -> str:
        match = re.search(r'<button class="duty( on)?"', browser.get("/channels").text)
        if match is None:
            return "none"
        return "on" if match[1] else "away"

    assert shown() == ("none" if role == "viewer" else "away")
    answer = send(browser, "/settings/duty", available="true", back="/channels")
    if role == "viewer":
        assert answer.status_code == 403
        return
    assert (answer.status_code, answer.headers["location"], shown()) == (303, "/channels", "on")
    assert send(browser, "/settings/duty", available="false", back="//other.example").headers["location"] == "/"
    assert shown() == "away"
    with database.write() as connection:
        until = read_clock(connection) + timedelta(days=2)
        set_absence(connection, name=f"the {role}", away_from=None, away_until=until)
    page = browser.get("/channels").text
    assert (shown(), "on leave until" in page) == ("none", True)


def test_a_name_that_is_taken_is_said_and_what_was_typed_stays(signed_in: Callable[[str], AppClient]) -> None:
    admin = signed_in("admin")
    order = {"name": "Li Na", "role": "senior", "teams": ""}
    assert send(admin, "/settings/agents", **order).status_code == 200
    again = send(admin, "/settings/agents?language=zh", **order)
    assert (again.status_code, "已有同名客服" in again.text) == (409, True)
    assert 'name="name" value="Li Na"' in again.text
    assert '<option value="senior" selected>' in again.text


def test_an_administrator_adds_an_agent_who_signs_in_by_password_and_code(
    app: Any, portal: Any, signed_in: Callable[[str], AppClient], clock: MovingClock, database: Database
) -> None:
    admin = signed_in("admin")
    page = send(admin, "/settings/agents", name="Li Na", role="agent", teams="payments").text
    assert found(r'id="once">([^<]+)<', page).startswith("oy_")
    agent = found(r'action="/settings/agents/([\w-]+)/access"', page)
    assert send(admin, "/settings/agents", name="Li Na", role="agent").status_code == 409
    password = found(r'id="once">([^<]+)<', send(admin, f"/settings/agents/{agent}/access", do="password").text)

    browser = AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": "zh"})
    wrong = send(browser, "/sign-in/password", name="Li Na", password="not it at all")
    assert (wrong.status_code, "用户名或密码不正确" in wrong.text) == (401, True)
    # The name stays, and so do the ways to change the looks.
    assert 'value="Li Na"' in wrong.text
    assert 'href="/sign-in?next=%2F&amp;language=en"' in wrong.text
    step = send(browser, "/sign-in/password", name="Li Na", password=password, next="/settings/agents").text
    secret, ticket = (
        found(r'id="secret">([^<]+)<', step).replace(" ", ""),
        found(r'name="ticket" value="([^"]+)"', step),
    )
    assert send(browser, "/sign-in/code", ticket=ticket, code="000000").status_code == 401
    assert '<svg viewBox="0 0' in step
    once = send(browser, "/sign-in/code", ticket=ticket, code=code_at(secret, now=clock()), next="/settings/agents")
    assert (once.status_code, len(re.findall(r"<li><code>[a-z2-7-]{19}</code>", once.text))) == (200, 10)
    answer = send(browser, "/sign-in/kept", next=found(r'name="next" value="([^"]+)"', once.text))
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings/agents")
    assert "Li Na" in browser.get("/settings/agents").text

    # The code is used; the next sign-in asks for one of the same secret, and an old ticket counts no more.
    clock.move(timedelta(minutes=1))
    again = send(browser, "/sign-in/password", name="Li Na", password=password).text
    assert 'id="secret"' not in again
    with database.write() as connection:
        set_password(connection, name="Li Na", password=PASSWORD)
    late = send(browser, "/sign-in/code", ticket=found(r'name="ticket" value="([^"]+)"', again), code="1")
    assert late.headers["location"] == "/sign-in"
    assert browser.get("/").headers["location"].startswith("/sign-in")


def test_administrators_keep_their_own_access_and_agents_manage_no_access(
    signed_in: Callable[[str], AppClient],
) -> None:
    admin, agent = signed_in("admin"), signed_in("agent")
    page = admin.get("/settings/agents").text
    ids = dict(re.findall(r'<a href="/settings/agents/([\w-]+)">([^<]+)</a>', page))
    mine = {name: each for each, name in ids.items()}
    assert send(admin, f"/settings/agents/{mine['the admin']}/access", do="revoke").status_code == 403
    assert send(agent, f"/settings/agents/{mine['the agent']}/access", do="token").status_code == 403
    assert send(agent, f"/settings/agents/{mine['the admin']}/password", password=PASSWORD).status_code == 403

    duty = {"available": "true", "capacity": "7", "away_from": "2027-01-04T09:00", "away_until": "2027-01-08T18:00"}
    assert send(agent, f"/settings/agents/{mine['the agent']}", **duty).status_code == 303
    page = agent.get(f"/settings/agents/{mine['the agent']}").text
    assert 'value="2027-01-08T18:00"' in page
    assert 'name="teams"' not in page
    assert send(agent, f"/settings/agents/{mine['the admin']}", **duty).status_code == 403
    skills = duty | {"teams": ["payments"], "languages": ["zh", "en"]}
    assert send(admin, f"/settings/agents/{mine['the agent']}", **skills).status_code == 303
    assert "Payments" in admin.get("/settings/agents").text
    # Languages are chosen by name: a name that was typed, such as "中文", would match no message.
    page = admin.get(f"/settings/agents/{mine['the agent']}").text
    chosen = re.findall(r'name="languages" value="([\w-]+)" checked> ([\w ,]+)<', page)
    assert chosen == [("zh", "Chinese"), ("en", "English")]
    assert send(admin, f"/settings/agents/{mine['the agent']}/access", do="revoke").status_code == 303
    assert agent.get("/").status_code == 303


def test_what_needs_a_person_is_settled_and_quarantine_emptied(
    signed_in: Callable[[str], AppClient], database: Database
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(reference="AAAAAAAAA")
        build.message(case)
        outbound = build.outbound(case, state="needs_person", kind="reply", author="Ming", error="tried 3 times")
        held = build.quarantined(subject="Odd mail")
        rated = {"closing": new_id(), "conversation_id": case, "contact_id": build.contacts["li@example.com"]}
        rated |= {"score": 2, "word": "too slow <b>", "rated_at": NOON, "asked_at": read_clock(connection)}
        insert_rows(connection, RatingRow, rows=[rated])
    browser = signed_in("supervisor")
    assert "tried 3 times" in browser.get("/settings/outbound").text
    assert send(browser, f"/settings/outbound/{outbound}", do="mark_sent").status_code == 303
    assert "tried 3 times" not in browser.get("/settings/outbound").text
    assert send(browser, f"/settings/outbound/{outbound}", do="explode").status_code == 422

    assert "too slow &lt;b&gt;" in browser.get("/settings/ratings").text
    assert "too slow &lt;b&gt;" in browser.get("/conversations/AAAAAAAAA").text

    assert f"/quarantine/{held}/discard" in browser.get("/quarantine").text
    assert send(browser, f"/quarantine/{held}/discard", reason="advertising").status_code == 303
    assert "Odd mail" in browser.get("/quarantine?discarded=true").text
    assert send(browser, f"/quarantine/{held}/replay").status_code == 303
    assert send(signed_in("agent"), f"/quarantine/{held}/replay").status_code == 403


def test_the_audit_is_filtered_on_the_page(signed_in: Callable[[str], AppClient], app: Any) -> None:
    browser = signed_in("auditor")
    page = browser.get("/settings/audit?actor=&action=session.began").text
    assert "No entries match." in page or "session.began" in page
