"""Small faults that a stranger could use: each stood open once."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from structlog.testing import capture_logs

from api.app import create_app
from connectors.base import RawMessage
from connectors.email.mime.html import sanitise
from connectors.email.mime.normalise import normalise
from connectors.email.smtp.compose import compose
from connectors.safe_http import is_public
from connectors.sender_contract import Outgoing
from router.settings import read_settings
from store.db.engine import Database
from tests.api.conftest import TOML, MovingClock
from tests.app_client import AppClient, started
from tests.inbox_builder import Builder

NESTED = "=?utf-8?B?PT91dGYtOD9RP2E9MEQ9MEFCY2M6X2V2aWw9NDBldmlsLmV4YW1wbGU/PQ==?="
INNER = "=?utf-8?Q?a=0D=0ABcc:_evil=40evil.example?="
WORD = "zanzibarian"


# ---- A subject that decodes to another encoded word with CR LF


def answer_to(subject: str, **over: Any) -> bytes:
    outgoing = Outgoing(
        outbound_id=uuid4(),
        attempt_id=uuid4(),
        attempt=1,
        channel="mail",
        recipient="ann@customer.example",
        subject=f"Re: {subject}",
        text="We help.",
        rfc_message_id="1@desk.example",
        dated_at=datetime(2026, 11, 2, tzinfo=UTC),
        **over,
    )
    return compose(outgoing, address="help@desk.example", name="Desk")


@pytest.mark.parametrize("subject", [INNER, f"x {INNER} y", "=?utf-8?Q?=0D=0A=0D=0Abody?=", "=?gb2312?b?DQpCY2M6?="])
def test_a_subject_that_is_an_encoded_word_itself_is_answered_and_writes_no_field(subject: str) -> None:
    mail = message_from_bytes(answer_to(subject), policy=default)
    assert mail["Bcc"] is None
    assert "\n" not in str(mail["Subject"])
    assert mail.get_content().strip() == "We help."


def test_the_subject_of_such_a_mail_is_read_as_its_text() -> None:
    raw = f"From: ann@customer.example\r\nSubject: {NESTED}\r\n\r\nHelp\r\n".encode()
    message = RawMessage(source_key="1", content=raw, received_at=datetime(2026, 11, 2, tzinfo=UTC))
    envelope = normalise(message, channel="mail")
    assert envelope.subject == INNER
    assert b"evil.example" not in answer_to(envelope.subject).partition(b"Subject:")[0]


# ---- Words in the index after an erasure


def test_no_word_of_an_erased_customer_stays_in_the_file(client: AppClient, database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL's VACUUM removes them")
    # Given a customer among others, whose word is in the text and in the index
    with database.write() as connection:
        build = Builder(connection)
        for number in range(40):
            handle = "li.na@example.com" if number == 20 else f"c{number}@example.com"
            case = build.conversation(handle=handle)
            text = f"I lost my {WORD} wallet" if number == 20 else f"an ordinary message {number}"
            build.message(case, text=text, sender_handle=handle)
        contact = build.contacts["li.na@example.com"]
    assert WORD.encode() in files_of(database)
    # When the customer is erased
    answer = client.post(f"/api/v1/contacts/{contact}/erase", json={"reason": "asked for it"})
    assert answer.status_code == 200, answer.text
    # Then neither the vocabulary nor any byte of the files has the word
    with database.read() as connection:
        terms = connection.execute(sa.text("SELECT term FROM search_vocabulary")).scalars().all()
    assert WORD not in terms
    assert WORD.encode() not in files_of(database)
    # And the others are still found
    assert len(client.get("/api/v1/search", params={"q": "ordinary"}).json()["messages"]) > 0


def files_of(database: Database) -> bytes:
    path = Path(database.url.database or "")
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")) if file.suffix != ".db-shm")


# ---- Addresses that are not the world's


@pytest.mark.parametrize(
    "address",
    [
        "fec0::1",  # site-local
        "fecf:ffff::1",
        "3fff::1",  # documentation
        "192.88.99.1",  # 6to4 relays
        "2620:4f:8000::1",  # AS112
        "5f00::1",  # segment routing
        "::ffff:192.88.99.1",  # the same, wrapped
        "64:ff9b::c058:6301",
    ],
)
def test_special_purpose_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "2001:4860:4860::8888", "192.89.0.1"])
def test_ordinary_addresses_are_public(address: str) -> None:
    assert is_public(address)


# ---- Links in a mail's page


@pytest.mark.parametrize(
    "link", ["//evil.example/x", "/sign-out", "sign-out", "?a=1", "#top", "\\\\evil.example", "/\\evil.example", ""]
)
def test_a_link_without_a_scheme_does_not_survive_cleaning(link: str) -> None:
    assert "href" not in sanitise(f'<p><a href="{link}">Click</a></p>')


def test_a_link_with_a_scheme_survives() -> None:
    assert 'href="https://shop.example/?a=1"' in sanitise('<a href="https://shop.example/?a=1">Click</a>')


# ---- A dropped upload


def test_a_dropped_upload_is_no_failure_of_ours(app: FastAPI, client: AppClient, portal: BlockingPortal) -> None:
    async def drop() -> None:
        pieces = iter([{"type": "http.request", "body": b'{"ids"', "more_body": True}, {"type": "http.disconnect"}])

        async def receive() -> Any:
            await asyncio.sleep(0)
            return next(pieces)

        async def send(message: Any) -> None:
            raise AssertionError("the client is gone")

        headers = [(name.lower().encode(), value.encode()) for name, value in client.headers.items()]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/webhooks/none",
            "raw_path": b"/webhooks/none",
            "query_string": b"",
            "headers": [*headers, (b"content-length", b"100"), (b"content-type", b"application/json")],
            "client": ("203.0.113.7", 1),
            "server": ("testserver", 80),
            "scheme": "http",
            "http_version": "1.1",
            "asgi": {"version": "3.0"},
        }
        await app(scope, receive, send)

    with capture_logs() as logs:
        portal.call(drop)
    assert [each for each in logs if each["log_level"] == "error"] == []
    assert [each["status"] for each in logs if each["event"] == "request.answered"] == [499]


# ---- NUL


@pytest.mark.parametrize("text", ["a\x00b", "\x00", "\\\x00"])
def test_a_null_character_is_refused_on_either_database(client: AppClient, database: Database, text: str) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(handle="li@example.com")
        contact = build.contacts["li@example.com"]
    path = f"/api/v1/conversations/{case}/messages"
    for answer, status in (
        (client.post(path, json={"kind": "note", "text": text}, headers={"Idempotency-Key": "k" * 20}), 422),
        (client.patch(f"/api/v1/contacts/{contact}", json={"note": text}), 422),
        (client.get("/api/v1/search", params={"q": text}), 422),
        (client.post("/sign-in", data={"token": text}, headers={"Sec-Fetch-Site": "same-origin"}), 400),
    ):
        assert answer.status_code == status, (answer.request.url, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


def test_nothing_has_a_name_with_a_null_character(client: AppClient, database: Database) -> None:
    del database
    for path in ("/api/v1/conversations/A%00B", "/case/%00", "/conversations/%00"):
        assert client.get(path).status_code == 404


def test_the_six_characters_of_the_escape_are_ordinary_text(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.conversation(handle="li@example.com")
        contact = build.contacts["li@example.com"]
    answer = client.patch(f"/api/v1/contacts/{contact}", json={"note": "write \\u0000 in JSON"})
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.text)["note"] == "write \\u0000 in JSON"


# ---- The form, and our own address


FORM = '[channels.form]\nkind = "web"\naddress = "form@desk.example"\n'


@pytest.mark.parametrize(
    "address", ["support@desk.example", "Support@Desk.Example", "support+x@desk.example", "form@desk.example"]
)
def test_the_form_refuses_our_own_address_as_the_visitors(
    address: str, database: Database, clock: MovingClock, portal: BlockingPortal, tmp_path: Path
) -> None:
    settings = read_settings(TOML.format(data=tmp_path / "data", more=FORM, rate=0))
    app = create_app(settings, database=database, now=clock)
    with started(app, portal):
        visitor = AppClient(app, portal, headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
        token = re.search(r'name="form" value="([^"]+)"', visitor.get("/contact").text)
        assert token
        clock.at = clock.at.replace(minute=clock.at.minute + 1)
        fields = {"form": token[1], "email": address, "name": "Li", "message": "Where is my money?", "website": ""}
        files = {name: (None, value) for name, value in fields.items()}
        assert visitor.post("/contact", files=files).status_code == 422


# ---- Origin


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://testserver", 303),
        ("https://testserver", 403),  # another origin, whoever answers there
        ("http://testserver:8080", 403),
        ("https://", 403),
        ("http://", 403),
        ("testserver", 403),
        ("null", 403),
    ],
)
def test_an_origin_is_scheme_host_and_port(anonymous: AppClient, token_of: Any, origin: str, status: int) -> None:
    form = {"token": token_of("agent")}
    assert anonymous.post("/sign-in", data=form, headers={"Origin": origin}).status_code == status


def test_an_empty_host_is_no_origin_of_ours(anonymous: AppClient, token_of: Any) -> None:
    headers = {"Origin": "https://", "Host": ""}
    assert anonymous.post("/sign-in", data={"token": token_of("agent")}, headers=headers).status_code in {400, 403}
