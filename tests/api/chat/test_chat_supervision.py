"""What a supervisor sees of the chats, and what a visitor sees of the agents' places."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from store.db.engine import Database
from store.desk.agents import add_agent
from store.desk.assignment import set_duty
from store.tables.agents import SkillKind
from tests.api.chat.agent_requests import answer
from tests.api.chat.conftest import CHAT, ChatVisitor, Hands
from tests.app_client import AppClient


@pytest.fixture
def chat() -> str:
    return CHAT.replace('kind = "chat"', 'kind = "chat"\nslots = 1')


@pytest.fixture
def li(database: Database) -> None:
    with database.write() as connection:
        add_agent(connection, name="Li", role="agent")
        set_duty(connection, name="Li", available=True, skills={SkillKind.TEAM: ["payments"]})


@pytest.mark.usefixtures("li")
def test_a_supervisor_sees_who_waits_how_long_and_the_chats_of_each_agent(
    visitors: Callable[..., ChatVisitor], hands: Hands, client: AppClient, client_of: Callable[[str], AppClient]
) -> None:
    for name in ("Wu Min", "Zhao"):
        each = visitors()
        each.begin(name=name)
        each.write("hello")
    hands.work()
    first, second = [entry["reference"] for entry in client.get("/api/v1/chats").json()["waiting"]]
    client.patch(f"/api/v1/conversations/{first}", json={"assignee": "Li"})
    answer(client, first, "How can I help?")
    hands.work()
    board = client.get("/api/v1/chats").json()
    assert [(each["reference"], each["name"], each["assignee"]) for each in board["waiting"]] == [
        (second, "Zhao", None)
    ]
    assert {"name": "Li", "available": True, "chats": 1, "slots": 1} in board["agents"]
    assert (board["answered"], board["median_wait"] >= 0) == (1, True)
    assert client_of("agent").get("/api/v1/chats").status_code == 403


@pytest.mark.usefixtures("li")
def test_the_page_of_the_chats_names_who_waits(
    visitor: ChatVisitor, hands: Hands, client_of: Callable[[str], AppClient]
) -> None:
    visitor.begin(name="Wu Min")
    visitor.write("hello")
    hands.work()
    supervisor = client_of("supervisor")
    page = supervisor.get("/supervisor/chats").text
    assert page.index("Wu Min") < page.index("Chats by agent") < page.index("Li</th>")
    assert "data-since=" in page
    assert '<a href="/supervisor/chats">' in supervisor.get("/supervisor").text


@pytest.mark.usefixtures("li")
def test_a_new_visitor_learns_that_all_agents_talk_to_others(
    visitors: Callable[..., ChatVisitor], hands: Hands, client: AppClient
) -> None:
    first, second, third = visitors(), visitors(), visitors()
    assert (third.state()["agents"], third.state()["busy"]) == (True, False)
    first.begin()
    first.write("hello")
    hands.work()
    client.patch(f"/api/v1/conversations/{first.state()['reference']}", json={"assignee": "Li"})
    second.begin()
    second.write("hello")
    state = third.state()
    assert (state["agents"], state["busy"], state["ahead"]) == (True, True, 1)
    assert second.state()["place"] == 1
    assert "Waiting before you: 1" in third.client.get("/chat/site").text
