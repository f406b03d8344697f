"""WhatsApp at Meta on a desk: each message once and to its channel, statuses forward only, files later, no copy."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from connectors.base import WebhookRequest, WebhookResponse
from connectors.registry import sender_of
from router.errors import PermanentError
from store.conversations.alarms import answer_to, find_emergency
from store.desk.held_back import read_refusals
from store.tables.gates import FetchedFileRow
from store.tables.messages import ContactRow, ConversationRow, IdentityRow, InboundRow, MessageRow
from store.tables.operations import OutboundRow
from tests.absent_inputs import NO_SPECS
from tests.custom_desk import CustomDesk
from tests.fakes import meta
from tests.fakes.contract import specs_folder
from tests.fakes.meta import FakeMeta, call_of, change, contact, picture, signed, status, text
from tests.fakes.server import Fault
from tests.workers.custom.answers import deliver_lane, reply
from workers.chores.fetch_files import FileFetcher
from workers.intake.provider_webhooks import ProviderWebhooks, Unsigned

CHANNEL = f"""
[channels.NAME]
kind = "whatsapp"
number_id = "NUMBER"
account = "{meta.ACCOUNT}"
token = "env:META_TOKEN"
app_secret = "env:META_SECRET"
former_secret = "env:META_FORMER"
verify_token = "env:META_VERIFY"
templates = {{{{ late = "order_late:zh_CN" }}}}
calendar = "office"
api_base = "BASE"
"""


@pytest.fixture
def fake() -> Iterator[FakeMeta]:
    server = FakeMeta()
    yield server
    server.stop()
    assert server.violations == []


@pytest.fixture
def desk(database, tmp_path, monkeypatch, fake) -> CustomDesk:
    secrets = {"TOKEN": meta.TOKEN, "SECRET": meta.APP_SECRET, "FORMER": "former", "VERIFY": meta.VERIFY_TOKEN}
    for name, value in secrets.items():
        monkeypatch.setenv(f"META_{name}", value)
    channel = CHANNEL.replace("BASE", fake.base).replace("{{", "{").replace("}}", "}")
    both = [
        channel.replace("NAME", name).replace("NUMBER", number)
        for name, number in (("whatsapp", meta.NUMBER), ("second", meta.OTHER_NUMBER))
    ]
    return CustomDesk(database, tmp_path, monkeypatch, more="".join(both))


def call(desk: CustomDesk, *changes, request: WebhookRequest | None = None) -> WebhookResponse:
    answer = desk.webhooks.message("whatsapp", request or signed(call_of(*changes)), now=datetime.now(UTC))
    desk.work()
    return answer


def opened(desk: CustomDesk) -> None:
    """Let a customer open a case."""
    call(desk, change(text(), contacts=[contact()]))


def answered(desk: CustomDesk, said: str = "在路上") -> None:
    reply(desk, said, to=None)
    deliver_lane(desk, "whatsapp")


def test_a_message_opens_a_case_and_an_answer_leaves(desk, fake):
    assert call(desk, change(text(), contacts=[contact()])).status == 200
    answered(desk)
    ((outbound_id, state, provider_id),) = desk.rows(OutboundRow, "id", "state", "provider_id")
    (sent,) = fake.sent
    assert (state, provider_id, sent["text"]["body"]) == ("sent", "wamid.out1", "在路上")
    assert sent["biz_opaque_callback_data"] == str(outbound_id)
    assert fake.checked or specs_folder() is None


# Checks of gate_meta_line.md, by their numbers


def test_only_the_raw_body_with_the_newer_header_is_signed(desk):
    folder = specs_folder()
    if folder is None:
        pytest.skip(NO_SPECS)
    vector = json.loads((folder / "vectors.json").read_text(encoding="utf-8"))["meta_own"]
    body, header = vector["body"].encode(), {"x-hub-signature-256": vector["x_hub_signature_256"]}
    # Signed well: refused only because the vector is a page's, and no number's.
    with pytest.raises(PermanentError, match="no WhatsApp account"):
        call(desk, request=WebhookRequest(body=body, headers=header))
    again = json.dumps(json.loads(body)).encode()
    for wrong in ((again, header), (body, {}), (body, {"x-hub-signature": "sha1=0"})):
        with pytest.raises(Unsigned):
            call(desk, request=WebhookRequest(body=wrong[0], headers=wrong[1]))


def test_two_secrets_are_accepted_while_one_is_exchanged(desk):
    assert call(desk, request=signed(call_of(change(text())), secret="former")).status == 200


@pytest.mark.parametrize(("token", "is_right"), [(meta.VERIFY_TOKEN, True), ("another", False), ("", False)])
def test_the_challenge_is_answered_only_with_the_token(desk, token, is_right):
    query = urlencode({"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token})
    request = WebhookRequest(body=b"", headers={}, query=query)
    if is_right:
        assert desk.webhooks.challenge("whatsapp", request) == WebhookResponse("1158201444", "text/plain")
    else:
        with pytest.raises(PermanentError):
            desk.webhooks.challenge("whatsapp", request)


def test_a_batch_goes_to_its_channels_and_strangers_are_counted(desk):
    people = [("8613800138001", "CN.1"), ("8613800138002", "CN.2"), ("8613800138003", "CN.3")]
    said = [text(f"text {user}", wamid=f"wamid.{user}", sender=sender, user=user) for sender, user in people]
    contacts = [contact(user, sender=sender, user=user) for sender, user in people]
    answer = call(
        desk,
        change(said[0], said[1], contacts=contacts[:2]),
        change(said[2], number=meta.OTHER_NUMBER, contacts=contacts[2:]),
        change(statuses=[status("sent", wamid="wamid.foreign")]),
        change(text(wamid="wamid.stranger"), number="1", contacts=[contact()]),
    )
    assert answer.status == 200
    assert sorted(desk.rows(InboundRow, "channel", "source_key")) == [
        ("second", "wamid.CN.3"), ("whatsapp", "wamid.CN.1"), ("whatsapp", "wamid.CN.2"),
    ]  # fmt: skip
    with desk.database.read() as connection:
        assert [(each.bound, each.refused) for each in read_refusals(connection)] == [("unknown_account", 1)]
    assert sorted(desk.rows(IdentityRow, "handle")) == ["CN.1", "CN.2", "CN.3"]


def test_one_message_five_times_over_two_processes_is_one_message(desk):
    processes = [desk.webhooks, ProviderWebhooks(desk.settings, desk.database)]
    request = signed(call_of(change(text(), contacts=[contact()])))
    with ThreadPoolExecutor(2) as threads:
        answers = [
            *threads.map(lambda n: processes[n % 2].message("whatsapp", request, now=datetime.now(UTC)), range(5))
        ]
    processes[1].close()
    desk.work()
    assert {answer.status for answer in answers} == {200}
    assert (len(desk.rows(InboundRow, "id")), desk.messages("text")) == (1, ["钱没到账"])


def test_statuses_in_any_order_end_at_read(desk):
    opened(desk)
    answered(desk)
    for said in ("read", "sent", "delivered", "delivered", "failed"):
        call(desk, change(statuses=[status(said, wamid="wamid.out1", errors=[{"code": 131026}])]))
    assert desk.rows(OutboundRow, "state", "delivery") == [("sent", "read")]


def test_a_failure_that_comes_later_is_explained_in_words_and_reopens_the_case(desk):
    opened(desk)
    answered(desk)
    call(desk, change(statuses=[status("failed", wamid="wamid.out1", errors=[{"code": 131026, "title": "x"}])]))
    ((state, why),) = desk.rows(OutboundRow, "state", "error")
    assert state == "failed"
    assert "not on WhatsApp" in why


def test_a_user_without_a_number_is_known_written_to_and_reported_by_the_exact_id(desk, fake):
    user = "US.AbCdEfGhIjKlMnOpQrStUvWxYz0123456789aBcDeF"
    call(desk, change(text(sender="", user=user), contacts=[contact(sender="", user=user)]))
    answered(desk)
    assert desk.rows(IdentityRow, "handle") == [user]
    assert fake.sent[0]["recipient"] == user
    assert "to" not in fake.sent[0]
    reported = status("delivered", wamid="wamid.out1") | {"recipient_user_id": user}
    del reported["recipient_id"]
    call(desk, change(statuses=[reported]))
    assert desk.rows(OutboundRow, "delivery") == ["delivered"]


@pytest.mark.parametrize("users", [("US." + "a" * 40 + "1", "US." + "a" * 40 + "2"), ("US.abcDEF", "US.ABCdef")])
def test_ids_that_differ_late_or_in_case_are_two_contacts(desk, users):
    for number, user in enumerate(users):
        call(
            desk, change(text(sender="", user=user, wamid=f"wamid.{number}"), contacts=[contact(sender="", user=user)])
        )
    assert len(desk.rows(ContactRow, "id")) == len(desk.rows(ConversationRow, "id")) == 2


def test_a_number_with_an_id_and_then_the_id_alone_is_one_contact(desk):
    opened(desk)
    call(desk, change(text("again", wamid="wamid.2", sender=""), contacts=[contact(sender="")]))
    assert len(desk.rows(ContactRow, "id")) == len(desk.rows(ConversationRow, "id")) == 1


def test_each_file_that_cannot_be_had_is_a_sentence_and_no_private_address_is_asked(desk, fake):
    good = b"\xff\xd8\xff\xe0 a picture"
    fake.media |= {"GOOD": good, "WRONG": good, "BIG": b"x" * 26 * 1024 * 1024}
    for media_id, content in (("GOOD", good), ("WRONG", b"another"), ("BIG", fake.media["BIG"]), ("GONE", good)):
        call(desk, change(picture(media_id, content), contacts=[contact()]))
    fetch(desk)
    assert sorted(desk.rows(FetchedFileRow, "state", "error")) == [
        ("failed", "changed"), ("failed", "large"), ("failed", "unreached"), ("fetched", ""),
    ]  # fmt: skip
    for number, address in enumerate(("http://169.254.169.254/latest", "https://fbsbx.com.evil.example/x")):
        fake.address, fake.media[f"P{number}"] = address, good
        call(desk, change(picture(f"P{number}", good), contacts=[contact()]))
    fetch(desk)
    assert desk.rows(FetchedFileRow, "error").count("forbidden") == 2
    assert len(desk.messages("id")) == 6


def fetch(desk: CustomDesk) -> None:
    fetcher = FileFetcher(desk.database, desk.settings, seconds=60)
    fetcher.once()
    while "waiting" in desk.rows(FetchedFileRow, "state"):
        desk.make_due(FetchedFileRow, lease_until=None)
        fetcher.once()


def test_an_answer_after_24_hours_goes_to_a_person_before_any_request(desk, fake):
    opened(desk)
    desk.change(MessageRow, received_at=datetime.now(UTC) - timedelta(hours=24, minutes=1))
    answered(desk, "too late")
    assert (fake.sent, desk.rows(OutboundRow, "state")) == ([], ["needs_person"])


def test_a_lost_answer_is_settled_by_a_status_with_our_id_and_not_sent_again(desk, fake):
    opened(desk)
    fake.script(Fault(lose=True, when=lambda asked: asked.method == "POST"))
    answered(desk)
    ((outbound_id, state),) = desk.rows(OutboundRow, "id", "state")
    assert state != "sent"
    call(desk, change(statuses=[status("sent", wamid="wamid.out1", data=str(outbound_id))]))
    deliver_lane(desk, "whatsapp")
    assert (len(fake.sent), desk.rows(OutboundRow, "state")) == (1, ["sent"])


def test_a_lost_answer_without_a_status_goes_to_a_person(desk, fake):
    opened(desk)
    fake.script(Fault(lose=True, when=lambda asked: asked.method == "POST"))
    answered(desk)
    for _ in range(8):
        desk.make_due(OutboundRow)
        deliver_lane(desk, "whatsapp")
    assert (len(fake.sent), desk.rows(OutboundRow, "state")) == (1, ["needs_person"])


def test_a_dead_token_and_one_that_ends_soon_are_reported(desk, fake):
    sender = sender_of("whatsapp", desk.settings.channels["whatsapp"], desk=desk.settings.omniyard)
    assert sender.probe().ok
    fake.ends = int(time.time() + timedelta(days=5, hours=1).total_seconds())
    assert "the token ends in 5 days" in sender.probe().findings[0]
    fake.templates[0]["status"] = "PAUSED"
    assert any("late (order_late:zh_CN) is paused" in each for each in sender.probe().findings)
    fake.is_dead = True
    health = sender.probe()
    assert (health.ok, "token has ended" in health.findings[0]) == (False, True)


def test_other_types_are_shown_and_what_is_no_message_opens_no_case(desk):
    folder = specs_folder()
    if folder is None:
        pytest.skip(NO_SPECS)
    described = json.loads((folder / "meta_whatsapp_cloud_v23.json").read_text(encoding="utf-8"))
    posted = described["paths"]["/whatsapp/webhooks"]["post"]["requestBody"]["content"]["application/json"]
    numbers = itertools.count()
    types = []
    for example in posted["examples"].values():
        for entry in example["value"]["entry"]:
            for each in entry["changes"]:
                value = each["value"]
                value.setdefault("metadata", {})["phone_number_id"] = meta.NUMBER
                for said in value.get("messages", ()):
                    said["id"] = f"wamid.{next(numbers)}"
                    types.append(said["type"])
        assert call(desk, request=signed(example["value"])).status == 200
    assert len(desk.messages("id")) == sum(each not in {"reaction", "system"} for each in types)
    assert desk.rows(InboundRow, "state").count("dead") == 0


def echoed(desk, said: str, *, at: int) -> None:
    echo = {"from": "1555", "to": meta.CUSTOMER, "to_user_id": meta.USER, "id": f"wamid.{said}", "timestamp": str(at)}
    call(desk, change(field="smb_message_echoes", message_echoes=[echo | {"type": "text", "text": {"body": said}}]))


def page_answer(desk):
    (case,) = desk.rows(ConversationRow, "id")
    with desk.database.read() as connection:
        return answer_to(connection, find_emergency(connection, case))


def test_the_apps_automatic_reply_answers_no_alarm_and_a_colleagues_text_does(desk):
    now = int(time.time())
    call(desk, change(text("I was hacked"), contacts=[contact()]))
    echoed(desk, "Thanks for your message! We are away at the moment.", at=now + 3)
    (case,) = desk.rows(ConversationRow)
    assert (page_answer(desk), case.status, case.replied_at) == (None, "open", None)
    assert desk.messages("direction", "origin")[-1] == ("outgoing", "auto_replied")

    echoed(desk, "We lock it now.", at=now + 60)
    answer = page_answer(desk)
    assert (answer.by, answer.channel) == ("", "whatsapp")
    (case,) = desk.rows(ConversationRow)
    assert (case.status, case.replied_at is not None) == ("pending", True)


def test_a_colleague_who_sends_several_quick_texts_has_answered(desk):
    now = int(time.time())
    call(desk, change(text("I was hacked"), contacts=[contact()]))
    echoed(desk, "Thanks for your message! We are away at the moment.", at=now + 3)
    for number, said in enumerate(("I am here.", "We lock it now.", "Done.")):
        echoed(desk, said, at=now + 12 + 6 * number)
    assert desk.messages("origin")[1:] == ["auto_replied", "ourselves", "ourselves", "ourselves"]
    assert page_answer(desk) is not None


def test_a_second_automatic_reply_to_a_later_message_is_one_too(desk):
    start = int(time.time()) - 120
    for number, said in enumerate(("hello", "I was hacked")):
        asked = text(said, wamid=f"wamid.asked{number}") | {"timestamp": str(start + 60 * number)}
        call(desk, change(asked, contacts=[contact()]))
        echoed(desk, f"We are away, {number}.", at=start + 60 * number + 2)
    assert desk.messages("origin").count("auto_replied") == 2


def test_a_colleague_who_answers_in_the_business_app_is_heard(desk):
    opened(desk)
    echo = {"from": "1555", "to": meta.CUSTOMER, "to_user_id": meta.USER, "id": "wamid.E", "timestamp": "1772445600"}
    echo |= {"type": "text", "text": {"body": "by the app"}}
    call(desk, change(field="smb_message_echoes", message_echoes=[echo]))
    assert len(desk.rows(ConversationRow, "id")) == len(desk.rows(ContactRow, "id")) == 1
    assert "by the app" in desk.messages("text")
