"""All errors have one format, and reveal nothing that the caller may not know."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.app import create_app
from router.settings import Settings
from store.db.engine import Database
from tests.app_client import AppClient, started

FIELDS = {"type", "title", "status", "detail", "instance", "request_id"}


def check(answer: Any, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert FIELDS <= problem.keys() <= FIELDS | {"errors"}
    assert problem["type"] == f"urn:omniyard:problem:{slug}"
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    return problem


def test_every_error_has_one_shape(client: AppClient, anonymous: AppClient) -> None:
    check(anonymous.get("/api/v1/conversations"), 401, "unauthenticated")
    check(client.get("/api/v1/nowhere"), 404, "not-found")
    check(client.get("/nowhere"), 404, "not-found")
    check(client.get("/static/nowhere"), 404, "not-found")
    check(client.delete("/api/v1/conversations"), 405, "method-not-allowed")
    check(client.get("/api/v1/conversations?limit=x"), 422, "invalid")
    check(client.post("/api/v1/quarantine/replay", content=b"{"), 422, "invalid")
    check(client.post("/api/v1/quarantine/replay", content=b"x" * 70_000), 413, "too-large")
    check(client.post("/api/v1/quarantine/replay", headers={"Transfer-Encoding": "chunked"}), 411, "length-required")
    check(client.get("/api/v1/messages/nonsense"), 422, "invalid")


def test_an_invalid_value_is_not_repeated(client: AppClient) -> None:
    problem = check(client.get("/api/v1/conversations?limit=4111111111111111x"), 422, "invalid")
    assert "4111" not in str(problem)


def test_a_fault_of_ours_shows_an_id_and_no_stack(
    app: FastAPI, portal: BlockingPortal, client: AppClient, capsys: pytest.CaptureFixture[str]
) -> None:
    @app.get("/api/v1/faulty")
    def faulty() -> None:
        raise RuntimeError("the customer wrote: secret words")

    problem = check(client.get("/api/v1/faulty", headers={"X-Request-Id": "my-request-1"}), 500, "internal")
    assert problem["request_id"] == "my-request-1"
    assert "secret words" not in str(problem)
    assert "my-request-1" in capsys.readouterr().out


def test_an_id_of_the_caller_is_taken_only_if_it_is_one(client: AppClient) -> None:
    for given in ("x", "a b c d e f g h", "<script>alert(1)</script>", "x" * 100):
        assert client.get("/healthz", headers={"X-Request-Id": given}).headers["x-request-id"] != given


def test_a_database_that_is_away_is_unavailable_and_says_when_to_come_back(
    settings: Settings, portal: BlockingPortal, client: AppClient
) -> None:
    away = Database("postgresql://omniyard@127.0.0.1:1/nowhere")
    with started(create_app(settings, database=away), portal) as app:
        answer = AppClient(app, portal, headers=dict(client.headers)).get("/api/v1/conversations")
    check(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    away.close()


def test_a_statement_that_fails_shows_no_sql(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.text("DROP VIEW inbox_messages"))
        connection.execute(sa.text("DROP VIEW inbox_conversations"))
        connection.execute(sa.text("ALTER TABLE message RENAME TO elsewhere"))
    answer = client.get("/api/v1/messages/019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01")
    assert answer.status_code in {500, 503}
    assert "SELECT" not in answer.text
    assert "FROM" not in answer.text


def test_every_answer_carries_the_safe_headers(client: AppClient, browser: AppClient) -> None:
    for answer in (
        client.get("/api/v1/conversations"),
        client.get("/nowhere"),
        browser.get("/"),
        client.get("/healthz"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'none'" in policy


def test_a_browser_gets_errors_as_pages_and_an_anonymous_one_is_sent_to_sign_in(
    browser: AppClient, anonymous: AppClient
) -> None:
    missing = browser.get("/conversations/ZZZZZZZZZ")
    assert missing.status_code == 404
    assert missing.headers["content-type"].startswith("text/html")
    assert "there is no conversation with that id" in missing.text
    sent = anonymous.get("/?status=open", headers={"Accept": "text/html"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?next=%2F%3Fstatus%3Dopen")
