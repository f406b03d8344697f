"""The quarantine over REST."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
import sqlalchemy as sa

from router.envelope import from_json
from store.db.engine import Database
from tests.app_client import AppClient
from tests.inbox_builder import Builder, mail_with_file

ROOT = "/api/v1/quarantine"


@pytest.fixture
def waiting(database: Database) -> list[str]:
    with database.write() as connection:
        build = Builder(connection)
        return [str(build.quarantined(text="my card is 4111 1111 1111 1111")) for _ in range(3)]


def test_the_quarantine_lists_what_waits_with_the_reason(client: AppClient, waiting: list[str]) -> None:
    first = client.get(ROOT, params={"limit": 2}).json()
    last = client.get(ROOT, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [entry["id"] for entry in first["messages"] + last["messages"]] == waiting[::-1]
    assert last["next_cursor"] is None
    assert first["messages"][0]["reason"] == "its reading took longer than 20 s"
    assert first["messages"][0]["subject"] == "Odd mail"


def test_what_was_never_routed_is_masked_all_the_same(client: AppClient, waiting: list[str]) -> None:
    shown = client.get(f"{ROOT}/{waiting[0]}").json()
    assert "4111" not in shown["text"]
    assert shown["text"].startswith("my card is ")


def test_a_replay_given_twice_replays_once(client: AppClient, waiting: list[str]) -> None:
    order = {"ids": waiting[:2]}
    assert sorted(client.post(f"{ROOT}/replay", json=order).json()["replayed"]) == waiting[:2]
    assert client.post(f"{ROOT}/replay", json=order).json()["replayed"] == []
    assert [entry["id"] for entry in client.get(ROOT).json()["messages"]] == waiting[2:]


@pytest.mark.parametrize("reason", ["", "   ", None])
def test_a_discard_without_a_reason_is_refused(client: AppClient, waiting: list[str], reason: str | None) -> None:
    body = {} if reason is None else {"reason": reason}
    answer = client.post(f"{ROOT}/{waiting[0]}/discard", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "body.reason"


def test_a_discarded_message_is_kept_with_its_reason(client: AppClient, waiting: list[str]) -> None:
    answer = client.post(f"{ROOT}/{waiting[0]}/discard", json={"reason": "advertising"})
    assert answer.json()["reason"].endswith("discarded by the admin: advertising")
    assert client.post(f"{ROOT}/{waiting[0]}/discard", json={"reason": "again"}).status_code == 409
    assert [e["id"] for e in client.get(ROOT, params={"discarded": True}).json()["messages"]] == [waiting[0]]
    assert client.post(f"{ROOT}/replay", json={"ids": [waiting[0]]}).json()["replayed"] == [waiting[0]]


def test_unknown_fields_are_refused(client: AppClient, waiting: list[str]) -> None:
    answer = client.post(f"{ROOT}/{waiting[0]}/discard", json={"reason": "x", "state": "routed"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "body.state"


def test_what_is_not_in_quarantine_is_not_found(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        routed = Builder(connection).inbound()
    assert client.get(f"{ROOT}/{routed}").status_code == 404
    assert client.post(f"{ROOT}/{uuid4()}/discard", json={"reason": "x"}).status_code == 404
    assert client.post(f"{ROOT}/replay", json={"ids": [str(routed)]}).json()["replayed"] == []


@pytest.mark.parametrize(
    ("role", "replays", "discards"),
    [("viewer", 403, 403), ("agent", 403, 403), ("senior", 200, 403), ("supervisor", 200, 200), ("auditor", 403, 403)],
)
def test_roles_decide_who_may_replay_and_discard(
    client_of: Callable[[str], AppClient], waiting: list[str], role: str, replays: int, discards: int
) -> None:
    client = client_of(role)
    assert client.post(f"{ROOT}/replay", json={"ids": [waiting[0]]}).status_code == replays
    assert client.post(f"{ROOT}/{waiting[1]}/discard", json={"reason": "x"}).status_code == discards


def test_a_replay_reads_the_original_again_and_keeps_what_is_still_unreadable(
    client: AppClient, database: Database
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        readable = build.quarantined(mail=mail_with_file(), subject="a stub of a subject")
        bodiless = build.quarantined(mail=b"")
    answer = client.post(f"{ROOT}/replay", json={"ids": [str(readable), str(bodiless)]}).json()
    assert answer["replayed"] == [str(readable)]
    assert answer["unreadable"] == [{"id": str(bodiless), "why": "its channel never gave us its bytes"}]
    with database.read() as connection:
        envelope = connection.execute(sa.text("SELECT envelope FROM inbound WHERE state = 'received'")).scalar_one()
    assert from_json(envelope).subject == "Payment failed"
