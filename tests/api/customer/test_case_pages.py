"""A customer proves the address by a code, reads the conversation without what is internal, and adds to it once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.services.case_access import CaseAccess, ProvenAddress, digits_of
from router.settings import Settings
from router.status_links import LinkKind
from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.case_codes import MOST_A_DAY, MOST_TRIES
from store.tables.case_records import CaseCodeRow
from store.tables.messages import AttachmentRow, ConversationRow, MessageRow
from store.tables.operations import OutboundRow
from tests.api.conftest import MovingClock, settings_in
from tests.app_client import AppClient
from tests.inbox_builder import Builder
from workers.routing.brain import build_brain
from workers.routing.route import MessageRouter

OURS = {"Sec-Fetch-Site": "same-origin"}
LI = "li@example.com"


PHONE = """
[channels.phone]
kind = "twilio"
account = "file:{folder}/secret"
token = "file:{folder}/secret"
number = "+15005550006"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "secret").write_text("AC0")
    found = settings_in(tmp_path / "data", more=PHONE.format(folder=tmp_path))
    channel = found.channels["support-mail"]
    made = type(channel).model_validate({**channel.model_dump(), "send": {"outbox": True}})
    return found.model_copy(update={"channels": {**found.channels, "support-mail": made}})


@pytest.fixture
def visitor(app: FastAPI, portal: BlockingPortal) -> Iterator[AppClient]:
    with AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": "en"}) as client:
        yield client


@pytest.fixture
def case(database: Database) -> UUID:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(reference="K7QF2MXD4", handle=LI, subject="Payment failed")
        build.message(case, mail=b"x", text="My payment failed.", trace={})
        build.message(case, text="We look into it.", direction="outgoing", sender_name="Ming", origin="agent")
        build.message(case, text="He sounds angry.", direction="note", sender_name="Ming", origin="agent")
        build.message(case, mail=b"y", text="I am Li, send it here", sender_proof="failed", trace={})
        planned = build.outbound(case, kind="reply", state="queued")
        build.message(
            case, text="Planned words", direction="outgoing", sender_name="Ming", origin="agent", outbound_id=planned
        )
    return case


@pytest.fixture
def link(app: FastAPI, case: UUID, clock: MovingClock) -> str:
    path: str = app.state.desk.visitors.write_link(LinkKind.CONVERSATION, case, now=clock())
    return path


def rows(database: Database, model: Any) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(sa.select(table_of(model))))


def ask(visitor: AppClient, link: str, address: str = LI) -> httpx.Response:
    return visitor.post(f"{link}/code", data={"address": address}, headers=OURS)


def code_in(database: Database) -> str:
    sent = [row for row in rows(database, OutboundRow) if row.kind == "code"]
    found = re.search(r"\b[0-9]{6}\b", sent[-1].text)
    assert found
    return found[0]


def enter(visitor: AppClient, link: str, code: str, address: str = LI) -> httpx.Response:
    return visitor.post(f"{link}/open", data={"address": address, "code": code}, headers=OURS)


def test_a_proven_address_opens_the_conversation_without_what_is_internal(
    visitor: AppClient, database: Database, link: str, client: AppClient
) -> None:
    before = visitor.get(link).text
    assert "Send me a code" in before
    assert "My payment failed." not in before
    assert ask(visitor, link, " LI@example.com ").status_code == 200
    code = code_in(database)
    assert not any(code in str(bytes(row.proof)) for row in rows(database, CaseCodeRow))
    # Agents see no code.
    assert code not in client.get("/conversations/K7QF2MXD4", headers={"Accept": "text/html"}).text
    assert enter(visitor, link, f"{code[:3]} {code[3:]}").status_code == 303
    page = visitor.get(link).text
    for words in ("My payment failed.", "We look into it.", "Ming", "You", "Fri 20 Nov, 12:00"):
        assert words in page, words
    for words in ("He sounds angry.", "send it here", "Planned words"):
        assert words not in page, words
    # A code opens once, and the browser may be let out.
    assert enter(visitor, link, code).status_code == 422
    visitor.post(f"{link}/leave", headers=OURS)
    assert "My payment failed." not in visitor.get(link).text


def test_a_wrong_address_is_answered_as_a_right_one(visitor: AppClient, database: Database, link: str) -> None:
    right, wrong = ask(visitor, link), ask(visitor, link, "eve@example.com")
    assert right.status_code == wrong.status_code == 200
    assert right.text.replace(LI, "X") == wrong.text.replace("eve@example.com", "X")
    assert [row.recipient for row in rows(database, OutboundRow) if row.kind == "code"] == [LI]
    assert len(rows(database, CaseCodeRow)) == 2
    # A right code with another address opens nothing.
    assert enter(visitor, link, code_in(database), "eve@example.com").status_code == 422


def test_codes_are_few_expire_and_take_few_tries(
    visitor: AppClient, database: Database, link: str, clock: MovingClock
) -> None:
    ask(visitor, link)
    late = code_in(database)
    clock.move(timedelta(minutes=11))
    assert enter(visitor, link, late).status_code == 422
    ask(visitor, link)
    guessed = code_in(database)
    for number in range(MOST_TRIES):
        assert enter(visitor, link, f"{(int(guessed) + 1 + number) % 1_000_000:06d}").status_code == 422
    assert enter(visitor, link, guessed).status_code == 422
    for _ in range(MOST_A_DAY):
        ask(visitor, link)
    assert len(rows(database, CaseCodeRow)) == MOST_A_DAY
    assert [ask(visitor, link).status_code for _ in range(4)][-1] == 429


def test_what_a_customer_adds_is_one_message_of_the_conversation(
    visitor: AppClient, database: Database, settings: Settings, link: str, clock: MovingClock
) -> None:
    ask(visitor, link)
    enter(visitor, link, code_in(database))
    form = re.search(r'name="form" value="([^"]+)"', visitor.get(link).text)
    assert form
    clock.move(timedelta(seconds=5))
    # When the form is sent twice, with a file
    fields = {"form": form[1], "message": "The last digits are 7730. My card: 4111 1111 1111 1111"}
    files = [("files", ("回单.png", b"\x89PNG\r\n\x1a\n" + b"x" * 100_000))]
    answers = [visitor.post(f"{link}/answer", data=fields, files=files, headers=OURS) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert "We have it." in visitor.get(answers[0].headers["location"]).text
    MessageRouter(database, build_brain(settings)).route_oldest()
    # Then it is one masked message of the same case, from a proven sender
    [case] = rows(database, ConversationRow)
    [added] = [row for row in rows(database, MessageRow) if "7730" in row.text]
    assert (added.conversation_id, added.channel, added.sender_handle) == (case.id, "support-mail", LI)
    assert added.sender_proof == "proven"
    assert "4111 1111" not in added.text
    assert [file.name for file in rows(database, AttachmentRow)] == ["回单.png"]
    assert "7730" in visitor.get(link).text


def test_a_case_by_sms_is_opened_by_its_number(
    app: FastAPI, visitor: AppClient, database: Database, settings: Settings, clock: MovingClock
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(reference="K7QF2MXD4", handle="+447911123456", channel="phone")
        build.message(case, mail=b"x", channel="phone", sender_handle="+447911123456", text="Hello", trace={})
    link = app.state.desk.visitors.write_link(LinkKind.CONVERSATION, case, now=clock())
    assert "Your number" in visitor.get(link).text
    ask(visitor, link, "+44 7911 123-456")
    [sent] = [row for row in rows(database, OutboundRow) if row.kind == "code"]
    assert (sent.channel, sent.recipient, sent.subject) == ("phone", "+447911123456", "")
    enter(visitor, link, code_in(database), "+44 7911 123-456")
    form = re.search(r'name="form" value="([^"]+)"', visitor.get(link).text)
    assert form
    clock.move(timedelta(seconds=5))
    fields = {"form": form[1], "message": "One more thing"}
    assert visitor.post(f"{link}/answer", data=fields, files=[("files", ("", b""))], headers=OURS).status_code == 303
    MessageRouter(database, build_brain(settings)).route_oldest()
    [added] = [row for row in rows(database, MessageRow) if row.text == "One more thing"]
    assert (added.conversation_id, added.channel, added.sender_handle) == (case, "phone", "+447911123456")


@pytest.mark.parametrize(
    ("fields", "files", "status"),
    [
        ({"message": " "}, [], 422),
        ({"message": "x" * 20_001}, [], 422),
        ({"form": "1.x.y"}, [], 422),
        ({}, [("files", (f"{number}", b"1")) for number in range(6)], 422),
    ],
)
def test_a_refused_answer_is_explained_and_kept_in_the_form(
    visitor: AppClient, link: str, clock: MovingClock, database: Database, fields: Any, files: Any, status: int
) -> None:
    ask(visitor, link)
    enter(visitor, link, code_in(database))
    form = re.search(r'name="form" value="([^"]+)"', visitor.get(link).text)
    assert form
    clock.move(timedelta(seconds=5))
    data = {"form": form[1], "message": "Some words"} | fields
    answer = visitor.post(f"{link}/answer", data=data, files=files or [("files", ("", b""))], headers=OURS)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text


def test_nothing_is_taken_without_a_proven_address(visitor: AppClient, link: str) -> None:
    files = [("files", ("", b""))]
    assert visitor.post(f"{link}/answer", data={"message": "x"}, files=files, headers=OURS).status_code == 404
    assert visitor.post(f"{link}/code", data={"address": LI}).status_code == 403
    assert visitor.post("/case/x/code", data={"address": LI}, headers=OURS).status_code == 404


def test_a_cookie_is_ours_for_an_hour_and_for_one_contact(clock: MovingClock) -> None:
    access, other = CaseAccess(b"1" * 32), CaseAccess(b"2" * 32)
    proven = ProvenAddress(UUID(int=1), LI)
    cookie = access.write(proven, now=clock())
    assert access.read(cookie, now=clock()) == proven
    assert other.read(cookie, now=clock()) is None
    assert access.read(cookie[:-1] + ("0" if cookie[-1] != "0" else "1"), now=clock()) is None
    assert access.read("", now=clock()) is None
    assert access.read(cookie, now=clock() + timedelta(hours=1)) is None


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("123456", "123456"),
        (" 123-456 ", "123456"),
        ("１２３４５６", "123456"),
        ("12345", ""),
        ("1234567", ""),
        ("", ""),
    ],
)
def test_a_code_is_read_as_people_type_it(typed: str, code: str) -> None:
    assert digits_of(typed) == code
