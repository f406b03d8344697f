"""A WeCom account on a desk: a callback wakes the poll, files come later, recalls hide, failures reopen."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from api.text.subjects.gate_phrases import GATE_WORDS
from connectors.base import WakeableConnector, WebhookRequest
from connectors.channel_loops import PollLane
from connectors.lease_renewal import Renewal
from connectors.registry import open_polled
from connectors.social.tencent import callback_cipher
from connectors.watchdog import Watchdog
from store.db.bulk import table_of
from store.inbound.wakes import leave_wakes, take_wake
from store.tables.gates import FetchedFileRow
from store.tables.messages import ConversationRow, InboundRow
from store.tables.operations import OutboundRow
from tests.custom_desk import CustomDesk
from tests.fakes.server import DemoAnswer, Fault
from tests.fakes.wecom import ACCOUNT, CORP, FakeWecom
from tests.workers.custom.answers import deliver_lane, reply
from tests.workers.custom.wecom_channel import CHANNEL, KEY, SECRETS
from workers.broker.doorbell import Bell
from workers.chores.fetch_files import FileFetcher
from workers.intake.intake import Intake


@pytest.fixture
def wecom() -> Iterator[FakeWecom]:
    fake = FakeWecom()
    yield fake
    fake.stop()
    assert fake.violations == []


@pytest.fixture
def desk(database, tmp_path, monkeypatch, wecom) -> CustomDesk:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return CustomDesk(database, tmp_path, monkeypatch, more=CHANNEL.replace("BASE", wecom.base))


def pull(desk: CustomDesk, *, token: str = "", route: bool = True) -> None:
    (polled,) = open_polled(desk.settings)
    connector, cursor, more = polled.connector, None, True
    assert isinstance(connector, WakeableConnector)
    if token:
        connector.wake(token)
    intake = Intake(desk.database, bell=Bell(lambda: None))
    while more:
        page = connector.fetch(cursor)
        intake.keep(page)
        cursor, more = page.cursor, page.more
    intake.close()
    if route:
        desk.work()


def callback(token: str) -> WebhookRequest:
    """Return the callback of WeCom that messages wait."""
    event = f"<xml><Event>kf_msg_or_event</Event><Token>{token}</Token><OpenKfId>{ACCOUNT}</OpenKfId></xml>"
    sealed = callback_cipher.encrypt(event, key=callback_cipher.read_key(KEY), receiver=CORP, random=b"0" * 16)
    signature = callback_cipher.signature_of("omni-token", "1", "n", sealed)
    query = urlencode({"msg_signature": signature, "timestamp": "1", "nonce": "n"})
    body = f"<xml><ToUserName>{CORP}</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>".encode()
    return WebhookRequest(body=body, headers={}, query=query)


def test_a_callback_is_answered_at_once_while_3000_messages_wait_and_they_come_in_order(desk, wecom):
    wecom.page = 1000
    wanted = [f"{ACCOUNT}:{wecom.receive(f'message {number}')}" for number in range(3_000)]
    seconds = []
    for number in range(3):
        began = time.monotonic()
        answer = desk.webhooks.message("wecom", callback(f"TOK{number}"), now=datetime.now(UTC))
        seconds.append(time.monotonic() - began)
        assert (answer.status, answer.text) == (200, "success")
    # Nothing is pulled within a callback, and it is answered within the five seconds that WeCom waits.
    assert (min(seconds) < 5, wecom.asked) == (True, [])
    with desk.database.write() as connection:
        token = take_wake(connection, f"{CORP}:{ACCOUNT}")
    pull(desk, token=token, route=False)
    table = table_of(InboundRow)
    with desk.database.read() as connection:
        found = connection.execute(sa.select(table.c.source_key).order_by(table.c.id)).scalars().all()
    assert found == wanted
    pulls = [asked.json["token"] for asked in wecom.asked if asked.path.endswith("sync_msg")]
    assert (len(pulls) >= 3, set(pulls)) == (True, {token})


def test_a_callback_in_another_process_ends_the_pause_of_the_poll(desk, wecom):
    (polled,) = open_polled(desk.settings)
    intake, watchdog = Intake(desk.database, bell=Bell(lambda: None)), Watchdog()
    renewal = Renewal(watchdog, every=1.0)
    lane = PollLane(
        polled.connector,
        poll=polled.poll,
        topic=polled.topic,
        keeper=intake,
        renewal=renewal,
        watchdog=watchdog,
        reach=lambda _: None,
    )
    thread = threading.Thread(target=lane.run, daemon=True)
    thread.start()
    pulls = lambda: [asked.json for asked in wecom.asked if asked.path.endswith("sync_msg")]  # noqa: E731
    waited = threading.Event()
    for _ in range(300):
        if len(pulls()) == 1:
            break
        waited.wait(0.1)
    wecom.receive("钱没到账")
    with desk.database.write() as connection:
        leave_wakes(connection, {f"{CORP}:{ACCOUNT}": "TOK1"})
    for _ in range(300):
        desk.work()
        if desk.messages("text"):
            break
        waited.wait(0.1)
    lane.stop()
    thread.join(20)
    assert desk.messages("text") == ["钱没到账"]
    assert pulls()[1]["token"] == "TOK1"


def test_a_file_comes_later_and_one_that_cannot_be_had_is_a_sentence(desk, wecom):
    wecom.media |= {"M1": b"\xff\xd8\xff\xe0 a picture", "BIG": b"x" * 25 * 1024 * 1024}
    wecom.receive("here is my receipt")
    # 40007 in an answer of 200, a host that has it no more, 25 MB
    for media_id in ("M1", "GONE", "404", "BIG"):
        wecom.receive(msgtype="file", file={"media_id": media_id})
    missing = Fault(answer=DemoAnswer(404), when=lambda asked: asked.params.get("media_id") == "404", times=100)
    wecom.script(missing)
    pull(desk)
    fetcher = FileFetcher(desk.database, desk.settings, seconds=60)
    fetcher.once()
    assert sorted(desk.rows(FetchedFileRow, "state", "error")) == [
        ("failed", "large"),
        ("failed", "refused"),
        ("fetched", ""),
        ("waiting", "unreached"),
    ]
    # A 404 is believed after some minutes: the provider may announce a file before it has it
    while "waiting" in desk.rows(FetchedFileRow, "state"):
        desk.make_due(FetchedFileRow, lease_until=None)
        fetcher.once()
    codes = {code for state, code in desk.rows(FetchedFileRow, "state", "error") if state == "failed"}
    assert codes == {"large", "refused"}
    # Each is a sentence in both languages, and the words are kept
    assert all(GATE_WORDS[f"file_{code}"] for code in codes)
    assert "here is my receipt" in desk.messages("text")
    assert len(desk.messages("id")) == 5


def test_checks_11_and_12_a_recall_hides_and_a_failure_reopens(desk, wecom):
    first = wecom.receive("a mistake")
    wecom.receive("where is my money")
    pull(desk)
    reply(desk, "it is on its way", to=None)
    deliver_lane(desk, "wecom")
    (sent,) = wecom.sent
    wecom.event("user_recall_msg", recall_msgid=first)
    wecom.event("msg_send_fail", fail_msgid=sent, fail_type=10)
    wecom.event("msg_send_fail", fail_msgid="0" * 32, fail_type=10)
    pull(desk)
    assert desk.messages("direction", "text")[:2] == [("incoming", ""), ("incoming", "where is my money")]
    ((state, error),) = desk.rows(OutboundRow, "state", "error")
    assert (state, "refuses messages" in error) == ("failed", True)
    assert desk.rows(ConversationRow, "status") == ["open"]


def test_what_is_pulled_twice_is_stored_once(desk, wecom):
    for number in range(5):
        wecom.receive(f"message {number}", at=datetime.now(UTC).timestamp() - 60 + number)
    pull(desk)
    pull(desk)
    assert desk.messages("text") == [f"message {number}" for number in range(5)]
