"""A forged From enters nobody's case, inherits nothing and gets no answer: from the bytes of mails to the rows."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from connectors.base import Batch, RawMessage
from connectors.web.form import Submission
from connectors.web.form import batch_of as form_batch
from router.settings import read_settings
from router.settings.validation import examine_settings
from router.threads.correlation import make_token
from store.contacts.contact_labels import label_contact
from store.db.engine import Database
from store.tables.messages import ConversationRow, MessageRow, ThreadKeyRow
from store.tables.operations import OutboundRow
from tests.desk import RECEIVED_AT, TOML, Desk
from tests.mail_reader import LentReader
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake

SERVER = "mx.desk.example"
FAIL = f"{SERVER}; spf=softfail smtp.mailfrom=evil.example; dmarc=fail (p=REJECT) header.from=customer.example"
PASS = f"{SERVER}; dkim=pass header.d=customer.example; dmarc=pass header.from=customer.example"
NONE = f"{SERVER}; spf=none smtp.mailfrom=customer.example; dmarc=none header.from=customer.example"
RECEIPT = """
[replies.receipt]
text = {{ en = "We have your message {{reference}}." }}

[channels.form]
kind = "web"
address = "form@desk.example"

[[routes]]
name = "goes on"
when = {{ follows_case = true }}
team = "front-line"
priority = "low"
reply = "receipt"

[[routes]]
name = "security"""
ROUTED = TOML.replace('\n[[routes]]\nname = "security', RECEIPT).replace(
    'priority = "high"', 'priority = "high"\nreply = "receipt"'
)
ANSWERED = f'{ROUTED}reply = "receipt"\n'
CHECKED = ANSWERED.replace("[omniyard]", f'[omniyard]\nauthserv_id = "{SERVER}"')


class Attacked:
    """A desk with a customer, Ann, who has a case and an answer of ours in it."""

    def __init__(self, database: Database, folder: Path, *, toml: str) -> None:
        self.desk = Desk(database, folder, toml=toml)
        self.intake = Intake(database, bell=Bell(lambda: None), new_guard=LentReader)
        self.database = database

    def take(self, key: str, *, channel: str = "mail", text: str = "", **fields: str) -> MessageRow:
        """Take one mail as its gate would, route it, and return the message."""
        message = EmailMessage()
        written = {"From": "Ann <ann@customer.example>", "To": "support@desk.example", "Subject": "A question"}
        written |= {"Message-ID": f"<{key}@c.example>"} | {
            name.replace("_", "-"): each for name, each in fields.items()
        }
        for name, value in written.items():
            if value:
                message[name] = value
        message.set_content(text or f"These are the words of the mail {key}.")
        raw = RawMessage(source_key=f"{channel}:{key}", content=bytes(message), received_at=RECEIVED_AT)
        self.intake.take(Batch(channel=channel, messages=[raw]))
        return self.settle()

    def settle(self) -> MessageRow:
        self.desk.route()
        return max(self.desk.rows(MessageRow), key=lambda row: row.id)

    def case_of(self, message: MessageRow) -> ConversationRow:
        return next(row for row in self.desk.rows(ConversationRow) if row.id == message.conversation_id)

    def answers(self) -> list[OutboundRow]:
        return list(self.desk.rows(OutboundRow))

    def first(self, **fields: str) -> tuple[ConversationRow, str, str]:
        """Return Ann's case, the Message-ID of our receipt in it, and its token."""
        case = self.case_of(self.take("first", **fields))
        ours = next(row.rfc_message_id for row in self.answers() if row.conversation_id == case.id)
        token = make_token(self.desk.brain.key, reference=case.reference, contact_id=case.contact_id)
        return case, ours, token


@pytest.fixture
def checked(database: Database, tmp_path: Path) -> Iterator[Attacked]:
    """A desk whose mail server checks senders."""
    made = Attacked(database, tmp_path, toml=CHECKED)
    yield made
    made.intake.close()


@pytest.fixture
def unchecked(database: Database, tmp_path: Path) -> Iterator[Attacked]:
    """A desk as it is shipped: nothing is known of any server's checks."""
    made = Attacked(database, tmp_path, toml=ANSWERED)
    yield made
    made.intake.close()


# Verified fail


@pytest.mark.parametrize("sign", ["our Message-ID", "our token", "her own Message-ID", "no sign"])
def test_a_forged_mail_gets_a_case_of_its_own_and_no_answer(checked: Attacked, sign: str) -> None:
    case, ours, token = checked.first(Authentication_Results=PASS)
    before = len(checked.answers())
    fields = {
        "our Message-ID": {"In_Reply_To": f"<{ours}>"},
        "our token": {"Subject": f"Re: A question [{token}]"},
        "her own Message-ID": {"References": "<first@c.example>"},
        "no sign": {},
    }[sign]

    forged = checked.take("forged", Authentication_Results=FAIL, **fields)

    own = checked.case_of(forged)
    assert own.id != case.id
    assert own.linked_to == (case.id if fields else None)
    assert forged.sender_proof == "failed"
    assert forged.trace["signals"][0]["kind"] == "forged"
    assert forged.trace["reply"]["why"]["key"] == "address_is_abused"
    assert forged.trace["correlation"]["why"]["key"] == ("sender_is_forged" if fields else "nothing_points")
    assert len(checked.answers()) == before


def test_a_forged_first_mail_sends_nothing_to_the_address_it_abuses(checked: Attacked) -> None:
    checked.take("forged", Authentication_Results=FAIL)
    assert checked.answers() == []


def test_a_forged_mail_that_repeats_her_words_does_not_join_them(checked: Attacked) -> None:
    words = "My transfer of Monday has not arrived and I need it today, please look."
    case = checked.case_of(checked.take("first", text=words, Authentication_Results=PASS))
    forged = checked.take("forged", text=words, Authentication_Results=FAIL)
    assert checked.case_of(forged).id != case.id
    assert forged.duplicate_of is None


def test_what_she_writes_after_a_forgery_is_never_filed_with_it(checked: Attacked) -> None:
    case, ours, _ = checked.first(Authentication_Results=PASS)
    words = "Please change my registered address to another one, I lost the old one."
    ids = {"In_Reply_To": f"<{ours}>", "References": "<first@c.example>", "Message_ID": "<first@c.example>"}
    forged = checked.take("forged", text=words, Authentication_Results=FAIL, **ids)

    # She answers us, and by chance in the forger's words.
    hers = checked.take("second", Authentication_Results=PASS, In_Reply_To=f"<{ours}>")
    again = checked.take("third", text=words, Authentication_Results=PASS)

    assert hers.conversation_id == case.id
    assert again.conversation_id != forged.conversation_id
    keys = {row.conversation_id for row in checked.desk.rows(ThreadKeyRow)}
    assert forged.conversation_id not in keys


def test_a_forger_inherits_no_label_and_no_earlier_case(checked: Attacked) -> None:
    case, ours, _ = checked.first(Authentication_Results=PASS)
    label(checked, "vip")
    checked.desk.change(ConversationRow, status="resolved")

    forged = checked.take("forged", Authentication_Results=FAIL, In_Reply_To=f"<{ours}>", Subject="Another matter")
    proven = checked.take("proven", Authentication_Results=PASS, In_Reply_To=f"<{ours}>", Subject="Another matter")

    assert forged.trace["route"]["fired"] == "everything else"
    whys = {each["route"]: each["why_not"]["key"] for each in forged.trace["route"]["tried"]}
    assert (whys["vip"], whys["goes on"]) == ("sender_inherits_nothing", "follows_no_case")
    assert proven.trace["route"]["fired"] == "goes on"
    assert checked.case_of(proven).linked_to == case.id


# Not verified: the default


def test_an_answer_to_ours_joins_as_it_did(unchecked: Attacked) -> None:
    case, ours, token = unchecked.first()
    for number, fields in enumerate(
        (
            {"In_Reply_To": f"<{ours}>"},
            {"References": f"<first@c.example> <{ours}>"},
            {"References": f"<{ours}> <some-list@elsewhere.example>", "Subject": "Re: Re: A question"},
            {"Subject": f"Re: A question [{token}]"},
            {"To": f"support+{token}@desk.example"},
        )
    ):
        answer = unchecked.take(f"answer-{number}", **fields)
        assert answer.conversation_id == case.id, fields
        assert answer.sender_proof == "unproven"


@pytest.mark.parametrize(
    "fields",
    [
        {"References": "<newsletter@shop.example>"},
        {"In_Reply_To": "<first@c.example>"},
        {"Message_ID": "<newsletter@shop.example>"},
    ],
    ids=["what she quoted", "her own mail", "as what she quoted"],
)
def test_another_message_id_gives_a_linked_case(unchecked: Attacked, fields: dict[str, str]) -> None:
    case, _, _ = unchecked.first(References="<newsletter@shop.example>")
    message = unchecked.take("second", **fields)
    assert unchecked.case_of(message).id != case.id
    assert unchecked.case_of(message).linked_to == case.id
    assert message.trace["correlation"]["why"]["key"] == "sender_is_unproven"


def test_the_message_id_of_ours_as_its_own_answers_nothing(unchecked: Attacked) -> None:
    _, ours, _ = unchecked.first()
    (first,) = unchecked.desk.rows(MessageRow)
    # It counts as the copy of ours that it says it is.
    assert unchecked.take("second", Message_ID=f"<{ours}>").id == first.id


def test_the_subject_or_the_address_alone_joins_nothing(unchecked: Attacked) -> None:
    case, _, _ = unchecked.first()
    for number, subject in enumerate(("Re: A question", f"Re: A question [{case.reference}]", "Another one")):
        assert unchecked.take(f"later-{number}", Subject=subject).conversation_id != case.id


@pytest.mark.parametrize("results", [PASS, NONE])
def test_our_token_opens_no_case_to_a_sender_who_takes_no_part(checked: Attacked, results: str) -> None:
    case, ours, token = checked.first(Authentication_Results=results)
    fields = {"In_Reply_To": f"<{ours}>", "Subject": f"Re: A question [{token}]"}
    message = checked.take("stranger", From="mallory@customer.example", Authentication_Results=results, **fields)
    assert checked.case_of(message).id != case.id
    assert checked.case_of(message).linked_to == case.id


def test_a_repeat_with_a_file_brings_more_than_the_case_has(unchecked: Attacked) -> None:
    words = "My transfer of Monday has not arrived and I need it today, please look."
    case = unchecked.case_of(unchecked.take("first", text=words))
    assert unchecked.take("again", text=words).conversation_id == case.id
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@customer.example", "support@desk.example", "A question"
    message.set_content(words)
    message.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="statement.exe")
    raw = RawMessage(source_key="with-file", content=bytes(message), received_at=RECEIVED_AT)
    unchecked.intake.take(Batch(channel="mail", messages=[raw]))
    linked = unchecked.case_of(unchecked.settle())
    assert (linked.id != case.id, linked.linked_to) == (True, case.id)


def test_an_unproven_sender_inherits_no_label_and_no_earlier_case_but_gets_an_answer(unchecked: Attacked) -> None:
    _, ours, _ = unchecked.first()
    label(unchecked, "vip")
    unchecked.desk.change(ConversationRow, status="resolved")
    before = len(unchecked.answers())
    message = unchecked.take("second", In_Reply_To=f"<{ours}>", Subject="Another matter")
    assert message.trace["route"]["fired"] == "everything else"
    assert unchecked.case_of(message).linked_to
    assert len(unchecked.answers()) == before + 1


def test_the_form_is_unproven_whatever_server_is_named(checked: Attacked) -> None:
    filled = Submission(key="web:1", name="Ann", email="ann@customer.example", subject="Hi", text="Hello")
    checked.intake.take(form_batch("form", filled, to="form@desk.example", now=RECEIVED_AT))
    assert checked.settle().sender_proof == "unproven"


# Whose results are believed


@pytest.mark.parametrize(
    ("results", "proof"),
    [
        (PASS, "proven"),
        (FAIL, "failed"),
        (NONE, "unproven"),
        ("", "unproven"),
        (PASS.replace(SERVER, "mx.evil.example"), "unproven"),
        (PASS.replace(SERVER, SERVER.upper()), "proven"),
        (f"{SERVER}; x=(dmarc=pass)", "unproven"),
        (f'{SERVER}; spf=pass smtp.mailfrom="a;dmarc=pass ;x"@evil.example; dmarc=fail', "failed"),
        (f"{SERVER}; spf=pass smtp.mailfrom=a;dmarc=pass; x@evil.example; dmarc=fail", "failed"),
        (f"{SERVER}; dkim=fail (a \\) (b) dmarc=pass;) header.d=x; dmarc=none (dmarc=pass)", "unproven"),
        (f'{SERVER}; spf=pass smtp.mailfrom="a;dmarc=pass"@evil.example', "unproven"),
    ],
)
def test_what_is_proven_is_what_our_server_says(checked: Attacked, results: str, proof: str) -> None:
    assert checked.take("first", Authentication_Results=results).sender_proof == proof


def test_each_channel_names_its_own_server(database: Database, tmp_path: Path) -> None:
    theirs = CHECKED.replace("[channels.sales]", '[channels.sales]\nauthserv_id = "mx.sales.example"')
    desk = Attacked(database, tmp_path, toml=theirs)
    forged = FAIL.replace(SERVER, "mx.sales.example")
    assert desk.take("1", channel="sales", Authentication_Results=forged).sender_proof == "failed"
    assert desk.take("2", channel="mail", Authentication_Results=forged).sender_proof == "unproven"
    assert desk.take("3", channel="sales", Authentication_Results=FAIL).sender_proof == "unproven"
    desk.intake.close()


@pytest.mark.parametrize("listen", ["0.0.0.0:2525", "[::]:2525", "192.0.2.1:25"])
def test_no_result_is_believed_where_strangers_hand_mail_over(database: Database, tmp_path: Path, listen: str) -> None:
    own = f'kind = "smtp"\nauthserv_id = "{SERVER}"\nlisten = "{listen}"\naddress = "support'
    desk = Attacked(database, tmp_path, toml=CHECKED.replace('kind = "smtp"\naddress = "support', own))
    assert desk.take("1", Authentication_Results=PASS).sender_proof == "unproven"
    assert desk.take("2", Authentication_Results=FAIL).sender_proof == "unproven"
    desk.intake.close()


def test_the_check_of_the_file_says_that_a_server_is_not_believed() -> None:
    lines = '[channels.mail]\nkind = "smtp"\nlisten = "0.0.0.0:25"\nauthserv_id = "mx.desk.example"\nteam = "a"\n'
    found = examine_settings(f'{lines}[[routes]]\nname = "all"\nteam = "a"\n')
    assert any("authserv_id" in str(finding) for finding in found.findings)


def test_one_bad_server_name_is_no_server() -> None:
    settings = read_settings(
        CHECKED.format(data="var").replace("[channels.sales]", '[channels.sales]\nauthserv_id = ""')
    )
    assert settings.channels["sales"].believed_authserv_id(SERVER) is None
    assert settings.channels["mail"].believed_authserv_id(SERVER) == SERVER


def label(attacked: Attacked, name: str) -> None:
    with attacked.database.write() as connection:
        label_contact(connection, handle="ann@customer.example", labels=[name])
