"""Rows of the list: painted once, and again as soon as something changes that stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from api.pages.live.row_painter import RowPainter
from api.pages.render import build_environment
from api.text.phrases import Words
from api.text.times import Moments
from router.settings import Settings
from store.conversations.read import ConversationRecord, LastMessage
from tests.inbox_builder import NOON

KEY = UUID(int=7)
ROW = ConversationRecord(
    id=KEY,
    reference="K7QF2MXD4",
    contact_id=KEY,
    contact_name="Li Wei",
    channel="support-mail",
    subject="Payment failed",
    status="open",
    category="refund",
    emergency=False,
    team="payments",
    assignee=None,
    priority="normal",
    labels=(),
    language="en",
    route="everything",
    sla=None,
    opened_at=NOON,
    last_message_at=NOON,
    first_reply_due_at=None,
    next_reply_due_at=None,
    resolve_due_at=None,
    version=1,
    linked_to=None,
    due_at=NOON + timedelta(hours=1),
)
SAID = LastMessage(messages=1, direction="incoming", text="The money was taken.")
NOW = Moments(now=NOON, zone=ZoneInfo("Asia/Shanghai"), words=Words("en"))


@pytest.mark.parametrize(
    ("category", "labels", "language", "shown"),
    [
        (None, ("wants-person",), "en", "wants a person"),
        (None, ("vip", "no-question-yet"), "zh", "尚未说明问题"),
        (None, ("nothing-to-do",), "zh", "无需处理"),
        (None, ("vip",), "en", "no category"),
        ("refund", ("wants-person",), "en", "Refund"),
    ],
)
def test_a_case_without_a_category_shows_what_the_desk_took_it_for(
    settings: Settings, category: str | None, labels: tuple[str, ...], language: Any, shown: str
) -> None:
    row = replace(ROW, category=category, labels=labels)
    html = RowPainter(settings, build_environment())((row, [], SAID), moments=replace(NOW, words=Words(language)))
    assert f">{shown}</span>" in html


@pytest.mark.parametrize(("language", "shown"), [("en", "not for us"), ("zh", "不属于业务范围")])
def test_what_an_agent_took_for_none_of_ours_is_called_so(settings: Settings, language: Any, shown: str) -> None:
    row = replace(ROW, category=None, labels=("no-question-yet",), none_of_ours=True)
    html = RowPainter(settings, build_environment())((row, [], SAID), moments=replace(NOW, words=Words(language)))
    assert f'<span class="chip category unknown">{shown}</span>' in html


@pytest.mark.parametrize(
    ("subject", "said", "shown"),
    [
        ("Refund", "Where is my refund?", "Where is my refund?"),
        ("Refund", "Refund for the second order, please", "Refund for the second order, please"),
        # A text without a subject is its own, whole or cut.
        ("where is my refund", "where is my refund", "Failed transaction"),
        ("where is my refund of last…", "where is my refund of last Thursday, 20 yuan", "Failed transaction"),
    ],
)
def test_a_row_does_not_say_the_same_text_twice(settings: Settings, subject: str, said: str, shown: str) -> None:
    row, last = replace(ROW, subject=subject, category="failed_transaction"), replace(SAID, text=said)
    html = RowPainter(settings, build_environment())((row, [], last), moments=NOW)
    assert f'<span class="glimpse cut">{shown}</span>' in html


@pytest.mark.parametrize(
    "change",
    [
        {"row": replace(ROW, subject="Refund")},
        {"row": replace(ROW, emergency=True)},
        {"handles": ["other@example.com"], "row": replace(ROW, contact_name="")},
        {"glimpse": replace(SAID, text="It came back.")},
        {"glimpse": None},
        {"unread": True},
        {"drafted": True},
        {"moments": replace(NOW, words=Words("zh"))},
        {"moments": replace(NOW, now=NOON + timedelta(minutes=2))},
        {"moments": replace(NOW, now=NOON + timedelta(hours=2))},
        {"moments": replace(NOW, now=NOON + timedelta(days=1))},
    ],
)
def test_a_row_is_painted_again_when_something_changes_that_stands_in_it(
    settings: Settings, change: Mapping[str, Any]
) -> None:
    def paint(painter: RowPainter, seen: Mapping[str, Any]) -> str:
        listed = (seen["row"], seen["handles"], seen["glimpse"])
        return painter(listed, moments=seen["moments"], unread=seen["unread"], drafted=seen["drafted"])

    usual = {"row": ROW, "handles": [], "glimpse": SAID, "unread": False, "drafted": False, "moments": NOW}
    warm, new = (RowPainter(settings, build_environment()) for _ in range(2))
    first = paint(warm, usual)
    assert paint(warm, usual) is first
    assert paint(warm, {**usual, **change}) == paint(new, {**usual, **change}) != first
