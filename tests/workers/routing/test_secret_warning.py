"""A sender of a password or a one-time code gets a warning: from the bytes of a mail to the row of the reply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path

import pytest

from connectors.base import Batch, RawMessage
from store.db.engine import Database
from store.tables.messages import MessageRow
from store.tables.operations import OutboundRow
from tests.desk import RECEIVED_AT, TOML, Desk
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake

RECEIPT = """
[replies.receipt]
text = {{ en = "We have your message {{reference}}.", zh = "来信收到，编号 {{reference}}。" }}

[[routes]]
name = "security"""
# Their senders are proven, so that they go on with what they wrote before.
CHECKED = TOML.replace("[omniyard]", '[omniyard]\nauthserv_id = "mx.desk.example"')
ANSWERED = CHECKED.replace('\n[[routes]]\nname = "security', RECEIPT) + 'reply = "receipt"\n'


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path, toml=ANSWERED)


@pytest.fixture
def intake(database: Database) -> Iterator[Intake]:
    made = Intake(database, bell=Bell(lambda: None))
    yield made
    made.close()


def mail(number: int, *, sender: str, text: str, answers: int | None = None) -> RawMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"{sender}@customer.example", "support@desk.example", "?"
    message["Message-ID"] = f"<{number}@customer.example>"
    message["Authentication-Results"] = "mx.desk.example; dmarc=pass header.from=customer.example"
    if answers is not None:
        message["In-Reply-To"] = f"<{answers}@customer.example>"
    message.set_content(text)
    return RawMessage(source_key=str(number), content=bytes(message), received_at=RECEIVED_AT)


def answers(desk: Desk) -> Mapping[str, list[str]]:
    said: dict[str, list[str]] = {}
    for row in desk.rows(OutboundRow):
        said.setdefault(row.recipient.partition("@")[0], []).append(row.text)
    return said


def test_a_sender_of_a_password_or_code_is_warned_in_their_language(desk: Desk, intake: Intake) -> None:
    first = [
        mail(1, sender="ann", text="I cannot log in. My password is Tr0ub4dor&3, please look."),
        mail(2, sender="li", text="我登录不了，收到的验证码是 482913，请帮我看看"),
        mail(3, sender="bob", text="How do I use the wallet abroad? My card is 4111 1111 1111 1111."),
    ]
    intake.take(Batch(channel="mail", messages=first))
    desk.route()
    # A follow-up gets no receipt, and the warning only once.
    later = [
        mail(4, sender="bob", text="By the way, my password is Tr0ub4dor&3", answers=3),
        mail(5, sender="bob", text="Or was the password hunter2hunter2?", answers=4),
        mail(6, sender="bob", text="Thanks a lot", answers=4),
        # The message is a repeat by her mail program; it has its reply already.
        mail(7, sender="ann", text="It works now.\n\n> I cannot log in. My password is Tr0ub4dor&3", answers=1),
    ]
    intake.take(Batch(channel="mail", messages=later))
    desk.route()

    said = answers(desk)
    ((ann,), (li,), (receipt, warning)) = said["ann"], said["li"], sorted(said["bob"], key=len)
    assert ann.startswith("We have your message ")
    assert "We have hidden it" in ann
    assert li.startswith("来信收到，编号 ")
    assert "我们已将其隐去" in li
    assert "hidden" not in receipt
    assert warning.startswith("One more thing: your message seems to contain a password")
    everything = " ".join([*(text for texts in said.values() for text in texts), *desk.rows(MessageRow, "text")])
    assert not any(secret in everything for secret in ("Tr0ub4dor", "482913", "hunter2", "4111 1111"))


def test_a_machine_that_sends_codes_gets_no_warning(desk: Desk, intake: Intake) -> None:
    raw = mail(1, sender="bank", text="Your one-time code is 482913")
    raw = RawMessage(
        source_key=raw.source_key,
        content=b"Auto-Submitted: auto-generated\n" + raw.content,
        received_at=RECEIVED_AT,
    )
    intake.take(Batch(channel="mail", messages=[raw]))
    desk.route()

    assert answers(desk) == {}
