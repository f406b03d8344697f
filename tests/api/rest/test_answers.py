"""Answers over REST: what fits, an answer called wrong, phrasings that a senior approves, and gaps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from api.http.permissions import Role
from router.settings import Settings, read_settings
from store.contacts.erasure import erase_contact
from store.db.bulk import insert_rows, table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.desk.phrasings import note_gap
from store.tables.self_service import AnswerGapRow, AutoAnswerRow, PhrasingRow
from tests.api.conftest import TOML
from tests.app_client import AppClient
from tests.inbox_builder import NOON, Builder


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    folder = tmp_path / "faq"
    folder.mkdir()
    for name, words in {
        "when": "When does it arrive?\n> also: how long does a refund take",
        "how": "How do I ask?",
    }.items():
        (folder / f"refund--{name}.en.md").write_text(f"# {words}\n\nBody of {name}.\n", encoding="utf-8")
    text = TOML.format(data=tmp_path / "data", more="", rate=0)
    (tmp_path / "channels.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("OMNIYARD_CONFIG", str(tmp_path / "channels.toml"))
    return read_settings(text)


@pytest.fixture
def given(database: Database) -> tuple[UUID, UUID, UUID]:
    """The case, the automatic answer, and the contact."""
    with database.write() as connection:
        builder = Builder(connection)
        case = builder.conversation()
        message = builder.message(case, text="how long does a refund take")
        row = {
            "id": new_id(),
            "conversation_id": case,
            "message_id": message,
            "channel": "support-mail",
            "state": "answered",
            "answer": "refund--when",
            "asked_at": NOON,
            "due_at": NOON,
            "decided_at": NOON,
            "trace": {"why": [{"key": "gate_own"}]},
        }
        insert_rows(connection, AutoAnswerRow, rows=[row])
        return case, row["id"], builder.contact("li@example.com")


SAME = {"Sec-Fetch-Site": "same-origin"}
Client = Callable[..., AppClient]


def test_what_fits_is_listed_with_its_scores_and_what_the_machine_did(
    client_of: Client, given: tuple[UUID, UUID, UUID]
) -> None:
    found = client_of(Role.VIEWER).get(f"/api/v1/conversations/{given[0]}/answers").json()
    assert found["fits"][0]["answer"] == "refund--when"
    assert found["fits"][0]["text"] == "Body of when."
    assert found["given"][0]["trace"] == {"why": [{"key": "gate_own"}]}
    said = client_of(Role.VIEWER).post("/api/v1/answers/ask", json={"text": "unlock my account 20261103"}).json()
    assert said["outcome"] in {"refused", "nothing_found"}
    listed = client_of(Role.VIEWER).get("/api/v1/answers").json()["answers"]
    assert [row["answer"] for row in listed] == ["refund--how", "refund--when"]


@pytest.mark.parametrize("text", ["转人工", "thank you", "hello", ""])
def test_a_message_without_a_matter_is_offered_no_answers(
    client: AppClient, database: Database, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def all_of_them(*_: object, **__: object) -> list[object]:
        raise AssertionError("nothing is to be looked up")

    monkeypatch.setattr("api.services.help_pages.Answers._texts", all_of_them)
    with database.write() as connection:
        builder = Builder(connection)
        case = builder.conversation(subject="")
        builder.message(case, text=text, subject="")
    assert client.get(f"/api/v1/conversations/{case}/answers").json()["fits"] == []


def test_a_wrong_answer_becomes_a_phrasing_only_after_approval(
    client_of: Client, given: tuple[UUID, UUID, UUID]
) -> None:
    path = f"/api/v1/conversations/{given[0]}/answers/{given[1]}/wrong"
    agent, senior = client_of(Role.AGENT), client_of(Role.SENIOR)
    assert agent.post(path, json={"should": "refund--unknown"}).status_code == 422
    assert agent.post(path, json={"should": "refund--how"}).status_code == 204
    (proposed,) = agent.get("/api/v1/answers/phrasings").json()["phrasings"]
    assert (proposed["answer"], proposed["text"]) == ("refund--how", "how long does a refund take")
    decide = f"/api/v1/answers/phrasings/{proposed['id']}"
    assert agent.post(decide, json={"approve": True}).status_code == 403
    assert senior.post(decide, json={"approve": True}).status_code == 204
    assert senior.post(decide, json={"approve": True}).status_code == 409


def test_gaps_are_grouped_and_go_with_their_contact(
    client_of: Client, database: Database, given: tuple[UUID, UUID, UUID]
) -> None:
    with database.write() as connection:
        for text in ("do you pay interest", "do you pay interest?", "zebra"):
            note_gap(connection, text=text, place="message", language="en", now=NOON, conversation_id=given[0])
    groups = client_of(Role.VIEWER).get("/api/v1/answers/gaps?days=365").json()["gaps"]
    assert [group["count"] for group in groups] == [2, 1]
    with database.write() as connection:
        erase_contact(connection, given[2], by="Ann", reason="asked", now=NOON)
    with database.read() as connection:
        assert connection.execute(sa.select(table_of(AnswerGapRow).c.id)).all() == []
        assert connection.execute(sa.select(table_of(PhrasingRow).c.id)).all() == []
        assert connection.execute(sa.select(table_of(AutoAnswerRow).c.trace)).scalar_one() is None


def test_an_agent_inserts_what_fits_and_calls_an_answer_wrong_without_a_script(
    browser: AppClient, given: tuple[UUID, UUID, UUID]
) -> None:
    path = f"/conversations/{given[0]}"
    quiet = browser.get(f"{path}?language=en").text
    assert "fits=1" in quiet, "the first look-up takes seconds, so a link asks for it"
    page = browser.get(f"{path}?insert=refund--when").text
    assert "Body of when.</textarea>" in page
    assert "Answered automatically" in page
    assert "own money or identity" in page
    marked = browser.post(f"{path}/answers/{given[1]}/wrong", data={"should": ""}, headers=SAME)
    assert marked.status_code == 303
    assert "marked wrong" in browser.get(path).text
