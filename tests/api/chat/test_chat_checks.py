"""Checks of the chat without a browser: limits, the queue, masks everywhere, blocking, explanations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from api.services.chat_facts import ChatFacts
from api.services.keyed_waker import KeyedWaker
from cli.commands.explain import _in_words
from store.chat.explained import count_chats, explained_lines
from store.chat.visitor_sessions import HERE
from store.db.bulk import table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.desk.agents import add_agent
from store.desk.assignment import set_duty
from store.tables.agents import SkillKind
from store.tables.chat import ChatSessionRow
from store.tables.messages import InboundRow, MessageRow
from store.tables.operations import AuditRow, EventRow, OutboundRow
from tests.api.chat.agent_requests import act, answer
from tests.api.chat.chat_hours import MAIL
from tests.api.chat.conftest import CHAT, ChatVisitor, Hands
from tests.api.conftest import MovingClock
from tests.app_client import AppClient

STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def chat() -> str:
    return MAIL + CHAT.replace("files = 2", 'mail = "support-mail"')


def test_the_stream_above_the_limit_of_the_process_is_refused_and_the_lines_are_there(
    visitor: ChatVisitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.begin()
    visitor.write("hello")
    monkeypatch.setattr(KeyedWaker, "total", property(lambda _: 2_000))
    refused = visitor.client.get("/chat/site/stream", headers=STREAM)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    assert [line["text"] for line in visitor.lines()] == ["hello"]


def test_guessed_secrets_open_no_stream_either(visitor: ChatVisitor) -> None:
    headers = [{"Authorization": f"Bearer {number:043}", **STREAM} for number in range(62)]
    answers = [visitor.client.get("/chat/site/stream", headers=each).status_code for each in headers]
    assert answers == [401] * 60 + [429] * 2


def test_a_page_that_polls_counts_as_there(visitor: ChatVisitor, database: Database, clock: MovingClock) -> None:
    visitor.begin()
    visitor.write("hello")
    visitor.lines()
    table = table_of(ChatSessionRow)
    with database.read() as connection:
        assert connection.execute(sa.select(table.c.here_until)).scalar_one() == clock() + HERE


def test_without_an_agent_the_page_says_so_once_and_asks_for_a_mail_address(visitor: ChatVisitor, hands: Hands) -> None:
    visitor.begin()
    visitor.write("hello")
    hands.work()
    state = visitor.state()
    assert (state["open"], state["agents"], state["busy"], state["agent"]) == (True, False, False, "")
    page = visitor.client.get("/chat/site").text
    assert "Leave your mail address" in page
    assert re.search(r"data-subtitle>([^<]*)<", page) is not None
    assert "is here for you" not in str(re.findall(r"data-subtitle>([^<]*)<", page))


@pytest.mark.parametrize(
    ("usual", "place", "agents", "minutes"),
    [
        (None, 1, 1, None),  # under ten samples nothing is said
        (timedelta(seconds=20), 1, 1, 1),
        (timedelta(minutes=2), 2, 1, 5),  # 4 minutes, said as 5
        (timedelta(minutes=2), 2, 2, 2),
        (timedelta(minutes=12), 1, 1, 15),
        (timedelta(minutes=20), 4, 1, None),  # above half an hour it is no promise
        (timedelta(minutes=2), 1, 0, None),  # no agent is there
    ],
)
def test_the_waiting_time_is_shown_in_steps(
    usual: timedelta | None, place: int, agents: int, minutes: int | None
) -> None:
    order = tuple(new_id() for _ in range(4))
    facts = ChatFacts(
        open=True, until=None, next_opening=None, agents=agents, rooms=0, order=order, usual=usual
    )  # fmt: skip
    assert facts.minutes(place) == minutes


def test_who_joins_the_end_of_the_queue_moves_no_one_and_who_leaves_it_moves_those_behind() -> None:
    first, second, third = (new_id() for _ in range(3))

    def facts(*order: object) -> ChatFacts:
        return ChatFacts(
            open=True, until=None, next_opening=None, agents=1, rooms=0, order=order, usual=None  # type: ignore[arg-type]
        )  # fmt: skip

    assert facts(first, second, third).moved_since(facts(first, second)) == {third}
    assert facts(second, third).moved_since(facts(first, second, third)) == {first, second, third}
    assert facts(first, second).moved_since(facts(first, second)) == set()


def test_a_card_a_code_and_a_password_are_masked_everywhere(
    visitor: ChatVisitor,
    hands: Hands,
    client: AppClient,
    database: Database,
    capsys: pytest.CaptureFixture[str],
) -> None:
    visitor.begin(email="wu@example.com")
    secrets = ("4111 1111 1111 1111", "839201", "Tr0ub4dor&3")
    line = visitor.write(f"card {secrets[0]}, my verification code is {secrets[1]}, my password is {secrets[2]}").json()
    assert line["masked"]
    hands.work()
    reference = str(visitor.state()["reference"])
    answer(client, reference, "Thank you.")
    hands.work()
    assert visitor.post("transcript", email="wu@example.com").status_code == 204
    models = (MessageRow, EventRow, OutboundRow)
    with database.read() as connection:
        stored = [str(connection.execute(sa.select(table_of(model))).all()) for model in models]
    said = capsys.readouterr()
    shown = (str(visitor.lines()), client.get(f"/conversations/{reference}").text, said.out + said.err, *stored)
    assert [secret for secret in secrets for where in shown if secret in where] == []
    assert visitor.client.get("/chat/site").text.count("Hidden for your safety ·") == 1


def test_transcripts_are_limited(visitor: ChatVisitor, hands: Hands) -> None:
    visitor.begin()
    visitor.write("hello")
    hands.work()
    answers = [visitor.post("transcript", email=f"a{number}@example.com").status_code for number in range(6)]
    assert answers == [204] * 5 + [429]


def test_blocking_is_in_the_audit_and_ends_after_a_day(
    visitor: ChatVisitor, hands: Hands, browser: AppClient, database: Database, clock: MovingClock
) -> None:
    visitor.begin()
    visitor.write("hello")
    hands.work()
    reference = str(visitor.state()["reference"])
    assert act(browser, reference, do="block").status_code == 303
    table = table_of(AuditRow)
    with database.read() as connection:
        rows = connection.execute(sa.select(table.c.action, table.c.object)).all()
    assert ("chat.block", reference) in [tuple(row) for row in rows]
    assert visitor.write("still here").status_code == 403
    clock.move(timedelta(hours=24, minutes=10))
    assert visitor.write("a day later").status_code == 200


def test_explain_says_why_a_line_was_answered_or_not_and_status_counts(
    visitors: Callable[..., ChatVisitor], hands: Hands, client: AppClient, database: Database
) -> None:
    first, second = visitors(), visitors()
    for each in (first, second):
        each.begin()
        each.write("hello")
        hands.work()
    with database.write() as connection:
        add_agent(connection, name="Li", role="agent")
        set_duty(connection, name="Li", available=True, skills={SkillKind.TEAM: ["payments"]})
    client.patch(f"/api/v1/conversations/{first.state()['reference']}", json={"assignee": "Li"})
    answer(client, str(first.state()["reference"]), "How can I help?")
    hands.work()
    with database.read() as connection:
        ids = list(connection.execute(sa.select(table_of(InboundRow).c.id)).scalars())
        found = explained_lines(connection, ids)
        counts = count_chats(connection, hours=dict)
    said = sorted(_in_words(asdict(each), zone=ZoneInfo("UTC"))[:60] for each in found.values())
    assert said[0].startswith("line 1, answered by the admin at 20")
    assert said[1].startswith("line 1, not answered yet: place 1 in the queue, waiting sinc")
    assert (counts.waiting, counts.open) == (1, 1)
    assert counts.longest_since is not None


def test_an_answer_to_a_forgotten_chat_is_refused(
    visitor: ChatVisitor, hands: Hands, client: AppClient, database: Database
) -> None:
    visitor.begin()
    visitor.write("hello")
    hands.work()
    reference = str(visitor.state()["reference"])
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM chat_line")
        connection.exec_driver_sql("DELETE FROM chat_session")
    refused = answer(client, reference, "hello?")
    assert (refused.status_code, "forgotten" in refused.json()["detail"]) == (409, True)
