"""What an answer by mail has besides its words: copies, a signature, a quotation, markup, files; and a forward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from api.http.permissions import Role
from connectors.email.smtp.compose import compose
from connectors.sender_contract import Outgoing
from router.envelope import Envelope, Party, PartyKind, to_json
from router.settings.model import DeskSettings
from store.db.bulk import table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.desk.composer.ready_texts import ReadyText, write_ready_text
from store.outbound import ledger
from store.outbound.answer_files import files_of
from store.tables.agents import AgentRow
from store.tables.messages import InboundRow, MessageRow
from store.tables.operations import OutboundRow
from tests.api.conftest import settings_in
from tests.api.pages.case_page import CASE, MORE, OURS, box, hidden, press, row
from tests.app_client import AppClient
from tests.inbox_builder import NOON, Builder, mail_with_file
from workers.sending.deliver import outgoing_of


@pytest.fixture
def settings(tmp_path: Any) -> Any:
    more = MORE.replace("[desk]", '[desk]\nfrom_name = "{agent}, {desk}"')
    return settings_in(tmp_path / "data", more=more)


def outgoing(database: Database, **where: object) -> Outgoing:
    """Return the newest answer as its sender gets it."""
    table = table_of(OutboundRow)
    with database.write() as connection:
        newest = sa.select(table.c.id).where(*(table.c[name] == value for name, value in where.items()))
        outbound_id = connection.execute(newest.order_by(table.c.id.desc()).limit(1)).scalar_one()
        found = ledger.find(connection, outbound_id)
        assert found
        files = files_of(connection, outbound_id)
        return outgoing_of(found, key=b"k" * 32, desk=DeskSettings(), files=files)  # type: ignore[arg-type]


def test_an_answer_is_signed_quotes_and_has_two_forms(
    client_of: Callable[[str], AppClient], browser: AppClient, database: Database, case: UUID
) -> None:
    with database.read() as connection:
        agent = table_of(AgentRow)
        agent_id = connection.execute(sa.select(agent.c.id).where(agent.c.name == "the agent")).scalar_one()
    boss = client_of(Role.SUPERVISOR)
    signature = {"team": "payments", "text_en": "{agent}\n{team} · {reference}", "text_zh": ""}
    assert boss.post("/signatures", data=signature).status_code == 303
    assert (
        boss.post("/signatures", data={"agent": str(agent_id), "name_en": "Amy Li", "name_zh": ""}).status_code == 303
    )
    assert browser.post("/signatures", data=signature, headers=OURS).status_code == 403
    text = "Dear Li,\n\n- **today**\n- [read](https://desk.example/a?b=1&c=2)\n- <b>no tag</b> [x](javascript:alert)"
    answer = {"kind": "reply", "text": text, "rich": "yes", "signs": "yes", "quotes": "yes"}
    more = {"copies": "bob@customer.example, eve@customer.example", "blind_copies": "boss@desk.example"}
    assert press(browser, f"{CASE}/say", **answer, **more).status_code == 303

    sent = outgoing(database)
    assert sent.text.startswith("Dear Li,\n\n- today\n- read (https://desk.example/a?b=1&c=2)\n- <b>no tag</b>")
    assert "\n\n-- \nAmy Li\nPayments · K7QF2MXD4\n\nOn 2026-11-20 12:00 CST, " in sent.text
    assert sent.text.rpartition(" wrote:\n")[2].startswith("> ")
    assert "<strong>today</strong>" in sent.html
    assert '<a href="https://desk.example/a?b=1&amp;c=2">read</a>' in sent.html
    assert "&lt;b&gt;no tag" in sent.html
    assert "javascript" not in sent.html.replace("[x](javascript:alert)", "")
    assert "<blockquote>" in sent.html
    assert (sent.copies, sent.blind_copies, sent.sender_name) == (
        ("bob@customer.example", "eve@customer.example"), ("boss@desk.example",), "Amy Li, E-wallet support",
    )  # fmt: skip
    mail = compose(replace(sent, recipient="li@example.com"), address="help@desk.example", name="Desk")
    assert b"multipart/alternative" in mail
    assert b"boss@desk.example" not in mail
    assert compose(sent, address="help@desk.example", name="Desk") == compose(
        sent, address="help@desk.example", name="Desk"
    )
    # The thread shows the plain words and who got them; the next answer has the same copies.
    page = browser.get(CASE).text
    assert row(database, MessageRow, direction="outgoing")["text"].startswith("Dear Li,\n\n- today")
    assert "Cc bob@customer.example, eve@customer.example" in page
    assert (
        'name="copies" maxlength="3300" autocomplete="off" value="bob@customer.example, eve@customer.example"' in page
    )


def test_an_answer_without_markup_is_plain_mail(browser: AppClient, database: Database, case: UUID) -> None:
    plain = "2 * 3 = 6_000 for #1 and x_y_z"
    assert press(browser, f"{CASE}/say", kind="reply", text=plain, rich="yes").status_code == 303
    sent = outgoing(database)
    assert (sent.text, sent.html, sent.copies) == (plain, "", ())


def test_all_who_got_the_customers_message_are_offered(browser: AppClient, database: Database, case: UUID) -> None:
    to = tuple(Party(PartyKind.EMAIL, each) for each in ("help@desk.example", "spouse@customer.example"))
    opened_by = row(database, id=case)["opened_by_inbound"]
    envelope = Envelope(
        channel="out", source_key="1", sender=Party(PartyKind.EMAIL, "li@example.com"), to=to,
        cc=(Party(PartyKind.EMAIL, "li@example.com"),), received_at=NOON,
    )  # fmt: skip
    table, message = table_of(InboundRow), table_of(MessageRow)
    with database.write() as connection:
        this = sa.update(table).where(table.c.id == opened_by)
        connection.execute(this.values(envelope=to_json(envelope).decode()))
        connection.execute(sa.update(message).values(inbound_id=opened_by))
    assert 'data-everyone="spouse@customer.example"' in browser.get(CASE).text


def test_a_forward_goes_elsewhere_and_answers_nothing(browser: AppClient, database: Database, case: UUID) -> None:
    refused = press(browser, f"{CASE}/say", kind="forward", text="Please look at this", recipient="")
    assert (refused.status_code, box(refused.text)) == (422, "Please look at this")
    bad = press(browser, f"{CASE}/say", kind="forward", text="Please look", recipient="nobody")
    assert bad.status_code == 422
    forward = {"kind": "forward", "text": "Please look at this", "recipient": "bank@partner.example"}
    assert press(browser, f"{CASE}/say", **forward).status_code == 303
    sent = outgoing(database)
    assert (sent.recipient, sent.in_reply_to, sent.references) == ("bank@partner.example", None, ())
    assert sent.subject.startswith("Fwd: ")
    assert "Please look at this\n\n---------- Forwarded message ----------\nFrom: " in sent.text
    assert (row(database, id=case)["status"], row(database, id=case)["replied_at"]) == ("open", None)
    page = browser.get(CASE).text
    assert "Forwarded to bank@partner.example" in page
    assert "Forwarded." in page
    # With the files of the customer's message, once, also when it is refused in between.
    with database.write() as connection:
        build = Builder(connection)
        message_id = build.message(case, channel="out", mail=mail_with_file(), received_at=NOON + timedelta(minutes=1))
        build.attachment(message_id, part=2)
    bad = forward | {"text": "4111 1111 1111 1111", "with_files": "yes"}
    assert press(browser, f"{CASE}/say", **bad).status_code == 422
    assert press(browser, f"{CASE}/say", **forward | {"with_files": "yes"}).status_code == 303
    assert [(each.name, each.content) for each in outgoing(database).files] == [("receipt.pdf", b"%PDF-1.7\n")]


def test_files_wait_in_the_draft_and_go_with_the_answer(
    client_of: Callable[[str], AppClient], browser: AppClient, database: Database, case: UUID
) -> None:
    files = {"files": ("回执/../a.png", b"\x89PNG one", "image/png")}
    added = browser.post(f"{CASE}/files", files=files, headers=OURS)
    assert (added.status_code, added.headers["location"]) == (303, CASE)
    assert browser.post(f"{CASE}/files", files={"files": ("b.txt", b"two")}, headers=OURS).status_code == 303
    page = browser.get(CASE).text
    first, second = (part.split('"')[0] for part in page.split('href="/answer-files/')[1:3])
    assert browser.post(f"{CASE}/files/{second}/drop", headers=OURS).status_code == 303
    # A draft's file is its agent's alone.
    assert client_of(Role.SENIOR).get(f"/answer-files/{first}").status_code == 404
    assert browser.get(f"/answer-files/{first}").content == b"\x89PNG one"
    assert press(browser, f"{CASE}/say", kind="reply", text="Here it is").status_code == 303
    sent = outgoing(database)
    assert [(each.media_type, each.content) for each in sent.files] == [("image/png", b"\x89PNG one")]
    assert "/" not in sent.files[0].name
    assert client_of(Role.SENIOR).get(f"/answer-files/{first}").status_code == 200
    shown = browser.get(CASE).text
    assert shown.count(f"/answer-files/{first}") == 1
    huge = {"files": ("big.bin", b"0" * (18 * 1024 * 1024 + 1))}
    assert browser.post(f"{CASE}/files", files=huge, headers=OURS | {"Accept": "*/*"}).status_code == 422
    assert browser.post(f"{CASE}/files", files={"files": ("e", b"")}, headers=OURS).status_code == 422


def test_an_agent_writes_first_and_the_answer_joins(browser: AppClient, database: Database, case: UUID) -> None:
    page = browser.get("/desk/new").text
    mail = {"key": hidden(page, "key"), "channel": "out", "team": "payments", "to": "New@Customer.example"}
    mail |= {"name": "Chen", "subject": "Your parcel", "text": "It waits for you.", "copies": "", "blind_copies": ""}
    for wrong in ({"to": "nobody"}, {"to": ""}, {"text": " "}, {"team": "x"}, {"channel": "support-mail"}):
        refused = browser.post("/desk/new", data=mail | wrong, headers=OURS)
        assert refused.status_code == 422, wrong
        assert "Your parcel" in refused.text
    answers = [browser.post("/desk/new", data=mail, headers=OURS) for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    address = answers[0].headers["location"]
    opened = row(database, reference=address.rpartition("/")[2])
    assert (opened["status"], opened["assignee"], opened["team"]) == ("pending", "the agent", "payments")
    sent = outgoing(database)
    assert (sent.recipient, sent.in_reply_to) == ("new@customer.example", None)
    assert sent.subject.startswith("Your parcel [")
    # Another mail to them goes to the same address, although they have not answered.
    again = browser.get(address).text
    assert "new@customer.example" in again
    assert press(browser, f"{address}/say", page=again, kind="reply", text="Still there.").status_code == 303
    assert outgoing(database).recipient == "new@customer.example"
    with database.read() as connection:
        books = connection.execute(
            sa.select(table_of(InboundRow).c.state, sa.func.count()).group_by(table_of(InboundRow).c.state)
        ).all()
        unread = sa.select(table_of(InboundRow).c.id).where(table_of(InboundRow).c.source_key.startswith("desk:"))
        entries = connection.execute(unread).scalars().all()
        linked = sa.select(sa.func.count()).where(table_of(MessageRow).c.inbound_id.in_(entries))
        assert (len(entries), connection.execute(linked).scalar()) == (1, 1)
    assert [state for state, _ in books] == ["routed"]


def test_a_first_mail_has_files_and_ready_texts(browser: AppClient, database: Database, case: UUID) -> None:
    with database.write() as connection:
        text = ReadyText(
            id=new_id(), folder="", title="Refund", code="tk", team="", actions=None, changed_by="Zhao",
            texts={"en": "Dear {customer}, {desk} looks into it. {agent}"},
        )  # fmt: skip
        write_ready_text(connection, text)
    # Given the ready text in the form's own menu, filled as far as a mail without a case can be
    page = browser.get("/desk/new").text
    assert 'data-text="Dear {customer}, E-wallet support looks into it. the agent"' in page
    # Enter in a field presses the first button of the form that sends anything: it must not be that of the ready text
    form = page[page.index('id="new-mail"') :]
    assert form.index('<button type="submit">') < form.index('name="insert"')
    mail = {"key": hidden(page, "key"), "channel": "out", "team": "payments", "to": "new@customer.example"}
    mail |= {"subject": "Your parcel", "copies": "", "blind_copies": "", "name": ""}
    # Without a script it is inserted by a press, below what was typed
    shown = browser.post(
        "/desk/new", data=mail | {"text": "Hello", "insert": "yes", "canned": str(text.id)}, headers=OURS
    )
    assert (shown.status_code, "Hello\n\nDear {customer}" in shown.text) == (200, True)
    # A gap is not sent, nor are too many bytes, and no case is opened
    files = [("files", ("../receipt.pdf", b"%PDF-1.4 receipt")), ("files", ("two.png", b"\x89PNG two"))]
    assert (
        browser.post("/desk/new", data=mail | {"text": "Dear {customer}"}, files=files, headers=OURS).status_code == 422
    )
    huge = [("files", ("big.bin", b"0" * (18 * 1024 * 1024 + 1)))]
    assert browser.post("/desk/new", data=mail | {"text": "Hello"}, files=huge, headers=OURS).status_code == 422
    # The mail leaves with its files; the same press twice sends it once
    answers = [browser.post("/desk/new", data=mail | {"text": "Hello"}, files=files, headers=OURS) for _ in range(2)]
    assert len({each.headers["location"] for each in answers}) == 1
    sent = outgoing(database)
    assert [(each.media_type, each.content) for each in sent.files] == [
        ("application/pdf", b"%PDF-1.4 receipt"),
        ("image/png", b"\x89PNG two"),
    ]
    assert "/" not in sent.files[0].name
