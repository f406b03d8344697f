"""Forged mail is marked before it is opened, and what was found out about a sender survives a replay."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from router.envelope import Envelope, Party, PartyKind, from_json, to_json
from router.settings import Settings
from store.db.engine import Database
from store.inbound.quarantine import find_quarantined
from tests.api.conftest import settings_in
from tests.app_client import AppClient
from tests.inbox_builder import NOON, Builder

API = "/api/v1"
FORGED, UNVERIFIED = "forged sender", "sender not verified"
CHECKED = 'authserv_id = "mx.desk.example"'


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A desk whose mail server checks senders, unless a test asks for another."""
    return settings_in(tmp_path / "data", more=getattr(request, "param", CHECKED))


@pytest.mark.parametrize(
    ("proofs", "shown", "chips"),
    [
        (["failed"], "failed", [FORGED]),
        (["unproven"], "unproven", [UNVERIFIED]),
        (["proven"], "proven", []),
        ([""], "", []),  # of an older version
        (["proven", "failed", "unproven"], "failed", [FORGED]),  # the least that is proven
        (["proven", "unproven"], "unproven", [UNVERIFIED]),
    ],
)
def test_a_list_says_what_is_proven_of_its_senders(
    client: AppClient, browser: AppClient, database: Database, proofs: list[str], shown: str, chips: list[str]
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation()
        for proof in proofs:
            build.message(case, sender_proof=proof)
        build.message(case, direction="outgoing", inbound_id=None)
    (entry,) = client.get(f"{API}/conversations").json()["conversations"]
    assert entry["sender_proof"] == shown
    page = browser.get("/").text
    assert [each for each in (FORGED, UNVERIFIED) if each in page] == chips


@pytest.mark.parametrize("settings", [""], indirect=True)
def test_where_no_sender_is_checked_the_list_marks_forgeries_alone(browser: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(), sender_proof="unproven")
    assert UNVERIFIED not in browser.get("/").text
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE message SET sender_proof = 'failed'")
    assert FORGED in browser.get("/").text


def test_a_replay_keeps_the_finding_of_our_own_check(client: AppClient, database: Database) -> None:
    mail = b"From: ann@customer.example\r\nSubject: odd\r\n\r\nodd\r\n"
    stored = Envelope(
        channel="support-mail", source_key="7:1", sender=Party(PartyKind.EMAIL, "ann@customer.example"),
        received_at=NOON, subject="odd", signed_by=("customer.example",),
    )  # fmt: skip
    with database.write() as connection:
        waiting = Builder(connection).quarantined(mail=mail, envelope=to_json(stored).decode())
    assert client.post(f"{API}/quarantine/replay", json={"ids": [str(waiting)]}).json()["replayed"] == [str(waiting)]
    assert _envelope(database, waiting).signed_by == ("customer.example",)
    assert _envelope(database, waiting).text.strip() == "odd"


def _envelope(database: Database, inbound_id: UUID) -> Envelope:
    with database.write() as connection:
        # A replayed message is in quarantine no more; put it back to read it.
        connection.exec_driver_sql("UPDATE inbound SET state = 'quarantined'")
        return from_json(find_quarantined(connection, inbound_id).envelope)
