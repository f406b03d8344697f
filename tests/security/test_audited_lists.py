"""The audit trail knows of every list and search, of sign-ins, sign-outs and refusals; and it does not slow them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy import event

from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.operations import AuditRow
from tests.app_client import AppClient
from tests.inbox_builder import Builder

API = "/api/v1"
SAME = {"Sec-Fetch-Site": "same-origin"}
# Without an agent, or without an end.
_LEFT_OUT = (
    "/healthz",
    "/readyz",
    "/sign-in",
    "/contact",
    "/case/",
    "/help",
    "/webhooks/",
    "/voice/",
    f"{API}/events/stream",
    "/desk/stream",
    # Where a desk has a chat or a hotline.
    "/chat",
    "/calls",
    "/answer/",
)
# What these show is no list of rows, or the desk's own texts.
_NUMBERS = {
    "/metrics",
    "/supervisor",
    f"{API}/conversations/counts",
    "/desk/new",
    "/ready-texts",
    "/signatures",
    "/settings/hours",
}


@pytest.fixture
def written(app: FastAPI, database: Database) -> Callable[[], list[dict[str, Any]]]:
    def rows() -> list[dict[str, Any]]:
        app.state.desk.trail.flush()
        table = table_of(AuditRow)
        with database.read() as connection:
            found = connection.execute(sa.select(table).order_by(table.c.at, table.c.id)).mappings()
            return [dict(row) for row in found]

    return rows


@pytest.fixture
def one_case(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(handle="li@example.com"), text="a parcel")


def lists(app: FastAPI) -> Iterator[str]:
    for context in iter_route_contexts(app.routes):
        path = str(context.path)
        is_read = isinstance(context.original_route, APIRoute) and "GET" in (context.methods or ())
        if is_read and "{" not in path and not path.startswith(_LEFT_OUT):
            yield path


def test_every_list_of_the_application_has_its_route_and_number_of_rows(
    app: FastAPI, client: AppClient, written: Callable[[], list[dict[str, Any]]], one_case: None
) -> None:
    asked = {f"{API}/search": {"q": "parcel"}, f"{API}/contacts": {"handle": "li@example.com"}}
    paths = sorted(lists(app))
    for path in paths:
        assert client.get(path, params=asked.get(path)).status_code == 200, path
    found = {row["detail"]["route"]: row for row in written()}
    assert sorted(found) == paths
    for path, row in found.items():
        assert row["action"] == "request.listed"
        assert ("rows" in row["detail"]) != (path in _NUMBERS), path
    assert {found[path]["detail"]["rows"] for path in ("/", f"{API}/conversations", *asked)} == {"1"}


def test_what_was_searched_is_known_by_who_has_the_words_and_the_key_alone(
    client: AppClient, written: Callable[[], list[dict[str, Any]]], one_case: None
) -> None:
    urls = ["q=13800138000&limit=5", "limit=9&q=13800138000", "q=13800138001", "q=parcel"]
    for url in urls:
        assert client.get(f"{API}/search?{url}").status_code == 200
    rows = written()
    hashes = [row["detail"]["query"] for row in rows]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
    assert "13800138" not in json.dumps([row["detail"] for row in rows])


def test_the_same_look_is_written_once_and_another_page_again(
    client: AppClient, written: Callable[[], list[dict[str, Any]]], database: Database
) -> None:
    for _ in range(5):
        client.get(f"{API}/conversations", params={"limit": 1})
    assert len(written()) == 1
    with database.write() as connection:
        build = Builder(connection)
        for number in range(2):
            build.message(build.conversation(handle=f"c{number}@example.com"))
    page = client.get(f"{API}/conversations", params={"limit": 1}).json()
    client.get(f"{API}/conversations", params={"limit": 1, "cursor": page["next_cursor"]})
    assert [row["detail"]["rows"] for row in written()] == ["0", "1", "1"]


def test_a_list_waits_for_no_row_of_the_trail(app: FastAPI, client: AppClient, database: Database) -> None:
    client.get(f"{API}/conversations")
    app.state.desk.trail.close()
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    for limit in range(2, 12):
        assert client.get(f"{API}/conversations", params={"limit": limit}).status_code == 200
    assert not [each for each in statements if "audit" in each]


def test_sessions_begin_end_and_are_refused_in_the_trail(
    anonymous: AppClient, token_of: Callable[[str], str], written: Callable[[], list[dict[str, Any]]]
) -> None:
    token = token_of("agent")
    wrong = token[:-1] + ("x" if token[-1] != "x" else "y")
    for tried in (wrong, wrong, token):
        anonymous.post("/sign-in", data={"token": tried}, headers=SAME)
    anonymous.post("/sign-out", headers=SAME)
    anonymous.get(f"{API}/conversations", headers={"Authorization": f"Bearer {wrong}"})
    rows = written()
    said = [(row["action"], row["actor"]) for row in rows]
    began, ended = ("session.began", "the agent"), ("session.ended", "the agent")
    assert said == [("session.refused", "unknown"), began, ended, ("request.refused", "unknown")]
    assert {row["detail"]["address"] for row in rows} == {"203.0.113.7"}
    assert rows[0]["object"] == rows[3]["object"] == str(rows[1]["actor_id"])
    assert token.rpartition("_")[2][:-1] not in json.dumps([row["detail"] for row in rows])


def test_attempts_without_end_are_marked_as_such(
    anonymous: AppClient, written: Callable[[], list[dict[str, Any]]]
) -> None:
    for _ in range(15):
        anonymous.post("/sign-in", data={"token": "oy_x"}, headers=SAME)
    assert [row["detail"]["why"] for row in written()] == ["token", "too often"]
