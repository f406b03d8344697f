"""An agent who is away and asked for it gets one mail a conversation and hour, with reference and subject alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from router.event_kinds import EventKind
from router.settings import read_settings
from store.conversations.messages import outbound_of
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.desk.access.provider_accounts import set_email
from store.desk.agents import add_agent
from store.desk.assignment import set_absence, set_duty
from store.desk.notices import prefer, write_notices
from store.events.append import NewEvent, append_events
from store.events.feed import newest_number, number_events
from store.tables.agents import SkillKind
from store.tables.operations import OutboundRow
from tests.inbox_builder import NOON, Builder
from workers.sending.away_mail import AwayMailer

TOML = """
[omniyard]
name = "Wallet"
public_url = "https://desk.wallet.example"
data = "{data}"
[channels.out]
kind = "smtp"
address = "help@wallet.example"
[channels.out.send]
outbox = true
[[routes]]
name = "all"
team = "payments"
"""


@pytest.fixture
def mailer(tmp_path: Path) -> AwayMailer:
    return AwayMailer(read_settings(TOML.format(data=tmp_path)))


def happened(database: Database, mailer: AwayMailer, *events: NewEvent) -> None:
    with database.write() as connection:
        append_events(connection, events)
        before = newest_number(connection)
        number_events(connection, after=before, limit=100)
        write_notices(connection, after=before)
        mailer(connection, before)


def mails(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(
            connection.execute(sa.select(table_of(OutboundRow)).order_by(table_of(OutboundRow).c.id)).mappings()
        )


@pytest.fixture
def case(database: Database) -> Any:
    with database.write() as connection:
        for name in ("Li", "Ming"):
            add_agent(connection, name=name, role="agent")
            set_email(connection, name=name, email=f"{name}@wallet.example")
        build = Builder(connection)
        case = build.conversation(
            assignee="Li", reference="K7QF2MXD4", subject="Refund", team="payments", emergency=True
        )
        build.message(case, text="My card 4242 was stolen, I am Wang Fang")
    return case


def choose(database: Database, name: str, value: str) -> None:
    with database.write() as connection:
        row = connection.execute(sa.text("SELECT id FROM agent WHERE name = :name"), {"name": name}).scalar_one()
        from uuid import UUID  # noqa: PLC0415

        prefer(connection, row if isinstance(row, UUID) else UUID(row), name="calls", value=value)


def test_one_mail_a_conversation_and_hour_with_reference_and_subject_alone(
    database: Database, mailer: AwayMailer, case: Any
) -> None:
    news = NewEvent(EventKind.MESSAGE_RECEIVED, case, at=NOON)
    # Off by default
    happened(database, mailer, news)
    assert mails(database) == []
    # Once for many messages
    choose(database, "Li", "mine away_mail")
    for _ in range(3):
        happened(database, mailer, news)
    (mail,) = mails(database)
    assert (mail["recipient"], mail["kind"], mail["channel"]) == ("li@wallet.example", "agent_mail", "out")
    assert mail["subject"] == "[Wallet] K7QF2MXD4 Refund"
    assert "https://desk.wallet.example/conversations/K7QF2MXD4" in mail["text"]
    assert not any(word in mail["text"] for word in ("card", "4242", "Wang"))
    # The conversation does not show it, and an hour later there is another one
    with database.write() as connection:
        assert outbound_of(connection, case) == []
        table = table_of(OutboundRow)
        connection.execute(sa.update(table).values(created_at=read_clock(connection) - timedelta(minutes=61)))
    happened(database, mailer, news)
    assert len(mails(database)) == 2


@pytest.mark.parametrize(("language", "name"), [("en", "Wallet"), ("zh", "钱包"), ("ja", "Wallet")])
def test_the_mail_has_the_desks_name_in_the_language_of_its_words(
    database: Database, tmp_path: Path, case: Any, language: str, name: str
) -> None:
    toml = TOML.replace('name = "Wallet"', 'name = {{ en = "Wallet", zh = "钱包" }}')
    choose(database, "Li", "mine away_mail")
    with database.write() as connection:
        connection.execute(sa.text("UPDATE conversation SET language = :language"), {"language": language})
    mailer = AwayMailer(read_settings(toml.format(data=tmp_path)))
    happened(database, mailer, NewEvent(EventKind.MESSAGE_RECEIVED, case, at=NOON))
    (mail,) = mails(database)
    assert (mail["sender_name"], mail["subject"]) == (name, f"[{name}] K7QF2MXD4 Refund")


def test_who_is_there_or_may_not_see_the_conversation_gets_none(
    database: Database, mailer: AwayMailer, case: Any
) -> None:
    for name in ("Li", "Ming"):
        choose(database, name, "away_mail")
    with database.write() as connection:
        set_duty(connection, name="Li", available=True)
        set_duty(connection, name="Ming", skills={SkillKind.TEAM: ["risk"]})
        note = Builder(connection).message(case, direction="note", text="@Ming please look", sender_name="Li")
    said = NewEvent(EventKind.MESSAGE_NOTED, case, {"message_id": str(note), "author": "Li"}, at=NOON)
    happened(database, mailer, NewEvent(EventKind.MESSAGE_RECEIVED, case, at=NOON), said)
    assert mails(database) == []
    # On leave, though on duty before; and a member of the team
    with database.write() as connection:
        now = read_clock(connection)
        set_absence(connection, name="Li", away_from=None, away_until=now + timedelta(days=3))
        set_duty(connection, name="Ming", skills={SkillKind.TEAM: ["payments"]})
    happened(database, mailer, NewEvent(EventKind.MESSAGE_RECEIVED, case, at=NOON), said)
    assert sorted(mail["recipient"] for mail in mails(database)) == ["li@wallet.example", "ming@wallet.example"]
