"""Liveness, readiness and metrics."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from pathlib import Path

from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.app import create_app
from router.settings import Settings
from store.db.engine import Database
from tests.app_client import AppClient
from tests.inbox_builder import NOON, Builder
from workers.broker.embedded import EmbeddedBroker


def test_alive_asks_nothing_of_anybody(settings: Settings, portal: BlockingPortal) -> None:
    away = Database("postgresql://omniyard@127.0.0.1:1/nowhere")
    client = AppClient(create_app(settings, database=away), portal, peer="127.0.0.1", base_url="http://127.0.0.1:8080")
    assert client.get("/healthz").json() == {"status": "ok"}
    not_ready = client.get("/readyz")
    assert not_ready.status_code == 503
    assert not_ready.json()["status"] == "unavailable"
    assert "omniyard_database_up 0.0" in client.get("/metrics").text
    away.close()


def test_without_a_broker_the_desk_is_ready_but_degraded(anonymous: AppClient) -> None:
    answer = anonymous.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "database": "ok", "broker": "not started"}


def test_tables_of_another_version_are_not_ready(settings: Settings, tmp_path: Path, portal: BlockingPortal) -> None:
    empty = Database.at(tmp_path / "empty.db")
    answer = AppClient(create_app(settings, database=empty), portal).get("/readyz")
    assert answer.status_code == 503
    assert "omniyard migrate" in answer.json()["database"]
    empty.close()


def test_metrics_tell_the_desks_state_without_ids(
    app: FastAPI, portal: BlockingPortal, client: AppClient, database: Database
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        conversation_id = build.conversation()
        build.message(conversation_id, mail=b"hello")
        build.inbound(state="received", due_at=NOON - timedelta(hours=1))
        build.inbound(state="duplicate")
        build.quarantined()
        build.outbound(conversation_id, state="unknown")
        build.polled("support-mail", error="the server refused the password", waiting=7)
    client.get(f"/api/v1/conversations/{conversation_id}")
    text = AppClient(app, portal, peer="127.0.0.1", base_url="http://127.0.0.1").get("/metrics").text
    for line in (
        'omniyard_rows{state="routed",table="inbound"} 2.0',
        'omniyard_rows{state="received",table="inbound"} 1.0',
        'omniyard_rows{state="unknown",table="outbound"} 1.0',
        'omniyard_inbound_accepted_total{channel="support-mail"} 5.0',
        'omniyard_inbound_duplicates_total{channel="support-mail"} 1.0',
        "omniyard_dead_rows 1.0",
        "omniyard_outbox_unknown_rows 1.0",
        # The conversation's first row has no message, which is what this number is there to find.
        "omniyard_ledger_imbalance 1.0",
        'omniyard_channel_failing{channel="support-mail"} 1.0',
        'omniyard_mailbox_waiting{channel="support-mail"} 7.0',
        'omniyard_poll_last_success_timestamp_seconds{channel="support-mail"}',
        'omniyard_http_requests_total{method="GET",route="/api/v1/conversations/{key}",status="200"} 1.0',
        "omniyard_database_up 1.0",
        "omniyard_clock_offset_seconds",
        'omniyard_build_info{version="0.1.0"} 1.0',
    ):
        assert line in text, line
    assert re.search(r"^omniyard_oldest_due_seconds [1-9]", text, re.MULTILINE)
    assert not re.search(r"@|[0-9a-f]{8}-[0-9a-f]{4}", text)


def test_metrics_are_for_this_machine_or_for_a_token(
    app: FastAPI, portal: BlockingPortal, client: AppClient, anonymous: AppClient
) -> None:
    assert anonymous.get("/metrics").status_code == 401
    assert client.get("/metrics").status_code == 200
    neighbour = AppClient(app, portal, peer="::1", base_url="http://[::1]:8080")
    assert neighbour.get("/metrics").status_code == 200
    # A proxy on this machine forwards a request from another.
    assert neighbour.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401


def test_channels_tell_how_they_fare_and_whether_the_books_balance(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.polled("support-mail", waiting=0)
        build.quarantined(channel="gone-mail")
    shown = client.get("/api/v1/channels").json()
    assert shown["balanced"] is True
    assert [(c["name"], c["kind"], c["enabled"], c["quarantined"]) for c in shown["channels"]] == [
        ("support-mail", "smtp", True, 0),
        ("gone-mail", None, False, 1),
    ]
    assert shown["channels"][0]["polled_at"] == "2026-11-20T04:00:00Z"


def test_with_a_broker_the_desk_is_ready(settings: Settings, anonymous: AppClient) -> None:
    broker = EmbeddedBroker(Path(settings.omniyard.data))
    process = subprocess.Popen(broker.prepare(), stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        broker.wait_until_ready(60)
        assert anonymous.get("/readyz").json() == {"status": "ok", "database": "ok", "broker": "ok"}
    finally:
        process.terminate()
        process.wait(60)
