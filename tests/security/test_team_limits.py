"""An agent of one team gets nothing of another team: by no route, no list, no event and no count.

Routes and kinds of events are taken from the application, so that a new one fails here until it is thought of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from api.app import create_app
from api.http.permissions import Role
from router.envelope import Envelope, Party, PartyKind, to_json
from router.event_kinds import EventKind
from router.settings import read_settings
from store.contacts.erasure import erase_contact
from store.db.engine import Database
from store.desk.agents import add_agent
from store.desk.assignment import set_duty
from store.events.append import NewEvent, append_events
from store.events.feed import number_events
from store.outbound.answer_files import FileContent, add_file
from store.tables.agents import SkillKind
from tests.api.conftest import TOML, MovingClock
from tests.app_client import AppClient, started
from tests.inbox_builder import NOON, Builder, mail_with_file

# The channel of the other team, next to support-mail, which the team payments answers.
CHANNELS = """[channels.risk-mail]
kind = "smtp"
listen = "127.0.0.1:2526"
address = "risk@desk.example"
team = "risk"

[channels.support-mail]"""
# What stands in things of the team risk, and may stand in no answer. Names of channels and teams are no secret.
THEIRS = ("Chen Fang", "chen@example.com", "QQQQQQQQ2", "secret of risk", "Zhao of risk")
API = "/api/v1"
LIMITED = (Role.VIEWER, Role.AGENT, Role.SENIOR)
# Open to everybody without an agent; `tests.api.http.test_permissions` holds that list.
_PUBLIC = (
    "/healthz",
    "/readyz",
    "/sign-in",
    "/contact",
    "/case/",
    "/help",
    "/webhooks/",
    "/voice/",
    "/chat/",
    "/answer/",
)
# Without an end.
_ENDLESS = {f"{API}/events/stream"}

SECRET_FILE = FileContent(name="secret.txt", media_type="text/plain", content=b"The secret of risk")


@pytest.fixture
def app(tmp_path: Path, database: Database, clock: MovingClock, portal: BlockingPortal) -> Iterator[FastAPI]:
    text = TOML.format(data=tmp_path / "data", more="", rate=0).replace("[channels.support-mail]", CHANNELS)
    created = create_app(read_settings(text), database=database, now=clock)
    with started(created, portal):
        yield created


@pytest.fixture
def foreign(database: Database) -> dict[str, str]:
    """Things of the team risk, by the name that routes give to their ids."""
    with database.write() as connection:
        build = Builder(connection)
        home = build.conversation(
            reference="QQQQQQQQ2", team="risk", subject="A secret of risk", handle="chen@example.com", name="Chen Fang",
            channel="risk-mail",
        )  # fmt: skip
        contact = build.contacts["chen@example.com"]
        message = build.message(
            home, mail=mail_with_file(), text="The secret of risk", contact_id=contact, sender_name="Chen Fang",
            sender_handle="chen@example.com", channel="risk-mail",
        )  # fmt: skip
        envelope = Envelope(
            channel="risk-mail", source_key="7:1", sender=Party(PartyKind.EMAIL, "chen@example.com", "Chen Fang"),
            received_at=NOON, subject="A secret of risk", text="The secret of risk",
        )  # fmt: skip
        waiting = build.quarantined(channel="risk-mail", envelope=to_json(envelope).decode())
        colleague, _ = add_agent(connection, name="Zhao of risk", role="agent")
        set_duty(connection, name=colleague.name, available=True, skills={SkillKind.TEAM: ["risk"]})
        outbound = build.outbound(home, state="needs_person", recipient="chen@example.com", channel="risk-mail")
        return {
            "key": str(home),
            "message_id": str(message),
            "attachment_id": str(build.attachment(message)),
            "file_id": str(add_file(connection, SECRET_FILE, agent_id=colleague.id, conversation_id=home)),
            "outbound_id": str(outbound),
            "contact_id": str(contact),
            "inbound_id": str(waiting),
            "agent_id": str(colleague.id),
            "table": "groups",
            # Names of nothing: the routes' own tests have them.
            **dict.fromkeys(("regrouping_id", "target", "event_id", "name", "answer"), str(UUID(int=7))),
        }


@pytest.fixture
def limited(client_of: Callable[[str], AppClient], database: Database) -> Callable[[str], AppClient]:
    def client(role: str) -> AppClient:
        opened = client_of(role)
        with database.write() as connection:
            set_duty(connection, name=f"the {role}", skills={SkillKind.TEAM: ["payments"]})
        return opened

    return client


def readings(app: FastAPI) -> Iterator[str]:
    for context in iter_route_contexts(app.routes):
        path = str(context.path)
        is_read = isinstance(context.original_route, APIRoute) and "GET" in (context.methods or ())
        if is_read and path not in _ENDLESS and not path.startswith(_PUBLIC):
            yield path


@pytest.mark.parametrize("role", LIMITED)
def test_no_page_and_no_route_shows_a_thing_of_another_team(
    app: FastAPI, limited: Callable[[str], AppClient], foreign: dict[str, str], role: Role
) -> None:
    client, swept = limited(role), 0
    queries_of = {
        f"{API}/search": {"q": "secret"},
        "/search": {"q": "secret"},
        f"{API}/contacts": {"handle": "chen@example.com"},
        "/": {"q": "secret"},
    }
    for path in readings(app):
        url = path.format(**foreign)
        for accept in ("application/json", "text/html"):
            answer = client.get(url, params=queries_of.get(path, {}), headers={"Accept": accept})
            assert answer.status_code < 500, f"{role} {path}: {answer.text}"
            if url != path:
                assert answer.status_code in {403, 404}, f"{role} {path}: {answer.status_code} {answer.text}"
            said = answer.text.replace(url, "")
            shown = [each for each in THEIRS if each in said]
            assert not shown, f"{role} {path}: {shown} in {answer.text}"
        swept += 1
    assert swept > 35


@pytest.mark.parametrize("role", LIMITED)
def test_the_quarantine_of_another_team_is_neither_replayed_nor_discarded(
    limited: Callable[[str], AppClient], client: AppClient, foreign: dict[str, str], database: Database, role: Role
) -> None:
    mine = limited(role)
    replayed = mine.post(f"{API}/quarantine/replay", json={"ids": [foreign["inbound_id"]]})
    assert replayed.status_code == 403 or replayed.json() == {"replayed": [], "unreadable": []}
    discard = mine.post(f"{API}/quarantine/{foreign['inbound_id']}/discard", json={"reason": "not mine"})
    assert discard.status_code in {403, 404}
    assert [each["id"] for each in client.get(f"{API}/quarantine").json()["messages"]] == [foreign["inbound_id"]]
    with database.write() as connection:
        own = Builder(connection).quarantined()
    listed = mine.get(f"{API}/quarantine")
    assert listed.status_code == 403 or [each["id"] for each in listed.json()["messages"]] == [str(own)]


def test_no_event_about_a_thing_of_another_team_is_seen(
    limited: Callable[[str], AppClient], client: AppClient, foreign: dict[str, str], database: Database
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(team="payments", handle="li@example.com"))
        own = {"contact_id": str(build.contacts["li@example.com"]), "inbound_id": str(build.quarantined())}
    theirs = {
        **{key: foreign[key] for key in ("contact_id", "inbound_id", "outbound_id", "message_id")},
        "from": foreign["contact_id"], "into": foreign["contact_id"], "agent": "Zhao of risk",
        "by": "Zhao of risk", "reason": "asked for by chen@example.com", "why": "the secret of risk",
    }  # fmt: skip
    with database.write() as connection:
        cases = [UUID(foreign["key"]), None]
        append_events(connection, [NewEvent(kind, case, theirs, at=NOON) for kind in EventKind for case in cases])
        # Of their own team, one of each sort of thing.
        kinds = (EventKind.CONTACT_EDITED, EventKind.INBOUND_QUARANTINED, EventKind.AGENT_DUTY_CHANGED)
        append_events(connection, [NewEvent(kind, None, own | {"agent": "the agent"}, at=NOON) for kind in kinds])
        number_events(connection, after=0, limit=1000)
    mine = limited("agent")
    seen = mine.get(f"{API}/events", params={"limit": 1000}).json()
    assert [each["kind"] for each in seen["events"]] == list(kinds)
    # A page whose events are all hidden still leads on.
    page, numbers = mine.get(f"{API}/events", params={"limit": 7}).json(), []
    while page["next_after"] < seen["next_after"]:
        numbers += [each["number"] for each in page["events"]]
        page = mine.get(f"{API}/events", params={"limit": 7, "after": page["next_after"]}).json()
    assert numbers + [each["number"] for each in page["events"]] == [each["number"] for each in seen["events"]]
    everything = client.get(f"{API}/events", params={"limit": 1000}).json()["events"]
    assert len(everything) == 2 * len(EventKind) + len(kinds)


def test_the_words_of_an_erasure_are_for_those_who_see_all_teams(
    limited: Callable[[str], AppClient], client: AppClient, database: Database
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(team="payments", handle="li@example.com"))
        erase_contact(
            connection, build.contacts["li@example.com"], by="Ann", reason="see the other case, card 4111111111111111",
            now=NOON,
        )  # fmt: skip
        number_events(connection, after=0, limit=100)

    def payload(reader: AppClient) -> dict[str, object]:
        events = reader.get(f"{API}/events").json()["events"]
        return next(each["payload"] for each in events if each["kind"] == EventKind.CONTACT_ERASED)

    assert "reason" not in payload(limited("agent"))
    assert str(payload(client)["reason"]).startswith("see the other case, card ")
    assert "4111" not in str(payload(client)["reason"])


def test_a_search_does_not_end_where_a_foreign_message_is(
    limited: Callable[[str], AppClient], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So many matches of the other team that a page of candidates holds nothing else.
    with database.write() as connection:
        build = Builder(connection)
        own, other = build.conversation(team="payments"), build.conversation(team="risk")
        build.message(own, text="a parcel")
        ids = [build.message(other, text="a parcel") for _ in range(12)]
        assert ids
    monkeypatch.setattr("store.conversations.search._MOST_LOOKED_AT", 10)
    monkeypatch.setattr("store.conversations.search._BATCH", 5)
    found = limited("agent").get(f"{API}/search", params={"q": "parcel"}).json()
    assert len(found["messages"]) == 1
    assert found["next_cursor"] is None


def test_counts_are_of_the_own_teams(
    limited: Callable[[str], AppClient], client: AppClient, foreign: dict[str, str]
) -> None:
    mine = limited("agent")
    assert mine.get(f"{API}/channels").json()["outbound"]["needs_person"] == 0
    assert client.get(f"{API}/channels").json()["outbound"]["needs_person"] == 1
    assert [each["name"] for each in mine.get(f"{API}/channels").json()["channels"]] == ["support-mail"]
    assert mine.get("/metrics").status_code == 403
    assert client.get("/metrics").status_code == 200
