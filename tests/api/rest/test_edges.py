"""The edges of the REST API: odd times, odd characters, odd writings, odd methods."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store.db.engine import Database
from tests.app_client import AppClient
from tests.inbox_builder import NOON, Builder

LIST = "/api/v1/conversations"
KEY = f"{LIST}/K7QF2MXD4"
CONTACTS = "/api/v1/contacts"
OUT_OF_UTC = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+00:01")


@pytest.fixture
def case(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(reference="K7QF2MXD4", waiting_since=NOON))


def where(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [each["where"] for each in answer.json().get("errors", [])]


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("moment", OUT_OF_UTC)
def test_a_time_that_utc_has_not_is_refused_with_its_field(client: AppClient, moment: str) -> None:
    snooze = client.patch(KEY, json={"status": "snoozed", "snoozed_until": moment})
    assert where(snooze) == ["body.snoozed_until"]
    reply = {"text": "hi", "based_on_version": 1, "send_at": moment}
    sent = client.post(f"{KEY}/messages", json=reply, headers={"Idempotency-Key": "12345678"})
    assert where(sent) == ["body.send_at"]
    assert where(client.get(LIST, params={"due_before": moment})) == ["query.due_before"]
    bulk = {"keys": ["K7QF2MXD4"], "change": {"status": "snoozed", "snoozed_until": moment}}
    assert where(client.post(f"{LIST}/bulk", json=bulk)) == ["body.change.snoozed_until"]


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize(("days", "status"), [(366, 200), (368, 422), (365_000, 422)])
def test_nothing_is_planned_for_longer_than_a_year(client: AppClient, days: int, status: int) -> None:
    # The database's clock decides.
    moment = (datetime.now(UTC) + timedelta(days=days, minutes=-5)).isoformat()
    assert client.patch(KEY, json={"status": "snoozed", "snoozed_until": moment}).status_code == status
    if status == 422:
        reply = {"text": "hi", "based_on_version": 1, "send_at": moment}
        sent = client.post(f"{KEY}/messages", json=reply, headers={"Idempotency-Key": "12345678"})
        assert (sent.status_code, "send_at is too far away" in sent.json()["detail"]) == (422, True)


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("char", ["\0", "\x08", "\x1b", "\x7f", "\ud800"])
def test_control_characters_are_refused_alike_on_both_databases_with_the_field(client: AppClient, char: str) -> None:
    said = f"a{char}b"
    headers = {"Idempotency-Key": "12345678", "Content-Type": "application/json"}
    for order in ({"team": said}, {"add_labels": ["vip", said]}):
        changed = client.patch(KEY, content=json.dumps(order), headers=headers)
        assert where(changed) == [f"body.{name}" for name in order]
    note = client.post(f"{KEY}/messages", content=json.dumps({"kind": "note", "text": said}), headers=headers)
    assert where(note) == ["body.text"]
    if char < "\ud800":
        assert where(client.get(LIST, params={"team": said})) == ["query.team"]
        assert where(client.get("/api/v1/search", params={"q": said})) == ["query.q"]
        assert where(client.get(CONTACTS, params={"handle": said})) == ["query.handle"]
        assert client.get(f"{LIST}/a%{ord(char):02x}b").status_code == 404


@pytest.mark.usefixtures("case")
def test_line_ends_and_tabs_are_text(client: AppClient) -> None:
    order = {"kind": "note", "text": "one\n\ttwo\r\nthree"}
    assert client.post(f"{KEY}/messages", json=order, headers={"Idempotency-Key": "12345678"}).status_code == 201


@pytest.mark.parametrize(
    "written",
    [
        "+8613800138000",
        "+86 138 0013 8000",
        "+86-138-0013-8000",
        "+86 (138) 0013.8000",
        "008613800138000",
        "0086 138 0013 8000",
        "138 0013 8000",
        "138-0013-8000",
        "0138 0013 8000",
        "tel:+86-138-0013-8000",
        "＋８６ １３８００１３８０００",
    ],
)
def test_a_phone_number_in_any_writing_finds_its_contact(client: AppClient, database: Database, written: str) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(handle="+8613800138000", reference="K7QF2MXD4", channel="desk-sms"))
        build.message(build.conversation(handle="+4930123456", reference="B2B2B2B2B", channel="desk-sms"))
    found = client.get(CONTACTS, params={"handle": written})
    assert found.status_code == 200, found.text
    assert [each["handle"] for each in found.json()["handles"]] == ["+8613800138000"]
    listed = client.get(LIST, params={"contact": written}).json()["conversations"]
    assert [each["reference"] for each in listed] == ["K7QF2MXD4"]


@pytest.mark.parametrize("written", ["12345", "+86 138 0013 8001", "li@example.com", "8000", "+138 0013 8000"])
def test_another_number_finds_no_contact(client: AppClient, database: Database, written: str) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(handle="+8613800138000", channel="desk-sms"))
    assert client.get(CONTACTS, params={"handle": written}).status_code == 404


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("refund.", ["en"]),
        ("“refund”", ["en"]),
        ("refund,order", ["en"]),
        ("(refund) please!", ["en"]),
        ("“到账”", ["zh"]),
        ("到账，退款。", ["zh"]),
        ("《到账》", ["zh"]),
        ("ann@shop.example", ["en"]),
        ("shop@ann.example", []),
        ("19.99", ["en"]),
        ("99.19", []),
        ("a-42", ["en"]),
    ],
)
def test_punctuation_separates_words_in_a_query_as_in_the_index(
    client: AppClient, database: Database, query: str, finds: list[str]
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        english = "A refund, please: order A-42 of 19.99, ann@shop.example."
        build.message(build.conversation(subject="en"), text=english, subject="en")
        build.message(build.conversation(subject="zh"), text="钱没有到账。请退款", subject="zh")
    answer = client.get("/api/v1/search", params={"q": query})
    assert [each["subject"] for each in answer.json()["messages"]] == finds


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("path", [LIST, KEY, f"{LIST}/nowhere", "/healthz", "/api/v1/openapi.json", "/sign-in"])
def test_head_is_get_without_its_body(client: AppClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert head.status_code == got.status_code
    assert (head.content, head.headers.get("content-length")) == (b"", got.headers.get("content-length"))
    assert head.headers.get("etag") == got.headers.get("etag")


@pytest.mark.parametrize("path", ["/api/v1/regroupings/x/undo", "/api/v1/conversations/x/split"])
def test_head_of_what_is_only_ordered_is_another_method(client: AppClient, path: str) -> None:
    assert client.head(path).status_code == client.get(path).status_code == 405


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("{tag}", 200),
        ('"99", {tag}', 200),
        ('{tag},"99"', 200),
        ('W/"99", {tag}', 200),
        ("*", 200),
        ('"99", "98"', 412),
        ("W/{tag}", 412),
        ('W/{tag}, "99"', 412),
        ('"another-desk"', 412),
        ("7", 422),
        ('"7', 422),
        ("", 422),
        (", ,", 422),
    ],
)
def test_if_match_is_a_list_of_tags_compared_strongly(client: AppClient, sent: str, status: int) -> None:
    tag = client.get(KEY).headers["ETag"]
    answer = client.patch(KEY, json={"priority": "high"}, headers={"If-Match": sent.format(tag=tag)})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "testserver"])
@pytest.mark.parametrize("path", [f"{LIST}/", "/sign-in/", f"{LIST}/?status=open", "//evil.example/"])
def test_no_redirect_leads_to_the_host_that_the_client_named(client: AppClient, path: str, host: str) -> None:
    answer = client.get(f"http://testserver{path}", headers={"Host": host})
    assert answer.status_code in {303, 307, 404}
    location = answer.headers.get("location", "/")
    assert location.startswith("/")
    assert not location.startswith("//")


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("body", [b'{"team": "\xff"}', '{"team": "钱"}'.encode("gb18030"), b"{", b'"\x80"'])
def test_a_body_that_is_not_utf_8_or_not_json_is_refused_in_words(client: AppClient, body: bytes) -> None:
    answer = client.patch(KEY, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_description_names_what_is_answered_before_a_route_is_asked(client: AppClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    for path, operations in document["paths"].items():
        for name, operation in operations.items() if path.startswith("/api/") else ():
            told = operation["responses"].keys()
            assert "405" in told, (path, name)
            assert {"400", "411", "413"} <= told or "requestBody" not in operation, (path, name)
