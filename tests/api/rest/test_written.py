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
import sqlalchemy as sa
from sqlmodel import SQLModel

from api.http.permissions import Role
from router.masking.mask import mask
from router.settings import Settings, read_settings
from router.text.facts import find_facts
from router.text.language import detect
from store.contacts.erasure import erase_contact
from store.db.bulk import table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.desk.generated.model_days import spent_today, take_call
from store.tables.generated import GeneratedTextRow
from store.tables.messages import ConversationRow
from store.tables.operations import EventRow, OutboundRow
from tests.api.conftest import TOML
from tests.app_client import AppClient
from tests.fakes.model_endpoint import ModelServer, always, cites, completion, refusal, vllm, writes
from tests.inbox_builder import NOON, TRACE, Builder

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


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all desks of this module: they share the encoder's file and the answers' vectors."""
    return tmp_path_factory.mktemp("data")


def settings_at(folder: Path, monkeypatch: pytest.MonkeyPatch, model: str, *, data: Path) -> Settings:
    (folder / "faq").mkdir()
    (folder / "faq" / "refund--when.en.md").write_text(
        "# When does my refund arrive?\n> also: how long does a refund take\n\n"
        "It usually takes **1 to 7 working days**. Ask under **Bills → Refund**. Write to help@desk.example.\n",
        encoding="utf-8",
    )
    text = TOML.format(data=data, more="", rate=0)
    text = text.replace("[teams.payments]", CHANNEL + model + "[teams.payments]", 1)
    (folder / "channels.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("OMNIYARD_CONFIG", str(folder / "channels.toml"))
    return read_settings(text)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ModelServer, data: Path) -> Settings:
    return settings_at(tmp_path, monkeypatch, MODEL.format(url=server.url), data=data)


def rows_of(database: Database, model: type[SQLModel]) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(sa.select(table_of(model))).all())


def events(database: Database) -> dict[str, Any]:
    return {row.kind: row.payload for row in rows_of(database, EventRow)}


def _trace(text: str) -> dict[str, Any]:
    facts = sorted({fact.kind for fact in find_facts(text)})
    found = TRACE["classification"] | {"facts": facts, "language": detect(text)}
    return TRACE | {"classification": found, "masked": list(mask(text).kinds)}


def case_of(database: Database, *texts: str, **over: Any) -> UUID:
    with database.write() as connection:
        builder = Builder(connection)
        case = builder.conversation(**over)
        for number, text in enumerate(texts):
            at = NOON + timedelta(minutes=number)
            builder.message(case, text=mask(text).text, received_at=at, trace=_trace(text))
    return case


def write_message(database: Database, case: UUID, text: str) -> None:
    with database.write() as connection:
        Builder(connection).message(case, text=text, received_at=NOON + timedelta(hours=1))


def posted(client: AppClient, case: UUID, **order: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/conversations/{case}/generated", json=order)
    assert answer.status_code == 201, answer.text
    return answer.json()


def send(client: AppClient, case: UUID, text: str) -> None:
    order = {"text": text, "based_on_version": 1}
    sent = client.post(f"/api/v1/conversations/{case}/messages", json=order, headers={"Idempotency-Key": new_id().hex})
    assert sent.status_code == 201, sent.text


def kept(client: AppClient, case: UUID) -> list[dict[str, Any]]:
    return list(client.get(f"/api/v1/conversations/{case}/generated").json()["texts"])


def test_a_draft_is_marked_goes_stale_and_is_sent_by_a_press_alone(
    client_of: Client, browser: AppClient, database: Database
) -> None:
    case, agent = case_of(database, "how long does a refund take"), client_of(Role.AGENT)
    draft = posted(agent, case, purpose="draft")
    assert (draft["text"], draft["sources"], draft["flaws"]) == (DRAFT, ["refund--when"], [])
    page = browser.get(f"/conversations/{case}").text
    assert "Written by small-model for" in page
    assert DRAFT in page
    # It is in the box only after a press, and nothing has left.
    assert f">{DRAFT}</textarea>" not in page
    assert f">{DRAFT}</textarea>" in browser.get(f"/conversations/{case}?use={draft['id']}").text
    assert rows_of(database, OutboundRow) == []
    send(agent, case, DRAFT + " Have a good day!")
    said = events(database)
    assert (said["text.sent"]["drafted_by"], said["text.sent"]["by"]) == ("small-model", said["text.generated"]["by"])
    assert said["text.sent"]["prompt"] == draft["prompt"] == said["text.generated"]["prompt"]
    # The case has moved on: the draft is not shown any more.
    assert kept(agent, case) == []


def test_a_new_message_makes_a_draft_stale_and_own_words_are_not_called_drafted(
    client_of: Client, database: Database
) -> None:
    case, agent = case_of(database, "how long does a refund take"), client_of(Role.AGENT)
    posted(agent, case, purpose="draft")
    assert len(kept(agent, case)) == 1
    write_message(database, case, "And one more thing.")
    assert kept(agent, case) == []
    send(agent, case, "Dear Li, our shop will call you about it tomorrow morning.")
    assert "text.sent" not in events(database)


def test_no_route_of_the_api_sends_a_generated_text(client_of: Client) -> None:
    paths = client_of(Role.ADMIN).get("/api/v1/openapi.json").json()["paths"]
    about = {path: set(methods) for path, methods in paths.items() if "generated" in path}
    assert about == {"/api/v1/conversations/{key}/generated": {"get", "post"}}


@pytest.mark.parametrize(
    "text",
    ["Please refund me 500 yuan for order 20261103998", "unlock my account now", "My card is 4111 1111 1111 1111"],
)
def test_a_case_of_ones_own_money_gets_a_draft_that_asks_for_facts_only(
    client_of: Client, database: Database, server: ModelServer, text: str
) -> None:
    case = case_of(database, text)
    server.answering = vllm(lambda body: writes("Thank you. Please send us the transaction number and the day."))
    draft = posted(client_of(Role.AGENT), case, purpose="draft")
    assert (draft["purpose"], draft["flaws"]) == ("facts", [])
    assert "passages" not in server.requests[-1].body["messages"][1]["content"]
    server.answering = vllm(lambda body: writes("We have refunded it; it arrives within 3 days."))
    refused = posted(client_of(Role.AGENT), case, purpose="draft")
    assert refused["text"] == ""
    assert {"promise", "number"} <= set(refused["flaws"])


def test_a_text_that_fails_its_checks_is_not_shown_and_the_page_says_why(
    client_of: Client, browser: AppClient, database: Database, server: ModelServer
) -> None:
    case = case_of(database, "how long does a refund take")
    server.answering = vllm(cites("It takes 3 working days, see https://refunds.example."))
    refused = posted(client_of(Role.AGENT), case, purpose="draft")
    assert (refused["text"], refused["flaws"]) == ("", ["number", "address"])
    page = browser.get(f"/conversations/{case}").text
    assert "refunds.example" not in page
    assert "a number or a time in it stands in no source" in page
    assert [row.text for row in rows_of(database, GeneratedTextRow)] == [""]


def test_a_summary_of_200_messages_fits_and_has_only_numbers_of_the_case(
    client_of: Client, database: Database, server: ModelServer
) -> None:
    texts = [f"Message {number} about the refund of the blue shoes, please look at it." for number in range(199)]
    case = case_of(database, "I returned 2 pairs on 3 May.", *texts)
    server.answering = vllm(lambda body: writes("- wants a refund for 2 pairs, returned on 3 May"))
    summary = posted(client_of(Role.AGENT), case, purpose="summary")
    assert summary["flaws"] == []
    asked = server.requests[-1].body["messages"][1]["content"]
    assert len(asked) < 20_000
    # The first message and the newest ones.
    assert "2 pairs" in asked
    assert "Message 198 " in asked
    for wrong, flaw in (
        ("- 400 pairs", "number"),
        ("- " + "blue shoes " * 100, "too_long"),
        ("- see www.evil.example", "address"),
    ):
        server.answering = vllm(lambda body, wrong=wrong: writes(wrong))
        assert flaw in posted(client_of(Role.AGENT), case, purpose="summary")["flaws"]


def test_another_tone_keeps_the_facts_and_a_translation_its_numbers(
    client_of: Client, browser: AppClient, database: Database, server: ModelServer
) -> None:
    agent, case = client_of(Role.AGENT), case_of(database, "我在3月5日付了500元，还没到账。")
    server.answering = vllm(lambda body: writes("Dear customer, the refund takes 7 days. Kind regards"))
    order = {"purpose": "tone", "tone": "friendlier", "text": "the refund takes 7 days"}
    assert posted(agent, case, **order)["flaws"] == []
    assert "friendlier and warmer" in server.requests[-1].body["messages"][0]["content"]
    server.answering = vllm(lambda body: writes("Dear customer, the refund takes 9 days."))
    assert posted(agent, case, **order)["flaws"] == ["number"]
    message = agent.get(f"/api/v1/conversations/{case}/messages").json()["messages"][0]["id"]
    server.answering = vllm(lambda body: writes("On 5 March I paid 500 yuan; it has not arrived yet. (3)"))
    found = posted(agent, case, purpose="translation", message_id=message, language="en")
    assert found["flaws"] == []
    page = browser.get(f"/conversations/{case}").text
    assert "On 5 March I paid 500 yuan" in page
    assert "Translated by small-model; the original counts." in page
    assert "我在3月5日付了500元" in page


def test_what_leaves_has_no_secret_no_address_no_number_and_no_other_contact(
    client_of: Client, database: Database, server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    other = case_of(database, "I am Wang Fang, my parrot is called Koko", handle="wang@other.example", name="Wang Fang")
    text = (
        "Hello, Li Wei here. How long does a refund take? Mail li.wei@home.example, phone 138 1234 5678 or "
        "+49 170 1234567, account 88001234567, order TX2026110398, https://shop.example/o?token=abc, "
        "card 4111 1111 1111 1111, my password is Hunter2!!"
    )
    case, agent = case_of(database, text), client_of(Role.AGENT)
    message = agent.get(f"/api/v1/conversations/{case}/messages").json()["messages"][0]["id"]
    for order in (
        {"purpose": "draft"},
        {"purpose": "summary"},
        {"purpose": "tone", "text": text},
        {"purpose": "translation", "message_id": message},
    ):
        posted(agent, case, **order)
    assert len(server.requests) == 4
    for request in server.requests:
        said = "\n".join(each["content"] for each in request.body["messages"])
        assert mask(said).text == said
        for secret in ("@", "138", "170", "8800", "TX20", "shop.example", "4111", "Hunter2", "Li Wei", "Koko", "Wang"):
            assert secret not in said, secret
        assert re.search(r"\d{6,}", said) is None
        assert "[MAIL_1]" in said or order["purpose"] == "draft"
    del other


def test_places_are_filled_again_in_what_an_agent_sees(
    client_of: Client, database: Database, server: ModelServer
) -> None:
    case = case_of(database, "Please call 138 1234 5678 about order TX2026110398 of Li Wei.")
    server.answering = vllm(lambda body: writes("- wants a call at [PHONE_1] about [NUMBER_1], [NAME_1]"))
    summary = posted(client_of(Role.AGENT), case, purpose="summary")
    assert summary["text"] == "- wants a call at 138 1234 5678 about TX2026110398, Li Wei"
    server.answering = vllm(lambda body: writes("- wants a call at [PHONE_7]"))
    assert posted(client_of(Role.AGENT), case, purpose="summary")["flaws"] == ["leak", "number"]


def test_a_spent_budget_is_silent_and_what_fits_is_still_there(
    client_of: Client, browser: AppClient, database: Database, server: ModelServer, settings: Settings
) -> None:
    case, agent = case_of(database, "how long does a refund take"), client_of(Role.AGENT)
    with database.write() as connection:
        while take_call(connection, tokens=1, per_day=2_000, tokens_per_day=10**9):
            pass
    answer = agent.post(f"/api/v1/conversations/{case}/generated", json={"purpose": "draft"})
    assert (answer.status_code, server.requests) == (503, [])
    assert agent.get(f"/api/v1/conversations/{case}/answers").json()["fits"][0]["answer"] == "refund--when"
    form = {"purpose": "draft", "key": "0" * 32, "text": "typed before"}
    page = browser.post(f"/conversations/{case}/generate", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert "budget for the model is used up" in page.text
    assert "typed before" in page.text
    with database.read() as connection:
        assert spent_today(connection).calls == 2_000


def test_erasing_a_contact_deletes_what_was_written_about_them(client_of: Client, database: Database) -> None:
    case = case_of(database, "how long does a refund take")
    posted(client_of(Role.AGENT), case, purpose="draft")
    (row,) = rows_of(database, ConversationRow)
    contact = row.contact_id
    with database.write() as connection:
        erase_contact(connection, contact, by="Zhao", reason="asked", now=NOON)
    assert rows_of(database, GeneratedTextRow) == []


def test_an_endpoint_that_fails_costs_the_agent_no_word(
    client_of: Client, browser: AppClient, database: Database, server: ModelServer
) -> None:
    case = case_of(database, "how long does a refund take")
    server.answering = always(refusal(401, "Incorrect API key provided: sk-secret"))
    form = {"purpose": "tone:shorter", "key": "0" * 32, "text": "typed before"}
    page = browser.post(f"/conversations/{case}/generate", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert page.status_code == 422
    assert "an administrator finds the reason" in page.text
    assert "typed before" in page.text
    assert "sk-secret" not in page.text


class TestWithoutModel:
    """No button is dead: those that need a model are absent, and what fits is there."""

    @pytest.fixture
    def settings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Path) -> Settings:
        return settings_at(tmp_path, monkeypatch, "", data=data)

    def test_its_buttons_are_absent_and_what_fits_works(
        self, client_of: Client, browser: AppClient, database: Database
    ) -> None:
        case = case_of(database, "how long does a refund take")
        page = browser.get(f"/conversations/{case}?fits=1").text
        assert '/generate"' not in page
        assert 'id="generated"' not in page
        assert "When does my refund arrive?" in page
        answer = client_of(Role.AGENT).post(f"/api/v1/conversations/{case}/generated", json={"purpose": "draft"})
        assert answer.status_code == 404
        assert json.loads(answer.text)["detail"] == "this desk has no model for that"

    def test_nothing_fits_a_call_in_which_no_one_spoke(self, browser: AppClient, database: Database) -> None:
        case = case_of(database, "Missed call 未接来电")
        assert 'id="fits"' not in browser.get(f"/conversations/{case}?fits=1").text


class TestWithOnePurpose:
    """Each purpose is allowed by the file."""

    @pytest.fixture
    def settings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ModelServer, data: Path) -> Settings:
        return settings_at(tmp_path, monkeypatch, MODEL.format(url=server.url) + 'purposes = ["summary"]\n', data=data)

    def test_only_its_button_is_there(self, client_of: Client, browser: AppClient, database: Database) -> None:
        case = case_of(database, "how long does a refund take")
        page = browser.get(f"/conversations/{case}").text
        assert 'value="summary"' in page
        assert 'value="draft"' not in page
        assert "tone:" not in page
        answer = client_of(Role.AGENT).post(f"/api/v1/conversations/{case}/generated", json={"purpose": "draft"})
        assert answer.status_code == 404


def test_a_completion_without_our_form_is_refused_as_unreadable(
    client_of: Client, database: Database, server: ModelServer
) -> None:
    case = case_of(database, "how long does a refund take")
    server.answering = always(completion("I would rather chat."))
    assert posted(client_of(Role.AGENT), case, purpose="draft")["flaws"] == ["unreadable"]
    server.answering = always(completion('{"text": "It takes 1 to', finish="length"))
    assert posted(client_of(Role.AGENT), case, purpose="draft")["flaws"] == ["cut"]
