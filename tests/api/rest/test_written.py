"""Texts that a model writes for agents: masked on the way out, checked on the way back, never sent by themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api.http.permissions import Role
from router.settings import Settings, read_settings
from store.contacts.erasure import erase_contact
from store.db.engine import Database
from store.desk.generated.model_days import spent_today
from store.events.feed import number_events
from store.tables.generated import GeneratedTextRow
from store.tables.operations import EventRow, OutboundRow
from tests.api.conftest import TOML
from tests.app_client import AppClient
from tests.fakes.model_endpoint import ModelServer, always, cites, completion, openai, refusal, vllm, writes
from tests.inbox_builder import NOON, Builder
from tests.rows import rows_of

MODEL = """
[answers.model]
url = "{url}"
name = "small-model"
allow_private = true
"""
CHANNEL = """
[channels.support-mail.send]
host = "127.0.0.1"
security = "none"
"""
DRAFT = "Thank you for writing. A refund usually takes 1 to 7 working days."
Client = Callable[..., AppClient]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    made = ModelServer(vllm(cites(DRAFT)))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ModelServer) -> Settings:
    (tmp_path / "faq").mkdir()
    (tmp_path / "faq" / "refund--when.en.md").write_text(
        "# When does my refund arrive?\n> also: how long does a refund take\n\n"
        "It usually takes **1 to 7 working days**. Ask under **Bills → Refund**. Write to help@desk.example.\n"
    )
    text = TOML.format(data=tmp_path / "data", more="", rate=0)
    text = text.replace("[teams.payments]", CHANNEL + MODEL.format(url=server.url) + "[teams.payments]", 1)
    (tmp_path / "channels.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("OMNIYARD_CONFIG", str(tmp_path / "channels.toml"))
    return read_settings(text)


def case_of(database: Database, *texts: str, **over: Any) -> UUID:
    with database.write() as connection:
        builder = Builder(connection)
        case = builder.conversation(**over)
        for number, text in enumerate(texts):
            builder.message(case, text=text, received_at=NOON + timedelta(minutes=number))
    return case


def write_message(database: Database, case: UUID, text: str) -> None:
    with database.write() as connection:
        Builder(connection).message(case, text=text, received_at=NOON + timedelta(hours=1))


def posted(client: AppClient, case: UUID, **order: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/conversations/{case}/generated", json=order)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_check_26_a_draft_is_marked_goes_stale_and_is_sent_by_a_press_alone(
    client_of: Client, database: Database, server: ModelServer
) -> None:
    case, agent = case_of(database, "how long does a refund take"), client_of(Role.AGENT, name="Ann")
    draft = posted(agent, case, purpose="draft")
    assert (draft["text"], draft["sources"], draft["flaws"]) == (DRAFT, ["refund--when"], [])
    page = agent.get(f"/conversations/{case}")
    # Nothing leaves, and no route sends it: only what an agent posts as a message of theirs.
    assert rows_of(database, OutboundRow) == []
    sent = agent.post(
        f"/api/v1/conversations/{case}/messages",
        json={"text": DRAFT + " Have a good day!", "based_on_version": 1},
        headers={"Idempotency-Key": "one"},
    )
    assert sent.status_code == 201, sent.text
    with database.write() as connection:
        number_events(connection, limit=100)
    kinds = {row.kind: row.payload for row in rows_of(database, EventRow)}
    assert kinds["text.generated"]["by"] == "Ann"
    assert (kinds["text.sent"]["drafted_by"], kinds["text.sent"]["by"]) == ("small-model", "Ann")
    assert kinds["text.sent"]["prompt"] == draft["prompt"]
    # The case has moved on: the draft is not shown any more.
    assert agent.get(f"/api/v1/conversations/{case}/generated").json()["texts"] == []
    del page


def test_an_agents_own_words_are_not_called_drafted(client_of: Client, database: Database) -> None:
    case, agent = case_of(database, "how long does a refund take"), client_of(Role.AGENT)
    posted(agent, case, purpose="draft")
    own = {"text": "Dear Li, our shop will call you about it tomorrow morning.", "based_on_version": 1}
    agent.post(f"/api/v1/conversations/{case}/messages", json=own, headers={"Idempotency-Key": "one"})
    assert "text.sent" not in {row.kind for row in rows_of(database, EventRow)}
