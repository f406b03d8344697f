"""What a visitor's page says after a message without a matter: thanks, a greeting, and while the chat is closed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from router.settings import Settings, read_settings
from store.db.engine import Database
from store.desk.agents import add_agent
from store.desk.assignment import set_duty
from tests.api.chat.chat_hours import ago, closed_for_days, keeper
from tests.api.chat.conftest import SECRET, ChatVisitor, Hands, chat_toml

GREETING = """
[replies.soon]
text = { en = "A colleague answers here.", zh = "同事会在这里回复您。" }
[replies.how]
text = { en = "How can we help?", zh = "请问有什么可以帮您？" }
"""


@pytest.fixture
def settings(tmp_path: Path, chat: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("CHAT_IDENTITY_SECRET", SECRET)
    monkeypatch.setenv("OTHER_IDENTITY_SECRET", SECRET[::-1])
    text = chat_toml(tmp_path, chat=chat).replace(
        "[omniyard]", '[omniyard]\ngreeting = "how"\ncall_for_person = "soon"', 1
    )
    return read_settings(text + GREETING)


def test_a_chat_of_nothing_but_thanks_ends_without_a_name_and_asks_for_no_rating(
    visitor: ChatVisitor, hands: Hands, database: Database, settings: Settings
) -> None:
    visitor.begin()
    visitor.write("thanks")
    hands.work()
    ago(database, heard_at=timedelta(hours=1))
    keeper(database, settings).once()
    assert [(line["text"], line["author"]) for line in visitor.lines()][1:] == [("ended_desk", "")]
    state = visitor.state()
    assert (state["phase"], state["ended_by"], state["may_rate"]) == ("ended", "desk", False)


def test_a_greeting_that_we_answered_takes_no_place_in_the_queue_before_a_question(
    visitors: Callable[..., ChatVisitor], hands: Hands
) -> None:
    greets, asks = visitors(), visitors()
    for each, text in ((greets, "hello"), (asks, "my refund is late")):
        each.begin()
        each.write(text)
    hands.work()
    assert [line["text"] for line in greets.lines()][1:] == ["How can we help?"]
    assert [(each.state()["phase"], each.state()["place"]) for each in (greets, asks)] == [
        ("open", None),
        ("waiting", 1),
    ]
    greets.write("where is my refund")
    hands.work()
    assert [(each.state()["phase"], each.state()["place"]) for each in (greets, asks)] == [
        ("waiting", 1),
        ("waiting", 2),
    ]


def test_a_call_for_a_person_hears_one_sentence_next_to_the_place_in_the_queue(
    visitor: ChatVisitor, hands: Hands
) -> None:
    visitor.begin()
    visitor.write("agent please")
    hands.work()
    assert [line["text"] for line in visitor.lines()][1:] == ["A colleague answers here."]
    assert (visitor.state()["phase"], visitor.state()["place"]) == ("waiting", 1)


def test_a_chat_without_an_agent_says_that_no_one_is_there_and_not_that_all_are_busy(
    visitor: ChatVisitor, hands: Hands, database: Database
) -> None:
    visitor.begin()
    for text in ("hello", "my refund is late"):
        visitor.write(text)
        hands.work()
        page = visitor.client.get(visitor.path).text
        # Neither that we are here for them, nor that they are in a queue.
        assert subtitle(page) == "We have your message"
    assert re.search(r"data-no-agents\s*>No colleague is here at the moment", page)
    chinese = visitor.client.get(visitor.path, headers={"Accept-Language": "zh"}).text
    assert re.search(r"data-no-agents\s*>暂时没有客服在线", chinese)
    with database.write() as connection:
        add_agent(connection, name="Li", role="agent")
        set_duty(connection, name="Li", available=True)
    visitor.write("are you there")
    page = visitor.client.get(visitor.path).text
    assert subtitle(page) == "You are in the queue"
    assert re.search(r"data-no-agents hidden", page)


def subtitle(page: str) -> str:
    """Return what stands below the title of a visitor's page."""
    found = re.search(r"<small data-subtitle>(.*?)</small>", page, re.DOTALL)
    return found[1].strip() if found else ""


class TestWhileClosed:
    """The automatic reply says when we open; a place in a queue that does not move would say nothing."""

    @pytest.fixture
    def chat(self) -> str:
        return closed_for_days()

    def test_a_visitor_sees_no_place_in_the_queue(self, visitor: ChatVisitor, hands: Hands) -> None:
        visitor.begin()
        visitor.write("my refund is late")
        hands.work()
        state = visitor.state()
        assert (state["open"], state["phase"], state["place"]) == (False, "waiting", None)
        page = visitor.client.get(visitor.path).text
        assert subtitle(page).startswith("We have your message. We open")
        assert re.search(r"data-no-agents hidden", page)
