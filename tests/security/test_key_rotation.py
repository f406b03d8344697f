"""Keys change without losing a message: the newest seals, all open; a row that cannot be opened hides no other."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal, start_blocking_portal
from typer.testing import CliRunner

from api.app import create_app
from cli.main import application
from connectors.base import Batch, RawMessage
from connectors.originals import unpack
from router.envelope import from_json
from router.errors import ConfigError
from router.settings import Settings, read_settings
from store.conversations.traces import find_traced
from store.db.bulk import table_of
from store.db.encryption import Sealer
from store.db.engine import Database
from store.db.open import open_database, open_sealer
from store.desk.agents import add_agent
from store.inbound.quarantine import find_quarantined_original, list_quarantined
from store.inbound.reseal import count_seals, reseal
from store.tables.messages import InboundRow, OriginalRow
from tests.app_client import AppClient, started
from tests.desk import text_in
from tests.mail_reader import LentReader
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake

pytest.importorskip("cryptography")
MAIL = b"From: Ann <ann@customer.example>\r\nSubject: my card 4111 1111 1111 1111\r\n\r\nHelp.\r\n"


class SealedDesk:
    """A desk with its own data folder, on either kind of database; `omniyard` runs on it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.config = folder / "channels.toml"
        self.configure()

    def configure(self, more: str = "") -> None:
        text = text_in(self.folder / "data")
        self.config.write_text(text.replace("[omniyard]", f'[omniyard]\ndatabase = "env:KEY_TEST_DB"\n{more}', 1))

    @property
    def settings(self) -> Settings:
        return read_settings(self.config.read_text())

    def open(self) -> Database:
        """Open the database as a process does that starts now."""
        return open_database(self.settings)

    def receive(self, *keys: str) -> None:
        database = self.open()
        intake = Intake(database, bell=Bell(lambda: None), new_guard=LentReader)
        at = datetime(2026, 11, 2, tzinfo=UTC)
        raw = [RawMessage(source_key=key, content=MAIL, received_at=at) for key in keys]
        intake.take(Batch(channel="mail", messages=raw, cursor=None))
        intake.close()
        with database.write() as connection:
            connection.execute(sa.update(table_of(InboundRow)).values(state="quarantined", reason="odd"))
        database.close()

    def run(self, *words: str, code: int | None = 0) -> str:
        result = CliRunner().invoke(application(), [*words, "--config", str(self.config)])
        assert code is None or result.exit_code == code, result.output
        return result.output

    def list_keys(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("key", "list", "--json"))
        return found

    def subjects(self, database: Database) -> dict[str, str]:
        with database.read() as connection:
            rows = list_quarantined(connection, limit=200)
            originals = [find_quarantined_original(connection, row.id) for row in rows if not row.shut]
        assert all(unpack(original.content, size=original.size) == MAIL for original in originals)
        return {row.source_key: from_json(row.envelope).subject for row in rows}


@pytest.fixture
def desk(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> SealedDesk:
    monkeypatch.setenv("KEY_TEST_DB", database_url)
    return SealedDesk(tmp_path, database_url)


def opened(desk: SealedDesk) -> Iterator[Database]:
    database = desk.open()
    yield database
    database.close()


@pytest.fixture
def running(desk: SealedDesk) -> Iterator[Database]:
    """A process that started before the keys change."""
    yield from opened(desk)


def test_a_new_key_seals_and_both_open_in_new_and_in_running_processes(desk: SealedDesk, running: Database) -> None:
    # Given a message under the first key, read by a process that runs
    desk.receive("first")
    assert len(desk.subjects(running)) == 1
    # When a new key is made and another message comes in
    desk.run("key", "rotate")
    desk.receive("second")
    # Then each key sealed one of them, and both processes read both
    keys = desk.list_keys()
    assert [(key["use"], key["messages"], key["originals"]) for key in keys] == [
        ("seals and opens", 1, 1),
        ("opens", 1, 1),
    ]
    new = desk.open()
    running.sealer._loaded_at -= 60
    for process in (new, running):
        assert set(desk.subjects(process)) == {"first", "second"}
        assert "4111" in desk.subjects(process)["first"]
    new.close()


def test_everything_is_sealed_again_and_the_old_key_may_go(desk: SealedDesk) -> None:
    # Given messages under two keys, and one from before anything was sealed
    desk.receive("first")
    desk.run("key", "rotate")
    desk.receive("second")
    unsealed = Database(desk.url)
    sealed = desk.open()
    with unsealed.write() as connection, sealed.read():
        ids = list(connection.execute(sa.select(table_of(InboundRow).c.id)).scalars())
        text = connection.execute(sa.select(table_of(InboundRow).c.envelope)).scalars().first()
        connection.execute(
            sa.update(table_of(InboundRow))
            .where(table_of(InboundRow).c.id == ids[-1])
            .values(envelope=sealed.sealer.open_text(text or ""))
        )
    unsealed.close()
    sealed.close()
    # When all is sealed again
    output = json.loads(desk.run("key", "reseal", "--json"))
    # Then nothing needs the old key, which is still there
    assert (output["seen"], output["shut"]) == (4, {})
    assert 1 <= output["resealed"] <= 3
    assert [(key["use"], key["messages"], key["originals"]) for key in desk.list_keys()] == [
        ("seals and opens", 2, 2),
        ("opens", 0, 0),
    ]
    # And a second run has nothing to do
    assert json.loads(desk.run("key", "reseal", "--json"))["resealed"] == 0
    # And without the old key everything is read
    Path(desk.list_keys()[1]["where"]).unlink()
    new = desk.open()
    assert len(desk.subjects(new)) == 2
    new.close()


def test_a_run_that_was_ended_goes_on_where_it_stopped(desk: SealedDesk) -> None:
    desk.receive(*(str(number) for number in range(120)))
    desk.run("key", "rotate")
    database = desk.open()
    steps = reseal(database)
    assert next(steps).resealed == 50
    steps.close()
    assert json.loads(desk.run("key", "reseal", "--json"))["resealed"] == 190
    count = count_seals(database)
    assert (len(count.envelopes), len(count.originals)) == (1, 1)
    assert len(desk.subjects(database)) == 120
    database.close()


def test_a_configured_key_is_changed_in_the_file_and_the_made_one_still_opens(
    desk: SealedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a message under the key that was made, then one under each of two configured keys
    desk.receive("made")
    for name in ("ONE", "TWO"):
        monkeypatch.setenv(name, secrets.token_hex(20))
    desk.configure('key = "env:ONE"')
    desk.receive("one")
    desk.configure('key = "env:TWO"\nold_keys = ["env:ONE"]')
    desk.receive("two")
    # Then all are read, and the list says where each key is
    database = desk.open()
    assert set(desk.subjects(database)) == {"made", "one", "two"}
    assert [(key["messages"], key["where"]) for key in desk.list_keys()] == [
        (1, "Secret(env:TWO)"),
        (1, "Secret(env:ONE)"),
        (1, str(desk.folder / "data" / "desk.key")),
    ]
    database.close()
    # And no other key is made beside a configured one
    with pytest.raises(ConfigError, match="old_keys"):
        CliRunner().invoke(
            application(), ["--debug", "key", "rotate", "--config", str(desk.config)], catch_exceptions=False
        )


def test_an_old_key_that_is_too_short_is_an_error(desk: SealedDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "short")
    desk.configure('old_keys = ["env:ONE"]')
    with pytest.raises(ConfigError, match="old_keys is too short"):
        open_sealer(desk.settings).names()


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as started:
        yield started


def spoil(desk: SealedDesk, damage: Callable[[Database], str]) -> None:
    database = desk.open()
    table = table_of(InboundRow)
    with database.write() as connection:
        text = damage(database)
        connection.execute(sa.update(table).where(table.c.source_key == "2").values(envelope=text))
    database.close()


DAMAGES = {
    "another key": lambda _: Sealer(lambda: b"o" * 32).seal_text("{}"),
    "changed": lambda database: database.sealer.seal_text("{}")[:-8] + "AAAAAAA=",
    "cut off": lambda _: "sealed:AG95",
    "no base64": lambda _: "sealed:AG95MQ*",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_a_row_that_cannot_be_opened_takes_no_list_down(desk: SealedDesk, damage: str, portal: BlockingPortal) -> None:
    # Given three messages in quarantine, the second of which cannot be opened
    desk.receive("1", "2", "3")
    spoil(desk, DAMAGES[damage])
    database = desk.open()
    with database.write() as connection:
        token = add_agent(connection, name="Ann", role="admin")[1]
    app = create_app(desk.settings, database=database)
    # When they are listed by the API, the batch and the command
    with started(app, portal):
        client = AppClient(app, portal, headers={"Authorization": f"Bearer {token}"})
        answer = client.get("/api/v1/quarantine")
        assert answer.status_code == 200, answer.text
        found = {entry["source_key"]: entry for entry in answer.json()["messages"]}
        batch = client.get("/quarantine", headers={"Accept": "text/html"})
        one = client.get(f"/api/v1/quarantine/{found['2']['id']}").json()
        replayed = client.post("/api/v1/quarantine/replay", json={"ids": [each["id"] for each in found.values()]})
    # Then all three are there, one of them with the reason
    assert {key: bool(entry["shut"]) for key, entry in found.items()} == {"1": False, "2": True, "3": False}
    assert found["1"]["sender_handle"] == "ann@customer.example"
    assert found["2"]["shut"] == one["shut"]
    assert batch.status_code == 200
    assert "It cannot be opened" in batch.text
    # And an order for all of them moves those that can be opened
    assert len(replayed.json()["replayed"]) == 2
    assert [each["id"] for each in replayed.json()["unreadable"]] == [found["2"]["id"]]
    assert "sealed" in desk.run("quarantine", "list")
    with database.read() as connection:
        (traced,) = find_traced(connection, found["2"]["id"])
    assert (traced.envelope, bool(traced.shut)) == ("", True)
    database.close()
    # And sealing again names it and leaves it as it was
    output = json.loads(desk.run("key", "reseal", "--json", code=1 if damage == "another key" else None))
    assert set(output["shut"]) <= {found["2"]["id"]}


def test_a_lost_original_is_reported_and_the_others_are_sealed(desk: SealedDesk) -> None:
    desk.receive("1", "2")
    database, table = desk.open(), table_of(OriginalRow)
    with database.write() as connection:
        lost = connection.execute(sa.select(table.c.inbound_id)).scalars().first()
        foreign = Sealer(lambda: b"o" * 32).seal(b"x")
        connection.execute(sa.update(table).where(table.c.inbound_id == lost).values(content=foreign))
    database.close()
    desk.run("key", "rotate")
    output = json.loads(desk.run("key", "reseal", "--json", code=1))
    assert output["resealed"] == 3
    assert list(output["shut"]) == [str(lost)]
    assert [key["use"] for key in desk.list_keys()] == ["seals and opens", "opens", "missing"]
