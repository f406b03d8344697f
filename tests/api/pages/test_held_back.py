"""The brake on automatic replies and the refusals of listeners, where people and their monitoring see them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from router.reason import Reason, ReasonKey
from store.db.engine import Database, read_clock
from store.desk.held_back import note_refusals
from store.outbound.limits import trip
from store.tables.operations import AUTO_REPLY
from tests.app_client import AppClient
from tests.inbox_builder import Builder

WHY = Reason(ReasonKey.REPLIES_REST, {"at": "2026-11-29T10:00"}).line


@pytest.fixture
def held_back(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        for _ in range(3):
            build.outbound(build.conversation(), kind=AUTO_REPLY, state="cancelled", channel="mail", error=WHY)
        trip(connection, channel="mail", until=read_clock(connection) + timedelta(hours=1))
        note_refusals(connection, channel="mail", refused={"bytes": 5, "no_mailbox": 2})


@pytest.mark.usefixtures("held_back")
@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            "en",
            ("Automatic replies of mail rest until", "3 were held", "7 times", "too much waiting 5"),
        ),
        ("zh", ("mail 的自动回复已暂停", "拦下 3 条", "拒绝或推迟 7 次", "待处理邮件过多 5", "收件人不存在 2")),
    ],
)
def test_the_overview_says_what_is_held_back(
    client_of: Callable[[str], AppClient], language: str, sentences: tuple[str, ...]
) -> None:
    page = client_of("admin").get("/supervisor", headers={"Accept": "text/html", "Accept-Language": language}).text
    assert [sentence for sentence in sentences if sentence not in page] == []
    assert 'role="alert" id="brake-1"' in page


@pytest.mark.usefixtures("held_back")
def test_metrics_say_what_is_held_back(client_of: Callable[[str], AppClient]) -> None:
    metrics = client_of("admin").get("/metrics").text
    for line in (
        'omniyard_replies_held{channel="mail"} 3.0',
        'omniyard_replies_rest{channel="mail"} 1.0',
        'omniyard_smtp_refusals{channel="mail",limit="bytes"} 5.0',
    ):
        assert line in metrics
