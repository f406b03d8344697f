"""Contacts over REST: read, edit, merge, undo, export, erase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from store.db.engine import Database
from store.desk.assignment import set_duty
from store.desk.channel_status import read_status
from store.tables.agents import SkillKind
from tests.app_client import AppClient
from tests.inbox_builder import Builder, mail_with_file

CONTACTS = "/api/v1/contacts"
# Nothing of these may be anywhere once they are erased.
SECRETS = ("harbour", "li@example.com", "li wei", "receipt", "+8613800138000", "sorry to hear", "calls back")


def contact_of(client: AppClient, handle: str) -> dict[str, Any]:
    answer = client.get(CONTACTS, params={"handle": handle})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def build_case(database: Database) -> UUID:
    with database.write() as connection:
        build = Builder(connection)
        home = build.conversation(subject="Harbour Road", labels=["vip"])
        message = build.message(home, text="I live in Harbour Road 5", mail=mail_with_file())
        build.attachment(message)
        build.outbound(home, text="Sorry to hear that")
        sms = build.conversation(handle="+8613800138000", name="Li", channel="desk-sms", team="risk")
        build.message(
            sms,
            text="Harbour by text message",
            sender_handle="+8613800138000",
            contact_id=build.contacts["+8613800138000"],
        )
    return home


def dump(database: Database) -> str:
    """Return every value of every table, as text."""
    with database.read() as connection:
        # SQLite's index keeps no text to select; it takes out words as it is rewritten.
        tables = [
            name
            for name in sa.inspect(connection).get_table_names()
            if not name.startswith(("search_words", "search_voc"))
        ]
        said = [str(connection.execute(sa.text(f'SELECT * FROM "{table}"')).all()) for table in tables]
    return "\n".join(said).lower()


def test_no_secret_is_kept_in_a_name_a_note_or_a_label(client: AppClient, database: Database) -> None:
    build_case(database)
    mail = contact_of(client, "li@example.com")
    edited = client.patch(f"{CONTACTS}/{mail['id']}", json={"note": "pays with 4111111111111111", "name": "cvv 123"})
    assert (edited.json()["note"], edited.json()["name"]) == ("pays with **** 1111", "cvv ****")
    refused = client.patch(f"{CONTACTS}/{mail['id']}", json={"add_labels": ["4111 1111 1111 1111"]})
    assert (refused.status_code, "4111 1111 1111 1111" in dump(database)) == (422, False)


def test_two_contacts_become_one_and_part_again(client: AppClient, database: Database) -> None:
    build_case(database)
    mail, sms = contact_of(client, "li@example.com"), contact_of(client, "+8613800138000")
    edited = client.patch(f"{CONTACTS}/{mail['id']}", json={"note": "Calls back after six", "add_labels": ["vip"]})
    assert (edited.json()["note"], edited.json()["labels"]) == ("Calls back after six", ["vip"])
    assert client.patch(f"{CONTACTS}/{mail['id']}", json={"handles": []}).status_code == 422
    merged = client.post(f"{CONTACTS}/{mail['id']}/merge", json={"into": sms["id"]})
    assert merged.status_code == 200, merged.text
    now = client.get(f"{CONTACTS}/{sms['id']}").json()
    assert {each["handle"] for each in now["handles"]} == {"li@example.com", "+8613800138000"}
    assert (now["labels"], now["conversations"]) == (["vip"], 2)
    story = client.get(f"{CONTACTS}/{sms['id']}/timeline", params={"limit": 1}).json()
    rest = client.get(f"{CONTACTS}/{sms['id']}/timeline", params={"cursor": story["next_cursor"]}).json()
    assert {entry["channel"] for entry in (*story["messages"], *rest["messages"])} == {"support-mail", "desk-sms"}
    assert client.patch(f"{CONTACTS}/{mail['id']}", json={"name": "x"}).status_code == 409
    undo = f"/api/v1/regroupings/{merged.json()['regrouping_id']}/undo"
    assert client.post(undo).status_code == 200
    assert contact_of(client, "li@example.com") == edited.json()
    assert contact_of(client, "+8613800138000") == sms
    assert client.post(undo).status_code == 409


def test_what_is_erased_is_nowhere_and_the_books_still_balance(client: AppClient, database: Database) -> None:
    build_case(database)
    mail, sms = contact_of(client, "li@example.com"), contact_of(client, "+8613800138000")
    assert client.post(f"{CONTACTS}/{sms['id']}/merge", json={"into": mail["id"]}).status_code == 200
    client.patch(f"{CONTACTS}/{mail['id']}", json={"note": "Calls back after six", "name": "Li Wei"})
    url = f"{CONTACTS}/{mail['id']}"
    exported = client.get(f"{url}/export")
    everything = exported.json()
    assert {name: len(rows) for name, rows in everything.items()} == {
        "contacts": 1, "handles": 2, "contact_points": 0, "labels": 0, "conversations": 2, "messages": 2,
        "attachments": 1, "outbound": 1,
    }  # fmt: skip
    assert "attachment" in exported.headers["Content-Disposition"]
    assert all(secret in dump(database) for secret in SECRETS)

    assert client.post(f"{url}/erase", json={}).status_code == 422
    erased = client.post(f"{url}/erase", json={"reason": "asked for by letter"})
    assert erased.json() == {"conversations": 2, "messages": 2}
    left = dump(database)
    assert [secret for secret in SECRETS if secret in left] == []
    assert client.get("/api/v1/search", params={"q": "harbour"}).json()["messages"] == []
    assert client.get(CONTACTS, params={"handle": "li@example.com"}).status_code == 404
    card = client.get(url).json()
    assert (card["name"], card["note"], card["erased_at"] is None) == ("", "", False)
    assert client.post(f"{url}/erase", json={"reason": "once more"}).status_code == 409
    assert client.get("/api/v1/conversations", params={"status": "resolved"}).json()["conversations"]
    with database.read() as connection:
        status = read_status(connection, channels=())
        originals = connection.execute(sa.text("SELECT count(*) FROM original")).scalar_one()
    assert not any(channel.unbalanced for channel in status.channels)
    assert originals == 0


def test_an_answer_that_was_erased_is_not_given_again(client: AppClient, database: Database) -> None:
    build_case(database)
    contact = contact_of(client, "li@example.com")
    case = client.get("/api/v1/conversations", params={"contact": contact["id"]}).json()["conversations"][0]["id"]
    note = {"json": {"kind": "note", "text": "Called."}, "headers": {"Idempotency-Key": "note-0001"}}
    first = client.post(f"/api/v1/conversations/{case}/messages", **note)
    assert first.status_code == 201
    assert client.post(f"/api/v1/conversations/{case}/messages", **note).json() == first.json()
    client.post(f"{CONTACTS}/{contact['id']}/erase", json={"reason": "asked for by letter"})
    assert client.post(f"/api/v1/conversations/{case}/messages", **note).status_code == 409


def test_contacts_of_other_teams_are_not_found(client_of: Callable[[str], AppClient], database: Database) -> None:
    build_case(database)
    ids = [contact_of(client_of("admin"), handle)["id"] for handle in ("li@example.com", "+8613800138000")]
    agent = client_of("senior")
    agent.get("/api/v1/conversations")
    with database.write() as connection:
        set_duty(connection, name="the senior", skills={SkillKind.TEAM: ["payments"]})
    assert [agent.get(f"{CONTACTS}/{each}").status_code for each in ids] == [200, 404]
    assert agent.get(CONTACTS, params={"handle": "+8613800138000"}).status_code == 404
    assert agent.patch(f"{CONTACTS}/{ids[1]}", json={"name": "x"}).status_code == 404
    assert agent.post(f"{CONTACTS}/{ids[0]}/merge", json={"into": ids[1]}).status_code == 404
    assert agent.get(f"{CONTACTS}/{ids[1]}/timeline").status_code == 404


def test_a_contact_who_names_anothers_address_is_suggested_and_not_merged(
    client: AppClient, client_of: Callable[[str], AppClient], database: Database
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        mail = build.conversation(handle="li.na@example.com", name="Li Na")
        build.message(mail, text="hello", sender_handle="li.na@example.com")
        sms = build.conversation(handle="+8613800138000", name="", channel="desk-sms")
        named = build.message(
            sms,
            text="my registered email is Li.Na@Example.com, not other@example.com",
            sender_handle="+8613800138000",
            contact_id=build.contacts["+8613800138000"],
        )
        ids = {handle: str(id_) for handle, id_ in build.contacts.items()}

    path = f"{CONTACTS}/{ids['+8613800138000']}/suggestions"
    assert client.get(path).json()["suggestions"] == [
        {
            "contact_id": ids["li.na@example.com"],
            "name": "Li Na",
            "kind": "email",
            "handle": "li.na@example.com",
            "message_id": str(named),
        }
    ]
    assert client.get(f"{CONTACTS}/{ids['li.na@example.com']}/suggestions").json() == {"suggestions": []}
    assert contact_of(client, "+8613800138000")["merged_into"] is None
    # An agent who sees neither contact learns of neither.
    agent = client_of("agent")
    table = sa.table("conversation", sa.column("team"))
    with database.write() as connection:
        connection.execute(sa.update(table).values(team="risk"))
        set_duty(connection, name="the agent", skills={SkillKind.TEAM: ["payments"]})
    assert agent.get(path).status_code == 404
