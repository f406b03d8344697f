"""What the operator's own systems bring: once, by whom they say, changed in place, never answered by mistake.

The numbers are those of the acceptance checks in the reference of this gate.
"""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from connectors.base import WebhookRequest
from store.contacts.erasure import erase_contact
from store.conversations.alarms import answer_to, find_emergency
from store.db.bulk import table_of
from store.tables.gates import ContactPointRow
from store.tables.messages import AttachmentRow, ContactRow, ConversationRow, IdentityRow, InboundRow
from store.tables.operations import EventRow, OutboundRow
from tests.custom_desk import USER, CustomDesk, message, signed
from tests.desk import envelope
from workers.intake.provider_webhooks import Unsigned


@pytest.fixture
def desk(database, tmp_path, monkeypatch):
    return CustomDesk(database, tmp_path, monkeypatch)


def test_a_message_opens_a_case_of_its_user(desk):
    (answer,) = desk.push(message(facts={"transaction": "T123"}, meta={"app_version": "9.1"}))
    (taken,) = answer["accepted"]
    assert (taken["id"], taken["duplicate"]) == ("m-1", False)
    assert taken["inbound_id"] == str(desk.rows(InboundRow, "id")[0])
    ((text, quoted, name),) = desk.messages("text", "quoted", "sender_name")
    assert (text, quoted, name) == ("钱没到账", "transaction: T123\napp_version: 9.1", "小王")
    assert desk.rows(IdentityRow, "kind", "handle") == [("custom", "wallet:u-7")]


def test_one_message_from_many_threads_is_one_row(desk):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: desk.ask(message()), range(100)))
    desk.work()
    assert [answer.status for answer in answers] == [200] * 100
    known = [json.loads(answer.text)["accepted"][0]["duplicate"] for answer in answers]
    assert (known.count(True), known.count(False)) == (99, 1)
    assert len(desk.rows(InboundRow, "id")) == len(desk.messages("id")) == 1


def test_the_same_id_with_other_words_is_refused_kept_and_reported(desk):
    desk.ask(message())
    for _ in range(2):
        answer = desk.ask(message(text="other words"))
        assert (answer.status, json.loads(answer.text)["error"]["id"]) == (409, "m-1")
    assert [row.conflict for row in desk.rows(InboundRow)].count(True) == 1
    assert "inbound.conflict" in desk.rows(EventRow, "kind")


def test_blanks_order_number_forms_and_fresh_signatures_of_urls_make_no_conflict(desk):
    def written(query: str, amount: object) -> dict:
        file = {"name": "é.jpg", "url": f"https://files.example/1?sig={query}"}
        return message(files=[file], facts={"amount": amount})

    desk.ask(written("a", 1.0))
    again = dict(reversed(written("b", 1).items()))
    assert json.loads(desk.ask(again).text)["accepted"][0]["duplicate"] is True


def test_one_bad_item_of_a_batch_costs_one_item(desk):
    items = [message(f"m-{number}") for number in range(100)]
    items[36]["user"] = {"id": ""}
    answer = json.loads(desk.ask(items).text)
    assert [each["id"] for each in answer["accepted"]] == [f"m-{number}" for number in range(100) if number != 36]
    assert [(each["status"], each["pointer"]) for each in answer["rejected"]] == [(400, "/36/user/id")]
    wrapped = json.loads(desk.ask({"items": [{"type": "?"}]}).text)
    assert wrapped["rejected"][0]["pointer"] == "/items/0/type"
    assert desk.ask([message()] * 101).status == 400


def test_ids_of_users_are_opaque(desk):
    ids = ["AbC", "abc", "x" * 256]
    desk.push(*(message(f"m-{place}", user={"id": each}) for place, each in enumerate(ids)))
    assert sorted(desk.rows(IdentityRow, "handle")) == sorted(f"wallet:{each}" for each in ids)
    for bad in ("x" * 257, "line\nbreak", "", 7, None):
        assert desk.ask(message("m-9", user={"id": bad})).status == 400


def test_a_change_that_overtakes_its_message_waits_for_it(desk):
    desk.push({"type": "message.edited", "id": "m-1", "text": "new words", "version": 1})
    desk.push({"type": "message.deleted", "id": "m-2"})
    assert desk.messages("id") == []
    desk.push(message("m-1", "old words"), message("m-2", "a mistake"))
    desk.let_waits_end()
    desk.work()
    assert sorted(desk.messages("text")) == ["", "new words"]
    found = {row.text: (row.edited_at is not None, row.withdrawn_at is not None) for row in desk.messages()}
    assert found == {"new words": (True, False), "": (False, True)}
    # A change is no message of its own: the books balance.
    assert sorted(desk.rows(InboundRow, "state")) == ["duplicate", "duplicate", "routed", "routed"]
    assert {"message.edited", "message.withdrawn"} <= set(desk.rows(EventRow, "kind"))


def test_changes_count_in_their_order_and_what_was_withdrawn_stays_so(desk):
    desk.push(message(facts={"transaction": "T1"}))
    for version, words in ((3, "third"), (2, "second"), (3, "third")):
        desk.push({"type": "message.edited", "id": "m-1", "text": words, "version": version})
    assert desk.messages("text", "quoted") == [("third", "transaction: T1")]
    desk.push({"type": "message.deleted", "id": "m-1"})
    desk.push({"type": "message.edited", "id": "m-1", "text": "fourth", "version": 4})
    assert desk.messages("text") == [""]


def test_a_change_whose_message_never_comes_goes_to_people_after_a_week(desk):
    desk.push({"type": "message.deleted", "id": "m-0"})
    desk.change(InboundRow, accepted_at=datetime.now(UTC) - timedelta(days=8))
    desk.let_waits_end()
    desk.work()
    ((state, reason),) = desk.rows(InboundRow, "state", "reason")
    assert (state, "changed_message_never_came" in reason) == ("quarantined", True)


def test_danger_in_changed_words_calls_people(desk):
    desk.push(message(text="hello"))
    desk.push({"type": "message.edited", "id": "m-1", "text": "my account was hacked", "version": 1})
    assert desk.rows(ConversationRow, "emergency") == [True]


def test_what_a_colleague_said_elsewhere_is_our_answer(desk):
    desk.push(message(text="where is my money"))
    desk.push(message("m-2", "被盗 is not the word, it is on its way", type="message.out", agent={"name": "小李"}))
    ((case, replied, emergency),) = desk.rows(ConversationRow, "status", "replied_at", "emergency")
    assert (case, replied is not None, emergency) == ("pending", True, False)
    assert desk.messages("direction", "sender_name") == [("incoming", "小王"), ("outgoing", "小李")]


@pytest.mark.parametrize(("automatic", "agent"), [(True, {"name": "小李"}), (True, None), (False, {"name": "小李"})])
def test_what_another_machine_of_ours_said_is_no_answer(desk, automatic, agent):
    desk.push(message(text="my account was hacked"))
    (case,) = desk.rows(ConversationRow, "id")
    at = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    who = {"agent": agent} if agent else {}
    desk.push(message("m-2", "我们已下班", type="message.out", automatic=automatic, sent_at=at, **who))
    with desk.database.read() as connection:
        answer = answer_to(connection, find_emergency(connection, case))
    assert (answer is None) is automatic
    assert desk.rows(ConversationRow, "status") == ["open" if automatic else "pending"]
    assert desk.messages("direction") == ["incoming", "outgoing"]


def test_nothing_answers_a_colleague(desk):
    desk.close()
    desk.push(message(type="message.out", agent={"name": "小李"}))
    assert desk.rows(OutboundRow) == []
    desk.push(message("m-2", "hello", user={"id": "u-8"}))
    assert len(desk.rows(OutboundRow)) == 1


def test_records_of_a_call_complete_one_message(desk):
    call = {"type": "call", "id": "c-1", "from": "+8613800138000", "result": "missed"}
    later = call | {"result": "voicemail", "recording": "https://files.example/1.mp3", "transcript": "钱没到账"}
    desk.push(call, later, call)
    ((text, handle),) = desk.messages("text", "sender_handle")
    assert text == "Voicemail 语音留言\nTranscript by machine 机器转写: 钱没到账"
    assert handle == "+8613800138000"
    assert desk.rows(AttachmentRow, "name") == ["recording"]
    assert "message.completed" in desk.rows(EventRow, "kind")
    assert [row.conflict for row in desk.rows(InboundRow)] == [False, False]


def test_a_call_whose_recording_comes_first_loses_nothing(desk):
    call = {"type": "call", "id": "c-1", "from": "+8613800138000", "result": "missed"}
    desk.push(call | {"result": "voicemail", "transcript": "钱没到账"}, call)
    assert desk.messages("text") == ["Voicemail 语音留言\nTranscript by machine 机器转写: 钱没到账"]


def test_callers_who_withhold_their_number_are_not_one_contact(desk):
    for number in ("1", "2"):
        desk.push({"type": "call", "id": f"c-{number}", "from": "anonymous", "result": "missed"})
    assert len(set(desk.rows(ConversationRow, "contact_id"))) == 2


def test_an_unverified_phone_merges_no_one(desk):
    desk.route(envelope("1", text="hello"))
    desk.push(message(user=USER | {"phone": "+86 138 0013 8000", "email": "Ann@customer.example"}))
    assert len(desk.rows(ContactRow)) == 2
    points = [(row.kind, row.value, row.verified) for row in desk.rows(ContactPointRow)]
    assert sorted(points) == [("email", "ann@customer.example", False), ("phone", "+8613800138000", False)]
    desk.push(message("m-2", "again", user=USER | {"phone": "+8613800138000", "phone_verified": True}))
    assert sorted(row.verified for row in desk.rows(ContactPointRow)) == [False, True]


def test_an_unverified_phone_of_another_customer_shows_no_case_of_theirs(desk):
    # Another customer calls, and has a case
    desk.push({"type": "call", "id": "c-1", "from": "+8613800138000", "result": "voicemail", "transcript": "钱没到账"})
    # A user of the app states that number
    desk.push(message(user=USER | {"phone": "+8613800138000", "phone_verified": False}))
    caller, user = desk.rows(ContactRow)
    assert caller.id != user.id
    assert (caller.merged_into, user.merged_into) == (None, None)
    cases = desk.rows(ConversationRow, "contact_id")
    assert sorted(cases) == sorted([caller.id, user.id])
    mine = user.id if user.name == "小王" else caller.id
    with desk.database.read() as connection:
        identities = connection.execute(
            sa.select(table_of(IdentityRow).c.kind).where(table_of(IdentityRow).c.contact_id == mine)
        ).scalars()
        assert [*identities] == ["custom"]


def test_what_a_machine_wrote_is_not_answered_and_starts_no_clock(desk):
    desk.push(message(automatic=True))
    ((first, following, resolve, waiting),) = desk.rows(
        ConversationRow, "first_reply_due_at", "next_reply_due_at", "resolve_due_at", "waiting_since"
    )
    assert (first, following, resolve, waiting) == (None, None, None, None)
    desk.close()
    desk.push(message("m-2", automatic=True, user={"id": "u-8"}))
    assert desk.rows(OutboundRow) == []


def test_threads_of_theirs_are_cases_of_ours(desk):
    desk.push(
        message("m-1", "the first matter", conversation="c-1"),
        message("m-2", "another matter", conversation="c-2"),
        message("m-3", "more on the first", conversation="c-1"),
    )
    cases = [row.conversation_id for row in desk.messages()]
    assert (cases[0] == cases[2], cases[0] == cases[1]) == (True, False)


def test_keys_stay_when_a_message_is_erased(desk):
    desk.push(message())
    with desk.database.write() as connection:
        now = datetime.now(UTC)
        erase_contact(connection, desk.rows(ContactRow, "id")[0], by="ann", reason="asked", now=now)
    (answer,) = desk.push(message())
    assert answer["accepted"][0]["duplicate"] is True
    assert desk.messages("text") == [""]


def test_files_in_base64_are_kept_and_described_by_their_bytes(desk):
    picture = b"\xff\xd8\xff\xe0" + b"picture"
    file = {"name": "../a.jpg", "content": base64.b64encode(picture).decode()}
    desk.push(message(files=[file]))
    ((name, media_type, size),) = desk.rows(AttachmentRow, "name", "media_type", "size")
    assert (name, media_type, size) == ("a.jpg", "image/jpeg", len(picture))


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"type": "message.read"}, "/type"),
        ({"text": ["?"]}, "/text"),
        ({"text": "x" * 20_001}, "/text"),
        ({"sent_at": "yesterday"}, "/sent_at"),
        ({"files": [{"name": "a", "url": "ftp://a"}]}, "/files/0/url"),
        ({"files": [{"name": "a", "content": "%%%"}]}, "/files/0/content"),
        ({"files": [{"name": "a"}]}, "/files/0"),
        ({"user": USER | {"phone_verified": "yes"}}, "/user/phone_verified"),
        ({"facts": []}, "/facts"),
        ({"id": "\ud800"}, "/id"),
    ],
)
def test_what_is_wrong_is_pointed_at(desk, change, pointer):
    answer = desk.ask(message() | change) if "id" not in change else desk.ask(message("\u0007"))
    assert (answer.status, json.loads(answer.text)["error"]["pointer"]) == (400, pointer)


def test_a_body_that_is_no_item_is_refused(desk):
    for body in (b"", b"[]", b"7", b'{"a": NaN}', b"[" * 100_000, json.dumps(message(facts={"a": [[[]]]})).encode()):
        answer = desk.webhooks.message("app", signed(body), now=datetime.now(UTC))
        assert answer.status == (200 if body.startswith(b'{"type"') else 400)


def test_a_call_centre_pushes_twice_and_then_its_recording(database, tmp_path, monkeypatch) -> None:
    centre = CustomDesk(database, tmp_path, monkeypatch, more='auth = "basic"')
    monkeypatch.setenv("APP_SECRET", "tccc:secret")

    def push(document: dict[str, object], *, password: str = "secret") -> None:
        proof = base64.b64encode(f"tccc:{password}".encode()).decode()
        headers = {"authorization": f"Basic {proof}", "content-type": "application/json"}
        request = WebhookRequest(body=json.dumps(document).encode(), headers=headers)
        centre.webhooks.message("app", request, now=datetime.now(UTC))
        centre.work()

    call = {"type": "call", "id": "session-1", "from": "+8613800138000", "result": "voicemail"}
    push(call)
    push(call)
    recording = {"recording": {"name": "1.mp3", "url": "https://files.example/1.mp3"}}
    push(call | recording)
    push(call | recording)
    assert len(centre.messages("text")) == 1
    assert centre.rows(AttachmentRow, "name") == ["1.mp3"]
    with pytest.raises(Unsigned):
        push(call, password="wrong")
