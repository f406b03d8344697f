"""A service account on a desk: each message once, in time or counted as lost, replies in the response, files later."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from connectors.base import WebhookRequest, WebhookResponse
from connectors.social.tencent import callback_cipher
from connectors.social.tencent.callback_xml import read_fields
from router.errors import TransientError
from store.db.engine import Database
from store.desk.held_back import read_refusals
from store.tables.gates import FetchedFileRow
from store.tables.messages import InboundRow, MessageRow
from store.tables.operations import EventRow, OutboundRow
from tests.custom_desk import CustomDesk
from tests.fakes.server import DemoAnswer, Fault
from tests.fakes.wechat import AES_KEY, APP, CUSTOMER, SECRET, TOKEN, FakeWechat
from tests.workers.custom.answers import deliver_lane, reply
from workers.chores.fetch_files import FileFetcher
from workers.intake.provider_webhooks import ProviderWebhooks, Unsigned

CHANNEL = f"""
[channels.wechat]
kind = "wechat"
app = "{APP}"
secret = "env:WECHAT_SECRET"
callback_token = "env:WECHAT_TOKEN"
aes_key = "env:WECHAT_KEY"
calendar = "office"
passive = PASSIVE
api_base = "BASE"
"""


@pytest.fixture
def wechat() -> Iterator[FakeWechat]:
    fake = FakeWechat()
    yield fake
    fake.stop()
    assert fake.violations == []


@pytest.fixture
def passive() -> bool:
    return False


@pytest.fixture
def desk(database, tmp_path, monkeypatch, wechat, passive) -> CustomDesk:
    for name, value in {"WECHAT_SECRET": SECRET, "WECHAT_TOKEN": TOKEN, "WECHAT_KEY": AES_KEY}.items():
        monkeypatch.setenv(name, value)
    channel = CHANNEL.replace("BASE", wechat.base).replace("PASSIVE", "true" if passive else "false")
    return CustomDesk(database, tmp_path, monkeypatch, more=channel)


def call_once(webhooks: ProviderWebhooks, request: WebhookRequest, *, at: datetime | None = None) -> WebhookResponse:
    return webhooks.message("wechat", request, now=at or datetime.now(UTC))


def call(webhooks: ProviderWebhooks, request: WebhookRequest, *, at: datetime | None = None) -> WebhookResponse:
    """Call as WeChat does, which repeats what is not answered in time: here as often as a busy machine needs."""
    for _ in range(20):
        with contextlib.suppress(TransientError):
            return call_once(webhooks, request, at=at)
    raise AssertionError("not stored in twenty tries")


def test_a_message_opens_a_case_and_an_answer_leaves(desk, wechat):
    assert call(desk.webhooks, wechat.request(text="钱没到账")).text == "success"
    desk.work()
    reply(desk, "在路上", to=None)
    deliver_lane(desk, "wechat")
    assert [each["text"]["content"] for each in wechat.sent] == ["在路上"]
    assert desk.rows(OutboundRow, "state") == ["sent"]


def test_the_sixth_answer_and_a_late_one_go_to_a_person_before_any_request(desk, wechat):
    call(desk.webhooks, wechat.request(text="钱没到账"))
    desk.work()
    for number in range(6):
        reply(desk, f"answer {number}", to=None)
        deliver_lane(desk, "wechat")
    assert (len(wechat.sent), desk.rows(OutboundRow, "state").count("needs_person")) == (5, 1)
    call(desk.webhooks, wechat.request(fields=wechat.message("hello", sender="another")))
    desk.work()
    long_ago = datetime.now(UTC) - timedelta(hours=48, minutes=1)
    desk.change(MessageRow, received_at=long_ago)
    reply(desk, "too late", to=None)
    deliver_lane(desk, "wechat")
    assert len(wechat.sent) == 5


def test_one_message_three_times_over_two_processes_is_one_message(desk, wechat):
    processes = [desk.webhooks, ProviderWebhooks(desk.settings, desk.database)]
    request = wechat.request(text="钱没到账")
    with ThreadPoolExecutor(3) as threads:
        answers = [*threads.map(lambda number: call(processes[number % 2], request), range(3))]
    processes[1].close()
    desk.work()
    assert {(answer.status, answer.text, answer.media_type) for answer in answers} == {(200, "success", "text/plain")}
    assert (len(desk.rows(InboundRow, "id")), desk.messages("text")) == (1, ["钱没到账"])


def test_what_is_not_signed_stores_nothing(desk, wechat):
    request = wechat.request(text="钱没到账")
    with pytest.raises(Unsigned):
        call(desk.webhooks, WebhookRequest(body=request.body, headers={}, query=request.query + "0"))
    assert desk.rows(InboundRow, "id") == []


def test_a_database_that_hangs_is_reported_in_time_and_its_message_still_comes_once(desk, wechat):
    request, seconds = wechat.request(text="钱没到账"), []
    with desk.database.write() as connection:
        if not desk.database.is_sqlite:
            connection.execute(sa.text("LOCK TABLE inbound IN ACCESS EXCLUSIVE MODE"))
        for _ in range(3):
            began = time.monotonic()
            with pytest.raises(TransientError, match="in time"):
                call_once(desk.webhooks, request)
            seconds.append(time.monotonic() - began)
    # WeChat waits five seconds; the fastest of three says what the desk does on a free machine.
    assert min(seconds) < 5
    assert call(desk.webhooks, request, at=datetime.now(UTC) + timedelta(minutes=5)).text == "success"
    assert (len(desk.rows(InboundRow, "id")), refused(desk.database)) == (1, [])


def refused(database: Database) -> list[tuple[str, str, int]]:
    with database.read() as connection:
        return [(each.channel, each.bound, each.refused) for each in read_refusals(connection)]


def test_messages_that_a_database_never_took_are_counted(desk, wechat, tmp_path, migrated_sqlite):
    folder = tmp_path / "away"
    away = Database(f"sqlite:///{folder / 'omniyard.db'}")
    webhooks, now = ProviderWebhooks(desk.settings, away), datetime.now(UTC)
    lost, late = wechat.request(text="lost"), wechat.request(text="late")
    for attempt in range(3):
        for request in (lost, late):
            with pytest.raises(TransientError):
                call_once(webhooks, request, at=now + timedelta(seconds=5 * attempt))
    # The database comes back: what comes again is stored, and the rest is shown as lost
    folder.mkdir()
    shutil.copy(migrated_sqlite, folder / "omniyard.db")
    assert call(webhooks, late, at=now + timedelta(seconds=15)).text == "success"
    assert refused(away) == []
    call(webhooks, wechat.request(text="next"), at=now + timedelta(minutes=2))
    assert refused(away) == [("wechat", "not_stored", 1)]
    webhooks.close()
    away.close()


# Replies in the response


def closed(desk: CustomDesk) -> ProviderWebhooks:
    """Close the office, whose route has a reply."""
    desk.close()
    desk.webhooks = ProviderWebhooks(desk.settings, desk.database)
    return desk.webhooks


def said(answer: WebhookResponse) -> str:
    """Return the reply in a response; empty if it has none."""
    if answer.text == "success":
        return ""
    fields = read_fields(answer.text.encode())
    key = callback_cipher.read_key(AES_KEY)
    plain = read_fields(callback_cipher.decrypt(fields["Encrypt"], key=key, receiver=APP).encode())
    assert plain["ToUserName"] == CUSTOMER
    return plain["Content"]


class Routing:
    """Routes in another thread, as the workers do, while a response waits."""

    def __init__(self, desk: CustomDesk) -> None:
        self._desk, self._stopped = desk, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(0.05):
            self._desk.work()


@pytest.mark.parametrize("passive", [True])
def test_a_reply_that_routing_has_committed_leaves_in_the_response_and_only_there(desk, wechat, passive):
    webhooks, request = closed(desk), wechat.request(text="hello")
    with Routing(desk):
        first = said(call(webhooks, request))
        # WeChat repeats what it did not hear: the same reply, from the same row, in any process
        again = said(call(ProviderWebhooks(desk.settings, desk.database), request))
    assert "We open" in first
    assert again == first
    ((state, kind, text),) = desk.rows(OutboundRow, "state", "kind", "text")
    assert (state, kind, text) == ("sent", "auto_reply", first)
    desk.make_due(OutboundRow)
    deliver_lane(desk, "wechat")
    assert wechat.sent == []
    assert desk.rows(EventRow, "kind").count("outbound.sent") == 1
    # It counts among none of the five
    for number in range(6):
        reply(desk, f"answer {number}", to=None)
        deliver_lane(desk, "wechat")
    assert len(wechat.sent) == 5


@pytest.mark.parametrize("passive", [True])
def test_a_reply_that_is_not_ready_in_time_leaves_as_a_message(desk, wechat, passive):
    webhooks = closed(desk)
    # No worker routes meanwhile
    assert call(webhooks, wechat.request(text="hello")).text == "success"
    desk.work()
    deliver_lane(desk, "wechat")
    assert wechat.sent == []
    desk.make_due(OutboundRow)
    deliver_lane(desk, "wechat")
    assert len(wechat.sent) == 1


@pytest.mark.parametrize("passive", [True, False])
def test_without_a_reply_of_the_desk_the_response_is_empty(desk, wechat, passive):
    with Routing(desk):
        assert call(desk.webhooks, wechat.request(text="hello")).text == "success"
    if not passive:
        webhooks = closed(desk)
        with Routing(desk):
            assert call(webhooks, wechat.request(text="another", fields=None)).text == "success"


# Files


def test_each_file_that_cannot_be_had_is_a_sentence_and_the_words_are_kept(desk, wechat):
    wechat.media |= {"M1": b"\xff\xd8\xff\xe0 a picture", "BIG": b"x" * 25 * 1024 * 1024}
    for media_id in ("M1", "GONE", "404", "BIG"):
        fields = wechat.message(sender=CUSTOMER) | {"MsgType": "voice", "MediaId": media_id, "Recognition": media_id}
        call(desk.webhooks, wechat.request(fields))
    wechat.script(Fault(answer=DemoAnswer(404), when=lambda asked: asked.params.get("media_id") == "404", times=100))
    desk.work()
    fetcher = FileFetcher(desk.database, desk.settings, seconds=60)
    fetcher.once()
    while "waiting" in desk.rows(FetchedFileRow, "state"):
        desk.make_due(FetchedFileRow, lease_until=None)
        fetcher.once()
    assert sorted(desk.rows(FetchedFileRow, "state", "error")) == [
        ("failed", "large"),
        ("failed", "refused"),
        ("failed", "refused"),
        ("fetched", ""),
    ]
    assert all("机器转写" in text for text in desk.messages("text"))
    assert len(desk.messages("id")) == 4
