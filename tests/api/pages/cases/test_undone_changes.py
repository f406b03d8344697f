"""Every change that has an undo, from several beginnings: after both, each row of the case is as it was before."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from sqlmodel import SQLModel

from api.http.permissions import Role
from router.settings import Settings
from store.db.bulk import insert_rows, table_of
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.tables.desk import PauseRow
from store.tables.emergencies import DangerQuestionRow, EmergencyRow
from store.tables.messages import ContactRow, ConversationRow, MessageRow, ThreadKeyRow, digest
from store.tables.operations import OutboundRow
from tests.api.conftest import OUT, settings_in
from tests.app_client import AppClient
from tests.inbox_builder import Builder
from workers.chores.sla import SlaWatch
from workers.routing.brain import build_brain

FORM = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
PROMISES = """
[sla.money]
calendar = "always"
first_reply = "24h"
next_reply = "24h"
resolve = "7d"
"""
# Not compared. Events, notices and reports say what happened, which stays true; who is looking at a case and what an
# agent has read is no part of a change.
_STAYS = {"event", "delivery", "agent_notice", "presence", "read_marker", "phrasing", "answer_gap"}
# Each change counts, also the one that undoes another.
_COUNTED = {("conversation", "version")}
# A search term is written once for all messages; the tables that follow have no column of their case.
_LOST_IDS = {"contact": "id", "contact_label": "contact_id", "identity": "contact_id"}

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path / "data", more=OUT + PROMISES)


class Cases:
    """The case that is changed, another one of its customer, and all of their rows."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self._watch = SlaWatch(database, build_brain(settings))
        with database.read() as connection:
            self.now = read_clock(connection)
        self.case, self.other = "", ""
        self.ids: dict[str, UUID] = {}

    @property
    def beginnings(self) -> Iterable[str]:
        return BEGINNINGS if self.database.is_sqlite else ON_POSTGRESQL

    def begin(self, beginning: str) -> Rows:
        """Write both cases, and return their rows.

        The first has a second message, labels, a planned reply and one that can be taken back.
        """
        over, ago = BEGINNINGS[beginning](), self.now - timedelta(hours=6)
        self.case, self.other = (f"{letter}{uuid4().hex[:8].upper()}" for letter in "AB")
        self.ids = {}
        with self.database.write() as connection:
            build, handle = Builder(connection, now=ago), f"{self.case}@example.com".lower()
            for reference in (self.other, self.case):
                row = {"opened_at": ago, "clock_started_at": ago, "waiting_since": ago, "watch_at": self.now}
                row |= {"labels": ["refund", "vip", "zh"], "channel": "out", "reference": reference, "handle": handle}
                self.ids[reference] = build.conversation(**(row | (over if reference == self.case else {})))
                build.message(self.ids[reference], channel="out", inbound_id=build.inbound())
            case = self.ids[self.case]
            build.message(case, channel="out", text="Is there any news?", inbound_id=build.inbound())
            written = connection.execute(sa.select(table_of(MessageRow)).where(_is_of(self.ids.values()))).all()
            keys = [{"digest": digest(row.rfc_message_id), "conversation_id": row.conversation_id} for row in written]
            insert_rows(connection, ThreadKeyRow, rows=[key | {"own": True} for key in keys])
            waits = {"dated_at": self.now + timedelta(days=2), "due_at": self.now + timedelta(days=2)}
            self._reply(connection, **waits, undo_until=None, then_status="")
            waits = {"dated_at": self.now, "due_at": self.now + timedelta(hours=1)}
            self._reply(connection, **waits, undo_until=self.now + timedelta(hours=1), then_status="pending")
            if over.get("status") in {"pending", "resolved"}:
                pause = {"id": new_id(), "conversation_id": case, "since": self.now - timedelta(hours=2)}
                insert_rows(connection, PauseRow, rows=[pause | {"until": None}])
        return self.rows()

    def _reply(self, connection: sa.Connection, **over: Any) -> None:
        row = {"id": new_id(), "dedupe_key": uuid4().hex, "conversation_id": self.ids[self.case], "kind": "reply"}
        row |= {"channel": "out", "recipient": "li@example.com", "text": "We look.", "rfc_message_id": uuid4().hex}
        row |= {"state": "queued", "created_at": self.now, "author": "the agent", "attempts": 0, "error": ""}
        insert_rows(connection, OutboundRow, rows=[row | over])

    def settle(self) -> None:
        """Let the worker compute the due times."""
        while self._watch.once():
            pass

    def rows(self) -> Rows:
        """All rows of the two cases and of their customer, by table."""
        self.settle()
        with self.database.read() as connection:
            found = {name: read(connection, query, self.ids.values()) for name, query in OF_CASES.items()}
            contacts = [row["contact_id"] for row in found["conversation"]]
            found |= {name: read(connection, query, contacts) for name, query in OF_CONTACTS.items()}
        return {name: sorted(map(_plain(name), rows), key=str) for name, rows in found.items()}


def query_of(table: sa.Table, column: str) -> sa.Select[Any]:
    return sa.select(table).where(sa.or_(table.c[column] == sa.bindparam("a"), table.c[column] == sa.bindparam("b")))


def read(connection: sa.Connection, query: sa.Select[Any], pair: Iterable[UUID]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query, dict(zip("ab", pair, strict=True))).mappings()]


# Built once, because a test reads all of them at each step.
OF_CASES = {"conversation": query_of(table_of(ConversationRow), "id")} | {
    table.name: query_of(table, "conversation_id")
    for table in SQLModel.metadata.sorted_tables
    if "conversation_id" in table.c and table.name not in _STAYS
}
OF_CONTACTS = {name: query_of(SQLModel.metadata.tables[name], column) for name, column in _LOST_IDS.items()}


def _is_of(cases: Iterable[UUID]) -> sa.ColumnElement[bool]:
    return table_of(MessageRow).c.conversation_id.in_([*cases])


def _plain(table: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: {name: value for name, value in row.items() if (table, name) not in _COUNTED}


@pytest.fixture
def cases(database: Database, settings: Settings) -> Cases:
    return Cases(database, settings)


def _ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def _ahead(**span: float) -> datetime:
    return datetime.now(UTC) + timedelta(**span)


# Where a change begins: the columns of the case, made at the test.
BEGINNINGS: dict[str, Callable[[], dict[str, Any]]] = {
    "new and unanswered": dict,
    "new, no agent there": lambda: {"alarmed_at": _ago(hours=1), "home_team": "risk"},
    "answered, and the customer wrote again": lambda: {
        "replied_at": _ago(hours=4), "waiting_since": _ago(hours=3), "assignee": "the supervisor"
    },
    "waits for the customer": lambda: {
        "status": "pending", "replied_at": _ago(hours=2), "waiting_since": None, "assignee": "the agent"
    },
    "snoozed by an agent": lambda: {
        "status": "snoozed", "held_until": _ahead(days=3), "snoozed_by": "the supervisor", "assignee": "the agent"
    },
    "held by the hours": lambda: {"status": "snoozed", "held_until": _ahead(days=1), "snoozed_by": None},
    "resolved without an answer": lambda: {"status": "resolved", "assignee": "the agent"},
    "resolved after an answer": lambda: {"status": "resolved", "waiting_since": None, "replied_at": _ago(hours=2)},
    "belongs to no category": lambda: {"category": None},
}  # fmt: skip
# The statements of a change are the same from each beginning. On PostgreSQL, from these: between them, each column that
# a beginning fills or empties is empty and is filled, and a pause is there and is not.
ON_POSTGRESQL = ("new, no agent there", "snoozed by an agent", "resolved after an answer", "belongs to no category")
# What an agent presses, by what it is: the fields of the form.
_UNTIL = (datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")
CHANGES: dict[str, dict[str, str]] = {
    "resolve, cancel what is planned": {"do": "resolve", "planned": "cancel"},
    "resolve, send what is planned": {"do": "resolve", "planned": "send"},
    "reopen": {"do": "reopen"},
    "pending": {"do": "pending"},
    "snooze": {"do": "snooze", "until": "", "until_at": _UNTIL},
    "take": {"do": "take"},
    "assign": {"do": "assign", "assignee": "the senior"},
    "release": {"do": "release"},
    "team": {"do": "team", "team": "risk"},
    "priority": {"do": "priority", "priority": "urgent"},
    "category": {"do": "category", "category": "refund"},
    "no category of ours": {"do": "category", "category": "-"},
    "not ours": {"do": "not_ours"},
    "label": {"do": "label", "label": "fee, abroad"},
    "unlabel": {"do": "unlabel", "label": "refund"},
}


@pytest.fixture
def agents(token_of: Callable[[str], str]) -> None:
    for role in (Role.AGENT, Role.SENIOR, Role.SUPERVISOR):
        token_of(role)


def press(browser: AppClient, path: str, fields: Mapping[str, str]) -> str | None:
    """Press a button; return the notice that came with it, as signed; None without one."""
    answer = browser.post(path, content=urlencode(fields), headers=FORM)
    assert answer.status_code == 303, (path, answer.status_code, answer.text[-2000:])
    return answer.cookies.get("omniyard_done", "").strip('"') or None


def undo(browser: AppClient, notice: str | None) -> bool:
    """Press the undo of a notice, if it has one; return whether it has."""
    answer = browser.post("/undo", content=urlencode({"sealed": notice or "", "key": uuid4().hex}), headers=FORM)
    assert answer.status_code in {303, 409}, answer.text[-2000:]
    return answer.status_code == 303


def many(browser: AppClient, path: str, fields: Mapping[str, str]) -> str:
    answer = browser.post(path, content=urlencode(fields), headers=FORM)
    assert answer.status_code == 200, (path, answer.status_code, answer.text[-2000:])
    return answer.text


def can_undo(notice: str | None) -> bool:
    """Return whether a notice has a button that takes it back."""
    said = json.loads(base64.urlsafe_b64decode((notice or "e30=").partition(".")[0]))
    return said.get("undo") is not None


def before_of(rows: Rows, reference: str) -> dict[str, Any]:
    return next(row for row in rows["conversation"] if row["reference"] == reference)


def sealed(page: str) -> str | None:
    found = re.search(r'name="sealed" value="([^"]*)"', page)
    return unescape(found.group(1)) if found else None


def require_same(before: Rows, after: Rows, *, from_: str) -> None:
    """Compare; a failure names the columns that differ, or what is there once more or less."""
    for name, rows in before.items():
        pairs = zip(rows, after[name], strict=False)
        columns = {each: (was[each], now[each]) for was, now in pairs for each in was if was[each] != now[each]}
        assert (len(rows), columns) == (len(after[name]), {}), (from_, name)


@pytest.mark.usefixtures("agents")
@pytest.mark.parametrize("change", CHANGES)
def test_an_undo_brings_back_every_column_that_the_change_took_away(
    browser: AppClient, cases: Cases, change: str
) -> None:
    for beginning in cases.beginnings:
        before = cases.begin(beginning)
        page = f"/conversations/{cases.case}"
        form = {"key": uuid4().hex, "back": page} | CHANGES[change]
        # As a single change
        if change == "take" and before_of(before, cases.case)["assignee"] == "the supervisor":
            continue
        notice = press(browser, f"{page}/change", form)
        is_undone = can_undo(notice)
        assert is_undone or cases.rows() == before, beginning
        assert not is_undone or undo(browser, notice), beginning
        require_same(before, cases.rows(), from_=beginning)

        # And as one for many
        shown = many(browser, "/bulk", {"keys": cases.case, "back": "/"} | CHANGES[change])
        assert "1 of 1 done" in shown, beginning
        seal = sealed(shown)
        assert (seal is not None) == is_undone, beginning
        if seal:
            assert "1 of 1 undone" in many(browser, "/bulk/undo", {"sealed": seal, "back": "/"}), beginning
        require_same(before, cases.rows(), from_=beginning)


@pytest.mark.usefixtures("agents")
@pytest.mark.parametrize("change", ["snooze", "pending", "resolve, send what is planned"])
def test_a_reply_that_its_agent_took_back_since_is_not_sent_by_an_older_undo(
    browser: AppClient, cases: Cases, change: str
) -> None:
    cases.begin("new and unanswered")
    page = f"/conversations/{cases.case}"
    notice = press(browser, f"{page}/change", {"key": uuid4().hex, "back": page} | CHANGES[change])
    for row in cases.rows()["outbound"]:
        press(browser, f"{page}/cancel", {"outbound": str(row["id"])})

    browser.post("/undo", content=urlencode({"sealed": notice or "", "key": uuid4().hex}), headers=FORM)
    assert {row["state"] for row in cases.rows()["outbound"]} == {"cancelled"}


@pytest.fixture
def senior(app: FastAPI, portal: BlockingPortal, token_of: Callable[[str], str]) -> AppClient:
    """A browser of an agent who may merge cases and block senders."""
    opened, token = AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": "en"}), token_of("senior")
    assert opened.post("/sign-in", data={"token": token}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303
    return opened


@pytest.mark.usefixtures("agents")
@pytest.mark.parametrize("blocks", ["", "yes"])
def test_undoing_spam_lets_the_sender_in_again(senior: AppClient, cases: Cases, blocks: str) -> None:
    for beginning in cases.beginnings:
        before = cases.begin(beginning)
        page = f"/conversations/{cases.case}"
        shown = press(senior, f"{page}/spam", {"block": blocks, "back": page})
        assert (cases.rows()["contact"][0]["blocked_at"] is not None) == bool(blocks)
        assert undo(senior, shown), beginning
        require_same(before, cases.rows(), from_=beginning)


def test_undoing_spam_leaves_a_sender_blocked_who_was_blocked_before(
    senior: AppClient, cases: Cases, database: Database
) -> None:
    cases.begin("new and unanswered")
    with database.write() as connection:
        connection.execute(sa.update(table_of(ContactRow)).values(blocked_at=cases.now, blocked_by="Ann"))
    before, page = cases.rows(), f"/conversations/{cases.case}"
    assert undo(senior, press(senior, f"{page}/spam", {"block": "yes", "back": page}))
    require_same(before, cases.rows(), from_="blocked")


@pytest.mark.usefixtures("agents")
@pytest.mark.parametrize("kind", ["merge", "merge into it", "split", "unlink"])
def test_an_undone_regrouping_leaves_both_cases_as_they_were(
    senior: AppClient, cases: Cases, database: Database, kind: str
) -> None:
    for beginning in cases.beginnings:
        cases.begin(beginning)
        with database.write() as connection:
            table = table_of(ConversationRow)
            this = sa.update(table).where(table.c.reference == cases.case)
            connection.execute(this.values(linked_to=cases.ids[cases.other]))
        before, page = cases.rows(), f"/conversations/{cases.case}"
        if kind == "split":
            message = next(row for row in before["message"] if row["text"] == "Is there any news?")
            shown = press(senior, f"{page}/split", {"message_ids": str(message["id"])})
        elif kind == "unlink":
            shown = press(senior, f"{page}/unlink", {})
        else:
            keep = cases.other if kind == "merge" else cases.case
            shown = press(senior, f"{page}/merge", {"with": cases.other, "keep": keep})
        assert cases.rows() != before
        assert undo(senior, shown), beginning
        require_same(before, cases.rows(), from_=beginning)


_PAGED: dict[str, Any] = {
    "team": "risk", "priority": "urgent", "route": "danger", "sla": "money", "labels": ["security"],
    "teams": ["risk"], "priorities": ["urgent"], "all_labels": ["security"], "reply": None,
}  # fmt: skip
_CALM = {"team": "payments", "priority": "high", "route": "money", "sla": "money", "labels": ["refund"]}


@pytest.mark.usefixtures("agents")
@pytest.mark.parametrize("verb", ["page", "deny", "confirm", "release"])
def test_a_judgement_that_is_taken_back_leaves_the_case_as_it_was(
    browser: AppClient, cases: Cases, database: Database, verb: str
) -> None:
    asked = verb in {"page", "deny"}
    for beginning in cases.beginnings:
        inbound = next(row["inbound_id"] for row in cases.begin(beginning)["message"])
        row = {"conversation_id": cases.ids[cases.case], "inbound_id": inbound, "at": cases.now - timedelta(hours=5)}
        danger = {"possible_danger": True} if asked else {"emergency": True, "team": "risk", "priority": "urgent"}
        with database.write() as connection:
            table = table_of(ConversationRow)
            connection.execute(sa.update(table).where(table.c.reference == cases.case).values(**danger))
            more = {"evidence": {}, "paged": _PAGED} | ({} if asked else {"calm": _CALM})
            insert_rows(connection, DangerQuestionRow if asked else EmergencyRow, rows=[row | more])
        before = cases.rows()
        shown = press(browser, f"/conversations/{cases.case}/judge", {"do": verb})
        assert cases.rows() != before, beginning
        assert undo(browser, shown), beginning
        require_same(before, cases.rows(), from_=beginning)
