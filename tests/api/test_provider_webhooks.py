"""Providers' webhooks: signed or refused, stored once even if also polled, answered after the commit."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from twilio.request_validator import RequestValidator

from api.app import create_app
from connectors.sms.twilio.connector import TwilioConnector
from router.envelope import from_json
from router.settings import Settings
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.messages import InboundRow
from store.tables.operations import OutboundRow
from tests.api.conftest import MovingClock, settings_in
from tests.app_client import AppClient, started
from tests.fakes.twilio import ACCOUNT, CUSTOMER, NUMBER, TOKEN, FakeTwilio
from tests.fakes.x import KEYS, OWN, FakeX
from tests.inbox_builder import Builder
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake

HERE = "https://desk.wallet.example"
DOOR = f"{HERE}/webhooks/sms"
MORE = f"""
public_url = "{HERE}"

[channels.sms]
kind = "twilio"
account = "env:TWILIO_SID"
token = "env:TWILIO_TOKEN"
number = "{NUMBER}"
api_base = "{{twilio}}"

[channels.off]
kind = "twilio"
enabled = false
account = "env:TWILIO_SID"
token = "env:TWILIO_TOKEN"
number = "+15005550009"

[channels.x]
kind = "x"
consumer_key = "env:X_CONSUMER_KEY"
consumer_secret = "env:X_CONSUMER_SECRET"
access_token = "env:X_ACCESS_TOKEN"
access_secret = "env:X_ACCESS_SECRET"
"""


@pytest.fixture
def twilio(clock: MovingClock) -> Iterator[FakeTwilio]:
    fake = FakeTwilio(clock=clock)
    yield fake
    fake.stop()
    assert fake.contract is None or fake.contract.violations == []


@pytest.fixture
def x(clock: MovingClock) -> Iterator[FakeX]:
    fake = FakeX(clock=clock)
    yield fake
    fake.stop()


@pytest.fixture
def settings(tmp_path: Path, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in {"TWILIO_SID": ACCOUNT, "TWILIO_TOKEN": TOKEN, **KEYS}.items():
        monkeypatch.setenv(name, value)
    return settings_in(tmp_path / "data", more=MORE.format(twilio=twilio.base))


def signed(form: dict[str, str], *, url: str = DOOR, token: str = TOKEN) -> str:
    signature: str = RequestValidator(token).compute_signature(url, form)
    return signature


@pytest.fixture
def post(anonymous: AppClient) -> Callable[..., int]:
    def post(form: dict[str, str], *, signature: str | None = "", path: str = "/webhooks/sms") -> int:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if signature is not None:
            headers["X-Twilio-Signature"] = signature or signed(form)
        answer = anonymous.post(path, content=urlencode(form), headers=headers)
        if answer.status_code == 200:
            assert answer.text.endswith("<Response/>")
            assert answer.headers["content-type"].startswith("text/xml")
        return answer.status_code

    return post


def kept(database: Database) -> list[sa.Row]:
    with database.read() as connection:
        return list(connection.execute(sa.select(table_of(InboundRow)).order_by(table_of(InboundRow).c.source_key)))


def test_a_signed_message_is_kept_and_answered_with_empty_twiml(post, twilio, database):
    sid = twilio.receive("我的钱呢？ & <thanks>")
    assert post(twilio.webhook_form(sid)) == 200
    (row,) = kept(database)
    envelope = from_json(row.envelope)
    assert (row.source_key, row.channel) == (sid, "sms")
    assert (envelope.text, envelope.sender.handle) == ("我的钱呢？ & <thanks>", CUSTOMER)


def test_wrong_signature_missing_header_and_changed_words_are_refused(post, twilio, database):
    form = twilio.webhook_form(twilio.receive("hello"))
    assert post(form, signature=None) == 401
    assert post(form, signature="AAAA") == 401
    assert post(form, signature=signed(form)[:-4]) == 401
    assert post(form, signature=signed(form, token="another token")) == 401
    assert post(form, signature=signed(form, url=f"{HERE}/webhooks/other")) == 401
    assert post(form | {"Body": "send money"}, signature=signed(form)) == 401
    assert kept(database) == []


def test_fields_that_twilio_adds_later_are_part_of_the_signature(post, twilio, database):
    form = twilio.webhook_form(twilio.receive("hello")) | {"SomethingNew": "1", "Empty": ""}
    assert post(form) == 200
    assert len(kept(database)) == 1


def test_the_query_is_part_of_the_address(post, twilio):
    form = twilio.webhook_form(twilio.receive("hello"))
    assert post(form, path="/webhooks/sms?from=console", signature=signed(form, url=f"{DOOR}?from=console")) == 200
    assert post(form, path="/webhooks/sms?from=console", signature=signed(form)) == 401


def test_json_is_signed_by_its_hash_in_the_address(anonymous, twilio):
    body = json.dumps({"a": 1})
    for digest, expected in ((hashlib.sha256(body.encode()).hexdigest(), 422), ("0" * 64, 401)):
        query = f"bodySHA256={digest}"
        signature = RequestValidator(TOKEN).compute_signature(f"{DOOR}?{query}", {})
        headers = {"Content-Type": "application/json", "X-Twilio-Signature": signature}
        assert anonymous.post(f"/webhooks/sms?{query}", content=body, headers=headers).status_code == expected
    unvouched = {"Content-Type": "application/json", "X-Twilio-Signature": signed({})}
    assert anonymous.post("/webhooks/sms", content=body, headers=unvouched).status_code == 401


def test_the_same_webhook_again_and_an_hour_later_changes_nothing(post, twilio, database, clock):
    """Twilio signs no time, so the SID is what stops a replay."""
    form = twilio.webhook_form(twilio.receive("hello"))
    assert post(form) == 200
    clock.move(timedelta(hours=1))
    assert post(form) == 200
    assert [row.conflict for row in kept(database)] == [False]


def test_webhook_and_poll_of_one_message_at_once_from_16_threads_make_one_row(
    app: FastAPI, portal: BlockingPortal, settings, twilio, database, clock
):
    sid = twilio.receive("hello")
    form = twilio.webhook_form(sid)
    connector = TwilioConnector("sms", settings.channels["sms"], clock=clock)
    cursor = connector.fetch(None).cursor
    intake = Intake(database, bell=Bell(lambda: None))
    connector.close()
    pages = [connector.fetch(cursor) for _ in range(8) if not connector.close()]
    assert [len(page.messages) for page in pages] == [1] * 8
    start = threading.Barrier(16)

    def tell(number: int) -> int:
        start.wait()
        if number % 2:
            intake.keep(pages[number // 2])
            return 200
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed(form)}
        return AppClient(app, portal).post("/webhooks/sms", content=urlencode(form), headers=headers).status_code

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(tell, range(16))) == {200}
    assert [(row.source_key, row.conflict) for row in kept(database)] == [(sid, False)]


def test_a_message_with_files_is_left_to_the_poll(post, twilio, database):
    form = twilio.webhook_form(twilio.receive("look", files=(b"\xff\xd8\xff",)))
    assert post(form) == 200
    assert kept(database) == []


def test_a_message_for_another_number_is_refused(post, twilio, database):
    form = twilio.webhook_form(twilio.receive("hello", to="+15005550009"))
    assert post(form) == 422
    assert kept(database) == []


@pytest.mark.parametrize("channel", ["off", "nowhere", "support-mail"])
def test_where_no_channel_is_there_is_no_endpoint(post, twilio, channel):
    form = twilio.webhook_form(twilio.receive("hello"))
    url = f"{HERE}/webhooks/{channel}"
    assert post(form, path=f"/webhooks/{channel}", signature=signed(form, url=url)) == 404


def test_without_a_public_address_nothing_can_be_verified(tmp_path, database, portal, twilio, settings):
    bare = settings_in(tmp_path / "bare", more=MORE.format(twilio=twilio.base).replace("public_url", "#public_url"))
    form = twilio.webhook_form(twilio.receive("hello"))
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed(form)}
    with started(create_app(bare, database=database), portal) as app:
        answer = AppClient(app, portal).post("/webhooks/sms", content=urlencode(form), headers=headers)
    assert answer.status_code == 503


# X


def x_signature(content: bytes) -> str:
    digest = hmac.new(KEYS["X_CONSUMER_SECRET"].encode(), content, hashlib.sha256).digest()
    return "sha256=" + base64.b64encode(digest).decode()


def push(client: AppClient, document: object, *, signature: str | None = "") -> int:
    body = json.dumps(document).encode()
    headers = {"Content-Type": "application/json"}
    if signature is not None:
        headers["x-twitter-webhooks-signature"] = signature or x_signature(body)
    return client.post("/webhooks/x", content=body, headers=headers).status_code


def test_the_challenge_of_x_is_answered(anonymous):
    """CRC: the HMAC of X's token under the consumer secret."""
    answer = anonymous.get("/webhooks/x", params={"crc_token": "a-token"})
    assert answer.json() == {"response_token": x_signature(b"a-token")}
    assert anonymous.get("/webhooks/sms", params={"crc_token": "a-token"}).status_code == 404
    assert anonymous.get("/webhooks/x").status_code == 422


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_pushed_message_of_x_is_kept_under_the_polls_key(anonymous, x, database, wrapped):
    event_id = x.receive("hello")
    document = x.pushed(event_id)
    assert push(anonymous, {"data": {"event_type": "dm.received", "payload": document}} if wrapped else document) == 200
    assert push(anonymous, document) == 200
    assert [(row.source_key, row.conflict) for row in kept(database)] == [(event_id, False)]


def test_x_must_sign_the_very_bytes(anonymous, x, database):
    document = x.pushed(x.receive("hello"))
    assert push(anonymous, document, signature=None) == 401
    assert push(anonymous, document, signature=x_signature(b"other bytes")) == 401
    assert push(anonymous, document, signature=x_signature(json.dumps(document).encode())[:20]) == 401
    assert kept(database) == []


def test_out_of_order_and_own_messages_of_x_do_no_harm(anonymous, x, database, clock):
    first, second = x.receive("first", at=clock.at - timedelta(seconds=9)), x.receive("second")
    ours = x.receive("ours", sender=OWN, to="12345")
    for event_id in (second, ours, first):
        assert push(anonymous, x.pushed(event_id)) == 200
    assert [row.source_key for row in kept(database)] == [first, second]


def test_what_is_no_message_of_x_is_taken_and_forgotten(anonymous, database):
    assert push(anonymous, {"for_user_id": OWN, "follow_events": []}) == 200
    assert push(anonymous, {"for_user_id": "1", "direct_message_events": []}) == 422
    assert push(anonymous, ["?"]) == 422
    assert kept(database) == []


# What became of ours


def status_form(status: str, *, sid: str = "SM" + "1" * 32, error: str = "") -> dict[str, str]:
    form = {"MessageSid": sid, "MessageStatus": status, "To": CUSTOMER, "From": NUMBER, "AccountSid": ACCOUNT}
    return form | ({"ErrorCode": error} if error else {})


@pytest.fixture
def sent(database: Database) -> UUID:
    """A message that is being sent, and whose answer may never come."""
    with database.write() as connection:
        builder = Builder(connection)
        conversation_id = builder.conversation(handle=CUSTOMER, channel="sms")
        return builder.outbound(conversation_id, channel="sms", recipient=CUSTOMER, state="sending", kind="reply")


@pytest.fixture
def tell(anonymous: AppClient, sent: UUID) -> Callable[..., int]:
    def tell(form: dict[str, str], *, signature: str | None = None, outbound: object = None) -> int:
        query = urlencode({"outbound": outbound or sent, "attempt": uuid4()})
        url = f"/webhooks/sms/status?{query}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        headers["X-Twilio-Signature"] = signature or signed(form, url=f"{HERE}{url}")
        return anonymous.post(url, content=urlencode(form), headers=headers).status_code

    return tell


def row_of(database: Database, outbound_id: UUID) -> sa.Row:
    table = table_of(OutboundRow)
    with database.read() as connection:
        return connection.execute(sa.select(table).where(table.c.id == outbound_id)).one()


def test_a_callback_settles_what_was_unclear(tell, database, sent):
    """The callback may come before our own commit."""
    assert tell(status_form("queued")) == 204
    row = row_of(database, sent)
    assert (row.state, row.provider_id) == ("sent", "SM" + "1" * 32)


def test_callbacks_repeat_and_overtake_each_other_and_only_move_forward(tell, database, sent):
    for status in ("delivered", "sent", "queued", "delivered", "sending"):
        assert tell(status_form(status)) == 204
    assert row_of(database, sent).delivery == "delivered"
    assert tell(status_form("read")) == 204
    assert row_of(database, sent).delivery == "read"


def test_a_message_that_did_not_arrive_says_why(tell, database, sent):
    assert tell(status_form("undelivered", error="63016")) == 204
    row = row_of(database, sent)
    assert (row.delivery, "63016" in row.error) == ("undelivered", True)


def test_a_forged_callback_and_one_that_was_signed_for_another_message_are_refused(tell, database, sent):
    form = status_form("delivered")
    assert tell(form, signature="AAAA") == 401
    assert tell(form, signature=signed(form, url=f"{DOOR}/status?outbound={uuid4()}")) == 401
    assert row_of(database, sent).state == "sending"


def test_a_callback_about_nothing_that_we_sent_changes_nothing(tell, database, sent):
    assert tell(status_form("delivered"), outbound=uuid4()) == 204
    assert tell(status_form("transmogrified")) == 422
    assert row_of(database, sent).state == "sending"


# A provider that only the file describes

HTTP_SMS = """
[channels.sms-cn]
kind = "http_sms"
number = "10690000"
region = "CN"
secret = "env:TWILIO_TOKEN"
fields = {{ id = "msgId", sender = "mobile", text = "content" }}
answer = "OK"
[channels.sms-cn.send]
url = "https://sms.example/send"
body = {{ phone = "{{recipient}}", content = "{{text}}" }}
"""


def test_a_described_provider_brings_its_messages_by_the_same_endpoint(tmp_path, database, portal, settings):
    described = settings_in(tmp_path / "cn", more=HTTP_SMS.format())
    body = json.dumps({"msgId": "9", "mobile": "13800138000", "content": "你好"}).encode()
    signature = hmac.new(TOKEN.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Signature": signature}
    with started(create_app(described, database=database), portal) as app:
        client = AppClient(app, portal)
        for _ in range(2):
            answer = client.post("/webhooks/sms-cn", content=body, headers=headers)
            assert (answer.status_code, answer.text) == (200, "OK")
        assert client.post("/webhooks/sms-cn", content=body + b" ", headers=headers).status_code == 401
    (row,) = kept(database)
    assert (row.source_key, from_json(row.envelope).sender.handle) == ("9", CUSTOMER)
