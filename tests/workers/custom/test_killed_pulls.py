"""Processes that are killed between a page and its commit, fifty times: nothing is lost and nothing comes twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.tables.messages import InboundRow
from store.tables.operations import CursorRow
from tests.custom_desk import CustomDesk, message
from tests.fakes.custom_app import App
from tests.fakes.wecom import ACCOUNT, FakeWecom
from tests.killed_pulls import pull_and_kill
from tests.workers.custom.wecom_channel import CHANNEL, SECRETS

MANY = 120
# The steps are the same on both databases; a transaction that dies is tried often on one of them.
KILLS = {"sqlite": 50, "postgresql": 12}


@pytest.fixture
def app() -> Iterator[App]:
    server = App()
    yield server
    server.stop()


@pytest.fixture
def wecom() -> Iterator[FakeWecom]:
    fake = FakeWecom()
    yield fake
    fake.stop()


def pull(desk: CustomDesk, *, channel: str, kills: int, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULLED_DATABASE", database_url)
    pull_and_kill(desk.text, desk.folder, channel=channel, times=kills)


def test_of_custom_kills_at_every_step_of_a_list_lose_and_double_nothing(
    database, database_url, tmp_path, monkeypatch, app
):
    pulled = f'[channels.app.pull]\nurl = "{app.base}/list"\nallow_private = true'
    desk = CustomDesk(database, tmp_path, monkeypatch, more=pulled)
    app.items = [message(f"m-{number}", f"message {number}") for number in range(MANY)]
    pull(
        desk,
        channel="app",
        kills=KILLS[database_url.partition(":")[0].partition("+")[0]],
        database_url=database_url,
        monkeypatch=monkeypatch,
    )
    wanted = sorted(f"m:m-{number}" for number in range(MANY))
    assert sorted(desk.rows(InboundRow, "source_key")) == wanted

    # Their cursor has ended (410): the list is read again from its beginning, and known items come once.
    app.oldest, before = MANY - 10, len(app.asked)
    desk.change(CursorRow, position="1")
    app.items += [message(f"m-{number}", f"message {number}") for number in range(MANY, MANY + 5)]
    pull(desk, channel="app", kills=0, database_url=database_url, monkeypatch=monkeypatch)
    assert len(desk.rows(InboundRow, "id")) == MANY + 5
    assert len(app.asked) - before <= 8


def test_of_wecom_kills_between_pull_and_commit_lose_and_double_nothing(
    database, database_url, tmp_path, monkeypatch, wecom
):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    desk = CustomDesk(database, tmp_path, monkeypatch, more=CHANNEL.replace("BASE", wecom.base))
    wecom.page = 5
    wanted = sorted(f"{ACCOUNT}:{wecom.receive(f'message {number}')}" for number in range(MANY))
    pull(
        desk,
        channel="wecom",
        kills=KILLS[database_url.partition(":")[0].partition("+")[0]],
        database_url=database_url,
        monkeypatch=monkeypatch,
    )
    assert sorted(desk.rows(InboundRow, "source_key")) == wanted
    desk.work()
    assert len(desk.messages("id")) == MANY
