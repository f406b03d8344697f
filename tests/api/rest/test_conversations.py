"""The inbox over REST."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import sqlalchemy as sa

from api.rest.schemas import ConversationDetail, ConversationPage, MessagePage
from router.errors import NotFound
from store.conversations.read import find_conversation
from store.conversations.traces import find_traced
from store.db.engine import Database
from tests.app_client import AppClient
from tests.inbox_builder import NOON, TRACE, Builder, fill, mail_with_file
from tests.reference_forms import FORMS

LIST = "/api/v1/conversations"
MINUTE = timedelta(minutes=1)
MAIL = b"From: li@example.com\r\nSubject: Refund\r\n\r\nHello"


def subjects(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [conversation["subject"] for conversation in answer.json()["conversations"]]


def test_the_list_shows_who_what_and_until_when(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        conversation_id = build.conversation(reference="K7QF2MXD4", first_reply_due_at=NOON + MINUTE, labels=["money"])
        build.message(conversation_id)
    page = client.get(LIST).json()
    assert page["next_cursor"] is None
    [shown] = page["conversations"]
    assert shown["id"] == str(conversation_id)
    assert shown["contact"] | {"id": None} == {"id": None, "name": "Li Wei", "handles": ["li@example.com"]}
    assert shown["due_at"] == "2026-11-20T04:01:00Z"
    assert (shown["messages"], shown["glimpse"]) == (1, "My payment failed but the money was taken.")
    assert shown["labels"] == ["money"]


def test_the_answers_are_byte_by_byte_what_their_models_write(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        for number, name in enumerate(("Li Wei", "", "王伟")):
            case = build.conversation(reference=f"K7QF2MXD{number}", emergency=not number, labels=["money", name])
            build.message(case)
            build.message(case, direction="outgoing", sent_at=None)
    paths = {
        f"{LIST}?limit=2": ConversationPage,
        f"{LIST}/K7QF2MXD0": ConversationDetail,
        f"{LIST}/K7QF2MXD1/messages": MessagePage,
    }
    for path, model in paths.items():
        said = client.get(path)
        assert said.headers["content-type"] == "application/json"
        assert model.model_validate_json(said.content).model_dump_json() == said.text


@pytest.mark.parametrize("printed", ["K7QF2MXD4", "k7qf2mxd4", "Ｋ７ＱＦ２ＭＸＤ４"])
def test_every_way_to_a_case_takes_every_form_of_a_reference(
    client: AppClient, browser: AppClient, database: Database, printed: str
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case_id = build.conversation(reference="K7QF2MXD4", subject="Refund")
        build.message(case_id, mail=MAIL)
        build.message(build.conversation(reference="BBBBBBBBB", handle="b@example.com"), text="Hello")
    for typed in (form.format(printed) for form in FORMS):
        assert client.get(f"{LIST}/{quote(typed)}").json()["id"] == str(case_id)
        assert [each["id"] for each in client.get(LIST, params={"q": typed}).json()["conversations"]] == [str(case_id)]
        # The palette and the box lead to the same page.
        assert "/conversations/K7QF2MXD4" in browser.get("/search", params={"q": typed}).text
        assert "/conversations/K7QF2MXD4" in browser.get("/", params={"view": "all", "q": typed}).text
        assert "Refund" in browser.get(f"/conversations/{quote(typed)}").text
        with database.read() as connection:
            assert find_conversation(connection, typed).id == case_id
            assert [each.reference for each in find_traced(connection, typed)] == ["K7QF2MXD4"]


@pytest.mark.parametrize("typed", ["K7QF2MXD", "ZZZZZZZZZ", "no such case"])
def test_what_is_no_reference_gets_a_clear_word(client: AppClient, database: Database, typed: str) -> None:
    answer = client.get(f"{LIST}/{quote(typed)}")
    assert answer.status_code == 404
    assert "there is no conversation with that id or reference" in answer.text
    with database.read() as connection, pytest.raises(NotFound, match="expected the id of a message or a conversation"):
        find_traced(connection, typed)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["a", "b", "c"]),
        ("?status=open", ["a", "b"]),
        ("?status=open&status=resolved", ["a", "b", "c"]),
        ("?team=risk", ["b"]),
        ("?category=refund", ["a"]),
        ("?channel=desk-sms", ["b"]),
        ("?contact=li@example.com", ["a", "c"]),
        ("?overdue=true", ["a"]),
        ("?due_before=2026-11-20T05:00:00%2B00:00", ["a", "b"]),
        # The earlier of the two moments counts.
        ("?due_before=2026-11-20T05:00:00Z&overdue=true", ["a"]),
        ("?team=payments&status=open&overdue=true", ["a"]),
        ("?contact=00000000-0000-4000-8000-000000000000", []),
    ],
)
def test_filters_narrow_the_list(client: AppClient, database: Database, query: str, expected: list[str]) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.conversation(subject="a", category="refund", first_reply_due_at=NOON - MINUTE)
        build.conversation(
            subject="b",
            team="risk",
            channel="desk-sms",
            handle="+8613800138000",
            next_reply_due_at=NOON + MINUTE,
            last_message_at=NOON - MINUTE,
        )
        build.conversation(
            subject="c", status="resolved", first_reply_due_at=NOON - MINUTE, last_message_at=NOON - 2 * MINUTE
        )
    assert subjects(client.get(LIST + query)) == expected


def test_pages_stay_right_while_rows_arrive(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        for number in range(5):
            build.conversation(subject=str(number), last_message_at=NOON - number * MINUTE)
    first = client.get(LIST, params={"limit": 2})
    with database.write() as connection:
        Builder(connection).conversation(subject="new", handle="new@example.com", last_message_at=NOON + MINUTE)
    second = client.get(LIST, params={"limit": 2, "cursor": first.json()["next_cursor"]})
    last = client.get(LIST, params={"limit": 2, "cursor": second.json()["next_cursor"]})
    assert [*subjects(first), *subjects(second), *subjects(last)] == list("01234")
    assert last.json()["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("limit=201", "query.limit"),
        ("limit=0", "query.limit"),
        ("status=lost", "query.status.0"),
        ("due_before=2026-11-20T05:00:00", "query.due_before"),
        # A mistyped filter must not silently show everything.
        ("statu=open", "query.statu"),
    ],
)
def test_a_wrong_query_is_refused_with_its_place(client: AppClient, query: str, where: str) -> None:
    answer = client.get(f"{LIST}?{query}")
    assert answer.status_code == 422
    assert [error["where"] for error in answer.json()["errors"]] == [where]


@pytest.mark.parametrize("cursor", ["nonsense", "MXw", "MXxub3x0aW1l", "é", "MnwyMDI2LTExLTIwVDA0OjAwOjAwKzAwOjAwfDAx"])
def test_a_cursor_that_is_not_ours_is_refused(client: AppClient, cursor: str) -> None:
    answer = client.get(LIST, params={"cursor": cursor})
    assert answer.status_code == 422
    assert "cursor" in answer.json()["detail"]


def test_the_number_of_queries_does_not_grow_with_the_page(client: AppClient, database: Database) -> None:
    fill(database, 60)
    counted = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *row: counted.append(row[2]))
    numbers = []
    client.get(LIST)  # The first use of a token is noted.
    for limit in (5, 50):
        counted.clear()
        assert len(subjects(client.get(LIST, params={"limit": limit}))) == limit
        numbers.append(sum(1 for statement in counted if statement.lstrip().startswith("SELECT")))
    # One each for emergencies, for possible danger and for the rest of the list.
    assert numbers[0] == numbers[1] <= 8


def test_a_conversation_shows_its_messages_their_files_and_the_reasons(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        conversation_id = build.conversation(reference="K7QF2MXD4")
        first = build.message(conversation_id, mail=mail_with_file())
        build.attachment(first)
        build.message(conversation_id, received_at=NOON + MINUTE, text="Any news?")
        build.outbound(conversation_id)
    shown = client.get(f"{LIST}/k7qf2mxd4").json()
    assert shown["id"] == str(conversation_id)
    assert [entry["text"] for entry in shown["entries"]][1] == "Any news?"
    assert [file["name"] for file in shown["entries"][0]["attachments"]] == ["receipt.pdf"]
    why = {reason["step"]: reason for reason in shown["entries"][0]["why"]}
    assert why["classification"]["decision"] == "Failed transaction (82 %)"
    assert why["route"]["evidence"] == ["not “stolen accounts”: it is no emergency"]
    assert [(row["state"], row["kind"]) for row in shown["outgoing"]] == [("queued", "auto_reply")]
    assert client.get(f"{LIST}/{conversation_id}").json() == shown


def test_earlier_messages_are_paged_backwards(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        conversation_id = build.conversation()
        for number in range(5):
            build.message(conversation_id, text=str(number), received_at=NOON + number * MINUTE)
    pages, cursor = [], None
    for _ in range(3):
        page = client.get(
            f"{LIST}/{conversation_id}/messages", params={"limit": 2, "cursor": cursor} if cursor else {"limit": 2}
        )
        pages.append([message["text"] for message in page.json()["messages"]])
        cursor = page.json()["next_cursor"]
    assert pages == [["3", "4"], ["1", "2"], ["0"]]
    assert cursor is None


def test_what_does_not_exist_is_not_found(client: AppClient) -> None:
    for path in (f"{LIST}/{uuid4()}", f"{LIST}/ZZZZZZZZZ", f"{LIST}/ZZZZZZZZZ/messages", f"/api/v1/messages/{uuid4()}"):
        assert client.get(path).status_code == 404, path


def test_a_message_shows_its_full_trace(client: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        message_id = build.message(build.conversation(), html="<p>x</p>", trace=TRACE | {"later": {"score": 1}})
    shown = client.get(f"/api/v1/messages/{message_id}").json()
    assert shown["trace"]["route"]["tried"][0]["why_not"] == {"key": "is_no_emergency", "values": {}}
    assert shown["trace"]["hours"]["why"]["values"]["rule"] == {"key": "weekly_hours", "values": {"weekday": 5}}
    assert shown["trace"]["classification"] == TRACE["classification"]
    assert shown["trace"]["other"] == {"later": {"score": 1}}
    assert shown["html"] == "<p>x</p>"
    # A decision that this version does not know is shown as it is, after those that it knows.
    assert shown["why"][-1] == {"step": "later", "title": "later", "decision": '{"score": 1}', "evidence": []}
