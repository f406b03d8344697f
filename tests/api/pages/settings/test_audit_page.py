"""The audit page says in plain sentences who did what, for every kind of row that the code can write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.app import create_app
from api.http.authentication import AccessRule
from api.paths import API
from api.text.phrases import WORDS
from api.text.terms.request_names import REQUEST_NAMES
from router.event_kinds import EventKind
from router.settings import Settings
from store.db.engine import Database
from store.desk.audit import AuditAction, AuditEntry, append_audit, is_anything_unsealed, seal
from tests.api.pages.spoken_words import english_of
from tests.app_client import AppClient
from tests.inbox_builder import NOON, Builder
from workers.chores.publish_events import Publisher, seal_step

KINDS = sorted({*AuditAction, *EventKind})
CASE = "K7QF2MXD4"


def _asks_who(dependant: Dependant) -> bool:
    return isinstance(dependant.call, AccessRule) or any(_asks_who(each) for each in dependant.dependencies)


def _all(routes: list[Any]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from _all(route.original_router.routes)


def requests_of_agents(app: FastAPI) -> set[str]:
    """Return method and route of every request that a known agent can make: each leaves a row."""
    guarded = (route for route in _all(app.router.routes) if _asks_who(route.dependant))
    return {f"{method} {route.path.removeprefix(API)}" for route in guarded for method in route.methods}


def test_every_kind_of_row_has_words() -> None:
    assert {kind for kind in KINDS if f"audit_{kind}" not in WORDS} == set()


def test_no_words_are_for_a_kind_that_there_is_not() -> None:
    said = {key.removeprefix("audit_").partition("/")[0] for key in WORDS if re.match(r"audit_\w+\.", key)}
    assert {kind.removeprefix("kind_") for kind in said} - set(KINDS) == set()


def test_every_request_of_an_agent_has_words_in_both_languages(settings: Settings, database: Database) -> None:
    asked = requests_of_agents(create_app(settings, database=database))
    assert len(asked) > 100
    assert asked ^ REQUEST_NAMES.keys() == set()
    holes = re.compile(r"\{\w+\}")
    for request, (english, chinese) in REQUEST_NAMES.items():
        assert english.strip()
        assert chinese.strip()
        assert set(holes.findall(english)) == set(holes.findall(chinese)) <= set(holes.findall(request)), request


@pytest.fixture
def trail(database: Database) -> dict[str, UUID]:
    """A row of every kind, with the values that its sentences name."""
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(reference=CASE, name="李明")
        other = build.conversation(reference="P3NW8KRT2", name="赵敏", handle="zhao@example.com")
        message = build.message(case)
        ids = {"case": case, "other": other, "message": message}
        detail = {
            "assignee": "李雷", "team": "payments", "category": "refund", "priority": "high", "from": "normal",
            "to": "resolved", "labels": "退款, 加急", "until": "2026-11-20T04:00:00+00:00", "role": "agent",
            "address": "203.0.113.7", "why": "已核实", "reason": "客户要求", "agent": "李雷", "resealed": "12",
            "answer": "退款多久到账", "into": str(other), "rows": "3",
        }  # fmt: skip
        regrouped = {kind for kind in KINDS if "merged" in kind or "split" in kind or "unlinked" in kind}
        rows = [
            AuditEntry(
                at=NOON,
                actor="王芳",
                action=kind,  # type: ignore[arg-type]  # a copied event has its own kind
                object=str(case),
                detail=detail | ({"from": str(case)} if kind in regrouped or "parted" in kind else {}),
            )
            for kind in KINDS
            if not kind.startswith("request.")
        ]
        append_audit(connection, rows)
        while seal(connection):
            pass
    return ids


def sentences(page: str) -> dict[str, str]:
    """Return the sentences of a page by the kind of their row."""
    line = r"<p>(.+?)</p>\s*<details>.+?<dt><code>action</code></dt><dd><code>(.+?)</code>"
    line = r"<p>(.+?)</p>\s*<details>.+?<dt><code>action</code></dt><dd><code>(.+?)</code>"
    lines = re.findall(line, page, re.DOTALL)
    return {kind: unescape(re.sub(r"<[^>]+>", "", said)) for said, kind in lines}


def test_rows_are_sentences_in_both_languages(
    client_of: Callable[[str], AppClient], trail: dict[str, UUID], app: FastAPI
) -> None:
    del app
    auditor = client_of("auditor")
    said: dict[str, dict[str, str]] = {}
    for language in ("zh", "en"):
        found, before = {}, ""
        while page := auditor.get(f"/settings/audit?language={language}{before}", headers={"Accept": "text/html"}).text:
            found |= sentences(page)
            older = re.search(r"before=(\d+)", page.partition('class="pager"')[2])
            if not older:
                break
            before = f"&before={older[1]}"
        said[language] = found
    expected = {kind for kind in KINDS if not kind.startswith("request.")}
    assert expected - said["zh"].keys() == expected - said["en"].keys() == set()
    for kind in expected:
        assert not re.search(r"[{}]|None|（无）|\(none\)", said["zh"][kind] + said["en"][kind]), kind
        assert english_of(said["zh"][kind]) <= {"payments", "Payments"}, kind
        assert kind not in said["en"][kind]
    assert said["zh"]["conversation.assigned"] == f"王芳 把 #{CASE} 分给了 李雷"
    assert said["en"]["conversation.assigned"] == f"王芳 gave #{CASE} to 李雷"
    assert said["zh"]["conversation.merged"] == f"王芳 把 #{CASE} 并入了 #P3NW8KRT2"
    assert said["zh"]["conversation.status_changed"] == f"王芳 解决了 #{CASE}"


def test_a_case_marked_as_none_of_ours_is_said(client_of: Callable[[str], AppClient], database: Database) -> None:
    with database.write() as connection:
        case = Builder(connection).conversation(reference=CASE)
        detail: dict[str, Any] = {"category": None, "from": "refund"}
        kind = EventKind.CONVERSATION_RECATEGORISED
        append_audit(connection, [AuditEntry(at=NOON, actor="王芳", action=kind, object=str(case), detail=detail)])  # type: ignore[arg-type]
        while seal(connection):
            pass
    page = client_of("auditor").get("/settings/audit?language=zh", headers={"Accept": "text/html"}).text
    assert sentences(page)[kind] == f"王芳 把 #{CASE} 标为不属于业务范围"


def test_who_looked_at_a_customer_or_was_refused_is_said(
    app: FastAPI, client_of: Callable[[str], AppClient], database: Database
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.conversation(reference=CASE, name="李明", handle="li.ming@example.com")
        contact = build.contact("li.ming@example.com")
    agent, auditor = client_of("agent"), client_of("auditor")
    agent.get(f"{API}/contacts/{contact}")
    agent.get(f"{API}/conversations")
    agent.get(f"{API}/audit")
    agent.patch(f"{API}/conversations/{CASE}", json={"priority": "high"})
    app.state.desk.trail.flush()
    with database.write() as connection:
        while seal(connection):
            pass
    page = auditor.get("/settings/audit?language=zh&actor=the+agent&looks=true", headers={"Accept": "text/html"}).text
    said = [unescape(re.sub(r"<[^>]+>", "", each)) for each in re.findall(r"<p>(<a class=\"name\".+?)</p>", page)]
    assert f'<a href="/people/{contact}">李明</a>' in page
    assert "the agent 查看了客户 李明" in said
    assert "the agent 查看了会话列表（显示 1 条）" in said
    assert "the agent 尝试查看操作审计，被拒绝：没有权限" in said
    assert f"the agent 提交操作：修改会话 #{CASE}" in said
    # The filter finds a case by its reference in the rows that hold its id, and the record stays one press away.
    found = auditor.get(f"/settings/audit?language=zh&about=%23{CASE}", headers={"Accept": "text/html"}).text
    assert f'修改会话 <a href="/conversations/{CASE}">#{CASE}</a>' in found
    assert "<dt><code>route</code></dt><dd><code>/api/v1/conversations/{key}</code></dd>" in found
    assert '<option value="conversation.assigned">把 … 分给了 …</option>' in found


def test_a_page_shows_each_deed_once_and_looks_on_request(
    browser: AppClient, client_of: Callable[[str], AppClient], app: FastAPI, database: Database
) -> None:
    # Given an agent who opens pages, watches the desk, goes on duty, and takes a case
    with database.write() as connection:
        Builder(connection).conversation(reference=CASE)
    same = {"Sec-Fetch-Site": "same-origin"}
    page = browser.get(f"/conversations/{CASE}").text
    fields = {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("version", "key")}  # type: ignore[index]
    browser.post("/settings/duty", data={"available": "true"}, headers=same)
    browser.post(f"/conversations/{CASE}/change", data={"do": "take", **fields}, headers=same)
    browser.post("/notices/read", headers=same)
    app.state.desk.trail.flush()
    publisher = Publisher(database, takeover=timedelta(seconds=5), steps=(seal_step,), is_due=(is_anything_unsealed,))
    while publisher.once():
        pass
    # When an auditor looks
    auditor = client_of("auditor")
    said = {}
    for looks in ("", "&looks=true"):
        found = auditor.get(f"/settings/audit?language=en&actor=the+agent{looks}", headers={"Accept": "text/html"}).text
        lines = re.findall(r"<p>(<a class=\"name\".+?)</p>", found)
        said[looks] = [unescape(re.sub(r"<[^>]+>", "", each)).removeprefix("the agent ") for each in lines]
    # Then each deed is there once, in the words of what was done; what has no other row stays as it was asked for
    assert {"went on duty", f"took #{CASE}", "asked to mark their notices as read"} <= set(said[""])
    assert not any("looked at" in each or "change #" in each or "go on duty" in each for each in said[""])
    assert f"looked at the case #{CASE}" in said["&looks=true"]
    assert "asked to go on duty or away" in said["&looks=true"]
    publisher.release()
