"""The agents' side: who waits, answers as lines, handing over, ending, blocking."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.text.subjects.chat_desk_phrases import CHAT_DESK_WORDS
from store.chat.endings import chats_of_resolved_cases
from store.conversations.merge import merge
from store.conversations.regroupings.undo import undo_regrouping as undo
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.tables.chat import ChatLineRow, ChatSessionRow
from store.tables.messages import ConversationRow, Direction, MessageRow
from store.tables.operations import AuditRow, OutboundRow
from tests.api.chat.agent_requests import act, answer
from tests.api.chat.conftest import SAME, ChatVisitor, Hands
from tests.app_client import AppClient
from tests.inbox_builder import Builder


@pytest.fixture
def reference(visitor: ChatVisitor, hands: Hands, database: Database) -> str:
    """A visitor waits with a question."""
    visitor.begin(name="Wu Min", email="wu@example.com")
    visitor.write("my refund is late")
    hands.work()
    with database.read() as connection:
        return str(connection.execute(sa.select(table_of(ConversationRow).c.reference)).scalar_one())


def test_an_answer_is_a_line_sent_once_it_is_committed(
    visitor: ChatVisitor, reference: str, client: AppClient, hands: Hands, database: Database
) -> None:
    assert answer(client, reference, "We are looking into it.").status_code == 201
    assert [line["kind"] for line in visitor.lines()] == ["visitor"]
    hands.work()
    assert [(line["kind"], line["text"]) for line in visitor.lines()] == [
        ("visitor", "my refund is late"),
        ("notice", "joined"),
        ("agent", "We are looking into it."),
    ]
    with database.read() as connection:
        assert connection.execute(sa.select(table_of(OutboundRow).c.state)).scalars().all() == ["sent"]
    state = visitor.state()
    assert (state["phase"], state["place"], state["last"]) == ("open", None, 3)


def test_waiting_chats_stand_in_their_band_below_the_emergencies(
    visitors: Callable[..., ChatVisitor], reference: str, browser: AppClient, hands: Hands
) -> None:
    in_danger = visitors()
    in_danger.begin()
    in_danger.write("my account was stolen")
    hands.work()
    page = browser.get("/").text
    rows = re.findall(r'<li [^>]*class="(row danger|band|row chat)', page)
    assert rows[:2] == ["row danger", "band"]
    assert rows.count("row chat") == 1
    assert page.count("my refund is late") == 1, "not in the list as well"
    assert "Wu Min" in page
    assert 'data-since="' in page


def test_a_waiting_chat_keeps_its_place_where_its_case_is_merged_and_does_not_end(
    visitor: ChatVisitor, reference: str, browser: AppClient, client: AppClient, hands: Hands, database: Database
) -> None:
    def bands() -> list[str]:
        return re.findall(r'<li class="band" id="chats-(\w+)"', browser.get("/").text)

    session = table_of(ChatSessionRow)
    with database.write() as connection:
        case = connection.execute(sa.select(table_of(ConversationRow))).mappings().one()
        build = Builder(connection, contacts={"wu@example.com": case["contact_id"]})
        mail = build.conversation(reference="MMMMMMMMM", handle="wu@example.com", channel=case["channel"])
        build.message(mail)
        now = read_clock(connection)
        kept = merge(connection, source_id=case["id"], target_id=mail, by="Ann", now=now)
        connection.execute(sa.update(session).values(heard_at=now - timedelta(minutes=1)))
    assert bands() == ["waiting"]
    assert 'href="/conversations/MMMMMMMMM"' in browser.get("/").text
    with database.read() as connection:
        assert chats_of_resolved_cases(connection, limit=9) == []
    answer(client, "MMMMMMMMM", "We are looking into it.")
    hands.work()
    assert visitor.lines()[-1]["text"] == "We are looking into it."
    assert visitor.state()["phase"] == "open"
    with database.write() as connection:
        undo(connection, kept, by="Ann", now=read_clock(connection))
    with database.read() as connection:
        assert connection.execute(sa.select(session.c.conversation_id)).scalar_one() == case["id"]


def test_an_answered_chat_stays_in_sight_of_its_agent_until_it_is_over(
    visitor: ChatVisitor, reference: str, browser: AppClient, client: AppClient, hands: Hands, database: Database
) -> None:
    def bands(path: str) -> list[str]:
        return re.findall(r'<li class="band" id="chats-(\w+)"', browser.get(path).text)

    assert bands("/") == ["waiting"]
    with database.write() as connection:
        connection.execute(sa.update(table_of(ConversationRow)).values(assignee="the agent"))
    answer(client, reference, "We are looking into it.")
    hands.work()
    # Now it waits for the visitor, and is not among the open conversations.
    assert (bands("/"), bands("/?view=mine"), bands("/?view=unassigned")) == (["ongoing"], ["ongoing"], [])
    page = browser.get("/").text
    assert page.count(f'href="/conversations/{reference}"') == 1
    assert "Wu Min" in page
    # A colleague's list does not have it.
    with database.write() as connection:
        connection.execute(sa.update(table_of(ConversationRow)).values(assignee="the supervisor"))
    assert bands("/") == []
    with database.write() as connection:
        connection.execute(sa.update(table_of(ConversationRow)).values(assignee="the agent"))
    # The visitor's next line opens the conversation, which then stands in the list itself.
    visitor.write("thank you, and the fee?")
    hands.work()
    assert bands("/") == []
    assert f'href="/conversations/{reference}"' in browser.get("/").text
    answer(client, reference, "The fee comes back too.")
    hands.work()
    assert bands("/") == ["ongoing"]
    assert act(browser, reference, do="end").status_code == 303
    assert bands("/") == []


@pytest.mark.parametrize("verb", ["end", "transfer", "block", "unblock"])
def test_each_action_of_a_chat_says_what_it_did(reference: str, browser: AppClient, verb: str) -> None:
    answer = act(browser, reference, do=verb, team="risk")
    said = CHAT_DESK_WORDS[f"done_chat_{verb}"][0]
    assert said in browser.get(answer.headers["location"]).text.partition('class="toast"')[2]


def undo_of(page: str) -> dict[str, str]:
    """The fields of the button of the notice."""
    return dict(re.findall(r'name="(sealed|key)" value="([^"]+)"', page.partition('action="/undo"')[2]))


def test_ending_a_chat_is_taken_back_by_the_notice(
    visitor: ChatVisitor, reference: str, browser: AppClient, database: Database
) -> None:
    def status() -> str:
        with database.read() as connection:
            return str(connection.execute(sa.select(table_of(ConversationRow).c.status)).scalar_one())

    waited = visitor.state()["place"]
    page = browser.get(act(browser, reference, do="end").headers["location"]).text
    assert (status(), visitor.state()["phase"]) == ("resolved", "ended")
    form = undo_of(page)
    assert browser.post("/undo", data=form, headers=SAME).status_code == 303
    # The visitor waits as before, and reads that the chat goes on.
    assert (status(), visitor.state()["phase"], visitor.state()["place"]) == ("open", "waiting", waited)
    assert [line["text"] for line in visitor.lines()] == ["my refund is late", "ended_agent", "resumed"]
    with database.read() as connection:
        audit = table_of(AuditRow).c
        logged = connection.execute(sa.select(audit.action, audit.object).where(audit.action.like("chat.%"))).all()
    assert sorted(map(tuple, logged)) == [("chat.end", reference), ("chat.resume", reference)]


def test_a_chat_that_the_visitor_began_again_is_not_taken_back(
    visitor: ChatVisitor, reference: str, browser: AppClient, hands: Hands
) -> None:
    page = browser.get(act(browser, reference, do="end").headers["location"]).text
    visitor.write("one more thing")
    hands.work()
    form = undo_of(page)
    browser.post("/undo", data=form, headers=SAME)
    assert "resumed" not in [line["text"] for line in visitor.lines()]


def test_the_pane_says_that_a_typed_name_is_not_verified(
    reference: str, browser: AppClient, database: Database
) -> None:
    page = browser.get(f"/conversations/{reference}").text
    assert "Not verified" in page
    assert "Signed by your server" not in page


def test_reading_a_chat_shows_the_visitor_that_it_was_read(
    visitor: ChatVisitor, reference: str, browser: AppClient
) -> None:
    assert visitor.state()["read"] == 0
    browser.get(f"/conversations/{reference}")
    assert visitor.state()["read"] == 1


def test_an_agent_sees_that_the_visitor_types(visitor: ChatVisitor, reference: str, browser: AppClient) -> None:
    visitor.post("marks", typing=True)
    assert browser.get(f"/conversations/{reference}/chat").json()["said"] == "The visitor is typing"


def test_a_chat_is_handed_over_with_a_note_and_the_visitor_learns_to_whom(
    visitor: ChatVisitor, reference: str, browser: AppClient, database: Database
) -> None:
    assert act(browser, reference, do="transfer", team="risk", note="please look at the IBAN").status_code == 303
    assert [line["text"] for line in visitor.lines()] == ["my refund is late", "handed"]
    assert visitor.lines()[-1]["author"] == "Risk"
    with database.read() as connection:
        team = connection.execute(sa.select(table_of(ConversationRow).c.team)).scalar_one()
        notes = connection.execute(
            sa.select(table_of(MessageRow)).where(table_of(MessageRow).c.direction == Direction.NOTE)
        ).all()
    assert (team, len(notes)) == ("risk", 1)
    assert visitor.state()["place"] == 1, "the place in the queue is kept"


def test_ending_resolves_the_case_and_asks_for_a_rating(
    visitor: ChatVisitor, reference: str, browser: AppClient, client: AppClient
) -> None:
    assert act(browser, reference, do="end").status_code == 303
    state = visitor.state()
    assert (state["phase"], state["ended_by"], state["may_rate"]) == ("ended", "agent", True)
    assert visitor.post("rating", score=5, word="quick").status_code == 204
    assert (visitor.state()["rated"], visitor.state()["may_rate"]) == (5, False)
    # A further message begins it again, in a case that links to the old one.
    assert visitor.write("one more thing").status_code == 200
    assert visitor.state()["phase"] == "waiting"


def test_a_blocked_visitor_is_refused_with_a_sentence_and_so_is_the_address(
    visitor: ChatVisitor, visitors: Callable[..., ChatVisitor], reference: str, browser: AppClient
) -> None:
    assert act(browser, reference, do="block").status_code == 303
    assert visitor.state()["blocked"]
    refused = visitor.write("still here")
    assert (refused.status_code, refused.json()["detail"]) == (403, "an agent has blocked this visitor")
    assert visitors().post("session").status_code == 403
    assert visitors("198.51.100.9").post("session").status_code == 200
    act(browser, reference, do="unblock")
    assert visitor.write("thank you").status_code == 200


def test_two_agents_and_the_visitor_write_and_every_reader_has_the_same_order(
    visitor: ChatVisitor, reference: str, client_of: Callable[[str], AppClient], hands: Hands, database: Database
) -> None:
    agents = [client_of("agent"), client_of("senior")]
    for number in range(6):
        visitor.write(f"visitor {number}")
        for client in agents:
            assert answer(client, reference, f"answer {number}").status_code == 201
        hands.work()
    lines = visitor.lines()
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    with database.read() as connection:
        table = table_of(ChatLineRow)
        stored = connection.execute(sa.select(table.c.text).order_by(table.c.seq)).scalars().all()
    assert [line["text"] for line in lines] == stored


def test_an_agent_of_another_team_does_not_see_the_chat(
    reference: str, app: FastAPI, portal: BlockingPortal, database: Database
) -> None:
    from store.desk.agents import add_agent  # noqa: PLC0415
    from store.desk.assignment import set_duty  # noqa: PLC0415
    from store.tables.agents import SkillKind  # noqa: PLC0415

    with database.write() as connection:
        _, token = add_agent(connection, name="Li", role="agent")
        set_duty(connection, name="Li", skills={SkillKind.TEAM: ["risk"]})
    other = AppClient(app, portal, headers={"Authorization": f"Bearer {token}"})
    assert other.get(f"/conversations/{reference}/chat").status_code == 404
