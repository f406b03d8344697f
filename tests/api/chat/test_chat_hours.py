"""Hours by the server's calendar, danger before hours, the queue, and chats that are silent or unread."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from router.envelope import Party, PartyKind, to_json
from router.settings import Settings
from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.agents import add_agent
from store.desk.assignment import set_duty
from store.inbound.accept import InboundMessage, accept
from store.tables.agents import SkillKind
from store.tables.messages import ConversationRow, InboundRow
from store.tables.operations import OutboundRow
from tests.api.chat.agent_requests import answer
from tests.api.chat.chat_hours import MAIL, ago, closed_for_days, keeper
from tests.api.chat.conftest import CHAT, SAME, ChatVisitor, Hands
from tests.api.conftest import MovingClock
from tests.app_client import AppClient
from tests.desk import envelope

OPEN = 'week = { mon-sun = ["24h"] }'
SPANS = 'week = { mon-fri = ["09:00-12:00", "13:00-18:00", "22:00-02:00"] }'
_HOLIDAY = '{ on = 2027-03-03, open = [], why = "a holiday" }'
_MAKE_UP = '{ on = 2027-03-06, open = ["09:00-18:00"], why = "make-up Saturday" }'
DATES = f"[{_HOLIDAY}, {_MAKE_UP}]"


class TestOnADayWithSpans:
    """Berlin, where the clock changes on 28 March 2027."""

    @pytest.fixture
    def chat(self) -> str:
        return (
            CHAT.replace(OPEN, SPANS)
            .replace("dates = []", f"dates = {DATES}")
            .replace("Asia/Shanghai", "Europe/Berlin")
        )

    @pytest.mark.parametrize(
        ("local", "is_open"),
        [
            ("2027-03-02 09:00", True),  # Tuesday, opening
            ("2027-03-02 12:00", False),  # lunch
            ("2027-03-02 13:00", True),
            ("2027-03-02 18:00", False),
            ("2027-03-02 22:00", True),  # the night belongs to Tuesday
            ("2027-03-03 02:00", False),  # and ends on the holiday
            ("2027-03-03 09:00", None),  # the holiday: closed before and after
            ("2027-03-06 09:00", True),  # the make-up Saturday
            ("2027-03-29 09:00", True),  # after the clock change
        ],
    )
    def test_the_state_is_right_one_second_before_and_after_each_boundary(
        self, local: str, is_open: bool | None, visitor: ChatVisitor, clock: MovingClock
    ) -> None:
        edge = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
        states = []
        for step in (-1, 1):
            clock.at = edge + timedelta(seconds=step)
            states.append(visitor.state()["open"])
        assert states == ([False, False] if is_open is None else [not is_open, is_open])


class TestClosed:
    """The calendar is closed."""

    @pytest.fixture
    def chat(self) -> str:
        return closed_for_days()

    def test_danger_gets_its_own_words_and_never_the_closing_text(
        self, visitor: ChatVisitor, hands: Hands, database: Database
    ) -> None:
        visitor.begin(email="wu@example.com")
        visitor.write("my account was stolen")
        hands.work()
        assert [line["text"] for line in visitor.lines() if line["kind"] == "machine"] == [
            "Our risk team has your case."
        ]
        with database.read() as connection:
            case = connection.execute(sa.select(table_of(ConversationRow))).one()
        assert (case.emergency, case.team, case.held_until) == (True, "risk", None)

    def test_a_chat_that_begins_while_closed_waits_for_the_opening_and_danger_waits_at_once(
        self, visitors: Callable[..., ChatVisitor], hands: Hands, client: AppClient, clock: MovingClock
    ) -> None:
        chats = {"where is my refund?": visitors(), "my account was stolen": visitors()}
        for text, each in chats.items():
            each.begin()
            each.write(text)
        hands.work()
        ordinary, danger = (each.state()["reference"] for each in chats.values())
        # A desk may hold it or not; an agent who looks at it early opens it.
        client.patch(f"/api/v1/conversations/{ordinary}", json={"status": "open"})
        waiting = client.get("/api/v1/chats").json()["waiting"]
        assert [each["reference"] for each in waiting] == [danger]
        assert 'id="chats-waiting"' not in client.get("/", headers={"Accept": "text/html"}).text

        clock.move(timedelta(days=3))
        waiting = client.get("/api/v1/chats").json()["waiting"]
        assert [each["reference"] for each in waiting] == [danger, ordinary]
        opened = datetime.fromisoformat(waiting[1]["waiting_since"]).astimezone(ZoneInfo("Asia/Shanghai"))
        assert (opened.hour, opened.minute) == (0, 0)
        page = client.get("/", headers={"Accept": "text/html"}).text
        assert 'id="chats-waiting"' in page

        # A chat that no one has stands on top of the unassigned; one that an agent has, of that agent's.
        def views() -> list[str]:
            queues = ("unassigned", "mine", "pending")
            shown = {view: client.get(f"/?view={view}", headers={"Accept": "text/html"}).text for view in queues}
            return [view for view, text in shown.items() if 'id="chats-waiting"' in text]

        assert views() == ["unassigned"]
        for reference in (danger, ordinary):
            client.patch(f"/api/v1/conversations/{reference}", json={"assignee": "the admin"})
        assert views() == ["mine"]

    def test_without_a_script_the_form_makes_one_case_and_one_receipt_with_the_next_opening(
        self, visitor: ChatVisitor, hands: Hands, database: Database
    ) -> None:
        page = visitor.client.get("/chat/site").text
        assert "Closed now. We open" in page
        assert 'type="email" maxlength="254" autocomplete="email" required>' in page
        form = {"client_id": "1" * 32, "text": "where is my refund?", "email": "wu@example.com"}
        for _ in range(2):
            sent = visitor.client.post("/chat/site/send", data=form, files={"files": b""}, headers=SAME)
            assert sent.status_code == 303
        hands.work()
        page = visitor.client.get("/chat/site").text
        assert page.count("We open ") >= 1
        receipts = [line for line in visitor.lines() if line["kind"] == "machine"]
        assert len(receipts) == 1
        with database.read() as connection:
            assert len(connection.execute(sa.select(table_of(InboundRow))).all()) == 1

    def test_the_next_opening_is_shown_in_the_visitors_language(self, visitor: ChatVisitor) -> None:
        state = visitor.state()
        assert state["next_opening"]
        chinese = visitor.client.get("/chat/site/state", headers={"Accept-Language": "zh"}).json()
        assert "星期" in chinese["opening"]


def test_an_agent_who_is_not_there_is_not_claimed_to_be(visitor: ChatVisitor, database: Database) -> None:
    assert visitor.state()["agents"] is False
    with database.write() as connection:
        add_agent(connection, name="Li", role="agent")
        set_duty(connection, name="Li", available=True, skills={SkillKind.TEAM: ["payments"]})
    visitor.begin()
    visitor.write("hello")
    assert visitor.state()["agents"] is True


def test_the_place_falls_as_chats_are_taken_and_no_two_have_the_same(
    visitors: Callable[..., ChatVisitor], hands: Hands, client: AppClient
) -> None:
    waiting = [visitors() for _ in range(3)]
    for each in waiting:
        each.begin()
        each.write("hello")
    hands.work()
    assert [each.state()["place"] for each in waiting] == [1, 2, 3]
    assert {each.state()["minutes"] for each in waiting} == {None}, "no waiting time under 10 samples"
    answer(client, str(waiting[0].state()["reference"]), "How can I help?")
    hands.work()
    waiting[1].write("still here")
    assert [each.state()["place"] for each in waiting] == [None, 1, 2]


def test_a_silent_chat_is_warned_and_then_ends_and_only_if_we_answered(
    visitor: ChatVisitor, hands: Hands, client: AppClient, database: Database, settings: Settings
) -> None:
    visitor.begin()
    visitor.write("hello")
    hands.work()
    ago(database, heard_at=timedelta(hours=1))
    assert keeper(database, settings).once() == 0
    answer(client, str(visitor.state()["reference"]), "How can I help?")
    hands.work()
    ago(database, heard_at=timedelta(minutes=11), answered_at=timedelta(minutes=11))
    assert keeper(database, settings).once() == 1
    assert visitor.state()["warned"]
    ago(database, heard_at=timedelta(minutes=16), answered_at=timedelta(minutes=16))
    keeper(database, settings).once()
    state = visitor.state()
    assert (state["phase"], state["ended_by"], state["may_rate"]) == ("ended", "idle", True)


class TestByMail:
    """Answers that are not read go out by mail."""

    @pytest.fixture
    def chat(self) -> str:
        return MAIL + CHAT.replace("files = 2", 'mail = "support-mail"')

    @pytest.fixture
    def reference(self, visitor: ChatVisitor, hands: Hands, client: AppClient) -> str:
        visitor.begin(email="wu@example.com")
        visitor.write("where is my refund?")
        hands.work()
        reference = str(visitor.state()["reference"])
        for text in ("It left yesterday.", "It arrives tomorrow."):
            answer(client, reference, text)
        hands.work()
        return reference

    def mails(self, database: Database) -> list[str]:
        table = table_of(OutboundRow)
        with database.read() as connection:
            found = sa.select(table.c.text).where(table.c.kind == "chat_mail").order_by(table.c.id)
            return list(connection.execute(found).scalars())

    def later(self, database: Database) -> None:
        """Let six minutes pass for every line."""
        with database.write() as connection:
            lines = "UPDATE chat_line SET at = strftime('%Y-%m-%d %H:%M:%f000', at, '-6 minutes')"
            connection.exec_driver_sql(lines)

    def test_what_no_visitor_saw_for_five_minutes_goes_out_in_one_mail(
        self, visitor: ChatVisitor, reference: str, database: Database, settings: Settings
    ) -> None:
        keep = keeper(database, settings)
        keep.once()
        assert self.mails(database) == []
        self.later(database)
        for _ in range(3):
            keep.once()
        (mail,) = self.mails(database)
        assert mail.index("It left yesterday.") < mail.index("It arrives tomorrow.")
        assert [line["by_mail"] for line in visitor.lines() if line["kind"] == "agent"] == [True, True]

    def test_the_answer_to_the_mail_joins_the_case_and_shows_in_the_chat(
        self, visitor: ChatVisitor, reference: str, database: Database, settings: Settings, hands: Hands
    ) -> None:
        self.later(database)
        keeper(database, settings).once()
        table = table_of(OutboundRow)
        with database.read() as connection:
            sent = connection.execute(sa.select(table.c.rfc_message_id).where(table.c.kind == "chat_mail")).scalar_one()
        reply = envelope(
            "reply-1",
            sender=Party(PartyKind.EMAIL, "wu@example.com"),
            channel="support-mail",
            text="It is here, thank you.",
            in_reply_to=(sent,),
        )
        document = to_json(replace(reply, received_at=datetime.now(UTC)))
        delivery = InboundMessage(
            source_key="reply-1",
            envelope=document.decode(),
            original=document,
            size=len(document),
            content_hash=hashlib.sha256(document).digest(),
            received_at=datetime.now(UTC),
        )
        with database.write() as connection:
            accept(connection, channel="support-mail", deliveries=[delivery], backfill=False)
        hands.work()
        last = visitor.lines()[-1]
        assert (last["kind"], last["text"], last["by_mail"]) == ("visitor", "It is here, thank you.", True)
        with database.read() as connection:
            assert len(connection.execute(sa.select(table_of(ConversationRow))).all()) == 1

    def test_what_the_browser_has_is_not_mailed(
        self, visitor: ChatVisitor, reference: str, database: Database, settings: Settings
    ) -> None:
        visitor.post("marks", seen=visitor.state()["last"])
        self.later(database)
        keeper(database, settings).once()
        assert self.mails(database) == []

    @pytest.mark.parametrize(("language", "name"), [("en", "Wallet"), ("zh", "钱包客服"), ("ja", "Wallet")])
    def test_it_has_the_desks_name_in_the_language_of_the_chat(
        self, reference: str, database: Database, settings: Settings, language: str, name: str
    ) -> None:
        table, names = table_of(OutboundRow), {"en": "Wallet", "zh": "钱包客服"}
        with database.write() as connection:
            connection.execute(sa.text("UPDATE chat_session SET language = :language"), {"language": language})
        self.later(database)
        desk = settings.omniyard.model_copy(update={"name": names})
        keeper(database, settings.model_copy(update={"omniyard": desk})).once()
        with database.read() as connection:
            mail = connection.execute(sa.select(table).where(table.c.kind == "chat_mail")).one()
        assert mail.sender_name == name
        assert [each in f"{mail.subject}\n{mail.text}" for each in names.values()] == [
            name == "Wallet",
            name != "Wallet",
        ]

    def test_a_transcript_goes_to_the_address_once_and_is_masked(
        self, visitor: ChatVisitor, reference: str, database: Database
    ) -> None:
        visitor.write("my card is 4111 1111 1111 1111")
        for _ in range(2):
            assert visitor.post("transcript", email="wu@example.com").status_code == 204
        (mail,) = self.mails(database)
        assert "where is my refund?" in mail
        assert "4111 1111 1111 1111" not in mail


def test_erasing_a_contact_empties_lines_and_sessions(
    visitor: ChatVisitor, hands: Hands, client: AppClient, database: Database
) -> None:
    visitor.begin(name="Wu Min", email="wu@example.com")
    visitor.write("the purple elephant")
    hands.work()
    with database.read() as connection:
        contact = connection.execute(sa.select(table_of(ConversationRow).c.contact_id)).scalar_one()
    erased = client.post(f"/api/v1/contacts/{contact}/erase", json={"reason": "asked for it"})
    assert erased.status_code < 300, erased.text
    with database.read() as connection:
        rows = [connection.exec_driver_sql(f"SELECT * FROM {name}").all() for name in ("chat_line", "chat_session")]
    assert "elephant" not in str(rows)
    assert "wu@example.com" not in str(rows)
    assert visitor.client.get("/chat/site/lines").status_code == 401
