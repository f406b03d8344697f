"""What leaves the desk has its name in the customer's language: the words, and the sender next to our address."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from connectors.email.smtp.compose import compose
from router.replies.autoreply import fill_reply
from router.settings import read_settings
from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.composer.signatures import write_signature
from store.outbound import ledger
from store.outbound.replies import lock_answerable
from store.tables.messages import ConversationRow
from store.tables.operations import OutboundRow
from store.tables.self_service import AutoAnswerRow
from tests.mail_desk import MailDesk, opened
from tests.workers.answering.answering_desk import ANSWERS, AnsweringDesk
from workers.sending.deliver import outgoing_of
from workers.sending.reply import ReplyRequest, ReplyService

EN, ZH = "E-wallet support", "电子钱包客服"
NAMES = f'name = {{{{ en = "{EN}", zh = "{ZH}" }}}}'
GREETING = '[replies.hello]\ntext = {{ en = "Thank you.\\n{{desk}}", zh = "谢谢。\\n{{desk}}" }}\n'
WORDS = {"en": "Where is my refund? I wait for three days.", "zh": "我的退款在哪里？我已经等了三天了，请尽快处理。"}
CASES = [("en", EN), ("zh", ZH)]


def sender_of(desk: MailDesk, outbound_id: UUID) -> str:
    """Return the name in From of a mail, as its server gets it."""
    with desk.database.write() as connection:
        row = ledger.find(connection, outbound_id)
    assert row
    outgoing = outgoing_of(row, key=b"k" * 32, desk=desk.desk.settings.omniyard)
    mail = message_from_bytes(compose(outgoing, address="support@wallet.example", name="?"), policy=SMTP)
    return str(mail["From"].addresses[0].display_name)


@pytest.fixture(params=CASES, ids=[language for language, _ in CASES])
def said(request: pytest.FixtureRequest) -> tuple[str, str]:
    language, name = request.param
    return language, name


def test_an_automatic_reply_has_the_name_in_its_own_language(
    database: Database, tmp_path: Path, said: tuple[str, str]
) -> None:
    language, name = said
    with opened(database, tmp_path, desk=NAMES, more=GREETING) as desk:
        _answer_with(desk, "hello")
        desk.mail(WORDS[language])
        (reply,) = desk.sent
        assert name in reply.text
        assert (reply.sender_name, sender_of(desk, reply.id)) == (name, name)


def test_an_agents_answer_is_signed_and_sent_by_the_name_in_the_language_of_the_case(
    database: Database, tmp_path: Path, said: tuple[str, str]
) -> None:
    language, name = said
    with opened(database, tmp_path, desk=NAMES, more=GREETING) as desk:
        desk.mail(WORDS[language])
        with database.write() as connection:
            for tag in WORDS:
                write_signature(connection, team="", language=tag, text="{agent}, {desk}")
            request = ReplyRequest(key="k", agent_id=UUID(int=1), author="Zoe", text="Here it is.", signs=True)
            service = ReplyService(desk.desk.settings, database)
            service.reply(connection, lock_answerable(connection, desk.cases[0].id), request)
        signed = desk.sent[-1]
        assert (signed.sender_name, signed.below) == (name, f"-- \nZoe, {name}")
        # And an answer without a signature, whose row names no sender
        plain = desk.answer(desk.cases[0])
        assert (plain.sender_name, sender_of(desk, plain.id)) == ("", name)


@pytest.mark.parametrize(
    ("language", "name"), [("zh-Hant", ZH), ("zh", ZH), ("en", EN), ("de", EN), ("", EN), ("und", EN)]
)
def test_a_case_in_another_language_is_answered_by_the_english_name(
    database: Database, tmp_path: Path, language: str, name: str
) -> None:
    with opened(database, tmp_path, desk=NAMES, more=GREETING) as desk:
        desk.mail(WORDS["en"])
        with database.write() as connection:
            connection.execute(sa.update(table_of(ConversationRow)).values(language=language))
        assert sender_of(desk, desk.answer(desk.cases[0]).id) == name
        filled = fill_reply(desk.desk.settings, "hello", language=language, reference="", status_link="")
        assert filled.splitlines()[-1] == name


def test_an_answer_of_the_help_centre_by_mail_has_the_name_in_its_language(database: Database, tmp_path: Path) -> None:
    toml = ANSWERS.replace("[omniyard]", f"[omniyard]\n{NAMES}")
    desk = AnsweringDesk(database, tmp_path, toml=toml)
    desk.change(AutoAnswerRow, state="missed")
    desk.ask("2", "退款要多久")
    desk.ask("3", "How long does a refund take?")
    desk.settle()
    found = [row for row in _rows(desk) if row.dedupe_key.startswith("answer:")]
    assert [row.sender_name for row in found] == [ZH, EN]
    assert [name in row.text for row, name in zip(found, (ZH, EN), strict=True)] == [True, True]


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (f'name = {{ en = "{EN}", zh = "{ZH}" }}', {"en": EN, "zh": ZH, "zh-Hant": ZH, "ja": EN}),
        (f'name = {{ zh = "{ZH}", en = "{EN}" }}', {"en": EN, "zh": ZH, "ja": EN}),
        (f'name = {{ zh = "{ZH}" }}', {"en": ZH, "zh": ZH, "ja": ZH}),
        (f'name = {{ en = "", zh = "{ZH}" }}', {"en": ZH, "zh": ZH}),
        (f'name = "{EN}"', {"en": EN, "zh": EN, "ja": EN}),
        ("", {"en": "Omniyard", "zh": "Omniyard"}),
        ('name = ""', {"en": "Omniyard", "zh": "Omniyard"}),
    ],
)
def test_the_name_is_one_text_or_one_a_language(written: str, names: dict[str, str]) -> None:
    settings = read_settings(f'[omniyard]\n{written}\n[teams.a]\n[[routes]]\nname = "all"\nteam = "a"\n')
    assert {language: settings.omniyard.name_in(language) for language in names} == names


def _answer_with(desk: MailDesk, reply: str) -> None:
    toml = desk.desk.text.replace('reply = "receipt"', f'reply = "{reply}"')
    desk.desk.use(read_settings(toml))


def _rows(desk: Any) -> list[Any]:
    return sorted(desk.rows(OutboundRow), key=lambda row: row.id)
