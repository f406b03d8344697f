"""A WeCom account on a desk: a callback wakes the poll, files come later, recalls hide, failures reopen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from connectors.channel_loops import PollLane
from connectors.lease_renewal import Renewal
from connectors.registry import open_polled
from connectors.watchdog import Watchdog
from store.inbound.wakes import leave_wakes
from store.tables.gates import FetchedFileRow
from store.tables.messages import ConversationRow
from store.tables.operations import OutboundRow
from tests.custom_desk import CustomDesk
from tests.fakes.wecom import ACCOUNT, CORP, SECRET, FakeWecom
from tests.workers.custom.test_custom_sending import deliver_lane, reply
from workers.broker.doorbell import Bell
from workers.chores.fetch_files import FileFetcher
from workers.intake.intake import Intake

CHANNEL = f"""
[channels.wecom]
kind = "wecom"
corp = "{CORP}"
secret = "env:WECOM_SECRET"
account = "{ACCOUNT}"
callback_token = "env:WECOM_SECRET"
aes_key = "env:WECOM_SECRET"
poll = "10m"
api_base = "BASE"
"""


@pytest.fixture
def wecom() -> Iterator[FakeWecom]:
    fake = FakeWecom()
    yield fake
    fake.stop()
    assert fake.violations == []


@pytest.fixture
def desk(database, tmp_path, monkeypatch, wecom) -> CustomDesk:
    monkeypatch.setenv("WECOM_SECRET", SECRET)
    return CustomDesk(database, tmp_path, monkeypatch, more=CHANNEL.replace("BASE", wecom.base))


def pull(desk: CustomDesk) -> None:
    (polled,) = open_polled(desk.settings)
    page = polled.connector.fetch(None)
    intake = Intake(desk.database, bell=Bell(lambda: None))
    intake.keep(page)
    intake.close()
    desk.work()


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


def test_check_18_a_file_comes_later_and_an_expired_one_is_a_sentence(desk, wecom):
    wecom.media["M1"] = b"\xff\xd8\xff\xe0 a picture"
    wecom.receive(msgtype="image", image={"media_id": "M1"})
    wecom.receive(msgtype="file", file={"media_id": "M2"})
    pull(desk)
    FileFetcher(desk.database, desk.settings).once()
    found = sorted(desk.rows(FetchedFileRow, "state", "error"))
    assert found == [("failed", "refused"), ("fetched", "")]


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


def test_check_6_what_is_pulled_twice_is_stored_once(desk, wecom):
    for number in range(5):
        wecom.receive(f"message {number}", at=datetime.now(UTC).timestamp() - 60 + number)
    pull(desk)
    pull(desk)
    assert desk.messages("text") == [f"message {number}" for number in range(5)]
